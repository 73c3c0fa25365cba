"""A recorded training is measured once and kept: what a page reads is what it would have calculated."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import history, metrics_file
from core.checkpoint import Checkpoint, checkpoint_root, load
from core.errors import CheckpointError
from core.history_measure import snapshots_of, suits
from core.history_records import Course
from core.metrics_file import read_metrics
from tests.core.commands import answer, complaint, train_arguments, write_images


@pytest.fixture
def root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with a model whose training was recorded, and one that was not."""
    images = write_images(tmp_path)
    answer(capsys, *train_arguments(images, tmp_path, "model", "--prior", "mog", "--snapshots", "20"))
    answer(capsys, *train_arguments(images, tmp_path, "other"))
    return tmp_path


def recorded(checkpoint: Checkpoint) -> Course | None:
    return metrics_file.record(checkpoint.metrics, "test", "course")


def test_training_keeps_it_and_it_is_what_a_page_would_calculate(root: Path) -> None:
    checkpoint = load("model", root)
    found = snapshots_of(checkpoint, root)
    assert found is not None and snapshots_of(load("other", root), root) is None
    stored = recorded(checkpoint)
    assert stored == history.course(found, checkpoint) and suits(stored, found)
    assert not suits(stored, found, seed=1), "another seed gives other numbers"
    assert "course" not in load("other", root).metrics["evaluations"]["test"]


def test_what_is_of_other_snapshots_is_not_taken(root: Path) -> None:
    checkpoint = load("model", root)
    found = snapshots_of(checkpoint, root)
    assert found is not None
    course = checkpoint.metrics["evaluations"]["test"]["course"]
    course["moments"][-1]["epoch"] += 1
    assert not suits(recorded(checkpoint), found)


def test_the_command_tells_it_and_keeps_it_where_asked(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def only(*more: str) -> list[str]:
        return ["evaluate", "model", "--only", "course", "--json", "--root", str(root), *more]

    file = root / "model" / "metrics.json"
    before = file.read_text()
    told = answer(capsys, *only())["course"]
    assert file.read_text() == before and told == json.loads(before)["evaluations"]["test"]["course"]
    other = answer(capsys, *only("--seed", "5", "--save"))["course"]
    assert json.loads(file.read_text())["evaluations"]["test"]["course"] == other != told
    assert "recorded on its test split" in complaint(capsys, *only("--split", "train"))
    name = only()
    name[1] = "other"
    assert "no snapshots" in complaint(capsys, *name)


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no epoch": (lambda c: c.update(moments=[]), "rising epochs"),
    "an epoch twice": (lambda c: c["moments"].append(c["moments"][-1]), "rising epochs"),
    "an epoch before the first": (lambda c: c["moments"][0].update(epoch=-1), "rising epochs"),
    "more images than there are": (lambda c: c.update(images=10**6), "images of the split"),
    "no draw": (lambda c: c.update(draws=0), "one draw or more"),
    "a split that is none": (lambda c: c.update(split="a\x07b"), "name a split"),
    "a negative error": (lambda c: c["moments"][0]["marginal_kl"].update(se=-1), "Estimate out of range"),
    "a number as text": (lambda c: c["moments"][0].update(beta="x"), "beta"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_wrong_course_is_refused_with_its_reason(damage: str, tmp_path: Path) -> None:
    change, reason = DAMAGE[damage]
    course = copy.deepcopy(load("digits-2d-vamp", checkpoint_root()).metrics["evaluations"]["test"]["course"])
    change(course)
    (tmp_path / "metrics.json").write_text(json.dumps({"evaluations": {"test": {"course": course}}}))
    with pytest.raises(CheckpointError, match=r"metrics\.json: evaluations: test: course") as caught:
        read_metrics(tmp_path)
    assert reason in str(caught.value)


def test_every_shipped_recording_is_measured() -> None:
    root, checked = checkpoint_root(), 0
    for file in sorted(root.glob("*/snapshots.safetensors")):
        checkpoint = load(file.parent.name, root)
        found = snapshots_of(checkpoint, root)
        assert found is not None and suits(recorded(checkpoint), found), file.parent.name
        checked += 1
    assert checked >= 9
