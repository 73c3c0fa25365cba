"""Two-sample classifiers against truth: Bayes accuracies, what is linear and what is not, calibration."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import norm
from torch import Tensor

from core.intervals import wilson
from core.metrics import classifiers
from core.metrics.classifiers import CLASSIFIERS, classify, linear_weights, require_comparable
from tests.contracts import seeded

LINEAR, NETWORK = CLASSIFIERS


def normal(n: int, d: int, seed: int) -> Tensor:
    return torch.randn(n, d, generator=seeded(seed))


@pytest.mark.parametrize(("classifier", "runs"), [(LINEAR, 200), (NETWORK, 100)])
def test_the_interval_holds_one_half_where_nothing_differs(classifier: str, runs: int) -> None:
    n = 106  # held-out draws, of which 43 to 63 right ones leave 1/2 in the interval: 95.9 % of fair coins do
    covered = 0
    for seed in range(runs):
        accuracy, held_out = classify(normal(n, 2, 2 * seed), normal(n, 2, 2 * seed + 1), classifier, seed=seed)
        low, high = wilson(accuracy, held_out)
        covered += low <= 0.5 <= high
        assert held_out == n
    assert 0.93 * runs <= covered < runs, "all of them would mean intervals that are too wide"


@pytest.mark.parametrize("classifier", CLASSIFIERS)
@pytest.mark.parametrize("delta", [0.5, 2.0])
def test_the_accuracy_approaches_that_of_bayes(classifier: str, delta: float) -> None:
    n, d = 6000, 3
    shift = torch.full((d,), delta / math.sqrt(d))
    accuracy, held_out = classify(normal(n, d, 1) + shift, normal(n, d, 2), classifier)
    bayes = float(norm.cdf(delta / 2))
    se = math.sqrt(bayes * (1 - bayes) / held_out)
    assert -3 * se - 0.01 < accuracy - bayes < 3 * se  # 0.01: what a classifier fitted to 6,000 draws may lack


@pytest.mark.parametrize(("d", "factor"), [(2, 1.4), (40, 1.1)])
def test_only_the_network_sees_a_wider_distribution(d: int, factor: float) -> None:
    x, y = factor * normal(4000, d, 3), normal(4000, d, 4)
    assert abs(classify(x, y, LINEAR)[0] - 0.5) < 0.025
    assert classify(x, y, NETWORK)[0] > 0.57


def test_only_the_network_sees_clusters_of_the_same_mean_and_variance() -> None:
    side = torch.where(torch.rand(4000, 2, generator=seeded(5)) < 0.5, -0.9, 0.9)
    x, y = side + math.sqrt(1 - 0.81) * normal(4000, 2, 6), normal(4000, 2, 7)
    assert abs(classify(x, y, LINEAR)[0] - 0.5) < 0.025
    assert classify(x, y, NETWORK)[0] > 0.65


def test_stray_draws_do_not_blind_a_classifier() -> None:
    x, y = 1.4 * normal(2000, 2, 8), normal(2000, 2, 9)
    y[::500] = 1e6
    assert classify(x, y, NETWORK)[0] > 0.57
    assert classify(x + 2, y, LINEAR)[0] > 0.75


@pytest.mark.parametrize("d", [1, 5])
def test_the_logistic_regression_is_fitted_to_the_end(d: int) -> None:
    from sklearn.linear_model import LogisticRegression

    x, y = normal(300, d, 10) + 0.4, normal(300, d, 11)
    pooled = torch.cat([x, y])
    centre, scale = classifiers.spread(pooled)
    target = [1] * 300 + [0] * 300
    peer = LogisticRegression(C=1 / classifiers.RIDGE, tol=1e-8).fit(((pooled - centre) / scale).numpy(), target)
    weight, intercept = linear_weights(x, y)
    assert torch.allclose(weight, torch.from_numpy(peer.coef_[0]), atol=1e-4)
    assert abs(float(intercept) - peer.intercept_[0]) < 1e-4


def gradient_of(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def test_the_gradient_of_the_networks_is_that_of_autograd() -> None:
    networks = classifiers._Networks(6, seeded(12))
    inputs, target = normal(20, 6, 13), (torch.arange(20) % 2).float()
    found = networks.gradient(inputs, target)
    parts = [networks.weight, networks.bias, networks.readout, networks.intercept]
    networks.weight, networks.bias, networks.readout, networks.intercept = (
        part.clone().requires_grad_() for part in parts
    )
    inner = torch.relu(inputs @ networks.weight + networks.bias).view(20, classifiers.MEMBERS, classifiers.UNITS)
    log_odds = (inner * networks.readout).sum(2) + networks.intercept
    wanted = target[:, None].expand_as(log_odds)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(log_odds, wanted) * classifiers.MEMBERS
    loss.backward()
    named = (networks.weight, networks.bias, networks.readout, networks.intercept)
    assert torch.allclose(found, torch.cat([gradient_of(part).flatten() for part in named]), atol=1e-6)


def test_separable_draws_are_told_apart_and_the_weights_stay_finite() -> None:
    x, y = normal(100, 2, 14) + 50, normal(100, 2, 15)
    assert all(classify(x, y, name)[0] == 1 for name in CLASSIFIERS)
    assert torch.isfinite(linear_weights(x, y)[0]).all()


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_equal_points_are_an_even_guess(classifier: str) -> None:
    same = torch.full((40, 3), 2.5)
    assert classify(same, same, classifier) == (0.5, 40)


def test_an_odd_number_of_draws_is_balanced_all_the_same() -> None:
    assert classify(normal(31, 1, 16), normal(31, 1, 17), LINEAR)[1] == 32


def test_bad_draws_are_refused() -> None:
    good, bad = normal(40, 2, 50), normal(40, 2, 51)
    bad[5, 0] = math.nan
    with pytest.raises(ValueError, match="y holds NaN or infinity in 1 of 40 draws"):
        classify(good, bad, LINEAR)
    with pytest.raises(ValueError, match=r"equal in number; got \(40, 2\) and \(39, 2\)"):
        require_comparable(good, good[:39])
    with pytest.raises(ValueError, match="at least 30 draws of each side; got 29"):
        classify(good[:29], good[:29], LINEAR)
    with pytest.raises(ValueError, match="must be one of logistic regression, neural network; got 'forest'"):
        classify(good, good, "forest")
