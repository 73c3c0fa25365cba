"""Differences between models: paired where they can be, honest where they cannot, refused where they mean nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from core.comparison import OF_KL, Measured, difference, gains, kl_splits, paired, reference, why_apart
from core.datasets import Split
from core.metrics.evaluate import evaluate
from core.records import CheckpointInfo
from tests.oracle import exact_log_marginal, images_of, linear_gaussian

TRUE, WORSE = linear_gaussian(), linear_gaussian(shift=0.3, widen=0.2)
IMAGES = images_of(TRUE, 400)


def measured(vae: Any, label: str, images: torch.Tensor = IMAGES) -> Measured:
    found = evaluate(vae, Split(images), "test", samples=20, seed=1)
    return Measured(label, label, found.as_dict(), found.per_image)


@pytest.fixture(scope="module")
def both() -> tuple[Measured, Measured]:
    return measured(WORSE, "worse"), measured(TRUE, "true")


def test_a_paired_difference_is_known_better_than_its_sides(both: tuple[Measured, Measured]) -> None:
    gap = difference(*both, "elbo")
    assert gap is not None and gap.paired and gap.clear and gap.estimate.value < 0
    sides = [model.evaluation["elbo"] for model in both]
    assert gap.estimate.value == pytest.approx(sides[0]["value"] - sides[1]["value"], abs=1e-4)
    assert gap.estimate.se < 0.3 * np.hypot(sides[0]["se"], sides[1]["se"])


def test_the_interval_of_a_paired_difference_holds_the_truth(both: tuple[Measured, Measured]) -> None:
    """Both have one generative model, so the bound differs by the looseness of the worse posterior."""
    gap = difference(*both, "elbo")
    bound = WORSE.elbo(IMAGES, 4000, generator=torch.Generator().manual_seed(2)).elbo
    exact = float((bound - exact_log_marginal(TRUE, IMAGES)).double().mean())
    assert gap is not None and abs(gap.estimate.value - exact) < 4 * gap.estimate.se and exact < -0.05
    same = difference(measured(TRUE, "again"), both[1], "elbo")
    assert same is not None and abs(same.estimate.value) < 1e-6, "a model against itself"


def test_it_agrees_with_the_bootstrap(both: tuple[Measured, Measured]) -> None:
    a, b = (model.per_image.of("nll") for model in both)  # type: ignore[union-attr]
    assert a is not None and b is not None
    random = np.random.default_rng(0)
    means = [(a - b)[random.integers(0, len(a), len(a))].mean() for _ in range(4000)]
    found = paired(a, b)
    low, high = np.quantile(means, [0.025, 0.975])
    assert low == pytest.approx(found.value - 1.96 * found.se, abs=0.1 * found.se)
    assert high == pytest.approx(found.value + 1.96 * found.se, abs=0.1 * found.se)


def test_the_parts_sum_to_the_gain_of_the_bound(both: tuple[Measured, Measured]) -> None:
    found = gains(*both)
    parts = [found[name].estimate.value for name in ("reconstruction", "mutual_information", "marginal_kl")]
    residuals = [model.evaluation["identity_residual"]["value"] for model in both]
    assert sum(parts) == pytest.approx(found["elbo"].estimate.value + residuals[0] - residuals[1], abs=1e-4)
    assert found["log_likelihood"].estimate.value == pytest.approx(0, abs=1e-6), "the generative model is the same"


def test_at_the_ceiling_the_kl_is_one_part(both: tuple[Measured, Measured]) -> None:
    log_n = {"value": both[0].evaluation["mutual_information"]["value"] + 0.05, "se": 0.0}
    ceiling = dataclasses.replace(both[0], evaluation=both[0].evaluation | {"log_n": log_n})
    assert kl_splits(*both) and not kl_splits(ceiling, both[1]) and not kl_splits(both[1], ceiling)
    found = gains(ceiling, both[1])
    assert set(found) == {"elbo", "reconstruction", "average_kl", "log_likelihood"}
    sum_ = found["reconstruction"].estimate.value + found["average_kl"].estimate.value
    assert sum_ == pytest.approx(found["elbo"].estimate.value, abs=1e-6) and found["average_kl"].paired


def test_a_kl_that_was_not_taken_apart_is_one_part(both: tuple[Measured, Measured]) -> None:
    lacking = {key: value for key, value in both[0].evaluation.items() if key not in OF_KL}
    assert "average_kl" in gains(dataclasses.replace(both[0], evaluation=lacking), both[1])
    assert "average_kl" not in gains(*both), "a model below its ceiling: information and marginal KL"


def test_without_the_images_the_error_is_that_of_both_sides(both: tuple[Measured, Measured]) -> None:
    for alone in (
        dataclasses.replace(both[0], per_image=None),
        measured(WORSE, "worse", images_of(TRUE, 400, seed=5)),
    ):
        gap = difference(alone, both[1], "elbo")
        assert gap is not None and not gap.paired
        sides = [model.evaluation["elbo"]["se"] for model in (alone, both[1])]
        assert gap.estimate.se == pytest.approx(np.hypot(*sides))


def test_what_is_not_compared(both: tuple[Measured, Measured]) -> None:
    fewer = dataclasses.replace(both[0], evaluation=both[0].evaluation | {"samples": 19})
    assert difference(fewer, both[1], "nll") is None and difference(fewer, both[1], "elbo") is not None
    lacking = {name: value for name, value in both[0].evaluation.items() if name != "marginal_kl"}
    assert difference(dataclasses.replace(both[0], evaluation=lacking), both[1], "marginal_kl") is None
    with pytest.raises(ValueError, match="the same images"):
        paired(np.zeros(3), np.zeros(4))


A = CheckpointInfo("a", dataset="mnist", prior="vamp", posterior="gaussian", image_shape=(1, 28, 28),
                   binarisation="dynamic", likelihood="bernoulli", data_seed=777,
                   metrics={"test": {"n": 100}})  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, None),
        ({"latent_dim": 40, "prior": "standard"}, None),
        ({"dataset": "digits"}, "its data set is digits, not mnist"),
        ({"binarisation": "fixed"}, "its binarisation is fixed, not dynamic"),
        ({"likelihood": "logistic"}, "its likelihood is logistic, not bernoulli"),
        ({"data_seed": 1}, "its binarisation's seed is 1, not 777"),
        ({"image_shape": (1, 8, 8)}, "its image shape is 1 x 8 x 8, not 1 x 28 x 28"),
        ({"metrics": {"test": {"n": 99}}}, "it was measured on 99 images, not on 100"),
        ({"metrics": {}}, None),
    ],
)
def test_tables_across_data_are_refused_with_the_reason(change: dict[str, Any], told: str | None) -> None:
    assert why_apart(A, dataclasses.replace(A, name="b", **change)) == told


def test_the_standard_prior_is_the_reference() -> None:
    standard = dataclasses.replace(A, prior="standard")
    assert reference([A, standard]) == 1 and reference([A, A]) == 0
    assert reference([A, dataclasses.replace(standard, posterior="iaf")]) == 0
