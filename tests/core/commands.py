"""Subcommands run in this process on a tiny data set, and what their answers must be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.cli import main

ESTIMATES = ["elbo", "reconstruction", "average_kl", "marginal_kl", "mutual_information"]
ESTIMATES += ["log_n", "identity_residual", "nll", "active_units"]
QUICK = ("--latent-dim", "2", "--hidden", "8", "--batch-size", "20", "--samples", "20", "--warmup-epochs", "1")


def write_images(folder: Path, *, n: int = 100, seed: int = 1, width: int = 4) -> str:
    """Name of a data set of binary images of 3 rows, bright on the left or on the right."""
    generator = np.random.default_rng(seed)
    side = np.tile(np.repeat([0.9, 0.1], width // 2), (n, 3, 1))
    side[::2] = side[::2, :, ::-1]
    np.savez(folder / "tiny.npz", images=generator.random((n, 3, width)) < side, labels=np.arange(n) % 2)
    return f"npz:{folder / 'tiny.npz'}"


def train_arguments(images: str, root: Path, name: str = "model", *more: str) -> list[str]:
    return ["train", "--json", "--root", str(root), "--dataset", images, "--name", name, *QUICK, "--epochs", "3", *more]


def answer(capsys: pytest.CaptureFixture, *arguments: str) -> dict:
    """Run a subcommand that must succeed; standard output must be one JSON object and nothing else."""
    capsys.readouterr()
    assert main(arguments) == 0
    return json.loads(capsys.readouterr().out)


def complaint(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    """Run a subcommand that must fail; the reason must be one line on standard error, standard output empty."""
    capsys.readouterr()
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and "Traceback" not in captured.err
    lines = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and captured.err.splitlines()[-1] == lines[0], captured.err
    return lines[0]


def check_evaluation(result: dict, n: int, samples: int) -> None:
    for name in ESTIMATES:
        assert set(result[name]) == {"value", "se"} and result[name]["se"] >= 0, name
    value = {name: result[name]["value"] for name in ESTIMATES}
    assert (result["n"], result["split"], result["samples"]) == (n, "test", samples)
    assert abs(value["elbo"] - value["reconstruction"] + value["average_kl"]) < 1e-4
    assert value["nll"] <= -value["elbo"] + 3 * result["elbo"]["se"]
    assert abs(value["identity_residual"]) < 4 * result["identity_residual"]["se"] + 1e-4
    split = value["average_kl"] - value["mutual_information"] - value["marginal_kl"]
    assert abs(split - value["identity_residual"]) < 1e-6
    assert abs(value["log_n"] - np.log(n)) < 1e-9 and 0 <= value["active_units"] <= 2
