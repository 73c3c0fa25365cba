"""Servers that are killed during a job, and two servers on one folder: what they say of jobs and models stays right."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core import jobs, uploads
from core.checkpoint_list import list_checkpoints
from core.replacing import MACHINE
from tests.core.commands import train_arguments, write_images
from tests.core.test_uploads import images, npz

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CHECKPOINTS", "JOBS", "UPLOADS"):
        monkeypatch.setenv(f"PRIORSCOPE_{name}", str(tmp_path / name.lower()))
    return tmp_path


def server(code: str, *words: str) -> subprocess.Popen:
    """A process that does what a page of a server does, and then stays, as a server does."""
    code = f"import sys, time; from core import jobs, uploads\n{code}\nprint('done', flush=True); time.sleep(600)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    return process


def wait(process: subprocess.Popen) -> None:
    assert process.stdout is not None and process.stdout.readline() == "done\n"


def kill(process: subprocess.Popen) -> None:
    """The server and everything in its group, as a service manager or a closed terminal does."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def until(reached: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_training_goes_on_when_its_server_is_killed_and_the_next_server_sees_it_end(places: Path) -> None:
    words = train_arguments(write_images(places), places / "checkpoints", "model", "--epochs", "40")
    first = server("jobs.submit(sys.argv[1:])", *words)
    wait(first)
    name = jobs.job_id(words)
    assert jobs.status(name).alive
    kill(first)
    assert jobs.status(name).alive, "it is a process of its own"
    assert jobs.submit(words) == name, "asked for again by the next server: the same job, not a second one"
    until(lambda: not jobs.status(name).alive)
    told = jobs.status(name)
    assert (told.state, told.error) == ("done", ""), told
    assert [(info.name, info.error) for info in list_checkpoints(places / "checkpoints")] == [("model", None)]


@pytest.mark.slow
def test_a_server_killed_while_it_starts_a_job_leaves_a_state_that_can_be_gone_on_from(places: Path) -> None:
    """At any moment between the click and the first sign of the job: afterwards it runs, ran, or may be started."""
    words, moments = ["list", "--json"], (0.0, 0.05, 0.4)
    name = jobs.job_id(words)
    for moment in moments:
        process = server("print('done', flush=True); jobs.submit(sys.argv[1:])", *words)
        wait(process)
        time.sleep(moment)
        kill(process)
        assert jobs.status(name).state in ("absent", "queued", "running", "done"), jobs.status(name)
    assert jobs.submit(words) == name
    until(lambda: jobs.status(name).state == "done")


@pytest.mark.slow
def test_two_servers_that_are_asked_at_once_start_one_job(places: Path) -> None:
    words = ["list", "--json"]
    both = [server("jobs.submit(sys.argv[1:])", *words) for _ in range(2)]
    for process in both:
        wait(process)
    name = jobs.job_id(words)
    until(lambda: jobs.status(name).state == "done")
    assert [job.id for job in jobs.known("list")] == [name]
    for process in both:
        kill(process)
    assert jobs.status(name).state == "done"


def test_two_servers_that_get_the_same_upload_keep_it_once(places: Path) -> None:
    (places / "mine.npz").write_bytes(npz(images=images()))
    code = "uploads.keep('mine.npz', open(sys.argv[1], 'rb').read())"
    both = [server(code, str(places / "mine.npz")) for _ in range(2)]
    for process in both:
        wait(process)
        kill(process)
    (kept,) = uploads.uploads()
    assert kept.title == "mine" and not list((places / "uploads").rglob(".tmp-*"))


def test_what_a_killed_server_left_of_an_upload_is_cleared_away(places: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    for pid in (process.pid, os.getpid()):
        (places / "uploads" / "images" / f".tmp-{pid}-{MACHINE}-abc").mkdir(parents=True)
    uploads.keep("mine.npz", npz(images=images()))
    left = [path.name for path in (places / "uploads" / "images").glob(".tmp-*")]
    assert left == [f".tmp-{os.getpid()}-{MACHINE}-abc"]
