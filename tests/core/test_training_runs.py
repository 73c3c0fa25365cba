"""Trainings as jobs, with real processes: run to the end, cancelled and gone on with, given up, failed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core import jobs, training_runs
from core.checkpoint import load
from core.checkpoint_list import list_checkpoints
from core.job_worker import Job
from core.training_file import curve_file, state_file
from core.training_request import TrainingRequest
from core.training_runs import TrainingRun
from tests.core.commands import write_images

QUICK = {"epochs": 3, "batch_size": 20, "warmup_epochs": 1}
LONG = {**QUICK, "epochs": 100_000, "patience": 100_000}


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("PRIORSCOPE_JOBS", str(tmp_path / "jobs"))
    monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(tmp_path / "checkpoints"))
    (tmp_path / "jobs" / ".locks").mkdir(parents=True)
    return tmp_path / "checkpoints"


def request(tmp_path: Path, name: str = "mine", **settings: object) -> TrainingRequest:
    return TrainingRequest(name, write_images(tmp_path), "mog", prior_options={"components": 3}, hidden=(8,),
                           settings={**QUICK, **settings})  # fmt: skip


def when(reached: Callable[[TrainingRun], bool], within: float = 60) -> TrainingRun:
    deadline = time.monotonic() + within
    while not reached(run := training_runs.runs()[0]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return run


def test_a_training_ends_as_a_checkpoint_with_its_curve(tmp_path: Path, root: Path) -> None:
    training_runs.start(request(tmp_path))
    with pytest.raises(ValueError, match="already waiting or running"):
        training_runs.start(request(tmp_path, epochs=4))
    run = when(lambda run: not run.job.alive)
    assert (run.job.state, run.job.error, run.name, run.there, run.kept) == ("done", "", "mine", True, False)
    assert [info.error for info in list_checkpoints(root)] == [None]
    curve = training_runs.stored_curve("mine")
    assert curve is not None and [point.epoch for point in curve.points] == [1, 2, 3]
    assert training_runs.curve("mine") is None and not list((root / ".training").iterdir())
    assert load("mine", root).config.command == run.command
    with pytest.raises(ValueError, match="already there"):
        training_runs.start(request(tmp_path))


def test_a_cancelled_training_goes_on_where_it_was_or_is_given_up(tmp_path: Path, root: Path) -> None:
    training_runs.start(request(tmp_path, **LONG))
    running = when(lambda run: run.kept and training_runs.curve("mine") is not None)
    assert running.job.state == "running" and running.kept, running.job
    curve = training_runs.curve("mine")
    assert curve.done > 0 and curve.seconds_left > 0 and curve.epochs == 100_000
    with pytest.raises(ValueError, match="cancel it first"):
        training_runs.discard(running)
    jobs.cancel(running.job.id)
    stopped = when(lambda run: not run.job.alive)
    assert (stopped.job.state, stopped.kept, stopped.there) == ("cancelled", True, False)
    kept = training_runs.curve("mine").done
    training_runs.resume(stopped)
    on = when(lambda run: run.job.state == "running" and training_runs.curve("mine").done > kept)
    assert on.job.state == "running"
    later = training_runs.curve("mine")
    assert later.done > kept and later.done > later.pace_epochs, "it did not begin at the beginning"
    jobs.cancel(on.job.id)
    training_runs.discard(when(lambda run: not run.job.alive))
    assert not training_runs.runs() and not state_file(root, "mine").exists() and not curve_file(root, "mine").exists()


def test_a_failed_training_says_why(tmp_path: Path, root: Path) -> None:
    asked = TrainingRequest("mine", f"npz:{tmp_path / 'none.npz'}", "standard", settings=QUICK)
    training_runs.start(asked)
    run = when(lambda run: not run.job.alive)
    assert run.job.state == "failed" and "does not exist" in run.job.error
    training_runs.resume(run)
    assert when(lambda run: not run.job.alive).job.state == "failed"


def test_jobs_of_other_folders_and_crafted_ones_are_not_listed(tmp_path: Path, root: Path) -> None:
    for number, (name, folder) in enumerate((("../evil", root), ("mine", tmp_path / "other"), ("fine", root))):
        words = ["train", "--name", name, "--root", str(folder)]
        Job(tmp_path / "jobs" / jobs.job_id(words)).prepare(number, words)
    words = ["train", "--name"]
    Job(tmp_path / "jobs" / jobs.job_id(words)).prepare(9, words)
    (tmp_path / "jobs" / ("0" * 16)).mkdir()
    (tmp_path / "jobs" / ("0" * 16) / "job.json").write_text(json.dumps({"arguments": ["train"]}))
    assert [run.name for run in training_runs.runs()] == ["fine"]
    assert training_runs.runs()[0].job.state == "failed", "nobody holds its lock"
