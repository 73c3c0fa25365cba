"""What takes long to make is made once a run, by whichever of its processes comes first."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that ``make(folder)`` fills, one a process: tests may change theirs.

    Args:
        factory: of the run's temporary folders.
        name: of the folder, one for each kind of content.
        make: fills an empty folder; is called in one process of the run, the others copy.
    """
    own = factory.mktemp(name)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        make(own)
        return own
    shared = factory.getbasetemp().parent / name  # the processes' own folders stand beside each other
    with FileLock(f"{shared}.lock"):
        if not shared.exists():
            part = shared.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)  # left by a process in which it failed
            part.mkdir()
            make(part)
            part.rename(shared)
    shutil.copytree(shared, own, dirs_exist_ok=True)
    return own
