"""``zoo``: what is missing is trained, what is there is left alone, what failed or is broken is told."""

from __future__ import annotations

import errno
import json
import subprocess
from pathlib import Path

import pytest

from core.checkpoint import checkpoint_root, load, read_config
from core.checkpoint_list import list_checkpoints
from core.cli import main
from core.config import TrainConfig
from core.train import Run
from core.training_file import curve_file, write_curve
from core.training_records import EpochRecord
from core.zoo_recipes import FILE, read_recipes
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

    monkeypatch.setattr("core.cli_zoo.subprocess.run", run)
    monkeypatch.setattr("core.cli_train._commit", lambda: "")
    return commands


def test_zoo_skips_what_is_there(images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    before = load("model", tmp_path).digest
    (tmp_path / "zoo.toml").write_text(f'[models]\nmodel = "--dataset {images} --epochs 1"\n')
    told = answer(capsys, "zoo", "--json", "--root", str(tmp_path))
    assert told["models"] == {"model": "already there"} and told["failed"] == []
    assert told["status"][0]["usable"] and told["status"][0]["epochs"] == 3
    assert load("model", tmp_path).digest == before


def test_zoo_trains_what_is_missing_and_survives_a_failure(images: str, tmp_path: Path, capsys, in_process) -> None:
    good = " ".join(["--dataset", images, *QUICK, "--epochs", "1"])
    (tmp_path / "zoo.toml").write_text(f'[models]\nbad = "--dataset npz:/nothing.npz"\ngood = "{good}"\n')

    capsys.readouterr()
    assert main(["zoo", "--json", "--root", str(tmp_path)]) == 1, "a failed model is a failure"
    last = capsys.readouterr().out.splitlines()[-1]
    states = {"bad": "failed with status 1", "good": "trained"}
    told = json.loads(last)
    assert told["models"] == states and told["failed"] == ["bad"]
    assert [model["state"] for model in told["status"]] == ["not trained", "there"]
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
        ("[models]\n[other]\na = 1", "other is not known here"),
        ("[models]\ngood = ''\na = '--epoch 1'", "a: unrecognized arguments: --epoch 1"),
        ("[models]\ngood = ''\na = '--epochs many'", "a: argument --epochs: invalid int value: 'many'"),
        ("[models]\ngood = ''\na = '--epochs 0'", "a: epochs: Input should be greater than or equal to 1"),
        ("[models]\ngood = ''\na = '--prior vampire'", "a: unknown prior 'vampire'"),
        ("[models]\ngood = ''\na = '--prior mog --prior-option componentz=5'", "a: Mixture of Gaussians, prior option"),
        ("[models]\ngood = ''\na = '--posterior iaf --posterior-option depth=5'", "depth: Extra inputs"),
        ("[models]\ngood = ''\na = '--dataset nothing'", "a: data set is 'nothing'"),
        ("[models]\ngood = ''\na = '--name b'", "a: --name is not a part of a recipe"),
        ("[models]\ngood = ''\na = '--replace'", "a: --replace is not a part of a recipe"),
        ("[models]\ngood = ''\n'../a' = ''", "a name has letters"),
        ("[models]\ngood = ''\na = '--samples 0'", "a: --samples is 0"),
    ],
)
def test_a_wrong_recipe_file_is_answered_in_one_line(
    text: str, reason: str, tmp_path: Path, capsys, in_process
) -> None:
    (tmp_path / "zoo.toml").write_text(text)
    told = complaint(capsys, "zoo", "--json", "--root", str(tmp_path))
    assert reason in told and "zoo.toml" in told and not in_process


def test_the_shipped_recipes_are_possible_and_are_those_of_the_shipped_models() -> None:
    recipes = read_recipes(checkpoint_root() / FILE)
    for info in list_checkpoints():
        config = read_config(checkpoint_root() / info.name)
        recipe = recipes[info.name].request
        assert (recipe.dataset, recipe.prior, recipe.latent_dim) == (info.dataset, info.prior, info.latent_dim)
        assert TrainConfig.model_validate(dict(recipe.settings)) == config.train, info.name


