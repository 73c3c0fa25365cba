"""Long calculations as processes of their own: ``python -m core ARGUMENTS``, one at a time, started and watched here.

A job belongs to nobody. It goes on when the page, the browser or the server that asked for it is gone; every server
that shares the folder sees it; whether it lives is whether its lock is held, so no process number and no time of day
decides anything. The same arguments name the same job: they must say all that decides its result, for a checkpoint
also its digest. ``core.job_files`` describes the folder, ``core.job_worker`` is the process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from core.cache_folder import cache_folder
from core.job_files import (
    RESULT,
    WAIT_S,
    JobStatus,
    folders,
    is_id,
    job_id,
    order,
    read_status,
    result_file,
)

__all__ = [
    "RESULT",
    "JobStatus",
    "alive",
    "cancel",
    "forget",
    "job_id",
    "jobs_root",
    "known",
    "result",
    "status",
    "submit",
]

MAX_QUEUED = 20
"""Jobs that may wait for their turn."""

MAX_KEPT = 100
"""Jobs that have ended and are kept, the newest."""

CANCEL_S = 3.0
"""How long ``cancel`` waits for the job to end, in seconds."""

_OLD = ".old-"


def jobs_root() -> Path:
    """The environment's PRIORSCOPE_JOBS, else ``jobs`` in ``$XDG_CACHE_HOME/priorscope`` or ``~/.cache/priorscope``.

    Raises:
        ValueError: the path names an unknown home folder.
    """
    return cache_folder("jobs", "PRIORSCOPE_JOBS")


def submit(arguments: Sequence[str]) -> str:
    """Start ``python -m core ARGUMENTS`` in a process of its own, unless that job is queued, running or done already.

    Args:
        arguments: words of the command line; ``RESULT`` among them stands for the file that the job is to write.

    Returns:
        The job's id.

    Raises:
        ValueError: arguments that are no command line; too many jobs waiting; a folder that cannot be written; a
            process that does not start.
    """
    name, root = job_id(arguments), jobs_root()
    try:
        (root / ".locks").mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".locks" / "submit", timeout=WAIT_S):
            known = [read_status(root, folder.name) for folder in folders(root)]
            if any(job.id == name and (job.alive or job.state == "done") for job in known):
                return name
            if sum(job.state == "queued" for job in known) >= MAX_QUEUED:
                raise ValueError(f"{MAX_QUEUED} jobs are waiting already; cancel one, or wait until one has ended")
            _prune(root, [job for job in known if job.id != name])
            _start(root / name, 1 + max((order(root / job.id)[0] for job in known), default=0), arguments)
    except OSError as error:  # also the lock's Timeout
        raise ValueError(
            f"no job can be started in {root}: {error}. Set PRIORSCOPE_JOBS to a folder that can be written"
        ) from error
    return name


def status(name: str) -> JobStatus:
    """What is known of a job; whatever its files hold, the answer is a state with a reason."""
    try:
        return read_status(jobs_root(), name)
    except OSError as error:
        return JobStatus(name, state="failed", error=f"the jobs folder cannot be read: {error}")


def alive(command: str) -> list[JobStatus]:
    """The jobs of one subcommand that are queued or running, whoever started them, in the order of the queue.

    Raises:
        ValueError: the folder of the jobs cannot be read.
    """
    root = jobs_root()
    try:
        unfinished = [folder for folder in folders(root) if not (folder / "end.json").exists()]
        found = [read_status(root, folder.name) for folder in sorted(unfinished, key=order)]
    except OSError as error:
        raise ValueError(f"the jobs folder {root} cannot be read: {error}") from error
    return [job for job in found if job.alive and job.arguments[:1] == (command,)]


def known(command: str) -> list[JobStatus]:
    """All jobs of one subcommand that are kept, however they ended, the newest first.

    Raises:
        ValueError: the folder of the jobs cannot be read.
    """
    root = jobs_root()
    try:
        found = [read_status(root, folder.name) for folder in sorted(folders(root), key=order, reverse=True)]
    except OSError as error:
        raise ValueError(f"the jobs folder {root} cannot be read: {error}") from error
    return [job for job in found if job.arguments[:1] == (command,)]


def cancel(name: str) -> JobStatus:
    """Ask a queued or running job to end, and wait a moment for that. One that has ended stays as it is."""
    told = status(name)
    if told.alive:
        try:
            (jobs_root() / name / "cancel").touch()
        except OSError as error:
            raise ValueError(f"job {name} cannot be cancelled: {error}") from error
    deadline = time.monotonic() + CANCEL_S
    while told.alive and time.monotonic() < deadline:
        time.sleep(0.05)
        told = status(name)
    return told


def result(name: str) -> Path:
    """The file that a finished job wrote, complete; it does not change unless the job is forgotten.

    Raises:
        ValueError: it is not done; the message says what it is.
    """
    told = status(name)
    if told.state != "done":
        reason = f": {told.error}" if told.error else ""
        raise ValueError(f"job {name[:40]!r} has no result, it is {told.state}{reason}")
    return result_file(jobs_root() / name, told.arguments)


def forget(name: str) -> None:
    """Delete what is stored of a job that has ended, so that it is absent and may be started afresh.

    Raises:
        ValueError: it is queued or running, or cannot be deleted.
    """
    root = jobs_root()
    if not is_id(name) or not (root / name).exists():
        return
    try:
        with FileLock(root / ".locks" / "submit", timeout=WAIT_S):
            if read_status(root, name).alive:
                raise ValueError(f"job {name} is queued or running; cancel it first")
            _delete(root / name)
    except OSError as error:
        raise ValueError(f"job {name} cannot be deleted: {error}") from error


def _prune(root: Path, known: Sequence[JobStatus]) -> None:
    """Delete all but the newest jobs that have ended, and what an interrupted deletion left."""
    for left in root.glob(f"{_OLD}*"):
        shutil.rmtree(left, ignore_errors=True)
    ended = sorted((root / job.id for job in known if not job.alive), key=order)
    for folder in ended[: max(len(ended) - MAX_KEPT, 0)]:
        _delete(folder)


def _delete(folder: Path) -> None:
    """Absent in one step, then gone. Its lock file stays: another process may be waiting for it."""
    old = folder.with_name(f"{_OLD}{folder.name}")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    shutil.rmtree(old, ignore_errors=True)


def _start(folder: Path, number: int, arguments: Sequence[str]) -> None:
    """Start the process and wait until it holds its lock and has written job.json.

    Raises:
        ValueError: it ended before that.
        OSError: there is no such process.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "core.job_worker", str(folder), str(number), *arguments],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **_detached(),
    )
    # Without someone who waits for it, a process that has ended stays in the table of processes.
    threading.Thread(target=process.wait, daemon=True, name=f"job {folder.name}").start()
    assert process.stdout is not None
    said: list[str] = []
    with process.stdout as lines:
        for line in lines:
            said.append(line.decode(errors="replace").strip())
            if said[-1] == "ready":
                return
    raise ValueError(f"the job's process did not start: {' '.join(said[-1:])[:500] or 'it said nothing'}")


def _environment() -> dict[str, str]:
    """That of this process, with one thread for each library, and with this project in Python's path."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    project = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [project, os.environ.get("PYTHONPATH")]))
    return {**os.environ, **one, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}


def _detached() -> dict[str, Any]:
    """Arguments of Popen that let the process outlive this one and its terminal."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
