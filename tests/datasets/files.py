"""Small stand-ins for files that data sets are read from, laid out as their sources lay them out."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def write_idx(path: Path, data: np.ndarray) -> None:
    """Write unsigned bytes in the idx format of MNIST."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack(f">4B{data.ndim}I", 0, 0, 8, data.ndim, *data.shape) + data.tobytes())


def write_mnist(raw: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """Write the four files of MNIST; image i is filled with the byte i, label i is i modulo 10."""
    for file, shape in shapes.items():
        rows = np.arange(shape[0]) % (256 if len(shape) == 3 else 10)
        write_idx(raw / file, np.broadcast_to(rows.reshape(-1, *[1] * (len(shape) - 1)), shape).astype(np.uint8))


def write_omniglot(folder: Path, alphabets: list[str], characters: int, drawings: int) -> None:
    """Write drawings of 105x105, black on white; the stroke fills the left third of the page."""
    page = np.full((105, 105), 255, dtype=np.uint8)
    page[:, :35] = 0
    for alphabet in alphabets:
        for character in range(1, characters + 1):
            place = folder / alphabet / f"character{character:02d}"
            place.mkdir(parents=True)
            for drawing in range(drawings):
                Image.fromarray(page).convert("1").save(place / f"{character:04d}_{drawing:02d}.png")


def npy_header(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    """The header of an .npy file, version 1.0, that declares ``shape``."""
    text = repr({"descr": descr, "fortran_order": False, "shape": shape}).ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin1")


def write_member(path: Path, name: str, content: bytes) -> None:
    """Write an .npz file with one member of raw bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.npy", content)
