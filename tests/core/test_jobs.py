"""Jobs in processes of their own: found by their arguments, alive while their lock is held, and never believed."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from core import job_files, job_worker, jobs
from core.job_worker import Job
from core.jobs import RESULT, JobStatus
from core.progress import VARIABLE, Progress

LISTED = ["list", "--json"]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("PRIORSCOPE_JOBS", str(tmp_path / "jobs"))
    monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(tmp_path / "checkpoints"))
    (tmp_path / "jobs" / ".locks").mkdir(parents=True)
    return tmp_path / "jobs"


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


@pytest.fixture
def living(root: Path) -> Iterator[Callable[[str], FileLock]]:
    """Takes the lock of a job, as its process would."""
    held: list[FileLock] = []

    def take(name: str) -> FileLock:
        held.append(FileLock(root / ".locks" / name))
        held[-1].acquire(timeout=0)
        return held[-1]

    yield take
    for lock in held:
        lock.release()


@pytest.fixture
def no_process(monkeypatch, root: Path, living) -> list[int]:
    """Jobs that start but wait for ever; the numbers they were given."""
    numbers: list[int] = []

    def start(folder: Path, number: int, arguments: list[str]) -> None:
        numbers.append(number)
        Job(folder).prepare(number, arguments)
        living(folder.name)

    monkeypatch.setattr(jobs, "_start", start)
    return numbers


def test_a_job_runs_once_and_its_result_is_what_it_printed(root: Path, tmp_path: Path) -> None:
    name = jobs.submit(LISTED)
    assert jobs.status(name).alive and jobs.submit(list(LISTED)) == name == jobs.job_id(LISTED)
    failing = jobs.submit(["data", "nope"])
    told = ended(name)
    assert (told.state, told.error, told.arguments) == ("done", "", ("list", "--json")), told
    assert json.loads(jobs.result(name).read_text()) == {"checkpoints": []} and told.seconds > 0
    before = (root / name / "end.json").stat().st_mtime_ns
    assert jobs.submit(LISTED) == name and (root / name / "end.json").stat().st_mtime_ns == before
    assert jobs.status(name) == told
    told = ended(failing)
    assert told.state == "failed" and told.error.startswith("data set is 'nope', expected one of digits")
    with pytest.raises(ValueError, match="has no result, it is failed: data set is 'nope'"):
        jobs.result(failing)
    (root / name / "stdout").unlink()
    assert jobs.status(name).error == "its result is missing"
    jobs.forget(name)
    assert jobs.status(name) == JobStatus(name) and not (root / name).exists()


def test_a_killed_process_is_a_failure_and_the_next_in_the_queue_goes_on(root: Path) -> None:
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


def test_a_process_that_does_not_start_says_why(root: Path, monkeypatch) -> None:
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
def test_what_failed_starts_again_at_the_end_of_the_queue(state: str, root: Path, no_process: list[int]) -> None:
    name = written(root, LISTED, 1, {"state": state, "error": "why"})
    written(root, ["data"], 7, {"state": "done"})
    assert jobs.status(name).state == state and jobs.submit(LISTED) == name
    assert no_process == [8] and jobs.status(name).state == "queued"


def test_a_lost_job_starts_again(root: Path, no_process: list[int]) -> None:
    name = written(root, LISTED, running={"seconds": 3})
    assert jobs.status(name).state == "failed" and jobs.status(name).seconds == 3
    assert jobs.submit(LISTED) == name and jobs.status(name).state == "queued"


def test_the_queue_is_served_in_order_and_passes_over_the_dead(root: Path, living) -> None:
    first, dead, last = (written(root, ["list", str(number)], number) for number in (1, 2, 3))
    done = written(root, ["list", "0"], 0, {"state": "done"})
    assert job_files.ahead(root, last) == [first, dead] and done not in job_files.ahead(root, last)
    lock, turns = living(first), []
    thread = threading.Thread(target=lambda: turns.append(job_worker._turn(root / last)))
    thread.start()
    time.sleep(0.5)
    assert not turns, "the first one lives"
    lock.release()
    thread.join(10)
    assert turns and turns[0].is_locked
    turns[0].release()


def test_the_oldest_that_ended_are_pruned_and_the_living_stay(root: Path, no_process: list[int], monkeypatch) -> None:
    monkeypatch.setattr(jobs, "MAX_KEPT", 2)
    old = [written(root, ["list", str(number)], number, {"state": "failed"}) for number in (4, 2, 3, 5)]
    alive = jobs.submit(["data"])
    (root / ".old-left").mkdir()
    jobs.submit(["zoo"])
    left = {folder.name for folder in job_files.folders(root)}
    assert left == {old[0], old[3], alive, jobs.job_id(["zoo"])} and not (root / ".old-left").exists()


def test_those_who_ask_at_once_do_not_take_each_other_for_the_job(root: Path) -> None:
    name = written(root, LISTED)
    (root / ".locks" / name).touch()
    seen: list[bool] = []
    threads = [
        threading.Thread(target=lambda: seen.extend(job_files.is_alive(root, name) for _ in range(40)))
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


def test_progress_and_time_are_told_while_it_runs(root: Path, living, monkeypatch) -> None:
    name = written(root, LISTED)
    living(name)
    job = Job(root / name)
    job.begin()
    monkeypatch.setenv(VARIABLE, str(root / name / "progress.json"))
    with Progress("map") as report:
        for done in range(100):
            report(done, 100, "arranging")
        assert jobs.status(name).done < 99, "a file is not written at every step"
        report(100, 100, "checking")
    told = jobs.status(name)
    assert (told.state, told.done, told.total, told.message) == ("running", 100, 100, "checking")
    (root / name / "stdout").touch()
    job.end("done")
    job.end("cancelled")
    assert jobs.status(name).state == "done", "who ends first decides"


def test_outside_a_job_progress_is_a_bar(monkeypatch, capsys) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with Progress("map", "iteration") as report:
        report(50, 100, "arranging")
    captured = capsys.readouterr()
    assert captured.out == "" and "50/100" in captured.err and "arranging" in captured.err


GARBAGE = ["", "{", "[]", "null", '{"state": 3}', "\x00\xff", '{"done": -1, "seconds": NaN}', "[" * 5000]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("file", ["job", "end", "running", "progress"])
@pytest.mark.parametrize("alive", [True, False])
def test_garbage_on_the_disk_is_a_state_with_a_reason(file: str, garbage: str, alive: bool, root: Path, living) -> None:
    name = written(root, LISTED, **{"running": {"seconds": 1}, file: garbage})
    if alive:
        living(name)
    told = jobs.status(name)
    assert told.state == ("running" if alive and file != "end" else "failed")
    assert bool(told.error) == (told.state == "failed") and told.done >= 0
    if file == "end" or (file == "job" and not alive):
        assert f"{file}.json" in told.error


@pytest.mark.parametrize("content", [{"done": 5, "total": 3, "message": "x"}, {"done": 1, "total": 3, "message": 7}])
def test_impossible_progress_is_none(content: dict, root: Path, living) -> None:
    name = written(root, LISTED, running={"seconds": 1}, progress=content)
    living(name)
    told = jobs.status(name)
    assert (told.done, told.total) == (0, 0) and "progress.json" in told.message


def test_a_folder_with_the_arguments_of_another_job_is_no_result(root: Path) -> None:
    name = written(root, LISTED, end={"state": "done"}, job={"number": 1, "arguments": ["data"]})
    (root / name / "stdout").write_text("{}")
    assert jobs.status(name).state == "failed" and "job.json" in jobs.status(name).error


@pytest.mark.parametrize("name", ["", "..", "../../etc", "0" * 15, "G" * 16, "\0"])
def test_what_is_no_job_is_absent(name: str) -> None:
    assert jobs.status(name) == JobStatus(name) == jobs.cancel(name)
    jobs.forget(name)
    with pytest.raises(ValueError, match="has no result, it is absent"):
        jobs.result(name)


@pytest.mark.parametrize("arguments", [[], "list", ["a\0b"], ["x"] * 101, ["x" * 10_001]])
def test_what_is_no_command_line_is_refused(arguments: list[str]) -> None:
    with pytest.raises(ValueError, match="expected 1 to 100 words"):
        jobs.submit(arguments)


def test_the_result_gets_its_name_when_it_is_whole(root: Path) -> None:
    arguments = ["embed", "m", "--output", RESULT]
    folder = root / written(root, arguments)
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


def test_the_folder_follows_the_environment(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PRIORSCOPE_JOBS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jobs.jobs_root() == tmp_path / "priorscope" / "jobs"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert jobs.jobs_root() == tmp_path / ".cache" / "priorscope" / "jobs"


def test_the_jobs_of_a_subcommand_that_are_alive_stand_in_the_order_of_the_queue(root: Path, living) -> None:
    assert jobs.alive("list") == []
    second, first = written(root, LISTED, 7), written(root, ["list"], 3)
    other = written(root, ["train"], 1)
    written(root, ["list", "--help"], 2)  # nobody holds its lock
    over = written(root, ["list", "x"], 1, end={"state": "done"})
    for name in (second, first, other, over):
        living(name)
    assert [job.id for job in jobs.alive("list")] == [first, second]
    assert [job.id for job in jobs.alive("train")] == [other]


def test_a_folder_of_jobs_that_cannot_be_listed_is_said(root: Path, monkeypatch) -> None:
    def fail(_: Path) -> list[Path]:
        raise PermissionError("no")

    monkeypatch.setattr(jobs, "folders", fail)
    with pytest.raises(ValueError, match="cannot be read: no"):
        jobs.alive("list")
