"""Pictures that came with imported latents, one for each stored code: to be looked at, never to be trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.errors import CheckpointError
from core.plain_text import shown
from core.tensor_file import read_arrays, write_arrays

FILE = "images.safetensors"


def write_images(images: np.ndarray, file: Path) -> None:
    """Store (n, pixels) intensities in [0, 1] in 256 levels."""
    write_arrays({"images": np.round(255 * images).astype(np.uint8)}, file)


def read_images(folder: Path, n: int, pixels: int) -> np.ndarray | None:
    """Intensities in [0, 1], (n, pixels) float32; None where there are none.

    Args:
        folder: of the checkpoint.
        n: codes that are stored.
        pixels: length of a flat image.

    Raises:
        CheckpointError: naming what is wrong with the file.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    arrays, _ = read_arrays(file)
    found = {name: value.shape for name, value in arrays.items()}
    if found != {"images": (n, pixels)}:
        raise CheckpointError(f"{FILE} must hold images ({n}, {pixels}) and nothing else; got {shown(str(found), 300)}")
    images = arrays["images"]
    if images.dtype != np.uint8:
        raise CheckpointError(f"{FILE}: images are {images.dtype}, expected uint8")
    return images.astype(np.float32) / 255
