"""Intervals of shares: they hold the share itself, and as often as they say the one that is looked for."""

from __future__ import annotations

from statistics import NormalDist

import pytest
import torch

from core.intervals import wilson
from core.metrics.coverage import QUANTILE, share_under
from tests.contracts import seeded

NORMAL = NormalDist()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_a_share_lies_in_its_own_interval(share: float) -> None:
    """Rounding left 1 outside for 6,291 of the first 20,000 n, and the reader of metrics.json refused the model."""
    outside = [n for n in range(1, 20_001) if not 0 <= wilson(share, n)[0] <= share <= wilson(share, n)[1] <= 1]
    assert not outside


def tried(scale: float, n: int, times: int) -> tuple[float, float]:
    """How often the interval holds the true share of N(0, scale^2) under the 1 % quantile of N(0, 1), and its width."""
    true = NORMAL.cdf(NORMAL.inv_cdf(QUANTILE) / scale)
    generator, held, width = seeded(3), 0, 0.0
    for _ in range(times):
        values, reference = torch.randn(2, n, generator=generator)
        _, low, high = share_under(values * scale, reference, independent=n, behind=n)
        held, width = held + (low <= true <= high), width + (high - low) / times
    return held / times, width


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("n", [1000, 5000])
def test_the_interval_holds_the_share_as_often_as_it_says(scale: float, n: int) -> None:
    """The quantile is estimated: without its noise it was 83 % at no difference, and 53 % at a share of 20 %."""
    held, width = tried(scale, n, 600)
    assert 0.925 < held < 0.985  # four standard errors around 95 %, and little more than needed
    assert width < 0.11


def test_values_that_all_lie_under_it_or_none() -> None:
    reference = torch.randn(500, generator=seeded(4))
    for shift, share in ((-50.0, 1.0), (50.0, 0.0)):
        found, low, high = share_under(reference + shift, reference, independent=500, behind=500)
        assert found == share and 0 <= low <= found <= high <= 1
