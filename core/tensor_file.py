"""Writing safetensors files, and reading those that somebody may have damaged, or may be writing to.

They are read whole into memory, not mapped as safetensors' own ``load_file`` does: when a mapped file is shortened, as
``cp other model.safetensors`` does, the next look at one of its tensors ends the whole process with a bus error, all
sessions with it. And what was checked is what is used: nobody can replace the file between the two.

They are written as bytes: safetensors' own ``save_file`` (0.8) writes beside the file first, under a name that tells
of no process, and what a killed one leaves stays for ever.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
from safetensors import numpy as in_numpy
from safetensors import torch as in_torch
from torch import Tensor

from core.errors import UNREADABLE, CheckpointError

LARGEST = 2 * 1024**3
"""Bytes of a file: far beyond any model that this program trains. A sparse file of terabytes costs nothing to make."""


def write_tensors(tensors: dict[str, Tensor], file: Path, metadata: dict[str, str] | None = None) -> None:
    """Write tensors by name, and texts in the header.

    Raises:
        OSError: it cannot be written.
        ValueError: for tensors that are not contiguous.
    """
    _write(in_torch.save(tensors, metadata), file)


def write_arrays(arrays: dict[str, np.ndarray], file: Path, metadata: dict[str, str] | None = None) -> None:
    """The same of contiguous numpy arrays."""
    _write(in_numpy.save(arrays, metadata), file)


def _write(content: bytes, file: Path) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:  # which of many files it was, the system does not say
        raise OSError(error.errno, f"{file.parent} cannot be written: {error.strerror}") from error


def read_tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a file by name in alphabetical order, and the texts in its header.

    Raises:
        CheckpointError: with the reason.
    """
    try:
        content = _content(file)
        return dict(sorted(in_torch.load(content).items())), _metadata(content)
    except CheckpointError:
        raise
    except UNREADABLE as error:
        raise CheckpointError(f"{file.name} cannot be used: {error}") from error


def read_arrays(file: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The same as numpy arrays, which know fewer types of number.

    Raises:
        CheckpointError: with the reason.
    """
    try:
        content = _content(file)
        return dict(sorted(in_numpy.load(content).items())), _metadata(content)
    except CheckpointError:
        raise
    except UNREADABLE as error:
        raise CheckpointError(f"{file.name} cannot be used: {error}") from error


def _content(file: Path) -> bytes:
    """The bytes of a file whose header declares as many as there are."""
    with file.open("rb") as handle:
        told = file.stat()
        if not stat.S_ISREG(told.st_mode) or told.st_size > LARGEST:
            raise CheckpointError(f"{file.name} is no file, or larger than {LARGEST:,} bytes")
        start = handle.read(8)
        size = int.from_bytes(start, "little")
        if len(start) < 8 or size > told.st_size - 8:
            raise CheckpointError(f"{file.name} cannot be used: it is cut short, or no safetensors file")
        head = handle.read(size)
        ends = [entry["data_offsets"][1] for name, entry in json.loads(head).items() if name != "__metadata__"]
        if 8 + size + max(ends, default=0) != told.st_size:
            raise CheckpointError(f"{file.name} cannot be used: its header declares another length than it has")
        return start + head + handle.read(told.st_size)


def _metadata(content: bytes) -> dict[str, str]:
    """The texts in the header of what safetensors has read."""
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]).get("__metadata__") or {}
