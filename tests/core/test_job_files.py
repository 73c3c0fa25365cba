"""What a job's folder says is read and never believed: progress, results, reasons, garbage."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from core import job_worker, jobs
from core.job_worker import Job
from core.jobs import RESULT, JobStatus
from core.progress import VARIABLE, Progress
from tests.core.job_folders import LISTED, written

pytestmark = pytest.mark.usefixtures("jobs_root")


def test_progress_and_time_are_told_while_it_runs(jobs_root: Path, living, monkeypatch) -> None:
    name = written(jobs_root, LISTED)
    living(name)
    job = Job(jobs_root / name)
    job.begin()
    monkeypatch.setenv(VARIABLE, str(jobs_root / name / "progress.json"))
    with Progress("map") as report:
        for done in range(100):
            report(done, 100, "arranging")
        assert jobs.status(name).done < 99, "a file is not written at every step"
        report(100, 100, "checking")
    told = jobs.status(name)
    assert (told.state, told.done, told.total, told.message) == ("running", 100, 100, "checking")
    (jobs_root / name / "stdout").touch()
    job.end("done")
    job.end("cancelled")
    assert jobs.status(name).state == "done", "who ends first decides"


def test_outside_a_job_progress_is_a_bar(monkeypatch, capsys) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with Progress("map", "iteration") as report:
        report(50, 100, "arranging")
    captured = capsys.readouterr()
    assert captured.out == "" and "50/100" in captured.err and "arranging" in captured.err


def test_what_was_done_before_is_no_pace_of_the_bar(monkeypatch, capsys) -> None:
    """A training that goes on at half of its way told that the other half takes seconds."""
    monkeypatch.delenv(VARIABLE, raising=False)
    with Progress("training") as report:
        report(125_000, 250_000, "epoch 501")
        time.sleep(0.15)
        report(125_001, 250_000, "epoch 501")
        time.sleep(0.15)
        report(125_002, 250_000, "epoch 501")
    drawn = capsys.readouterr().err
    rates = [float(rate) for rate in re.findall(r"([\d.]+)step/s", drawn)] + [
        1 / float(seconds) for seconds in re.findall(r"([\d.]+)s/step", drawn)
    ]
    assert "125002/250000" in drawn and rates and max(rates) < 100, drawn


GARBAGE = ["", "{", "[]", "null", '{"state": 3}', "\x00\xff", '{"done": -1, "seconds": NaN}', "[" * 5000]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("file", ["job", "end", "running", "progress"])
@pytest.mark.parametrize("alive", [True, False])
def test_garbage_on_the_disk_is_a_state_with_a_reason(
    file: str, garbage: str, alive: bool, jobs_root: Path, living
) -> None:
    name = written(jobs_root, LISTED, **{"running": {"seconds": 1}, file: garbage})
    if alive:
        living(name)
    told = jobs.status(name)
    assert told.state == ("running" if alive and file != "end" else "failed")
    assert bool(told.error) == (told.state == "failed") and told.done >= 0
    if file == "end" or (file == "job" and not alive):
        assert f"{file}.json" in told.error


@pytest.mark.parametrize("content", [{"done": 5, "total": 3, "message": "x"}, {"done": 1, "total": 3, "message": 7}])
def test_impossible_progress_is_none(content: dict, jobs_root: Path, living) -> None:
    name = written(jobs_root, LISTED, running={"seconds": 1}, progress=content)
    living(name)
    told = jobs.status(name)
    assert (told.done, told.total) == (0, 0) and "progress.json" in told.message


def test_a_folder_with_the_arguments_of_another_job_is_no_result(jobs_root: Path) -> None:
    name = written(jobs_root, LISTED, end={"state": "done"}, job={"number": 1, "arguments": ["data"]})
    (jobs_root / name / "stdout").write_text("{}")
    assert jobs.status(name).state == "failed" and "job.json" in jobs.status(name).error


@pytest.mark.parametrize("name", ["", "..", "../../etc", "0" * 15, "G" * 16, "\0"])
def test_what_is_no_job_is_absent(name: str) -> None:
    assert jobs.status(name) == JobStatus(name) == jobs.cancel(name)
    jobs.forget(name)
    with pytest.raises(ValueError, match="has no result, it is absent"):
        jobs.result(name)


def test_the_result_gets_its_name_when_it_is_whole(jobs_root: Path) -> None:
    arguments = ["embed", "m", "--output", RESULT]
    folder = jobs_root / written(jobs_root, arguments)
    assert job_worker._published(folder, arguments) == "it ended well but wrote no result"
    (folder / "result.part").write_text("whole")
    assert job_worker._published(folder, arguments) == ""
    Job(folder).end("done")
    assert jobs.result(folder.name).read_text() == "whole" and not (folder / "result.part").exists()


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        ("10 %\r20 %\nerror: first\nerror: the last\nbye", "the last"),
        ("python -m core: error: no such option", "no such option"),
        ("nothing of use", "exit status 3"),
        ("", "exit status 3"),
    ],
)
def test_the_reason_is_the_last_complaint(stderr: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "stderr").write_text(stderr)
    assert job_worker._reason(tmp_path, 3) == reason


def test_a_folder_of_jobs_that_cannot_be_listed_is_said(jobs_root: Path, monkeypatch) -> None:
    def fail(_: Path) -> list[Path]:
        raise PermissionError("no")

    monkeypatch.setattr(jobs, "folders", fail)
    with pytest.raises(ValueError, match="cannot be read: no"):
        jobs.alive("list")
