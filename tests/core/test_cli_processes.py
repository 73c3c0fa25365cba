"""Real processes that train are stopped and continued; those that are killed are in tests/faults."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.checkpoint import load
from tests.core.commands import answer, complaint, train_arguments, write_images

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def images(tmp_path: Path) -> str:
    return write_images(tmp_path)


def start(arguments: list[str]) -> subprocess.Popen:
    """``python -m core`` with the state written at every step instead of every ten seconds."""
    code = (
        "import sys, functools, core.train as t; t.Run = functools.partial(t.Run, save_every_s=0.0);"
        "from core.cli import main; sys.exit(main())"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def interrupt(arguments: list[str], state: Path, number: signal.Signals, delay: float) -> subprocess.Popen:
    """Start, wait until it trains, and send a signal some moments later."""
    process = start(arguments)
    deadline = time.monotonic() + 60
    while not state.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(number)
    process.wait(30)
    return process


def weights(root: Path, name: str) -> bytes:
    return (root / name / "model.safetensors").read_bytes()


LONG = ("--prior", "vamp", "--prior-option", "components=5", "--epochs", "80")


def test_ctrl_c_saves_and_the_same_command_goes_on(images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path, "whole", *LONG))
    arguments, state = train_arguments(images, tmp_path, "stopped", *LONG), tmp_path / ".training/stopped.safetensors"
    process = interrupt(arguments, state, signal.SIGINT, 0.1)
    out, err = process.communicate()
    assert process.returncode == 130, err
    told = json.loads(out)
    assert told["interrupted"] is True and told["name"] == "stopped" and told["epoch"] < 80
    assert "the same command continues" in err and "Traceback" not in err
    assert state.exists() and not (tmp_path / "stopped").exists()
    answer(capsys, *arguments)
    assert weights(tmp_path, "stopped") == weights(tmp_path, "whole") and not state.exists()


def test_restart_discards_an_interrupted_run(images: str, tmp_path: Path, capsys) -> None:
    state = tmp_path / ".training/model.safetensors"
    state.parent.mkdir()
    state.write_bytes(b"left by something")
    assert "delete it" in complaint(capsys, *train_arguments(images, tmp_path))
    answer(capsys, *train_arguments(images, tmp_path, "model", "--restart"))
    assert load("model", tmp_path).name == "model"


@pytest.mark.parametrize(
    ("words", "says"), [(("--prior", "nosuch"), "nosuch"), (("--samples", "0"), "--samples is 0"),
                        (("--epochs", "0"), "epochs"), (("--prior-option", "nosuch=1"), "nosuch")]
)  # fmt: skip
def test_a_command_that_cannot_be_followed_discards_nothing(
    words: tuple[str, str], says: str, images: str, tmp_path: Path, capsys
) -> None:
    state = tmp_path / ".training/model.safetensors"
    state.parent.mkdir()
    state.write_bytes(b"hours of training")
    assert says in complaint(capsys, *train_arguments(images, tmp_path, "model", "--restart", *words))
    assert state.exists() and not (tmp_path / "model").exists()


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    """``python -m core list | head -1``: the rest of the table has nobody to go to."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "core", "list"]
    ended = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")
