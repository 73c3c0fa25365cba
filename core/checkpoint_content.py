"""Whether the binary files of a checkpoint are those that were saved: a flipped bit in a weight is a valid number."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.config import RunConfig
from core.errors import CheckpointError

FILES = ("model.safetensors", "latents.safetensors", "snapshots.safetensors", "images.safetensors")
"""Files that config.json may name with their hash."""


def sha256(file: Path) -> str:
    """Hash of a file's content, 64 hexadecimal digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def require_same_content(path: Path, config: RunConfig) -> None:
    """Every file that config.json names is there with the hash that stands there.

    Raises:
        CheckpointError: naming the file that is not.
    """
    for name, expected in config.files.items():
        if name not in FILES:
            raise CheckpointError(f"config.json: files: {name!r} is not a file of a checkpoint")
        if not (path / name).is_file():
            raise CheckpointError(f"{name} is missing")
        if sha256(path / name) != expected:
            raise CheckpointError(f"{name} is damaged: its content is not what was saved")
