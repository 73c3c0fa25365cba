"""``zoo``: what is missing is trained, what is there is left alone, what failed or is broken is told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from core.checkpoint import load
from core.cli import main
from tests.core.commands import QUICK, answer, complaint, train_arguments, write_images


@pytest.fixture
def images(tmp_path: Path) -> str:
    return write_images(tmp_path)


@pytest.fixture
def in_process(monkeypatch) -> list[list[str]]:
    """The trainings run in this process, quicker than in a new one; gives their command lines."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess:
        commands.append(command[3:])
        return subprocess.CompletedProcess(command, main(command[3:]))

    monkeypatch.setattr("core.cli_train.subprocess.run", run)
    monkeypatch.setattr("core.cli_train._commit", lambda: "")
    return commands


def test_zoo_skips_what_is_there(images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    before = load("model", tmp_path).digest
    (tmp_path / "zoo.toml").write_text(f'[models]\nmodel = "--dataset {images} --epochs 1"\n')
    assert answer(capsys, "zoo", "--json", "--root", str(tmp_path)) == {
        "models": {"model": "already there"},
        "failed": [],
    }
    assert load("model", tmp_path).digest == before


def test_zoo_trains_what_is_missing_and_survives_a_failure(images: str, tmp_path: Path, capsys, in_process) -> None:
    good = " ".join(["--dataset", images, *QUICK, "--epochs", "1"])
    (tmp_path / "zoo.toml").write_text(f'[models]\nbad = "--dataset nothing"\ngood = "{good}"\n')

    capsys.readouterr()
    assert main(["zoo", "--json", "--root", str(tmp_path)]) == 1, "a failed model is a failure"
    last = capsys.readouterr().out.splitlines()[-1]
    states = {"bad": "failed with status 1", "good": "trained"}
    assert json.loads(last) == {"models": states, "failed": ["bad"]}
    assert load("good", tmp_path).name == "good"


def test_zoo_tells_a_broken_folder_from_one_that_is_there(images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    (tmp_path / "zoo.toml").write_text(f'[models]\nmodel = "--dataset {images}"\n')
    assert main(["zoo", "--json", "--root", str(tmp_path)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["failed"] == ["model"] and told["models"]["model"].startswith("broken: model.safetensors is damaged")
    assert main(["zoo", "--root", str(tmp_path)]) == 1
    assert "broken: model.safetensors" in capsys.readouterr().out


def test_zoo_passes_the_folder_of_the_data_on(images: str, tmp_path: Path, capsys, in_process) -> None:
    good = " ".join(["--dataset", images, *QUICK, "--epochs", "1"])
    (tmp_path / "zoo.toml").write_text(f'[models]\ngood = "{good}"\n')
    capsys.readouterr()
    assert main(["zoo", "--root", str(tmp_path), "--data", str(tmp_path / "sets")]) == 0
    assert in_process[0][:7] == ["train", "--name", "good", "--root", str(tmp_path), "--data", str(tmp_path / "sets")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"needs a table [models]"),
        ("models = 3", r"needs a table [models]"),
        ("[model]\na = '--epochs 1'", r"needs a table [models]"),
        ("[models]\na = 3", "a is int, expected a string"),
        ("[models]\na = ['--epochs', '1']", "a is list, expected a string"),
        ("[models]\na = '--epochs \"1'", "a: No closing quotation"),
        ("[models", "zoo.toml is not TOML"),
    ],
)
def test_a_wrong_recipe_file_is_answered_in_one_line(
    text: str, reason: str, tmp_path: Path, capsys, in_process
) -> None:
    (tmp_path / "zoo.toml").write_text(text)
    told = complaint(capsys, "zoo", "--json", "--root", str(tmp_path))
    assert reason in told and "zoo.toml" in told and not in_process
