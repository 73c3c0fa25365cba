"""Records in metrics.json: what `evaluate` writes is read again, and nothing that is not what it says gets through."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from core.datasets import Split
from core.distributions import DiagonalNormal
from core.errors import CheckpointError
from core.metrics.coverage import FEWEST
from core.metrics.distance import distance
from core.metrics.evaluate import evaluate
from core.metrics.per_image import image_kl
from core.metrics_file import metrics_text, put_evaluation, read_metrics, record
from core.records import CurvePoint, Distance, Estimate
from tests.contracts import seeded
from tests.oracle import FixedMixture, cloud_of, images_of, linear_gaussian, standard_prior


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """An evaluation of the linear-Gaussian model on 60 images, through JSON."""
    vae = linear_gaussian(shift=0.1)
    found = evaluate(vae, Split(images_of(vae, 60)), "test", samples=20, seed=4).as_dict()
    return json.loads(json.dumps(found, allow_nan=False))


def written(folder: Path, evaluation: dict[str, Any]) -> Path:
    (folder / "metrics.json").write_text(json.dumps({"evaluations": {"test": evaluation}}))
    return folder


def test_what_another_process_stored_meanwhile_stays(measured: dict[str, Any], tmp_path: Path) -> None:
    """An evaluation takes minutes; what it had read at their beginning was written back whole."""
    written(tmp_path, measured)
    metrics = read_metrics(tmp_path)
    (tmp_path / "metrics.json").write_text(metrics_text({**metrics, "training": {"seconds": 3.0}}))
    put_evaluation(tmp_path, "validation", measured)
    put_evaluation(tmp_path, "test", {"note": 3})
    found = read_metrics(tmp_path)
    assert found["training"] == {"seconds": 3.0} and set(found["evaluations"]) == {"test", "validation"}
    assert found["evaluations"]["test"] == {**measured, "note": 3}
    put_evaluation(tmp_path, "test", measured, replace=True)
    assert read_metrics(tmp_path)["evaluations"]["test"] == measured


def test_what_is_measured_is_read_again(measured: dict[str, Any], tmp_path: Path) -> None:
    metrics = read_metrics(written(tmp_path, measured))
    found = record(metrics, "test", "distance")
    assert isinstance(found, Distance) and found.mismatch.seed == 4
    assert found.classifiers[0].accuracy.value == measured["distance"]["classifiers"][0]["accuracy"]["value"]
    curve = record(metrics, "test", "information_curve")
    assert isinstance(curve[-1], CurvePoint) and curve[-1].at == 60 and isinstance(curve[-1].estimate, Estimate)
    assert [point.at for point in record(metrics, "test", "likelihood_curve")] == [1, 10, 20]
    assert record(metrics, "validation", "distance") is None and record({}, "test", "distance") is None


def test_a_file_is_written_a_part_to_a_line(measured: dict[str, Any]) -> None:
    metrics = {"training": {"epochs": 3}, "evaluations": {"test": measured}, "seeds": []}
    text = metrics_text(metrics)
    assert json.loads(text) == metrics and [line[:6] for line in text.splitlines()] == [
        "{",
        '"train',
        '"evalu',
        '"seeds',
        "}",
    ]
    assert len(text) < 0.75 * len(json.dumps(metrics, indent=2))
    with pytest.raises(ValueError, match="not JSON compliant"):
        metrics_text({"training": {"seconds": float("nan")}})


def test_the_parts_fit_each_other(measured: dict[str, Any]) -> None:
    first, last = measured["likelihood_curve"][0]["estimate"], measured["likelihood_curve"][-1]["estimate"]
    assert last["value"] == pytest.approx(-measured["nll"]["value"]) and first["value"] <= last["value"] + 1e-9
    whole = measured["information_curve"][-1]["estimate"]
    information = measured["mutual_information"]
    assert abs(whole["value"] - information["value"]) < 4 * (whole["se"] + information["se"])
    kl = sum(part["value"] for part in measured["per_dimension"]["average_kl"])
    assert kl == pytest.approx(measured["average_kl"]["value"], abs=5 * measured["average_kl"]["se"])


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "distance is a number": (lambda e: e.update(distance=3), "distance"),
    "no classifier": (lambda e: e["distance"].update(classifiers=[]), "must hold a classifier"),
    "share above one": (lambda e: e["distance"]["mismatch"]["holes"].update(value=1.5), "Share out of range"),
    "share outside its interval": (lambda e: e["distance"]["mismatch"]["leaks"].update(low=0.9, high=1), "Share"),
    "no draws": (lambda e: e["distance"]["classifiers"][0].update(draws=0), "ClassifierTest"),
    "kernel lacks its p-value": (lambda e: e["distance"]["kernel"].pop("p_value"), "p_value"),
    "curve is empty": (lambda e: e.update(information_curve=[]), "rising"),
    "curve falls": (lambda e: e["information_curve"].reverse(), "rising"),
    "curve starts at zero": (lambda e: e["likelihood_curve"][0].update(at=0), "rising"),
    "negative error": (lambda e: e["likelihood_curve"][0]["estimate"].update(se=-1), "Estimate out of range"),
    "number as text": (lambda e: e["likelihood_curve"][0]["estimate"].update(value="x"), "likelihood_curve"),
    "a dimension is missing": (lambda e: e["per_dimension"]["activity"].pop(), "three lists of one length"),
    "no gap": (lambda e: e["worst_gaps"].update(images=[]), "1 to 24 different rows"),
    "a row twice": (
        lambda e: e["worst_gaps"]["images"][0].update(row=e["worst_gaps"]["images"][1]["row"]),
        "different",
    ),
    "a row beyond the split": (lambda e: e["worst_gaps"]["images"][0].update(row=60), "rows of the 60 images"),
    "a row before the split": (lambda e: e["worst_gaps"]["images"][0].update(row=-1), "different rows"),
    "gaps out of order": (lambda e: e["worst_gaps"]["images"].reverse(), "largest gap first"),
    "a gap without its error": (lambda e: e["worst_gaps"]["images"][0]["gap"].pop("se"), "worst_gaps"),
    "an impossible gap": (lambda e: e["worst_gaps"]["images"][0]["gap"].update(value=1e13), "Estimate out of range"),
    "gaps of one draw": (lambda e: e["worst_gaps"].update(draws=1), "two draws or more"),
    "no dimension": (lambda e: e["per_dimension"].update(activity=[], average_kl=[], marginal_kl=[]), "three lists"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_wrong_record_is_a_reason_that_names_the_key(damage: str, measured: dict[str, Any], tmp_path: Path) -> None:
    change, reason = DAMAGE[damage]
    evaluation = copy.deepcopy(measured)
    change(evaluation)
    with pytest.raises(CheckpointError, match=r"metrics\.json: evaluations: test") as caught:
        read_metrics(written(tmp_path, evaluation))
    assert reason in str(caught.value)


def test_too_few_images_have_no_distance_and_one_image_no_evaluation() -> None:
    vae = linear_gaussian()
    few = evaluate(vae, Split(images_of(vae, FEWEST - 1)), "test", samples=5)
    assert few.distance is None and "distance" not in few.as_dict()
    with pytest.raises(ValueError, match="two images or more"):
        evaluate(vae, Split(images_of(vae, 1)), "test", samples=5)


def one_image_a_row(n: int, dim: int):
    g = seeded(6)
    return cloud_of(torch.randn(n, dim, generator=g), torch.randn(n, dim, generator=g))


def test_the_kl_of_each_image_is_the_closed_form() -> None:
    cloud = one_image_a_row(50, 3)
    q = DiagonalNormal(*cloud.components())
    exact, error = image_kl(q, standard_prior(3))
    means, log_vars = (part.double() for part in cloud.components())
    assert torch.allclose(exact, 0.5 * (means**2 + log_vars.exp() - 1 - log_vars).sum(1)) and (error == 0).all()
    mean, log_var = torch.tensor([[0.5, -1.0, 0.0]]), torch.tensor([[0.3, -0.5, 0.0]])
    mixture = FixedMixture(mean, log_var)
    sampled, error = image_kl(q, mixture, draws=4000)
    truth = 0.5 * (log_var - log_vars + (log_vars.exp() + (means - mean) ** 2) / log_var.exp() - 1).sum(1)
    assert ((sampled - truth).abs() < 5 * error + 1e-6).all() and (error > 0).all()
    with pytest.raises(ValueError, match="at least 2"):
        image_kl(q, mixture, draws=1)


def test_a_distance_is_its_seed_s() -> None:
    cloud, prior = one_image_a_row(60, 2), standard_prior(2)
    assert distance(cloud, prior, seed=1) == distance(cloud, prior, seed=1) != distance(cloud, prior, seed=2)
