"""Jobs as their processes leave them behind, and waiting for those that run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from core import jobs
from core.job_worker import Job
from core.jobs import JobStatus

LISTED = ["list", "--json"]


def when(name: str, reached: Callable[[JobStatus], bool], within: float = 60) -> JobStatus:
    """The status of a job once it is as wanted; the last one where that does not happen."""
    deadline = time.monotonic() + within
    while not reached(told := jobs.status(name)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return told


def ended(name: str) -> JobStatus:
    return when(name, lambda told: not told.alive)


def written(root: Path, arguments: list[str], number: int = 1, end: dict | str | None = None, **files: object) -> str:
    """A job as its process leaves it behind, without one."""
    name = jobs.job_id(arguments)
    Job(root / name).prepare(number, arguments)
    for file, content in {**files, **({} if end is None else {"end": end})}.items():
        (root / name / f"{file}.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return name
