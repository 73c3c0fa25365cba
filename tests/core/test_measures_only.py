"""Models of which only the measures are kept: a row in the results like any other, and nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.checkpoint_list import list_checkpoints
from core.measures_only import FOLDER, folder_of, keep_measures, list_measured
from core.results import results, stamp
from core.results_records import ResultRow
from core.results_words import group_sentences
from core.zoo_recipes import read_recipes
from core.zoo_status import MEASURED, zoo_status
from tests.core.commands import answer, complaint
from tests.pages.zoo import tiny_data, trained


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models that may be compared, one that was not measured."""
    folder = tmp_path_factory.mktemp("whole")
    trained(folder, "a", "standard", tiny_data())
    trained(folder, "b", "mog", tiny_data())
    trained(folder, "unmeasured", "vamp", tiny_data(), evaluated=False)
    return folder


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    """A root with the first of them, and the measures of the second."""
    folder = tmp_path / "root"
    shutil.copytree(whole / "a", folder / "a")
    keep_measures(whole / "b", folder)
    return folder


def rows(root: Path) -> dict[str, ResultRow]:
    return {row.name: row for group in results(root) for row in group.rows}


def test_the_results_have_the_same_numbers_as_with_the_weights(whole: Path, root: Path) -> None:
    with_weights, without = rows(whole)["b"], rows(root)["b"]
    assert without.nll == with_weights.nll and without.commands == with_weights.commands and not without.weights
    assert without.gains == with_weights.gains and without.gains["elbo"].paired
    assert without.cost == with_weights.cost and with_weights.weights
    told = [sentence for group in results(root) for sentence in group_sentences(group)]
    assert any("Only the measures of b are here, not the weights" in sentence for sentence in told)
    assert not any("Only the measures" in s for group in results(whole) for s in group_sentences(group))


def test_it_is_no_checkpoint_and_yields_to_one(whole: Path, root: Path) -> None:
    assert [info.name for info in list_checkpoints(root)] == ["a"]
    assert [info.name for info in list_measured(root)] == ["b"] and folder_of(root, "b") == root / FOLDER / "b"
    before = stamp(root)
    shutil.copytree(whole / "b", root / "b")
    assert list_measured(root) == [] and rows(root)["b"].weights and stamp(root) != before
    assert folder_of(root, "b") == root / "b"


def test_the_command_keeps_them_and_tells_what_it_cannot(whole: Path, root: Path, tmp_path: Path, capsys) -> None:
    before = stamp(root)
    (root / FOLDER / "b" / "per_image-train.safetensors").write_bytes(b"of another evaluation")
    told = answer(capsys, "measures", str(whole / "b"), "--json", "--root", str(root))
    kept = root / FOLDER / "b"
    names = {"config.json", "metrics.json", "per_image-test.safetensors"}
    assert told["folder"] == str(kept) and {file.name for file in kept.iterdir()} == names
    assert told["bytes"] == sum(file.stat().st_size for file in kept.iterdir()) and stamp(root) != before
    assert "has a checkpoint a" in complaint(capsys, "measures", str(whole / "a"), "--root", str(root))
    assert "was not measured" in complaint(capsys, "measures", str(whole / "unmeasured"), "--root", str(root))
    shutil.copytree(whole / "b", tmp_path / "torn")
    (tmp_path / "torn" / "model.safetensors").write_bytes(b"x")
    assert complaint(capsys, "measures", str(tmp_path / "torn"), "--root", str(root))
    assert sorted(path.name for path in (root / FOLDER).iterdir()) == ["b"]


@pytest.mark.parametrize(("file", "content"), [("config.json", "{}"), ("metrics.json", '{"evaluations": 3}')])
def test_what_cannot_be_read_takes_no_other_model_away(root: Path, file: str, content: str) -> None:
    (root / FOLDER / "b" / file).write_text(content)
    (info,) = list_measured(root)
    assert info.error and file in info.error
    assert list(rows(root)) == ["a"]


def test_a_copy_that_was_cut_off_is_not_listed(root: Path) -> None:
    (root / FOLDER / "b" / "metrics.json").unlink()
    assert list_measured(root) == [] and list(rows(root)) == ["a"]


def test_the_zoo_tells_it_and_would_still_train_it(root: Path) -> None:
    (root / "zoo.toml").write_text("[models]\na = '--prior standard'\nb = '--prior mog'\nc = '--prior vamp'\n")
    found = {model.name: model for model in zoo_status(list(read_recipes(root / "zoo.toml").values()), root)}
    assert found["b"].state == MEASURED and not found["b"].usable and found["b"].nll is not None
    assert found["a"].usable and found["c"].nll is None and set(rows(root)) == {"a", "b", "c"}
