"""What a checkpoint keeps of its prior's components: as measured, of the same model, or refused with the reason."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core.checkpoint import checkpoint_root, load
from core.cli import main
from core.component_file import Stored, file_of, read_components, write_components
from core.component_measure import reason_against, store_components
from core.component_records import Components
from core.errors import CheckpointError
from core.memorisation import compare_with
from core.nearest_records import Compared
from core.pseudo_inputs import components
from tests.pages.zoo import tiny_data, trained


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with labels, one with grey pixels, and one without components."""
    root = tmp_path_factory.mktemp("stored-components")
    trained(root, "vamp", "vamp", tiny_data())
    trained(root, "grey", "mog", tiny_data("npz:own.npz", "logistic", labels=False))
    trained(root, "standard", "standard", tiny_data())
    return root


def same(first: Components | Compared, second: Components | Compared) -> None:
    for field in dataclasses.fields(first):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if field.name == "class_mix" and one is not None:  # in single precision in the file
            np.testing.assert_allclose(one, other, rtol=1e-6, strict=True)
        elif isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other, strict=True)
        else:
            assert one == other


@pytest.mark.parametrize(
    ("name", "data"), [("vamp", tiny_data()), ("grey", tiny_data("npz:own.npz", "logistic", labels=False))]
)
def test_what_is_read_is_what_a_page_would_calculate(root: Path, name: str, data: Any) -> None:
    before = load(name, root)
    summary = store_components(name, root, data)
    checkpoint = load(name, root)
    assert checkpoint.digest == before.digest  # a measure, no part of the model
    stored = read_components(root / name, "test", checkpoint.digest)
    assert stored is not None and stored.compared is not None and checkpoint.latents is not None
    same(stored.components, components(checkpoint.vae.prior, checkpoint.latents, seed=0))  # type: ignore[arg-type]
    same(stored.compared, compare_with(checkpoint, data, seed=0))
    assert stored.components.summary() == summary and summary.count == 5
    assert checkpoint.metrics["evaluations"]["test"]["components"]["effective"]["value"] == summary.effective.value
    evaluation = {**checkpoint.metrics["evaluations"]["test"]}
    del evaluation["components"]
    assert evaluation == before.metrics["evaluations"]["test"]


def test_without_the_data_set_there_is_no_comparison(root: Path) -> None:
    store_components("vamp", root, None)
    stored = read_components(root / "vamp", "test", load("vamp", root).digest)
    assert stored is not None and stored.compared is None


def test_no_file_is_no_error(root: Path) -> None:
    assert read_components(root / "standard", "test", "") is None


def test_a_prior_without_components_is_told(root: Path) -> None:
    assert "one single Gaussian" in str(reason_against(load("standard", root)))
    with pytest.raises(ValueError, match="standard: this prior is one single Gaussian"):
        store_components("standard", root, tiny_data())


