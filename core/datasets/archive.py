"""Reading .npz files that someone else made: no pickles, no surprises in size, no traceback of numpy or zipfile."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from io import BufferedReader
from math import prod
from pathlib import Path

import numpy as np

from core.datasets.base import DataError, is_file, is_folder

MAX_BYTES = 2 * 1024**3
"""Limit on what the arrays read from one file take in memory, as float32 or as they are, whichever is more."""


def read_arrays(path: Path, wanted: Iterable[str], *, limit: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """The arrays of an .npz file whose names are in ``wanted``; those that the file lacks are left out.

    What the headers declare is checked before anything is unpacked: a small file can declare terabytes.

    Args:
        path: the file.
        wanted: names of arrays; others in the file are never read.
        limit: bytes that they may take, counted as ``MAX_BYTES`` is.

    Returns:
        Name to array, in the order of ``wanted``.

    Raises:
        DataError: no such file, not an .npz file, damaged, Python objects inside, or larger than ``limit``.
    """
    if "\0" in str(path):
        raise DataError(f"{str(path)!r} is not a path: it contains a NUL character")
    if is_folder(path):
        raise DataError(f"{path} is a folder, expected an .npz file")
    if not is_file(path):  # also keeps pipes and devices out, which would block
        raise DataError(f"{path} does not exist, expected an .npz file")
    try:
        with path.open("rb") as file:
            present = _checked_names(path, file, wanted, limit)
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[f"{name}.npy"] for name in present}
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise a dozen kinds of error on damaged bytes
        raise DataError(
            f"{path} cannot be read as an .npz file ({type(error).__name__}: {error}). "
            "Write it again with numpy.savez_compressed."
        ) from error


def _checked_names(path: Path, file: BufferedReader, wanted: Iterable[str], limit: int) -> list[str]:
    """Names in both the file and ``wanted``, once each declares a plain array and all fit into the limit."""
    if not zipfile.is_zipfile(file):
        raise DataError(f"{path} is not an .npz file, or it is cut short. Write it with numpy.savez_compressed.")
    total, present = 0, []
    with zipfile.ZipFile(file) as archive:
        members = set(archive.namelist())
        for name in wanted:
            if f"{name}.npy" not in members:
                continue
            shape, dtype = _declared(path, name, archive)
            total += prod(shape) * max(dtype.itemsize, 4)
            present.append(name)
    if total > limit:
        raise DataError(
            f"{path} declares arrays of {total / 1024**3:,.1f} GiB (as float32), more than the limit of "
            f"{limit / 1024**3:g} GiB. Use fewer or smaller images."
        )
    return present


def _declared(path: Path, name: str, archive: zipfile.ZipFile) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype in the header of one array, without its data."""
    # Version 1.0 bounds the header at 64 KiB. numpy writes 2.0 and 3.0 only for structured arrays, and the length
    # they declare, up to 4 GiB, would be unpacked before numpy looks at it.
    with archive.open(f"{name}.npy") as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise DataError(f"{path}: the array {name} is structured, expected plain numbers")
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    if dtype.hasobject:
        raise DataError(
            f"{path}: the array {name} holds Python objects, which are refused because unpickling can run code. "
            'Convert it, as in numpy.asarray(images, dtype="uint8"), and save again.'
        )
    if any(size < 0 for size in shape):
        raise DataError(f"{path}: the array {name} declares the shape {shape}")
    return shape, dtype
