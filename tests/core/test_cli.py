"""The command line: one JSON object on standard output, one line of reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.checkpoint import load
from core.checkpoint_folders import NAME
from core.cli import _recorded, _show_list, main
from core.cli_train import _commit
from core.priors import PRIORS
from core.training_request import base_name
from tests.core.commands import answer, check_evaluation, complaint, train_arguments, write_images

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def images(tmp_path: Path) -> str:
    return write_images(tmp_path)


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


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("fashion_mnist", "fashion-mnist-2d-vamp"),
        ("npz:/some where/my Zähne_1.npz", "my-Z-hne-1-2d-vamp"),
        ("npz:é.npz", "images-2d-vamp"),
    ],
)
def test_the_default_name_is_one_that_a_checkpoint_can_have(data: str, name: str) -> None:
    found = base_name(data, 2, "vamp", "gaussian")
    assert found == name and NAME.fullmatch(found)


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


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"test": 3},
        {"test": {}},
        {"test": {"elbo": -3.0}},
        {"test": {"elbo": {}}},
        {"test": {"elbo": {"value": None}}},
        {"test": {"elbo": {"value": "-3"}}},
        {"test": {"elbo": {"value": [1]}}},
        {"test": [], "validation": {"elbo": {"value": -3.0}}},
        [],
        None,
    ],
)
def test_odd_metrics_are_listed_as_not_evaluated(metrics: object) -> None:
    info = {"name": "odd", "error": None, "dataset": "digits", "prior": "vamp", "latent_dim": 2, "metrics": metrics}
    assert _show_list({"checkpoints": [info]}).endswith("d = 2    not evaluated")


def test_the_commit_tells_uncommitted_changes(tmp_path: Path, monkeypatch) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    (tmp_path / "core").mkdir()
    monkeypatch.setattr("core.cli_train.__file__", str(tmp_path / "core" / "cli_train.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert _commit() == ""
    git("init", "--quiet")
    assert _commit() == "", "nothing committed"
    tracked = tmp_path / "tracked.txt"
    tracked.write_text("one")
    git("add", "tracked.txt")
    git("commit", "--quiet", "--message", "first")
    (tmp_path / "untracked.txt").write_text("left about")
    assert _commit() == git("rev-parse", "HEAD")
    tracked.write_text("two")
    assert _commit() == git("rev-parse", "HEAD") + "-dirty"


def test_the_help_names_every_prior(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert ", ".join(PRIORS) in " ".join(capsys.readouterr().out.split())


def test_the_module_runs() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "core", "data", "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0 and "digits" in json.loads(process.stdout)["datasets"]
    assert process.stderr == ""


def test_a_checkpoint_records_the_command_without_places_on_a_disk() -> None:
    given = ["train", "--root", "/some/where", "--prior", "vamp", "--data=/else/where", "--json", "--name", "a b"]
    assert _recorded(given) == "python -m core train --prior vamp --name 'a b'"
