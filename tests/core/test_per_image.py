"""What each image gives to the measures: its file, and that a file of anything else is refused."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core.checkpoint import checkpoint_root
from core.cli import main
from core.datasets import Split
from core.errors import CheckpointError
from core.metrics.bound import measure_images
from core.metrics.evaluate import Evaluation, evaluate
from core.per_image import file_of, fingerprint, read_per_image, write_per_image
from tests.oracle import exact_log_marginal, images_of, linear_gaussian

VAE = linear_gaussian(shift=0.1)
IMAGES = images_of(VAE, 60)


@pytest.fixture(scope="module")
def measured() -> Evaluation:
    return evaluate(VAE, Split(IMAGES), "test", samples=200, seed=4)


def test_the_means_over_the_images_are_the_estimates(measured: Evaluation, tmp_path: Path) -> None:
    write_per_image(tmp_path, measured.per_image)
    evaluation = measured.as_dict()
    found = read_per_image(tmp_path, "test", evaluation)
    assert found is not None and len(found) == 60 and found.images == fingerprint(IMAGES.numpy())
    for name in ("elbo", *found.values):
        values, told = found.of(name), evaluation[name]
        assert values is not None and values.shape == (60,)
        assert values.mean() == pytest.approx(told["value"], abs=1e-5)
        assert values.std(ddof=1) / 60**0.5 == pytest.approx(told["se"], rel=1e-4)
    assert set(found.values) == {
        "reconstruction", "average_kl", "mutual_information", "marginal_kl", "nll", "log_likelihood",
    }  # fmt: skip


def test_the_likelihood_is_that_of_each_image(measured: Evaluation) -> None:
    truth = exact_log_marginal(VAE, IMAGES).double().numpy()
    quadrature, sampled = measured.per_image.of("log_likelihood"), measured.per_image.of("nll")
    assert quadrature is not None and np.abs(quadrature - truth).max() < 1e-4
    assert sampled is not None and np.corrcoef(-sampled, truth)[0, 1] > 0.999


def test_the_gap_of_the_bound_is_that_of_each_image(measured: Evaluation) -> None:
    found = measured.per_image
    gap, likelihood, bound = (found.of(measure) for measure in ("bound_gap", "log_likelihood", "elbo"))
    assert gap is not None and likelihood is not None and bound is not None
    assert gap.shape == (60,) and np.array_equal(gap, likelihood - bound)
    assert gap.mean() == pytest.approx(measured.as_dict()["bound_gap"]["value"], abs=0.05)
    kept = {name: found.values[name] for name in ("reconstruction", "average_kl")}
    assert dataclasses.replace(found, values=kept).of("bound_gap") is None


def test_they_are_measured_again_without_the_likelihood(measured: Evaluation) -> None:
    again = measure_images(VAE, Split(IMAGES), "test", seed=4, samples=200)
    assert set(again.values) == set(measured.per_image.values) - {"nll"} and again.images == measured.per_image.images
    for name, values in again.values.items():
        assert (values == measured.per_image.values[name]).all(), name


def test_the_command_adds_them_to_a_stored_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "digits-2d-standard"
    shutil.copytree(checkpoint_root() / name, tmp_path / name)
    file = file_of(tmp_path / name, "test")
    file.unlink(missing_ok=True)
    command = ["evaluate", name, "--only", "images", "--root", str(tmp_path), "--json"]
    assert main(command) == 0 and not file.exists()
    assert main([*command, "--save"]) == 0 and file.exists()
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["measures"][:2] == ["elbo", "reconstruction"]
    metrics = json.loads((tmp_path / name / "metrics.json").read_text())
    found = read_per_image(tmp_path / name, "test", metrics["evaluations"]["test"])
    assert found is not None and found.of("nll") is None and found.of("log_likelihood") is not None
    metrics["evaluations"]["test"]["elbo"]["value"] += 1
    metrics["evaluations"]["test"]["reconstruction"]["value"] += 1
    (tmp_path / name / "metrics.json").write_text(json.dumps(metrics))
    assert main(command) == 1 and "another evaluation: mean reconstruction" in capsys.readouterr().err


def test_no_file_is_no_error(tmp_path: Path) -> None:
    assert read_per_image(tmp_path, "test", {}) is None


def test_other_images_have_another_fingerprint() -> None:
    pixels = IMAGES.numpy()
    assert fingerprint(pixels) != fingerprint(pixels[::-1]) != fingerprint(pixels.reshape(-1, 1))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 5}, "another evaluation: seed 4"),
        ({"samples": 7}, "another evaluation: samples 200"),
        ({"nll": {"value": 3.0, "se": 0.1}}, "another evaluation: mean nll"),
        ({"nll": None}, "another evaluation: mean nll"),
        ({"n": 59}, "a number for each of the 59 images"),
        ({"n": None}, "a number for each of the None images"),
    ],
)
def test_of_another_evaluation(measured: Evaluation, tmp_path: Path, change: dict[str, Any], told: str) -> None:
    write_per_image(tmp_path, measured.per_image)
    with pytest.raises(CheckpointError, match=told):
        read_per_image(tmp_path, "test", measured.as_dict() | change)


def _truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def _with(**changed: np.ndarray | None):
    def change(file: Path) -> None:
        tensors = {name: value for name, value in (load_file(file) | changed).items() if value is not None}
        metadata = {"split": "test", "seed": "4", "samples": "200", "images": "0"}
        save_file(tensors, file, metadata)

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_truncate, "cannot be used"),
        (lambda file: file.write_bytes(b""), "cannot be used"),
        (_with(nll=np.full(60, np.nan, np.float32)), "finite float32"),
        (_with(nll=np.zeros(60, np.float64)), "finite float32"),
        (_with(nll=np.zeros(61, np.float32)), "a number for each"),
        (_with(extra=np.zeros(60, np.float32)), "must hold"),
        (_with(average_kl=None), "must hold"),
        (lambda file: save_file(load_file(file), file), "cannot be used"),
    ],
)
def test_a_damaged_file_is_refused_with_its_reason(measured: Evaluation, tmp_path: Path, change, told: str) -> None:
    write_per_image(tmp_path, measured.per_image)
    change(file_of(tmp_path, "test"))
    with pytest.raises(CheckpointError, match=told):
        read_per_image(tmp_path, "test", measured.as_dict())


def test_writing_again_replaces(measured: Evaluation, tmp_path: Path) -> None:
    write_per_image(tmp_path, dataclasses.replace(measured.per_image, samples=1))
    write_per_image(tmp_path, measured.per_image)
    assert [file.name for file in tmp_path.iterdir()] == ["per_image-test.safetensors"]
    assert read_per_image(tmp_path, "test", measured.as_dict()) is not None
