"""The null of the marginal KL against populations that are known: posteriors whose mean density is N(0, I)."""

from __future__ import annotations

import math

import pytest
import torch

from core import mixture
from core.metrics import marginal_null as module
from core.metrics.marginal_null import log_aggregated_and_null, null_of, quarters
from core.metrics.surgery import log_aggregated, log_own
from core.records import Estimate
from tests.contracts import seeded

Found = tuple[float, Estimate | None]


def perfect(n: int, dim: int, variances: tuple[float, ...], seed: int, draws: int = 4) -> Found:
    """KL(q_n || N(0, I)) and its null, of n posteriors of random variance whose mean density is N(0, I)."""
    generator = seeded(seed)
    variance = torch.tensor(variances)[torch.randint(len(variances), (n, 1), generator=generator)]
    mean = torch.sqrt(1 - variance) * torch.randn(n, dim, generator=generator)
    z = mean + variance.sqrt() * torch.randn(draws, n, dim, generator=generator)
    log_q, null = log_aggregated_and_null(z, mean, variance.log().expand(n, dim))
    log_p = -0.5 * (z.double().square() + math.log(2 * math.pi)).sum(-1)
    return float((log_q - log_p).mean()), null


@pytest.mark.parametrize(
    ("n", "dim", "variances"),
    [
        (300, 1, (0.003,)),
        (300, 2, (0.02,)),
        (300, 5, (0.3,)),
        (300, 40, (0.88,)),
        (300, 2, (0.5, 0.01)),
        (40, 2, (0.1,)),
    ],
)
def test_a_perfect_prior_reads_its_null(n: int, dim: int, variances: tuple[float, ...]) -> None:
    """Half of log q_n - log q_-i was 2.2, 1.6, 1.0, 0.9, 0.9 and 1.6 times the truth."""
    found = [perfect(n, dim, variances, seed) for seed in range(12)]
    truth = torch.tensor([kl for kl, _ in found])
    nulls = [null for _, null in found]
    assert None not in nulls and truth.mean() > 0.02
    values = torch.tensor([null.value for null in nulls if null])
    noise = float((values - truth).std()) / math.sqrt(12)
    assert abs(float((values - truth).mean())) < 0.07 * float(truth.mean()) + 2 * noise
    said = sum(null.se for null in nulls if null) / 12
    assert 0.4 * said < float(values.std()) < 1.7 * said, "the error is of the size that repeats show"


def test_the_slope_is_that_of_leaving_one_out() -> None:
    """t(n) = mean_i n KL(q_-i || q_n), by quadrature in one dimension."""
    mean = torch.randn(8, 1, generator=seeded(1), dtype=torch.float64)
    log_var = torch.full_like(mean, -2.0)
    grid = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    each = -0.5 * ((grid - mean).square() * math.exp(2) - 2 + math.log(2 * math.pi))
    log_q = each.logsumexp(0) - math.log(8)
    others = [torch.cat([each[:i], each[i + 1 :]]).logsumexp(0) - math.log(7) for i in range(8)]
    truth = sum(float((other.exp() * (other - log_q)).sum()) for other in others) * 12 / 4000
    z = mean + math.exp(-1) * torch.randn(20_000, 8, 1, generator=seeded(2), dtype=torch.float64)
    parts = torch.full((20_000, 8, 4), -torch.inf, dtype=torch.float64)
    parts[:, :, 0] = mixture.log_prob(z.flatten(0, 1), mean, log_var).view(20_000, 8) + math.log(8)
    slope = module._slopes(log_own(z, mean, log_var), parts, torch.zeros(20_000, 8, dtype=torch.long), 8)[0]
    assert truth > 0.1 and float(slope.mean()) == pytest.approx(truth, rel=0.02)


