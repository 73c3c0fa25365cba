"""The command line: one JSON object on standard output, one line of reason, and real processes killed and continued."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core.checkpoint import load
from core.cli import main

ROOT = Path(__file__).resolve().parent.parent.parent
ESTIMATES = ["elbo", "reconstruction", "average_kl", "marginal_kl", "mutual_information"]
ESTIMATES += ["log_n", "identity_residual", "nll", "active_units"]
QUICK = ("--latent-dim", "2", "--hidden", "8", "--batch-size", "20", "--samples", "20", "--warmup-epochs", "1")


@pytest.fixture
def images(tmp_path: Path) -> str:
    """Name of a data set of 100 binary images of 3x4 pixels."""
    generator = np.random.default_rng(1)
    side = np.tile([0.9, 0.9, 0.1, 0.1], (100, 3, 1))
    side[::2] = side[::2, :, ::-1]
    np.savez(tmp_path / "tiny.npz", images=generator.random((100, 3, 4)) < side, labels=np.arange(100) % 2)
    return f"npz:{tmp_path / 'tiny.npz'}"


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


def test_train_list_and_evaluate(images: str, tmp_path: Path, capsys) -> None:
    root = tmp_path / "models"
    trained = answer(capsys, *train_arguments(images, root))
    assert trained["name"] == "model" and trained["epochs"] == 3
    check_evaluation(trained["test"], 10, 20)
    (info,) = answer(capsys, "list", "--json", "--root", str(root))["checkpoints"]
    assert (info["name"], info["error"], info["prior"]) == ("model", None, "standard")
    assert info["metrics"]["test"] == trained["test"] and info["dataset"] == images
    again = answer(capsys, "evaluate", "model", "--json", "--root", str(root), "--samples", "20")
    assert again == trained["test"], "the same seed gives the same numbers"
    other = answer(capsys, "evaluate", "model", "--json", "--root", str(root), "--samples", "30", "--seed", "5")
    assert other["seed"] == 5 and other["elbo"] != again["elbo"]
    check_evaluation(other, 10, 30)
    assert not list((root / ".training").iterdir()), "the state of a finished run is gone"


def test_evaluate_can_be_kept(images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    arguments = ["evaluate", "model", "--json", "--root", str(tmp_path), "--split", "validation", "--samples", "9"]
    answer(capsys, *arguments)
    assert set(load("model", tmp_path).metrics["evaluations"]) == {"test"}
    kept = answer(capsys, *arguments, "--save")
    metrics = load("model", tmp_path).metrics
    assert metrics["evaluations"]["validation"] == kept and set(metrics["evaluations"]) == {"test", "validation"}
    assert metrics["training"]["epochs"] == 3 and len(metrics["training"]["curve"]) == 3


def test_the_options_reach_the_model(images: str, tmp_path: Path, capsys) -> None:
    more = (
        "--prior",
        "mog",
        "--prior-option",
        "components=5",
        "--prior-option",
        "init_scale=0.5",
        "--half",
        "--seed",
        "3",
    )
    trained = answer(capsys, *train_arguments(images, tmp_path, "model", *more))
    checkpoint = load("model", tmp_path)
    assert checkpoint.config.model.prior.options == {"components": 5, "init_scale": 0.5}
    assert checkpoint.config.train.seed == 3 and checkpoint.config.data.class_names == ("0", "1")
    assert "--prior mog" in checkpoint.config.command and checkpoint.config.versions["torch"]
    again = answer(capsys, "evaluate", "model", "--json", "--root", str(tmp_path), "--samples", "20")
    assert again == trained["test"], "what was measured is what is stored, in half precision too"


def test_the_text_for_people_has_units(images: str, tmp_path: Path, capsys) -> None:
    arguments = [word for word in train_arguments(images, tmp_path) if word != "--json"]
    assert main(arguments) == 0
    assert "nats per image; test split, n = 10, seed 0, S = 20" in capsys.readouterr().out
    assert main(["list", "--root", str(tmp_path)]) == 0
    assert "ELBO" in capsys.readouterr().out
    assert main(["list", "--root", str(tmp_path / "nowhere")]) == 0
    assert "no checkpoints yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--prior", "magic"], "unknown prior 'magic'"),
        (["--prior", "mog", "--prior-option", "colour=3"], "colour"),
        (["--prior", "mog", "--prior-option", "components=0"], "components"),
        (["--prior", "mog", "--prior-option", "components"], "NAME=VALUE; got 'components'"),
        (["--prior", "mog", "--prior-option", "components=[1]"], "components"),
        (["--dataset", "nothing"], "'nothing'"),
        (["--dataset", "npz:/nowhere/at-all.npz"], "at-all.npz"),
        (["--name", "../escape"], "../escape"),
        (["--name", ".hidden"], ".hidden"),
        (["--epochs", "0"], "epochs"),
        (["--latent-dim", "0"], "latent_dim"),
        (["--learning-rate", "nan"], "learning_rate"),
        (["--device", "tpu"], "device"),
        (["--prior", "realnvp", "--latent-dim", "1"], "dim >= 2"),
    ],
)
def test_a_wrong_word_is_answered_in_one_line(
    more: list[str], reason: str, images: str, tmp_path: Path, capsys
) -> None:
    root = tmp_path / "models"
    assert reason in complaint(capsys, *train_arguments(images, root, "model", *more))
    assert not root.exists() or not [path for path in root.iterdir() if path.name != ".training"]


def test_an_existing_name_is_refused_and_replaced_on_purpose(images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    assert "'model' is already there" in complaint(capsys, *train_arguments(images, tmp_path))
    answer(capsys, *train_arguments(images, tmp_path, "model", "--replace", "--prior", "mog"))
    assert load("model", tmp_path).config.model.prior.kind == "mog"


@pytest.mark.parametrize(
    ("name", "reason"), [("nobody", "config.json cannot be read"), ("../x", "not a checkpoint name")]
)
def test_evaluating_what_is_not_there(name: str, reason: str, tmp_path: Path, capsys) -> None:
    assert reason in complaint(capsys, "evaluate", name, "--json", "--root", str(tmp_path))


def test_a_broken_checkpoint_does_not_break_the_list(images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    (tmp_path / "broken").mkdir()
    infos = answer(capsys, "list", "--json", "--root", str(tmp_path))["checkpoints"]
    assert [(info["name"], bool(info["error"])) for info in infos] == [("broken", True), ("model", False)]
    assert main(["list", "--root", str(tmp_path)]) == 0
    assert "BROKEN: config.json cannot be read" in capsys.readouterr().out


def test_zoo_skips_what_is_there(images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    before = load("model", tmp_path).digest
    (tmp_path / "zoo.toml").write_text(f'[models]\nmodel = "--dataset {images} --epochs 1"\n')
    assert answer(capsys, "zoo", "--json", "--root", str(tmp_path)) == {"models": {"model": "already there"}}
    assert load("model", tmp_path).digest == before


def test_zoo_trains_what_is_missing_and_survives_a_failure(images: str, tmp_path: Path, capsys, monkeypatch) -> None:
    good = " ".join(["--dataset", images, *QUICK, "--epochs", "1"])
    (tmp_path / "zoo.toml").write_text(f'[models]\nbad = "--dataset nothing"\ngood = "{good}"\n')

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess:
        return subprocess.CompletedProcess(command, main(command[3:]))  # in this process: quicker than a new one

    monkeypatch.setattr("core.cli_train.subprocess.run", run)
    monkeypatch.setattr("core.cli_train._commit", lambda: "")
    capsys.readouterr()
    assert main(["zoo", "--json", "--root", str(tmp_path)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(last) == {"models": {"bad": "failed with status 1", "good": "trained"}}
    assert load("good", tmp_path).name == "good"


# ---------------------------------------------------------------- real processes


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


def test_a_process_killed_at_a_random_moment_ends_at_the_same_weights(images: str, tmp_path: Path, capsys) -> None:
    _kill_and_continue(images, tmp_path, capsys, [0.1])


@pytest.mark.slow
def test_a_process_killed_many_times_ends_at_the_same_weights(images: str, tmp_path: Path, capsys) -> None:
    moments = random.Random(1)
    _kill_and_continue(images, tmp_path, capsys, [moments.uniform(0, 0.6) for _ in range(8)])


def _kill_and_continue(images: str, tmp_path: Path, capsys, delays: list[float]) -> None:
    answer(capsys, *train_arguments(images, tmp_path, "whole", *LONG))
    arguments, state = train_arguments(images, tmp_path, "killed", *LONG), tmp_path / ".training/killed.safetensors"
    killed = 0
    for delay in delays:
        process = interrupt(arguments, state, signal.SIGKILL, delay)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        if (tmp_path / "killed").exists():
            break
    assert killed, "it was over before it was killed"
    if not (tmp_path / "killed").exists():
        answer(capsys, *arguments)
    assert weights(tmp_path, "killed") == weights(tmp_path, "whole")


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


def test_the_module_runs() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "core", "data", "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0 and "digits" in json.loads(process.stdout)["datasets"]
    assert process.stderr == ""
