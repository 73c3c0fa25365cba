"""One thread and seeded layers for the tests of core, and folders of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from core import jobs
from core.job_worker import Job


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Their matrices are tiny, and results are compared bit for bit across processes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def seeded_layers() -> Iterator[None]:
    """Layers start from torch's process-wide state: the same one whatever ran before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        yield


@pytest.fixture
def jobs_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of jobs, and no checkpoint."""
    monkeypatch.setenv("PRIORSCOPE_JOBS", str(tmp_path / "jobs"))
    monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(tmp_path / "checkpoints"))
    (tmp_path / "jobs" / ".locks").mkdir(parents=True)
    return tmp_path / "jobs"


@pytest.fixture
def living(jobs_root: Path) -> Iterator[Callable[[str], FileLock]]:
    """Takes the lock of a job, as its process would."""
    held: list[FileLock] = []

    def take(name: str) -> FileLock:
        held.append(FileLock(jobs_root / ".locks" / name))
        held[-1].acquire(timeout=0)
        return held[-1]

    yield take
    for lock in held:
        lock.release()


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch, living: Callable[[str], FileLock]) -> list[int]:
    """Jobs that start but wait for ever; the numbers they were given."""
    numbers: list[int] = []

    def start(folder: Path, number: int, arguments: list[str]) -> None:
        numbers.append(number)
        Job(folder).prepare(number, arguments)
        living(folder.name)

    monkeypatch.setattr(jobs, "_start", start)
    return numbers


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of one sweep's test only: images, scratch, and checkpoints in "root"."""
    monkeypatch.setenv("PRIORSCOPE_SWEEPS", str(tmp_path / "scratch"))
    monkeypatch.setattr("core.cli_train._commit", lambda: "")
    monkeypatch.setattr("core.sweep_worker.TELL_S", 0.01)
    return tmp_path