def alike(a: Any, b: Any) -> bool:
    """Whether two values of JSON are equal, numbers up to the rounding of another processor's matrix products."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) if isinstance(a, float) and isinstance(b, float) else a == b


def test_the_command_adds_them_where_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "digits-2d-mog"
    shutil.copytree(checkpoint_root() / name, tmp_path / name)
    file, metrics = file_of(tmp_path / name, "test"), tmp_path / name / "metrics.json"
    file.unlink()
    before = metrics.read_text()
    command = ["evaluate", name, "--only", "components", "--root", str(tmp_path), "--json"]
    assert main(command) == 0 and not file.exists() and metrics.read_text() == before
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["components"]
    assert alike(told, json.loads(before)["evaluations"]["test"]["components"])  # what was shipped is found again
    assert main([*command, "--save"]) == 0 and file.exists()
    assert alike(json.loads(metrics.read_text()), json.loads(before))
    assert main([*command, "--split", "train"]) == 1 and "posteriors of its test split" in capsys.readouterr().err


def test_every_shipped_file_can_be_read() -> None:
    root, checked = checkpoint_root(), 0
    for file in sorted(root.glob("*/components-*.safetensors")):
        checkpoint = load(file.parent.name, root)
        assert checkpoint.latents is not None
        stored = read_components(file.parent, checkpoint.latents.split, checkpoint.digest)
        assert stored is not None and stored.compared is not None and stored.components.seed == 0
        checked += 1
    assert checked >= 10


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> tuple[Path, str]:
    """A copy of a checkpoint with its components, and its digest."""
    store_components("vamp", root, tiny_data())
    shutil.copytree(root / "vamp", tmp_path / "vamp")
    return tmp_path / "vamp", load("vamp", tmp_path).digest


def _changed(file: Path, metadata: dict[str, str] | None = None, **arrays: np.ndarray | None) -> None:
    with file.open("rb") as content:
        head = json.loads(content.read(int.from_bytes(content.read(8), "little")))["__metadata__"]
    kept = {name: value for name, value in (load_file(file) | arrays).items() if value is not None}
    save_file(kept, file, head | (metadata or {}))


def _summary(**changed: Any):
    def change(file: Path) -> None:
        with file.open("rb") as content:
            head = json.loads(content.read(int.from_bytes(content.read(8), "little")))["__metadata__"]
        _changed(file, {"summary": json.dumps(json.loads(head["summary"]) | changed)})

    return change


def _with(**arrays: np.ndarray | None):
    return lambda file: _changed(file, **{name.replace("__", "."): value for name, value in arrays.items()})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-9]), "cannot be used"),
        (lambda file: file.write_bytes(b""), "cannot be used"),
        (lambda file: _changed(file, {"digest": "0" * 16}), "of another model"),
        (lambda file: _changed(file, {"summary": "{"}), "cannot be used"),
        (lambda file: _changed(file, {"compared": "[]"}), "cannot be used"),
        (lambda file: _changed(file, {"compared": '{"drawn": 1, "train": 60, "seed": 0}'}), "must name drawn"),
        (_summary(count=6), "must be float64 of shape"),
        (_summary(count=1), "2 to 10,000 components"),
        (_summary(dead=9), "dead components must be 0 to 5"),
        (_summary(purity=None), "both or none"),
        (_summary(duplicate_pairs=11), "at most all pairs"),
        (_with(usage=None), "usage is missing"),
        (_with(usage=np.full(5, 0.3)), "usage must sum to 1"),
        (_with(usage=np.full(5, 0.2, np.float32)), "usage must be float64"),
        (_with(weight=np.array([np.nan, 0.25, 0.25, 0.25, 0.25])), "weight must hold numbers"),
        (_with(neighbour=np.array([0, 1, 2, 3, 5])), "under 5"),
        (_with(class_mix=None), "both or not at all"),
        (_with(compared__pixel_rows=np.full((5, 8), 60)), "under 60"),
        (_with(compared__pixel=np.full((5, 8), 2, np.float32)), "from 0 to 1"),
        (_with(compared__new_ratio=np.zeros(7, np.float32)), "lengths that do not fit"),
        (_with(compared__new_latent=np.zeros((40, 1), np.float32)), "of shape"),
    ],
)
def test_a_damaged_file_is_refused_with_its_reason(folder: tuple[Path, str], change: Any, told: str) -> None:
    path, digest = folder
    change(file_of(path, "test"))
    with pytest.raises(CheckpointError, match=told):
        read_components(path, "test", digest)


def test_writing_again_replaces(folder: tuple[Path, str]) -> None:
    path, digest = folder
    stored, files = read_components(path, "test", digest), sorted(file.name for file in path.iterdir())
    assert stored is not None
    write_components(path, "test", Stored(stored.components, None), digest)
    again = read_components(path, "test", digest)
    assert again is not None and again.compared is None
    assert sorted(file.name for file in path.iterdir()) == files
