"""Jobs in processes of their own: found by their arguments, alive while their lock is held, served in order."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from core import job_files, job_worker, jobs
from core.jobs import JobStatus
from tests.core.job_folders import LISTED, ended, when, written

pytestmark = pytest.mark.usefixtures("jobs_root")


def test_a_job_runs_once_and_its_result_is_what_it_printed(jobs_root: Path, tmp_path: Path) -> None:
    name = jobs.submit(LISTED)
    assert jobs.status(name).alive and jobs.submit(list(LISTED)) == name == jobs.job_id(LISTED)
    failing = jobs.submit(["data", "nope"])
    told = ended(name)
    assert (told.state, told.error, told.arguments) == ("done", "", ("list", "--json")), told
    assert json.loads(jobs.result(name).read_text()) == {"checkpoints": []} and told.seconds > 0
    before = (jobs_root / name / "end.json").stat().st_mtime_ns
    assert jobs.submit(LISTED) == name and (jobs_root / name / "end.json").stat().st_mtime_ns == before
    assert jobs.status(name) == told
    told = ended(failing)
    assert told.state == "failed" and told.error.startswith("data set is 'nope', expected one of digits")
    with pytest.raises(ValueError, match="has no result, it is failed: data set is 'nope'"):
        jobs.result(failing)
    (jobs_root / name / "stdout").unlink()
    assert jobs.status(name).error == "its result is missing"
    jobs.forget(name)
    assert jobs.status(name) == JobStatus(name) and not (jobs_root / name).exists()


def test_a_killed_process_is_a_failure_and_the_next_in_the_queue_goes_on(jobs_root: Path) -> None:
    first = jobs.submit([*LISTED, "--root", "a"])
    second = jobs.submit([*LISTED, "--root", "b"])
    third = jobs.submit([*LISTED, "--root", "c"])
    assert when(first, lambda told: told.state == "running").state == "running"
    assert jobs.status(second).state == jobs.status(third).state == "queued"
    assert jobs.status(third).message == "waiting for 2 others"
    process = next(thread for thread in threading.enumerate() if thread.name == f"job {first}")
    os.kill(process._target.__self__.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    told = ended(first)
    assert told.state == "failed" and "was killed" in told.error
    assert jobs.cancel(third).state == "cancelled" and jobs.status(third).seconds == 0
    assert ended(second).state == "done"
    assert jobs.cancel(second).state == "done", "what has ended stays as it is"


def test_a_process_that_does_not_start_says_why(jobs_root: Path, monkeypatch) -> None:
    monkeypatch.setattr(jobs.sys, "executable", "/nonexistent/python")
    with pytest.raises(ValueError, match="no job can be started in"):
        jobs.submit(LISTED)
    assert jobs.status(jobs.job_id(LISTED)).state == "absent"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PRIORSCOPE_JOBS", str(tmp_path / "file"))
    with pytest.raises(ValueError, match="Set PRIORSCOPE_JOBS to a folder"):
        jobs.submit(LISTED)
    assert jobs.status(jobs.job_id(LISTED)).state == "absent"


def test_twenty_wait_and_no_more(no_process: list[int]) -> None:
    names = [jobs.submit(["list", str(number)]) for number in range(jobs.MAX_QUEUED)]
    with pytest.raises(ValueError, match="20 jobs are waiting already"):
        jobs.submit(["list", "one more"])
    assert jobs.submit(["list", "3"]) == names[3] and no_process == list(range(1, 21))
    assert jobs.status(names[19]).message == "waiting for 19 others" and jobs.status(names[0]).message == "starting"


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_failed_starts_again_at_the_end_of_the_queue(state: str, jobs_root: Path, no_process: list[int]) -> None:
    name = written(jobs_root, LISTED, 1, {"state": state, "error": "why"})
    written(jobs_root, ["data"], 7, {"state": "done"})
    assert jobs.status(name).state == state and jobs.submit(LISTED) == name
    assert no_process == [8] and jobs.status(name).state == "queued"


def test_a_lost_job_starts_again(jobs_root: Path, no_process: list[int]) -> None:
    name = written(jobs_root, LISTED, running={"seconds": 3})
    assert jobs.status(name).state == "failed" and jobs.status(name).seconds == 3
    assert jobs.submit(LISTED) == name and jobs.status(name).state == "queued"


def test_the_queue_is_served_in_order_and_passes_over_the_dead(jobs_root: Path, living) -> None:
    first, dead, last = (written(jobs_root, ["list", str(number)], number) for number in (1, 2, 3))
    done = written(jobs_root, ["list", "0"], 0, {"state": "done"})
    assert job_files.ahead(jobs_root, last) == [first, dead] and done not in job_files.ahead(jobs_root, last)
    lock, turns = living(first), []
    thread = threading.Thread(target=lambda: turns.append(job_worker._turn(jobs_root / last)))
    thread.start()
    time.sleep(0.5)
    assert not turns, "the first one lives"
    lock.release()
    thread.join(10)
    assert turns and turns[0].is_locked
    turns[0].release()


def test_the_oldest_that_ended_are_pruned_and_the_living_stay(
    jobs_root: Path, no_process: list[int], monkeypatch
) -> None:
    monkeypatch.setattr(jobs, "MAX_KEPT", 2)
    old = [written(jobs_root, ["list", str(number)], number, {"state": "failed"}) for number in (4, 2, 3, 5)]
    alive = jobs.submit(["data"])
    (jobs_root / ".old-left").mkdir()
    jobs.submit(["zoo"])
    left = {folder.name for folder in job_files.folders(jobs_root)}
    assert left == {old[0], old[3], alive, jobs.job_id(["zoo"])} and not (jobs_root / ".old-left").exists()


def test_those_who_ask_at_once_do_not_take_each_other_for_the_job(jobs_root: Path) -> None:
    name = written(jobs_root, LISTED)
    (jobs_root / ".locks" / name).touch()
    seen: list[bool] = []
    threads = [
        threading.Thread(target=lambda: seen.extend(job_files.is_alive(jobs_root, name) for _ in range(40)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 320 and not any(seen)


def test_a_living_job_is_not_forgotten(no_process: list[int]) -> None:
    name = jobs.submit(LISTED)
    with pytest.raises(ValueError, match="queued or running"):
        jobs.forget(name)
    jobs.forget("0" * 16)


@pytest.mark.parametrize("arguments", [[], "list", ["a\0b"], ["x"] * 101, ["x" * 10_001]])
def test_what_is_no_command_line_is_refused(arguments: list[str]) -> None:
    with pytest.raises(ValueError, match="expected 1 to 100 words"):
        jobs.submit(arguments)


def test_the_folder_follows_the_environment(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PRIORSCOPE_JOBS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jobs.jobs_root() == tmp_path / "priorscope" / "jobs"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert jobs.jobs_root() == tmp_path / ".cache" / "priorscope" / "jobs"


def test_the_jobs_of_a_subcommand_that_are_alive_stand_in_the_order_of_the_queue(jobs_root: Path, living) -> None:
    assert jobs.alive("list") == []
    second, first = written(jobs_root, LISTED, 7), written(jobs_root, ["list"], 3)
    other = written(jobs_root, ["train"], 1)
    written(jobs_root, ["list", "--help"], 2)  # nobody holds its lock
    over = written(jobs_root, ["list", "x"], 1, end={"state": "done"})
    for name in (second, first, other, over):
        living(name)
    assert [job.id for job in jobs.alive("list")] == [first, second]
    assert [job.id for job in jobs.alive("train")] == [other]
