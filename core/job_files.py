"""What the files of a job say.

    ROOT/.locks/ID       held by the job's process as long as it lives; whether it is held is whether the job is alive
    ROOT/.locks/slot     held by the one job that calculates; submit, probe: held for moments by those who ask
    ROOT/ID/job.json     the arguments and the place in the queue (core.job_worker writes this folder)
            running.json, progress.json, end.json       how long it has calculated, how far it is, how it ended
            result, stdout, stderr
            cancel       somebody wants it to end

Anything may stand in the files: an unreadable one becomes a state with a reason.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from core.errors import CheckpointError
from core.jsonfile import read_object

State = Literal["absent", "queued", "running", "done", "failed", "cancelled"]

RESULT = "{result}"
"""The argument that stands for the file a job writes. Without it the result is what the job printed."""

WAIT_S = 30.0
"""How long a lock that is only ever held for moments is waited for, in seconds."""

LOST = "the process ended without a word: it was killed, or the computer stopped or ran out of memory"

_ID = re.compile(r"[0-9a-f]{16}")
_VERSION = "1"  # another one makes every stored job absent
_MAX_TEXT = 500
_MAX_COUNT = 2**53


@dataclass(frozen=True)
class JobStatus:
    """What is known of a job.

    Attributes:
        id: its name.
        arguments: of ``python -m core``; () where they cannot be read.
        state: "absent", "queued", "running", "done", "failed" or "cancelled".
        done, total: finished units and all of them; total is 0 where that is not known.
        message: what happens now; "" where nothing is known of that.
        error: why it failed; "" where it did not.
        seconds: it has calculated, the time in the queue left out.
    """

    id: str
    arguments: tuple[str, ...] = ()
    state: State = "absent"
    done: int = 0
    total: int = 0
    message: str = ""
    error: str = ""
    seconds: float = 0.0

    @property
    def alive(self) -> bool:
        """Whether it is queued or running, so that its state will change by itself."""
        return self.state in ("queued", "running")


def job_id(arguments: Sequence[str]) -> str:
    """The name of the job with these arguments: 16 hexadecimal digits.

    Raises:
        ValueError: arguments that are no command line.

    Example:
        >>> job_id(["list"]) == job_id(["list"]) != job_id(["list", "--json"])
        True
    """
    words = [] if isinstance(arguments, str) else list(arguments)
    good = all(isinstance(word, str) and "\0" not in word for word in words) and 1 <= len(words) <= 100
    if not good or sum(map(len, words)) > 10_000:
        raise ValueError(
            f"arguments is {str(arguments)[:80]!r}, expected 1 to 100 words without NUL, 10,000 characters in all, "
            'such as ["list", "--json"]'
        )
    return hashlib.sha256(json.dumps([_VERSION, *words]).encode()).hexdigest()[:16]


def is_id(name: str) -> bool:
    """Whether it can be the name of a job; nothing else is ever joined to a path."""
    return _ID.fullmatch(name) is not None


def read_status(root: Path, name: str) -> JobStatus:
    """What is known of a job of this root.

    Raises:
        OSError: where the folder or its locks cannot be looked at.
    """
    folder = root / name
    if not is_id(name) or not (folder / "job.json").exists():
        return JobStatus(name)
    alive = is_alive(root, name)  # before the files are read: all that a process wrote before it ended is then there
    arguments, problem = _arguments(folder)
    done, total, message = _progress(folder)
    told = JobStatus(name, arguments, "running", done, total, message, seconds=_seconds(folder))
    if (folder / "end.json").exists():
        state, error = _end(folder)
        if state == "done" and (problem or not result_file(folder, arguments).is_file()):
            state, error = "failed", problem or "its result is missing"
        return replace(told, state=state, error=error, message="")
    if not alive:
        return replace(told, state="failed", error=problem or LOST, message="")
    if (folder / "running.json").exists():
        return told
    others = sum(is_alive(root, before) for before in ahead(root, name))
    message = f"waiting for {others} other{'' if others == 1 else 's'}" if others else "starting"
    return replace(told, state="queued", message=message)


def is_alive(root: Path, name: str) -> bool:
    """Whether the process of a job lives: whether its lock is held.

    Asking means trying to take the lock, so two who asked at once would each take the other for the job: they take
    turns.

    Raises:
        OSError: where the locks cannot be opened.
    """
    lock = root / ".locks" / name
    if not lock.exists():
        return False
    with FileLock(lock.with_name("probe"), timeout=WAIT_S, poll_interval=0.002):
        try:
            with FileLock(lock, timeout=0):
                return False
        except Timeout:
            return True


def folders(root: Path) -> list[Path]:
    """The folder of every job, in no order."""
    return [path for path in root.iterdir() if is_id(path.name) and path.is_dir()] if root.is_dir() else []


def order(folder: Path) -> tuple[int, str]:
    """Place of a job in the queue, ascending; one whose number cannot be read comes first."""
    return _count(_read(folder / "job.json")[0].get("number")), folder.name


def ahead(root: Path, name: str) -> list[str]:
    """Jobs that came before this one and wrote no end, in their order. Some may not live any more."""
    own = order(root / name)
    open_ones = [order(folder) for folder in folders(root) if not (folder / "end.json").exists()]
    return [other for place, other in sorted(open_ones) if (place, other) < own]


def result_file(folder: Path, arguments: Sequence[str]) -> Path:
    """Where the result of a finished job lies."""
    return folder / ("result" if RESULT in arguments else "stdout")


def _read(file: Path) -> tuple[dict[str, Any], str]:
    """The object in a file, {} where there is none; and what is wrong with it, "" where nothing is."""
    try:
        return (read_object(file), "") if file.exists() else ({}, "")
    except CheckpointError as error:
        return {}, str(error)[:_MAX_TEXT]


def _arguments(folder: Path) -> tuple[tuple[str, ...], str]:
    content, problem = _read(folder / "job.json")
    try:
        words = content.get("arguments", ())
        if isinstance(words, list) and job_id(words) == folder.name:
            return tuple(words), ""
    except ValueError as error:
        return (), f"job.json: {error}"
    return (), problem or "job.json does not hold the arguments of this job"


def _progress(folder: Path) -> tuple[int, int, str]:
    """done, total and message; where they cannot be used 0, 0 and why."""
    content, problem = _read(folder / "progress.json")
    if not content:
        return 0, 0, problem
    done, total, message = _count(content.get("done")), _count(content.get("total")), content.get("message", "")
    if not isinstance(message, str) or (total and done > total):
        return 0, 0, "progress.json does not hold done, total and message"
    return done, total, message[:_MAX_TEXT]


def _seconds(folder: Path) -> float:
    value = _read(folder / "running.json")[0].get("seconds")
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MAX_COUNT:
        return float(value)
    return 0.0


def _end(folder: Path) -> tuple[State, str]:
    content, problem = _read(folder / "end.json")
    state, error = content.get("state"), content.get("error", "")
    if state in ("done", "failed", "cancelled") and isinstance(error, str):
        return state, error[:_MAX_TEXT]
    return "failed", problem or "end.json does not say how the job ended"


def _count(value: Any) -> int:
    """A number of things; 0 where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_COUNT else 0
