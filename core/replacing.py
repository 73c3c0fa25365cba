"""Files and folders written whole beside their place and renamed into it: if that fails, the old one stays.

What is being written is called ``.tmp-PID-MACHINE-...``. Where writing fails it is deleted, so that a full disk is not
kept full by what was too much for it. What a killed process leaves is deleted by ``delete_orphans`` once it is gone, on
the machine where it was one: a folder may be shared, and the number of a process says nothing elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MACHINE = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
"""This machine in names of files: other ones that share a folder have other host names."""
FRESH = re.compile(r"\.tmp-(?P<pid>[0-9]+)-(?P<machine>[0-9a-f]{8})-(?P<name>.+)")


def fresh_name(name: str) -> str:
    """What a file or folder is called while this process writes it."""
    return f".tmp-{os.getpid()}-{MACHINE}-{name}"


@contextmanager
def replacing(file: Path, *, durable: bool = False) -> Iterator[Path]:
    """A path to write to; when the body has ended well, what is there takes the place of ``file`` in one step.

    Args:
        file: to be written, or replaced.
        durable: whether the content has to be on the disk before the name is, for what must survive a power cut.

    Raises:
        OSError: it cannot be written; the old file is as it was, and nothing else is left.
    """
    fresh = file.with_name(fresh_name(f"{threading.get_ident()}-{file.name}"))
    with deleted_on_failure(fresh):
        yield fresh
        if durable:
            sync(fresh)
        _rename(fresh, file)


@contextmanager
def deleted_on_failure(fresh: Path) -> Iterator[None]:
    """Delete a file or folder that is not finished, whatever the reason."""
    try:
        yield
    except BaseException:
        _delete(fresh)
        raise


def sync(file: Path) -> None:
    """Wait until a file's content is on the disk."""
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def delete_orphans(folder: Path) -> None:
    """Delete unfinished files and folders that processes of this machine left which do not live any more."""
    for path in folder.iterdir() if folder.is_dir() else ():
        found = FRESH.fullmatch(path.name)
        if found and is_left(found):
            _delete(path)


def is_left(found: re.Match[str]) -> bool:
    """Whether what has a name that ``FRESH`` knows was left by a process; what another machine writes is not."""
    return found["machine"] == MACHINE and not is_alive(int(found["pid"]))


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