def test_the_status_tells_every_state_and_trains_nothing(images: str, tmp_path: Path, capsys, in_process) -> None:
    answer(capsys, *train_arguments(images, tmp_path, "there"))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    write_curve(curve_file(tmp_path, "begun"), [EpochRecord(1, 1.0, -9.0, 1.0, -10.0, 0.1)], 7, 1, 0.1)
    line = f"--dataset {images} --epochs 7"
    names = ("there", "broken", "begun", "missing")
    (tmp_path / "zoo.toml").write_text("[models]\n" + "".join(f'{name} = "{line}"\n' for name in names))
    told = answer(capsys, "zoo", "--status", "--json", "--root", str(tmp_path))
    assert told["models"] | {"broken": ""} == {
        "there": "there", "broken": "", "begun": "begun, epoch 1 of 7", "missing": "not trained",
    }  # fmt: skip
    assert told["models"]["broken"].startswith("broken: config.json") and not in_process
    assert main(["zoo", "--status", "--root", str(tmp_path)]) == 0
    table = capsys.readouterr().out
    assert "1 of 4 models are there" in table and "begun, epoch 1 of 7" in table


def test_a_device_that_is_not_there_is_refused_before_anything_is_trained(
    images: str, tmp_path: Path, capsys, in_process, monkeypatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    (tmp_path / "zoo.toml").write_text(f'[models]\nmodel = "--dataset {images}"\n')
    told = complaint(capsys, "zoo", "--root", str(tmp_path), "--json", "--device", "cuda")
    assert "torch sees 0 CUDA devices" in told and not in_process
    assert "expected cpu, cuda" in complaint(capsys, "zoo", "--root", str(tmp_path), "--json", "--device", "tpu")


def test_a_device_is_asked_of_every_model(images: str, tmp_path: Path, capsys, in_process) -> None:
    good = " ".join(["--dataset", images, *QUICK, "--epochs", "1"])
    (tmp_path / "zoo.toml").write_text(f'[models]\ngood = "{good}"\n')
    assert main(["zoo", "--root", str(tmp_path), "--device", "cpu"]) == 0
    assert in_process[0][-2:] == ["--device", "cpu"]


def test_an_interrupted_zoo_goes_on_where_it_was(images: str, tmp_path: Path, capsys, monkeypatch, in_process) -> None:
    line = " ".join(["--dataset", images, *QUICK, "--epochs", "4"])
    (tmp_path / "zoo.toml").write_text(f'[models]\nfirst = "{line}"\nsecond = "{line}"\n')
    step = Run._epoch

    def stopping(run: Run, *arguments) -> None:
        step(run, *arguments)
        run.stop_requested = run.position.epoch == 2

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_epoch", stopping)
        assert main(["zoo", "--root", str(tmp_path)]) == 130
    assert "begun, epoch 2 of 4" in capsys.readouterr().out and not (tmp_path / "first").exists()
    assert main(["zoo", "--root", str(tmp_path)]) == 0
    assert [info.name for info in list_checkpoints(tmp_path) if not info.error] == ["first", "second"]
    assert [command[2] for command in in_process] == ["first", "first", "second"]


def test_a_full_disk_leaves_the_checkpoint_that_was_there(images: str, tmp_path: Path, capsys, monkeypatch) -> None:
    """As seen by whoever replaces a checkpoint: every file that is written may be the one that does not fit."""
    arguments = train_arguments(images, tmp_path)
    answer(capsys, *arguments)
    before = {file.name: file.read_bytes() for file in (tmp_path / "model").iterdir()}
    monkeypatch.setattr("core.checkpoint.write_tensors", _full)
    assert "No space left" in complaint(capsys, *arguments, "--replace", "--seed", "5")
    monkeypatch.undo()
    monkeypatch.setattr("core.checkpoint.write_latents", _full)
    assert "No space left" in complaint(capsys, *arguments, "--replace", "--seed", "5")
    assert {file.name: file.read_bytes() for file in (tmp_path / "model").iterdir()} == before
    monkeypatch.undo()
    answer(capsys, *arguments, "--replace", "--seed", "5")
    assert load("model", tmp_path).config.train.seed == 5, "the finished training was kept, and is stored now"


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