@pytest.mark.parametrize(("lacks", "shrinking"), [(0.0, 0.8), (0.1, 0.7), (0.3, 0.9), (0.5, 0.8)])
def test_what_lies_beyond_is_the_integral_of_the_slope(lacks: float, shrinking: float) -> None:
    """Of a slope whose exponent lacks ``lacks`` to 1 at n, and k times as much with every doubling."""
    rate = -math.log(shrinking)
    u = torch.arange(-2, 40, 0.001, dtype=torch.float64)  # log2(m / n)
    slope = 0.2 * torch.exp(-math.log(2) * (u - lacks * (1 - torch.exp(-rate * u)) / rate))
    truth = float(slope[2000:].sum()) * 0.001 * math.log(2)
    assert module._beyond(*(float(slope[place]) for place in (2000, 1000, 0))) == pytest.approx(truth, rel=0.01)


def test_where_posteriors_are_one_it_is_zero() -> None:
    mean, log_var = torch.ones(40, 3), torch.zeros(40, 3)
    z = mean + torch.randn(2, 40, 3, generator=seeded(3))
    null = log_aggregated_and_null(z, mean, log_var)[1]
    assert null is not None and abs(null.value) < 1e-9 and null.se < 1e-9


def test_where_it_cannot_be_known_none_is_told() -> None:
    """Not in many dimensions, nor in two where none of few posteriors overlap; nor of fewer than eight images."""
    assert perfect(300, 30, (0.25,), 4)[1] is None and perfect(50, 2, (0.0001,), 5)[1] is None
    assert perfect(7, 2, (0.5,), 6)[1] is None and perfect(8, 2, (0.5,), 6)[1] is not None
    with pytest.raises(ValueError, match="leaving one out"):
        perfect(1, 2, (0.5,), 7)


def test_a_lonely_tenth_is_not_hidden_by_the_rest() -> None:
    """Nine of ten posteriors are one, the others stand alone: a small slope, but one that does not fall."""
    mean = torch.zeros(400, 2)
    mean[:40] = 1000 * torch.arange(1, 41)[:, None]
    z = mean + torch.randn(2, 400, 2, generator=seeded(8))
    assert log_aggregated_and_null(z, mean, torch.zeros(400, 2))[1] is None


@pytest.mark.parametrize("n", [5, 203])
def test_log_q_is_the_exact_one(n: int) -> None:
    """Of all posteriors and of some, and of ones far narrower than they are from the origin."""
    mean, log_var = torch.randn(n, 2, generator=seeded(9)).double() + 5, torch.full((n, 2), -2.0).double()
    log_var[::2] = -32
    z = mean + torch.exp(0.5 * log_var) * torch.randn(3, n, 2, generator=seeded(10)).double()
    assert torch.allclose(log_aggregated_and_null(z, mean, log_var)[0], log_aggregated(z, mean, log_var), atol=1e-6)
    own = torch.tensor([3, 1, 4])
    some = log_aggregated_and_null(z[:, own], mean, log_var, own)[0]
    assert torch.allclose(some, log_aggregated(z[:, own], mean, log_var, own), atol=1e-6)


def test_images_in_the_order_of_their_class_change_nothing() -> None:
    generator = seeded(11)
    mean = torch.randn(400, 2, generator=generator)
    log_var = torch.full((400, 2), -4.0)
    z = mean + math.exp(-2) * torch.randn(4, 400, 2, generator=generator)
    order = mean[:, 0].argsort()
    one = log_aggregated_and_null(z, mean, log_var)[1]
    other = log_aggregated_and_null(z[:, order], mean[order], log_var[order])[1]
    assert one is not None and other is not None and abs(one.value - other.value) < 0.5 * one.se


def test_quarters() -> None:
    found = quarters(103, 3)
    assert found.shape == (3, 103) and torch.equal(found, quarters(103, 3)) and not torch.equal(found[0], found[1])
    assert all(sorted(torch.bincount(label).tolist()) == [25, 26, 26, 26] for label in found)
    assert not quarters(7, 2).any()


def test_posteriors_that_underflow_give_numbers() -> None:
    """A draw of a posterior that has nothing of the mixture there, to the last digit, or all of it."""
    own = torch.tensor([[-800.0, 0.0] + 6 * [-2.0]]).double()
    parts = torch.zeros(1, 8, 4).double()
    null = null_of(own, parts, torch.arange(8)[None] % 4, 8)
    assert null is not None and math.isfinite(null.value) and math.isfinite(null.se)
