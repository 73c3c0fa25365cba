"""Trainings as jobs: started, gone on with after a cancel, given up, and listed with how they ended.

A job's process is killed when it is cancelled; what it did lives in the state file that the training writes every ten
seconds, so the same job started again continues there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core import jobs
from core.checkpoint_folders import NAME, checkpoint_root, place_of
from core.errors import CheckpointError
from core.jobs import JobStatus
from core.metrics_file import read_metrics
from core.training_file import curve_file, read_curve, read_rows, state_file
from core.training_records import TrainingCurve
from core.training_request import TrainingRequest, arguments, check, command_line, require_free


@dataclass(frozen=True)
class TrainingRun:
    """A training that was started as a job.

    Attributes:
        job: its state.
        name: of the checkpoint.
        command: the command line that does the same.
        kept: whether a state is on the disk from which it can go on.
        there: whether the checkpoint is there.
        seed: of the training.
    """

    job: JobStatus
    name: str
    command: str
    kept: bool
    there: bool
    seed: int


def start(request: TrainingRequest) -> str:
    """Check a request and start it, or put it into the queue.

    Returns:
        The job's id.

    Raises:
        ValueError: the request would fail, or no job can be started.
    """
    root = checkpoint_root()
    check(request, root, waiting())
    words = _words(request, root)
    name = jobs.job_id(words)
    if jobs.status(name).state == "done":  # its checkpoint was deleted since
        jobs.forget(name)
    return jobs.submit(words)


def runs() -> list[TrainingRun]:
    """Every training of this folder of checkpoints that was started as a job and is kept, the newest first.

    Raises:
        ValueError: the folder of the jobs cannot be read.
    """
    root = checkpoint_root()
    return [_run(job, root) for job in jobs.known("train") if _of_root(job, root)]


def waiting() -> list[str]:
    """Names of the checkpoints that queued or running trainings will write."""
    return [run.name for run in runs() if run.job.alive]


def resume(run: TrainingRun) -> None:
    """Start a cancelled or failed training again: it goes on from its last state, or at the beginning without one.

    Raises:
        ValueError: a checkpoint of that name is there by now, or no job can be started.
    """
    require_free(run.name, checkpoint_root(), waiting())
    jobs.submit(run.job.arguments)


def discard(run: TrainingRun) -> None:
    """Delete the state of a training that is not going on, and forget its job. A finished checkpoint stays.

    Raises:
        ValueError: it is queued or running, or a file cannot be deleted.
    """
    root = checkpoint_root()
    jobs.forget(run.job.id)
    if run.name in waiting():  # another job of the same name goes on with these files
        return
    try:
        for file in (state_file(root, run.name), curve_file(root, run.name)):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(f"what is left of the training {run.name} cannot be deleted: {error}") from error


def curve(name: str) -> TrainingCurve | None:
    """The curve of a training that is not finished, None where nothing of it was written.

    Raises:
        CheckpointError: its file cannot be used.
    """
    try:
        return read_curve(curve_file(checkpoint_root(), name))
    except OSError as error:
        raise CheckpointError(f"the curve of {name} cannot be read: {error}") from error


def stored_curve(name: str) -> TrainingCurve | None:
    """The curve that a finished checkpoint holds, None where it holds none.

    Raises:
        CheckpointError: its metrics cannot be used.
    """
    folder = place_of(checkpoint_root() / name)
    training = read_metrics(folder).get("training")
    rows = training.get("curve", []) if isinstance(training, dict) else []
    points = read_rows(rows, folder / "metrics.json")
    return TrainingCurve(points[-1].epoch, points, 1, 0, 0.0) if points else None


def _words(request: TrainingRequest, root: Path) -> list[str]:
    return [*arguments(request), "--root", str(root)]


def _of_root(job: JobStatus, root: Path) -> bool:
    """Whether a job writes into this folder, so that its name can be joined to it."""
    return _after("--root", job) == str(root) and NAME.fullmatch(_after("--name", job)) is not None


def _run(job: JobStatus, root: Path) -> TrainingRun:
    name = _after("--name", job)
    kept, there = state_file(root, name).is_file(), (root / name).is_dir()
    seed = _after("--seed", job)
    return TrainingRun(job, name, command_line(job.arguments), kept, there, int(seed) if seed.isdigit() else 0)


def _after(flag: str, job: JobStatus) -> str:
    """The word after a flag, "" where there is none."""
    words = list(job.arguments)
    return words[words.index(flag) + 1] if flag in words[:-1] else ""
