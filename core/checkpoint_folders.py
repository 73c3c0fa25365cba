"""The folders of a root: where a checkpoint is read while it is being replaced, and what killed processes left."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
OLD = ".tmp-old-"
FRESH = re.compile(r"\.tmp-(?P<pid>[0-9]+)-(?P<name>.+)")


def checkpoint_root() -> Path:
    """The folder named by PRIORSCOPE_CHECKPOINTS, else ``checkpoints`` of this project."""
    named = os.environ.get("PRIORSCOPE_CHECKPOINTS")
    return Path(named) if named else Path(__file__).resolve().parent.parent / "checkpoints"


def place_of(path: Path) -> Path:
    """The folder to read: while a replacement is between its two renames, the one that is being replaced."""
    old = path.parent / f"{OLD}{path.name}"
    return old if old.is_dir() and not path.exists() else path


def recover(root: Path | None = None) -> None:
    """Clear up after processes that were killed while they wrote: called where writing is meant, never by a reader.

    A checkpoint whose replacement was killed between its two renames gets its name back; folders that were being
    written, or being deleted, go. What a living process is writing is left alone, and so is what cannot be changed.
    """
    clear(root or checkpoint_root())


def clear(root: Path, only: str | None = None) -> None:
    """``recover``, for one name or for all."""
    folders = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    fresh = [(path, found) for path in folders if (found := FRESH.fullmatch(path.name))]
    alive = {found["name"] for _, found in fresh if _is_alive(int(found["pid"]))}
    for path, found in fresh:
        if only in (None, found["name"]) and not _is_alive(int(found["pid"])):
            shutil.rmtree(path, ignore_errors=True)
    for old in folders:
        name = old.name.removeprefix(OLD)
        if name == old.name or name in alive or only not in (None, name):
            continue
        try:
            if (root / name).exists():
                shutil.rmtree(old)
            else:
                old.rename(root / name)
        except OSError:  # a read-only root, or another process was faster: it is read where it is
            continue


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # OverflowError: no process has such a number
        return False
    except PermissionError:
        return True
    return True
