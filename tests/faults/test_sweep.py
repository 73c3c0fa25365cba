"""A sweep on a real cluster of two machines: a worker is killed, then a machine; in the end every model is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.checkpoint import load
from core.checkpoint_list import list_checkpoints

ROOT = Path(__file__).resolve().parents[2]
GRID = """
dataset = "digits"
prior = ["standard", "mog"]
prior-option.components = [5]
hidden = [30]
epochs = 400
patience = 400
samples = 20
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the worker to kill in /proc, which Linux has")
def test_a_sweep_survives_the_loss_of_a_worker_and_of_a_machine(tmp_path: Path) -> None:
    (tmp_path / "grid.toml").write_text(GRID)
    command = [sys.executable, "-m", "tests.faults.sweeps", str(tmp_path), str(tmp_path / "grid.toml")]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ.copy(), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    told = json.loads(ended.stdout.splitlines()[-1])
    names = ["digits-2d-standard-s0", "digits-2d-mog-k5-s0"]
    assert told["exit"] == 0 and told["models"] == dict.fromkeys(names, "there")
    reasons = sorted(reason for found in told["reasons"].values() for reason in found)
    assert reasons == ["its machine was lost", "its worker process was killed or crashed"]
    assert told["left"] == [] and [info.error for info in list_checkpoints(tmp_path / "root")] == [None] * 2
    for name in told["reasons"]:  # they end at the weights of a training that nobody touched
        swept = load(name, tmp_path / "root").config
        alone = [sys.executable, *swept.command.split()[1:], "--root", str(tmp_path / "alone")]
        subprocess.run(alone, cwd=ROOT, check=True, capture_output=True)
        assert load(name, tmp_path / "alone").config.files["model.safetensors"] == swept.files["model.safetensors"]
