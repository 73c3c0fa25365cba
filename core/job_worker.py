"""The process of one job: ``python -m core.job_worker FOLDER NUMBER ARGUMENTS``, started by ``core.jobs`` only.

It takes the lock that says it lives, waits for its turn, and becomes ``python -m core ARGUMENTS``: one process, so that
whatever ends it ends all of the job. A thread looks for the wish to cancel it. It says "ready" on standard output once
others can see it, and from then on needs nobody.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from core.progress import VARIABLE, write_json

LOOK_S = 0.2
"""Time between two looks for a wish to cancel, and for one's turn, in seconds."""

NICENESS = 10
STALE = ("cancel", "progress.json", "running.json", "result", "result.part", "stdout", "stderr", "end.json")
"""What an earlier attempt may have left; how it ended goes last."""

_COMPLAINT = re.compile(r"(?:^|: )error: (\S.*)")


class Job:
    """The files of this job, written by one process.

    Args:
        folder: of the job.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ending = threading.Lock()
        self._started: float | None = None

    def prepare(self, number: int, arguments: Sequence[str]) -> None:
        """An empty folder but for job.json."""
        self.folder.mkdir(exist_ok=True)
        for name in STALE:
            (self.folder / name).unlink(missing_ok=True)
        write_json(self.folder / "job.json", {"number": number, "arguments": list(arguments)})

    def begin(self) -> None:
        """Its turn has come."""
        self._started = time.monotonic()
        self.beat()

    def beat(self) -> None:
        """Write how long it has calculated."""
        if self._started is not None:
            write_json(self.folder / "running.json", {"seconds": round(time.monotonic() - self._started, 1)})

    def end(self, state: str, error: str = "") -> None:
        """Write how it ended, once: whoever comes first, the calculation or the wish to cancel it."""
        with self._ending:
            if not (self.folder / "end.json").exists():
                self.beat()
                write_json(self.folder / "end.json", {"state": state, "error": error})


def main(words: Sequence[str]) -> int:
    """Run one job; the exit status is that of the subcommand."""
    folder, number, arguments = Path(words[0]), int(words[1]), words[2:]
    locks, job = folder.parent / ".locks", Job(folder)
    alive = FileLock(locks / folder.name)
    try:
        alive.acquire(timeout=10, poll_interval=0.01)
    except Timeout:
        print("ready")  # the same job of another server, which died before it could see that
        return 0
    job.prepare(number, arguments)
    _say_ready(folder)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_watch, args=(job,), daemon=True, name="watch").start()
    slot = _turn(folder)
    job.begin()
    code = _run(folder, arguments)
    error = _published(folder, arguments) if code == 0 else _reason(folder, code)
    job.end("failed" if error else "done", error)
    slot.release()
    return code


def _say_ready(folder: Path) -> None:
    """Turn standard output and error to files of the job, and tell the process that started this one."""
    starter = os.dup(1)
    for number, name in ((1, "stdout"), (2, "stderr")):
        with (folder / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more, which is no reason to stop
        os.write(starter, b"ready\n")
    os.close(starter)


def _watch(job: Job) -> None:
    """End this process when somebody wants that, or when its folder is gone; once a second write how long it ran."""
    last = time.monotonic()
    while True:
        time.sleep(LOOK_S)
        gone = not (job.folder / "job.json").exists()
        if gone or (job.folder / "cancel").exists():
            with contextlib.suppress(OSError):  # a full disk must not keep it alive
                if not gone:
                    job.end("cancelled")
            _vanish()
        if time.monotonic() - last >= 1:
            last = time.monotonic()
            try:
                job.beat()
            except OSError as problem:  # nor take away the possibility to cancel
                print(f"running.json: {problem}", file=sys.stderr)


def _vanish() -> None:
    """End this process and those it started. The group is its own: it was started as the leader of a session."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _turn(folder: Path) -> FileLock:
    """Wait until no job before this one lives, and take the place of the one that calculates."""
    from core.job_files import ahead, is_alive

    slot = FileLock(folder.parent / ".locks" / "slot", thread_local=False)
    while not slot.is_locked:
        if not any(is_alive(folder.parent, before) for before in ahead(folder.parent, folder.name)):
            with contextlib.suppress(Timeout):
                slot.acquire(timeout=0)
                continue
        time.sleep(LOOK_S)
    return slot


def _run(folder: Path, arguments: Sequence[str]) -> int:
    """``python -m core`` with these arguments; its exit status."""
    from core.job_files import RESULT

    os.environ[VARIABLE] = str(folder / "progress.json")
    try:
        from core.cli import main as command

        return command([str(folder / "result.part") if word == RESULT else word for word in arguments])
    except SystemExit as ended:  # a wrong command line
        return ended.code if isinstance(ended.code, int) else 1
    except BaseException as error:
        traceback.print_exc()
        print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _published(folder: Path, arguments: Sequence[str]) -> str:
    """Give the result its name; what is wrong with it, "" where nothing is."""
    from core.job_files import RESULT

    part = folder / ("result.part" if RESULT in arguments else "stdout")
    if not part.is_file():
        return "it ended well but wrote no result"
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    if part.name == "result.part":
        part.replace(folder / "result")
    return ""


def _reason(folder: Path, code: int) -> str:
    """The last complaint on standard error, else the exit status."""
    with (folder / "stderr").open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - 100_000, 0))
        text = file.read().decode(errors="replace")
    complaints = [found[1] for line in text.splitlines() if (found := _COMPLAINT.search(line))]
    return complaints[-1] if complaints else f"exit status {code}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
