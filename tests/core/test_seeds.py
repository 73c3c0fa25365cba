"""Other training seeds of a checkpoint: taken over or trained, without weights, refused where they are not that."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.checkpoint import load, read_metrics
from core.checkpoint_list import list_checkpoints
from core.cli import main
from core.errors import CheckpointError
from core.records import CheckpointInfo
from core.seed_spread import over_seeds
from core.train import Run
from tests.core.commands import answer, complaint, train_arguments, write_images


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_images(tmp_path_factory.mktemp("images"))


@pytest.fixture
def root(images: str, tmp_path: Path, capsys) -> Path:
    """A checkpoint of seed 0."""
    answer(capsys, *train_arguments(images, tmp_path))
    return tmp_path


def seeds(root: Path, *more: str) -> tuple[str, ...]:
    return ("seeds", "model", "--json", "--root", str(root), *more)


def info_of(root: Path, name: str = "model") -> CheckpointInfo:
    return next(info for info in list_checkpoints(root) if info.name == name)


def test_a_seed_that_is_trained_is_the_one_that_is_taken_over(
    images: str, root: Path, tmp_path_factory, capsys
) -> None:
    other = tmp_path_factory.mktemp("other")
    answer(capsys, *train_arguments(images, other, "same", "--seed", "3"))
    before = (root / "model" / "model.safetensors").read_bytes()
    answer(capsys, *seeds(root, "--from", str(other / "same")))
    taken = load("model", root).metrics["seeds"][0]
    told = answer(capsys, *seeds(root, "--seeds", "3", "--replace"))
    assert told["seeds"] == {"3": "trained"} and told["nll"]["n"] == 2
    trained = load("model", root).metrics["seeds"][0]
    assert trained["evaluations"] == taken["evaluations"], "the same recipe, bit for bit"
    assert trained["command"] == "python -m core seeds model --seeds 3" and "--seed 3" in taken["command"]
    assert "curve" not in taken["training"] and taken["training"]["epochs"] == 3
    assert (root / "model" / "model.safetensors").read_bytes() == before
    assert info_of(root).seeds == (0, 3) and info_of(root).error is None
    assert not list((root / ".training").iterdir())


def test_the_spread_is_that_of_every_seed(root: Path, capsys) -> None:
    assert over_seeds(info_of(root), "nll").sd is None
    answer(capsys, *seeds(root, "--seeds", "1", "2"))
    info = info_of(root)
    values = [info.metrics["test"]["nll"]["value"]]
    values += [info.other_seeds[seed]["test"]["nll"]["value"] for seed in (1, 2)]
    found = over_seeds(info, "nll")
    assert found.n == 3 and found.mean == pytest.approx(sum(values) / 3) and len(set(values)) == 3
    assert found.sd == pytest.approx(statistics.stdev(values))
    assert found.se == pytest.approx(found.sd / math.sqrt(3))
    assert over_seeds(info, "log p") is None and over_seeds(info, "nll", "train") is None
    answer(capsys, "evaluate", "model", "--samples", "30", "--save", "--json", "--root", str(root))
    assert info_of(root).seeds == (0, 1, 2), "an evaluation leaves the seeds where they are"
    assert over_seeds(info_of(root), "nll").n == 1, "20 and 30 importance samples are not compared"


def test_an_interrupted_seed_goes_on_and_what_is_finished_stays(root: Path, capsys, monkeypatch) -> None:
    step, done = Run._epoch, []

    def stopping(run: Run, *arguments) -> None:
        step(run, *arguments)
        done.append(run.config.train.seed)
        run.stop_requested = len(done) == 5

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_epoch", stopping)
        assert main(seeds(root, "--seeds", "1", "2")) == 130
    assert done == [1, 1, 1, 2, 2] and info_of(root).seeds == (0, 1)
    epochs = []
    monkeypatch.setattr(Run, "_epoch", lambda run, *rest: (epochs.append(run.config.train.seed), step(run, *rest)))
    told = answer(capsys, *seeds(root, "--seeds", "1", "2"))
    assert epochs == [2] and told["seeds"] == {"1": "already there", "2": "trained"}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--seed", "1", "--epochs", "4"), "train.epochs is 4, expected 3"),
        (("--seed", "1", "--learning-rate", "0.1"), "train.learning_rate is 0.1"),
        (("--seed", "1", "--prior", "vamp", "--prior-option", "components=3"), "model.prior"),
        (("--seed", "1", "--hidden", "9"), "model.hidden"),
        (("--seed", "1", "--half"), "half precision"),
        (("--seed", "1", "--samples", "9"), "samples is 9, expected 20"),
        ((), "seed 0 is the one that the stored weights were trained with"),
    ],
)
def test_another_recipe_is_not_another_seed(images: str, root: Path, capsys, more, reason: str) -> None:
    answer(capsys, *train_arguments(images, root, "other", *more))
    assert reason in complaint(capsys, *seeds(root, "--from", str(root / "other")))
    assert info_of(root).seeds == (0,)


def test_what_cannot_be_done_is_said(images: str, root: Path, capsys) -> None:
    assert "seed 0 is the one" in complaint(capsys, *seeds(root, "--seeds", "4", "0"))
    answer(capsys, *train_arguments(images, root, "one", "--seed", "1"))
    answer(capsys, *seeds(root, "--from", str(root / "one")))
    assert "seed 1 of model is already there" in complaint(capsys, *seeds(root, "--from", str(root / "one")))
    assert "cannot be read" in complaint(capsys, *seeds(root, "--from", str(root / "nothing")))
    (root / "model" / "metrics.json").write_text("{}")
    assert "no evaluation" in complaint(capsys, *seeds(root, "--seeds", "1"))


def entry(seed: int = 1, **more: Any) -> dict[str, Any]:
    test = {"n": 5, "seed": 0, "samples": 9, "nll": {"value": 3.0, "se": 0.1}}
    return {"seed": seed, "training": {"epochs": 2}, "evaluations": {"test": test}, "command": "", **more}


HOSTILE: dict[str, tuple[Any, str]] = {
    "an object": ({}, "must be a list"),
    "a list of numbers": ([1], "must be a list"),
    "too many": ([entry(seed) for seed in range(100, 200)], "at most 64"),
    "no seed": ([{"evaluations": {}}], "needs a seed"),
    "a negative seed": ([entry(-1)], "needs a seed"),
    "true as a seed": ([entry(True)], "needs a seed"),
    "a seed twice": ([entry(1), entry(1)], "seed 1 is there twice"),
    "the seed of the weights": ([entry(7)], "seed 7 is there twice"),
    "an unknown key": ([entry(weights="x")], "weights is not known here"),
    "no evaluation": ([entry(evaluations={})], "evaluations are missing"),
    "evaluations as a list": ([entry(evaluations=[1])], "evaluations must hold an object for each split"),
    "an estimate without its error": ([entry(evaluations={"test": {"n": 5, "seed": 0, "nll": {"value": 1}}})], "nll"),
    "no number of images": ([entry(evaluations={"test": {"nll": {"value": 1, "se": 0}}})], "n is missing"),
    "a curve": ([entry(training={"curve": []})], "training must be an object of numbers"),
    "a command that is none": ([entry(command=3)], "command and commit must be text"),
    "a command without end": ([entry(command="x" * 100_000)], "command and commit must be text"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_seeds_are_a_reason_that_names_them(case: str, tmp_path: Path) -> None:
    stored, reason = HOSTILE[case]
    (tmp_path / "metrics.json").write_text(json.dumps({"evaluations": {}, "seeds": stored}))
    with pytest.raises(CheckpointError, match=r"metrics\.json: ") as caught:
        read_metrics(tmp_path, 7)
    assert reason in str(caught.value)


def test_a_broken_seed_makes_a_broken_line_of_the_list(root: Path, edit_metrics: Callable[..., None]) -> None:
    edit_metrics(root, seeds=[entry(0)])
    assert "seed 0 is there twice" in (info_of(root).error or "")
    edit_metrics(root, seeds=[entry(4)])
    assert info_of(root).error is None and info_of(root).seeds == (0, 4)


@pytest.fixture
def edit_metrics() -> Callable[..., None]:
    def edit(root: Path, **changes: Any) -> None:
        file = root / "model" / "metrics.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return edit
