"""The folders of a root: where a checkpoint is read while it is being replaced, and what killed processes left."""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path

from core.replacing import FRESH, delete_orphans, is_left

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
OLD = ".tmp-old-"
Signature = tuple[tuple[str, int, int, int, int], ...]
"""What tells that a folder was written again."""
STATES = ".training"
"""Folder within the root: states of trainings that are not finished."""


def checkpoint_root() -> Path:
    """The folder named by PRIORSCOPE_CHECKPOINTS, else ``checkpoints`` of this project."""
    named = os.environ.get("PRIORSCOPE_CHECKPOINTS")
    return Path(named) if named else Path(__file__).resolve().parent.parent / "checkpoints"


def place_of(path: Path) -> Path:
    """The folder to read: while a replacement is between its two renames, the one that is being replaced."""
    old = path.parent / f"{OLD}{path.name}"
    return old if old.is_dir() and not path.exists() else path


def checkpoint_names(root: Path) -> list[str]:
    """Names of the checkpoints of a root, in order; none where it is no folder."""
    found = names_in(root) if root.is_dir() else set()
    return sorted(name for name in found if not name.startswith((".", "_")))


def names_in(root: Path) -> set[str]:
    """Names of the folders of a root, one that is being replaced under its own.

    A folder that is renamed while the system reads the list may be met under neither name, so the list is read twice.
    """
    first, second = ({entry.name.removeprefix(OLD) for entry in _entries(root) if entry.is_dir()} for _ in range(2))
    return second | {name for name in first - second if place_of(root / name).is_dir()}


def signature(folder: Path) -> Signature:
    """Name, number, size and times of every file: changes whenever the content is written again.

    The time of the last change of the file's entry is among them, which nobody can set, and the number, which a file
    gets when it is made: a copy of the same size that kept its time is seen, and so is one made after the clock was set
    back.
    """
    found = sorted((entry.name, _stat(entry)) for entry in _entries(folder))
    return tuple(
        (name, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
        for name, told in found
        if stat.S_ISREG(told.st_mode) or stat.S_ISLNK(told.st_mode)
    )


def _stat(entry: os.DirEntry[str]) -> os.stat_result:
    """Of what a link leads to, or of the link itself where it leads nowhere or in a circle."""
    try:
        return entry.stat()
    except OSError:
        return entry.stat(follow_symlinks=False)


def signatures(root: Path) -> list[tuple[str, Signature | None]]:
    """Name and signature of every checkpoint of a root; None for one that went, or was replaced, meanwhile."""
    found: list[tuple[str, Signature | None]] = []
    for name in checkpoint_names(root):
        try:
            found.append((name, signature(place_of(root / name))))
        except OSError:
            found.append((name, None))
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder. All of them are looked at in every run of a page: paths would take twice as long."""
    with os.scandir(folder) as found:
        return list(found)


def recover(root: Path | None = None) -> None:
    """Clear up after processes that were killed while they wrote: called by commands, never by a page that reads.

    A checkpoint whose replacement was killed between its two renames gets its name back; folders that were being
    written, or being deleted, go. What a living process, or another machine, is writing is left alone, and so is what
    cannot be changed.
    """
    clear(root or checkpoint_root())


def clear(root: Path, only: str | None = None) -> None:
    """``recover``, for one name or for all."""
    folders = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    fresh = [(path, found) for path in folders if (found := FRESH.fullmatch(path.name))]
    alive = {found["name"] for _, found in fresh if not is_left(found)}
    for path, found in fresh:
        if only == found["name"] and is_left(found):
            shutil.rmtree(path, ignore_errors=True)
    for path in () if only else [root, root / STATES, *folders]:
        delete_orphans(path)
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
