"""``kill -9`` at random moments: never a broken or half-written checkpoint, and a training ends at the same weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def kills(what: str, count: int, folder: Path, seed: int = 1) -> dict:
    command = [sys.executable, "-m", "tests.faults.kills", what, str(count), str(seed), str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])


def check_saves(count: int, folder: Path) -> None:
    found = kills("save", count, folder)
    assert found["kills"] == count == found["in place"] + found["between"]


def check_trainings(count: int, folder: Path) -> None:
    found = kills("train", count, folder)
    assert found == {"kills": count, "same": True, "left": []}


def test_two_processes_may_replace_one_checkpoint_while_it_is_read(tmp_path: Path) -> None:
    found = kills("together", 2, tmp_path)
    assert found["readings"] > 20 and found["seen"] == 2 and not found["wrong"]
    assert found["statuses"] == [0, 0] and found["left"] == ["model"]


def test_a_checkpoint_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    check_saves(15, tmp_path)


def test_a_training_killed_at_random_moments_ends_at_the_same_weights(tmp_path: Path) -> None:
    check_trainings(3, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_checkpoint_is_whole_after_each_of_300_kills(tmp_path: Path) -> None:
    check_saves(300, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_training_killed_at_50_random_moments_ends_at_the_same_weights(tmp_path: Path) -> None:
    check_trainings(50, tmp_path)
