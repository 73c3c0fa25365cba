"""Files and folders written whole beside their place and renamed into it: if that fails, the old one stays.

What is being written is called ``.tmp-PID-...``. Where writing fails it is deleted, so that a full disk is not kept
full by what was too much for it. What a killed process leaves is deleted by ``delete_orphans`` once it is gone.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

FRESH = re.compile(r"\.tmp-(?P<pid>[0-9]+)-(?P<name>.+)")


@contextmanager
def replacing(file: Path, *, durable: bool = False) -> Iterator[Path]:
    """A path to write to; when the body has ended well, what is there takes the place of ``file`` in one step.

    Args:
        file: to be written, or replaced.
        durable: whether the content has to be on the disk before the name is, for what must survive a power cut.

    Raises:
        OSError: it cannot be written; the old file is as it was, and nothing else is left.
    """
    fresh = file.with_name(f".tmp-{os.getpid()}-{threading.get_ident()}-{file.name}")
    with deleted_on_failure(fresh):
        yield fresh
        if durable:
            sync(fresh)
        _rename(fresh, file)


@contextmanager
def deleted_on_failure(fresh: Path) -> Iterator[None]:
    """Delete a file or folder that is not finished, whatever the reason; safetensors' own error becomes an OSError."""
    try:
        yield
    except SafetensorError as error:  # it wraps what the system said
        _delete(fresh)
        raise OSError(f"{fresh.parent} cannot be written: {error}") from error
    except BaseException:
        _delete(fresh)
        raise


def sync(file: Path) -> None:
    """Wait until a file's content is on the disk."""
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def delete_orphans(folder: Path) -> None:
    """Delete unfinished files and folders that processes left which do not live any more."""
    for path in folder.iterdir() if folder.is_dir() else ():
        found = FRESH.fullmatch(path.name)
        if found and not is_alive(int(found["pid"])):
            _delete(path)


def is_alive(pid: int) -> bool:
    """Whether a process of this number lives."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # OverflowError: no process has such a number
        return False
    except PermissionError:
        return True
    return True


def _rename(fresh: Path, file: Path) -> None:
    try:
        fresh.replace(file)
    except PermissionError:  # Windows, while somebody reads the old content
        if os.name != "nt":
            raise
        time.sleep(0.05)
        fresh.replace(file)


def _delete(fresh: Path) -> None:
    """Whatever it is; what cannot be deleted stays, since why the writing failed says more."""
    if fresh.is_dir() and not fresh.is_symlink():
        shutil.rmtree(fresh, ignore_errors=True)
        return
    try:
        fresh.unlink(missing_ok=True)
    except OSError:
        return
