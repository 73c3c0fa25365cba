"""The information of one dimension: closed forms, its two ends, and the split of the KL of a product."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from core.metrics.dimension_information import dimension_information
from core.metrics.per_dimension import per_dimension
from tests.contracts import seeded
from tests.oracle import standard_prior


def posteriors(n: int, variances: list[float], seed: int = 1) -> tuple[Tensor, Tensor]:
    """n posteriors of these variances, whose means make every dimension of q(z) N(0, 1)."""
    variance = torch.tensor(variances)
    mean = torch.randn(n, len(variances), generator=seeded(seed)) * (1 - variance).sqrt()
    return mean, variance.log().expand_as(mean)


def test_the_information_of_a_gaussian_channel() -> None:
    found = dimension_information(*posteriors(4000, [0.5, 0.1, 0.9]), draws=4000, seed=2)
    for each, variance in zip(found.information, (0.5, 0.1, 0.9), strict=True):
        assert each.se < 0.02
        assert abs(each.value - 0.5 * math.log(1 / variance)) < 3 * each.se + 0.01, "3 errors, and of 4,000 means"


def test_its_two_ends() -> None:
    mean = torch.stack([torch.zeros(50), 100.0 * torch.arange(50)], 1)
    found = dimension_information(mean, torch.zeros_like(mean), seed=3)
    nothing, everything = found.information
    assert abs(nothing.value) < 1e-9 and nothing.se < 1e-9
    assert everything.value == pytest.approx(math.log(50), abs=1e-9)
    assert found.activity[0] == 0 and found.activity[1] > 1
    assert (found.draws, found.n) == (50, 50)


def test_of_a_product_it_is_the_kl_without_the_marginals() -> None:
    mean, log_var = posteriors(2000, [0.5, 0.2])
    mean = mean + torch.tensor([0.0, 1.0])
    split = per_dimension(mean, log_var, standard_prior(2), draws=2000, generator=seeded(4))
    found = dimension_information(mean, log_var, draws=2000, seed=5)
    assert split is not None and split.activity == found.activity
    for j, information in enumerate(found.information):
        rest = split.average_kl[j].value - split.marginal_kl[j].value
        error = math.hypot(information.se, split.average_kl[j].se, split.marginal_kl[j].se)
        assert abs(information.value - rest) < 3 * error


def test_scales_and_places_do_not_matter() -> None:
    mean, log_var = posteriors(500, [0.3, 0.6])
    found = dimension_information(mean, log_var, seed=6)
    other = dimension_information(1e-3 * mean + 20, log_var + 2 * math.log(1e-3), seed=6)
    for here, there in zip(found.information, other.information, strict=True):
        assert here.value == pytest.approx(there.value, abs=1e-3)  # 20 + 1e-3 z in float32


def test_refused() -> None:
    with pytest.raises(ValueError, match="two images"):
        dimension_information(torch.zeros(1, 2), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="a draw"):
        dimension_information(torch.zeros(3, 2), torch.zeros(3, 2), draws=0)
