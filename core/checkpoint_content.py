"""Whether the files of a checkpoint are files of a possible size, and the binary ones those that were saved.

A flipped bit in a weight is a valid number, so config.json holds hashes. And nothing is opened before it is known to be
a file: whoever opens a pipe waits for ever, and a link to a device never ends.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from core.config import RunConfig
from core.errors import CheckpointError
from core.jsonfile import MAX_BYTES
from core.plain_text import shown
from core.tensor_file import LARGEST

FILES = ("model.safetensors", "latents.safetensors", "snapshots.safetensors", "images.safetensors")
"""Files that config.json may name with their hash."""


def sha256(file: Path) -> str:
    """Hash of a file's content, 64 hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def require_files(path: Path) -> None:
    """Whatever is there under the name of a file of a checkpoint is a file, of a possible size.

    Raises:
        CheckpointError: naming the one that is not.
    """
    for name in (*FILES, "config.json", "metrics.json"):
        try:
            told = (path / name).stat()
        except OSError as error:
            if os.path.lexists(path / name):  # a link to itself or to nothing, or a folder that may not be looked into
                raise CheckpointError(f"{name} cannot be read: {error.__class__.__name__}") from error
            continue
        limit = LARGEST if name in FILES else MAX_BYTES
        if not stat.S_ISREG(told.st_mode):
            raise CheckpointError(f"{name} is no file but a folder, a pipe or a device")
        if told.st_size > limit:
            raise CheckpointError(f"{name} is larger than {limit:,} bytes")


def require_same_content(path: Path, config: RunConfig) -> None:
    """Every file that config.json names is there with the hash that stands there.

    Raises:
        CheckpointError: naming the file that is not.
    """
    for name, expected in config.files.items():
        if name not in FILES:
            raise CheckpointError(f"config.json: files: {shown(name)} is not a file of a checkpoint")
        try:
            found = sha256(path / name)
        except FileNotFoundError as error:
            raise CheckpointError(f"{name} is missing") from error
        except OSError as error:
            raise CheckpointError(f"{name} cannot be read: {error.__class__.__name__}") from error
        if found != expected:
            raise CheckpointError(f"{name} is damaged: its content is not what was saved")
