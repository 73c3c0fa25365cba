"""MMD^2 against its definition and its closed form between Gaussians, and its p-values where nothing differs."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest
import torch
from scipy.stats import kstest
from torch import Tensor

from core.metrics import mmd
from tests.contracts import seeded


def normal(n: int, d: int, seed: int) -> Tensor:
    return torch.randn(n, d, generator=seeded(seed))


def reference(x: Tensor, y: Tensor) -> float:
    """Unbiased MMD^2 pair by pair, in float64."""
    pooled = torch.cat([x, y]).double()
    distances = torch.cdist(pooled, pooled, compute_mode="donot_use_mm_for_euclid_dist")
    median = distances[torch.ones_like(distances).triu(1) > 0].median()
    k = torch.stack([torch.exp(-0.5 * (distances / (w * median)) ** 2) for w in mmd.WIDTHS]).mean(0)
    n = len(x)
    within = [float(part.sum() - part.diagonal().sum()) / (n * (n - 1)) for part in (k[:n, :n], k[n:, n:])]
    return sum(within) - 2 * float(k[:n, n:].mean())


@pytest.mark.parametrize(("d", "offset"), [(1, 0.0), (7, 0.0), (3, 1000.0)])
@pytest.mark.parametrize("rows", [7, 250])
def test_the_value_is_that_of_the_definition(monkeypatch, d: int, offset: float, rows: int) -> None:
    monkeypatch.setattr(mmd, "ROWS", rows)
    x, y = normal(40, d, 30) + offset, normal(40, d, 31) + 0.5 + offset
    assert abs(mmd.compare(x, y, permutations=39).value - reference(x, y)) < 1e-6


def test_every_shuffle_has_the_value_of_its_two_sides() -> None:
    pooled = normal(60, 3, 32)
    member = torch.stack([torch.randperm(60, generator=seeded(seed)) < 30 for seed in range(5)], 1)
    found = mmd._mmd_squared(mmd._kernel(pooled), member.float())
    expected = [reference(pooled[column], pooled[~column]) for column in member.T]
    assert found == pytest.approx(expected, abs=1e-6)


def value_alone(x: Tensor, y: Tensor) -> float:
    """The value without its shuffles."""
    member = (torch.arange(2 * len(x)) < len(x)).float()[:, None]
    return float(mmd._mmd_squared(mmd._kernel(torch.cat([x, y])), member)[0])


def test_the_estimate_is_unbiased_where_nothing_differs() -> None:
    values = torch.tensor([value_alone(normal(40, 3, 2 * s), normal(40, 3, 2 * s + 1)) for s in range(300)])
    assert abs(float(values.mean())) < 3 * float(values.std()) / math.sqrt(300)
    assert 0.3 < float((values < 0).float().mean()) < 0.8, "negative values are shown as they are"


def closed_form(width: float, d: int, shift: float, factor: float) -> float:
    """MMD^2 of N(0, I) and N(m, factor^2 I), |m| = shift, for one Gaussian kernel."""

    def mean_kernel(variance: float, distance: float) -> float:
        total = width**2 + variance
        return (width**2 / total) ** (d / 2) * math.exp(-(distance**2) / (2 * total))

    return mean_kernel(2, 0) + mean_kernel(2 * factor**2, 0) - 2 * mean_kernel(1 + factor**2, shift)


@pytest.mark.parametrize(("d", "shift", "factor"), [(1, 0.5, 1.0), (2, 0.0, 1.5), (10, 0.5, 1.1)])
def test_the_estimate_has_the_closed_form_of_two_gaussians(d: int, shift: float, factor: float) -> None:
    differences, exact = [], 0.0
    for seed in range(40):
        x, y = normal(300, d, 2 * seed), factor * normal(300, d, 2 * seed + 1)
        y[:, 0] += shift
        median = mmd.median_distance(torch.cat([x, y]))
        exact = sum(closed_form(w * median, d, shift, factor) for w in mmd.WIDTHS) / len(mmd.WIDTHS)
        differences.append(value_alone(x, y) - exact)
    gap = torch.tensor(differences)
    se = float(gap.std()) / math.sqrt(len(gap))
    assert abs(float(gap.mean())) < 3 * se < 0.25 * exact


def test_p_values_are_uniform_where_nothing_differs() -> None:
    tests = [
        mmd.compare(normal(40, 2, 2 * s + 900), normal(40, 2, 2 * s + 901), permutations=199, seed=s)
        for s in range(200)
    ]
    assert kstest([test.p_value for test in tests], "uniform").pvalue > 0.01
    inside = sum(test.null_low <= test.value <= test.null_high for test in tests)
    assert 180 <= inside <= 198


def test_far_and_coinciding_draws_give_numbers() -> None:
    far = normal(40, 2, 40)
    far[0] = 1e30
    assert all(math.isfinite(v) for v in asdict(mmd.compare(far, normal(40, 2, 41), permutations=39)).values())
    with pytest.raises(ValueError, match=r"most draws are 1.1259e\+15 or more apart"):
        mmd.compare(1e25 * normal(40, 2, 42), normal(40, 2, 43), permutations=39)
    atoms = torch.zeros(40, 2)
    atoms[0] = 3.0  # most pairs coincide, and the median distance with them
    assert mmd.median_distance(torch.cat([atoms, atoms])) == pytest.approx(3 * math.sqrt(2))
    assert mmd.compare(atoms, atoms, permutations=39).p_value > 0.3
    with pytest.raises(ValueError, match="every draw of both sides is the same point"):
        mmd.compare(torch.ones(40, 2), torch.ones(40, 2))


def test_bad_draws_and_settings_are_refused() -> None:
    good, bad = normal(40, 2, 50), normal(40, 2, 51)
    bad[5, 0] = math.nan
    with pytest.raises(ValueError, match="x holds NaN or infinity in 1 of 40 draws"):
        mmd.compare(bad, good)
    with pytest.raises(ValueError, match="at least 30 draws of each side; got 29"):
        mmd.compare(good[:29], good[:29])
    with pytest.raises(ValueError, match="permutations must be at least 39 for a 95 % range; got 20"):
        mmd.compare(good, good, permutations=20)
