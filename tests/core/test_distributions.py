"""Distributions against torch.distributions, their sums over all outcomes, and their behaviour at the extremes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from core.distributions import Bernoulli, DiagonalNormal, DiscretizedLogistic, standard_normal
from tests.contracts import SIGMAS, seeded


def normal(*batch: int, d: int = 3, dtype: torch.dtype = torch.float64) -> DiagonalNormal:
    generator = seeded(1)
    return DiagonalNormal(*(torch.randn(*batch, d, generator=generator, dtype=dtype) for _ in range(2)))


def oracle_normal(q: DiagonalNormal) -> torch.distributions.Distribution:
    return torch.distributions.Independent(torch.distributions.Normal(q.mean, (0.5 * q.log_var).exp()), 1)


EXAMPLES = [
    lambda: normal(4),
    lambda: Bernoulli(torch.randn(4, 3, generator=seeded(2))),
    lambda: DiscretizedLogistic(torch.rand(4, 3, generator=seeded(3)), -torch.rand(4, 3, generator=seeded(4)) - 1),
]


def check_distribution(make) -> None:
    """What every batch of distributions does: shapes, dtype, one seed one sample, mean of the draws."""
    distribution = make()
    draws = distribution.sample(4000, generator=seeded(5))
    assert distribution.event_shape == (3,) and draws.shape == (4000, 4, 3) and distribution.mean.shape == (4, 3)
    assert distribution.log_prob(draws).shape == (4000, 4)
    assert torch.isfinite(distribution.log_prob(draws)).all()
    assert draws.dtype == distribution.log_prob(draws).dtype == distribution.mean.dtype
    assert torch.equal(draws, distribution.sample(4000, generator=seeded(5)))
    assert not torch.equal(draws, distribution.sample(4000, generator=seeded(6)))
    assert not draws.requires_grad


@pytest.mark.parametrize("make", EXAMPLES)
def test_every_distribution_obeys(make) -> None:
    check_distribution(make)


@pytest.mark.parametrize("make", EXAMPLES)
def test_no_draw_touches_the_process_wide_state(make) -> None:
    before = torch.random.get_rng_state()
    make().sample(3, generator=seeded(7))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("make", EXAMPLES)
def test_the_mean_is_that_of_the_draws(make) -> None:
    distribution = make()
    draws = distribution.sample(4000, generator=seeded(8)).double()
    error = draws.std(0) / math.sqrt(4000)
    assert ((draws.mean(0) - distribution.mean.double()).abs() < SIGMAS * error).all()


@pytest.mark.parametrize("batch", [(), (5,), (2, 5)])
def test_the_normal_is_torch_s(batch: tuple[int, ...]) -> None:
    q = normal(*batch)
    value = torch.randn(7, *batch, 3, generator=seeded(9), dtype=torch.float64)
    assert torch.allclose(q.log_prob(value), oracle_normal(q).log_prob(value), atol=1e-12)


def test_a_draw_comes_with_its_density() -> None:
    q = normal(5)
    z, log_prob = q.rsample_and_log_prob(6, generator=seeded(10))
    assert torch.allclose(log_prob, oracle_normal(q).log_prob(z), atol=1e-12)
    assert torch.equal(z, q.rsample(6, generator=seeded(10)))


def test_draws_of_the_normal_have_its_variance() -> None:
    q = normal(5)
    draws = q.sample(20_000, generator=seeded(11))
    ratio = draws.var(0) / q.log_var.exp()
    assert ((ratio - 1).abs() < SIGMAS * math.sqrt(2 / 20_000)).all()


def test_reparameterised_draws_carry_the_gradient() -> None:
    mean, log_var = (torch.zeros(3, requires_grad=True, dtype=torch.float64) for _ in range(2))
    DiagonalNormal(mean, log_var).rsample(1, generator=seeded(12)).sum().backward()
    noise = standard_normal((1, 3), mean, seeded(12))
    assert torch.equal(mean.grad, torch.ones(3).double()) and torch.allclose(log_var.grad, 0.5 * noise[0])


def test_the_closed_form_kl_is_torch_s() -> None:
    q = normal(6)
    zeros = torch.zeros_like(q.mean)
    oracle = torch.distributions.kl_divergence(oracle_normal(q), oracle_normal(DiagonalNormal(zeros, zeros)))
    assert torch.allclose(q.kl_standard(), oracle, atol=1e-12)


def test_bernoulli_is_torch_s() -> None:
    logits = 3 * torch.randn(4, 9, generator=seeded(13), dtype=torch.float64)
    value = (torch.rand(4, 9, generator=seeded(14)) < 0.5).double()
    oracle = torch.distributions.Independent(torch.distributions.Bernoulli(logits=logits), 1)
    assert torch.allclose(Bernoulli(logits).log_prob(value), oracle.log_prob(value), atol=1e-12)
    assert torch.allclose(Bernoulli(logits).mean, oracle.mean)
    assert torch.allclose(Bernoulli(logits).log_prob(value[0]), oracle.log_prob(value[0]), atol=1e-12), "broadcast"


@pytest.mark.parametrize("pixels", [1, 3, 12, 49, 64, 560, 784])
def test_bernoulli_by_products_is_the_sum_of_logarithms(pixels: int) -> None:
    """Without gradients one logarithm serves up to 64 pixels: the same values, at the extremes too."""
    logits = 8 * torch.randn(50, pixels, generator=seeded(5))
    logits[0], logits[1], logits[2] = 0.0, 120.0, -120.0
    value = (torch.rand(50, pixels, generator=seeded(6)) < 0.4).float()
    exact = Bernoulli(logits.double())
    truth = -F.binary_cross_entropy_with_logits(logits.double(), value.double(), reduction="none").sum(1)
    assert torch.allclose(Bernoulli(logits).log_prob(value).double(), truth, rtol=1e-6, atol=1e-5)
    assert torch.allclose(exact.log_prob(value), truth, rtol=1e-13, atol=1e-12)
    softplus = torch.logaddexp(logits.double(), torch.zeros(1, dtype=torch.float64))  # torch's own is cut at 20
    assert torch.allclose(exact.log_normaliser(), softplus.sum(1), rtol=1e-13, atol=1e-12)
    assert exact.log_normaliser()[0].item() == pytest.approx(pixels * math.log(2), rel=1e-14)
    with_gradient = Bernoulli(logits.requires_grad_())
    assert torch.allclose(with_gradient.log_prob(value).detach().double(), truth, rtol=1e-6, atol=1e-5)
    assert not with_gradient.log_normaliser().requires_grad


@pytest.mark.parametrize("logit", [0.0, 40.0, -40.0, 1e4, -1e4])
def test_bernoulli_is_normalised_and_finite_at_the_extremes(logit: float) -> None:
    distribution = Bernoulli(torch.tensor([[logit]], requires_grad=True))
    both = torch.stack([distribution.log_prob(torch.tensor([value])) for value in (0.0, 1.0)])
    assert torch.isfinite(both).all() and abs(float(both.detach().exp().sum()) - 1) < 1e-6
    both.sum().backward()
    assert torch.isfinite(distribution.logits.grad).all()


def grey_levels(dtype: torch.dtype = torch.float64) -> Tensor:
    return ((torch.arange(256, dtype=dtype) + 0.5) / 256)[:, None]


@pytest.mark.parametrize("location", [0.0, 1 / 512, 0.3, 0.5, 1.0, -3.0, 4.0])
@pytest.mark.parametrize("log_scale", [-12.0, -7.0, -4.5, -2.0, 0.0, 5.0])
def test_the_256_levels_sum_to_one(location: float, log_scale: float) -> None:
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-4)):
        distribution = DiscretizedLogistic(*(torch.tensor([v], dtype=dtype) for v in (location, log_scale)))
        log_prob = distribution.log_prob(grey_levels(dtype))
        assert log_prob.shape == (256,) and torch.isfinite(log_prob).all()
        assert abs(float(log_prob.double().exp().sum()) - 1) < tolerance


@pytest.mark.parametrize("location", [0.0, 1 / 512, 0.3, 0.9, 1.0, -3.0, 4.0])
@pytest.mark.parametrize("log_scale", [-12.0, -4.5, -2.0, 0.0, 5.0])
def test_the_mean_is_the_sum_over_the_256_levels(location: float, log_scale: float) -> None:
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        distribution = DiscretizedLogistic(*(torch.tensor([v], dtype=dtype) for v in (location, log_scale)))
        levels = grey_levels()
        wide = DiscretizedLogistic(*(torch.tensor([v], dtype=torch.float64) for v in (location, log_scale)))
        expected = (wide.log_prob(levels).exp() * levels[:, 0]).sum()
        assert distribution.mean.dtype == dtype and distribution.mean.shape == (1,)
        assert abs(float(distribution.mean) - float(expected)) < tolerance


def test_the_mean_is_not_the_location() -> None:
    assert abs(float(DiscretizedLogistic(torch.tensor([0.9]), torch.tensor([0.0])).mean) - 0.596) < 5e-4


class Largest(TorchDispatchMode):
    """Remembers the largest tensor that any operation makes."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.numel = max(self.numel, result.numel())
        return result


def test_the_mean_takes_the_memory_of_one_batch() -> None:
    distribution = DiscretizedLogistic(torch.rand(5, 7), torch.zeros(5, 7))
    with Largest() as largest:
        assert distribution.mean.shape == (5, 7)
    assert largest.numel == 35


def test_a_level_has_the_logistic_s_mass() -> None:
    location, scale = 0.4, 0.05
    below, above = (1 / (1 + math.exp(-(edge / 256 - location) / scale)) for edge in (100, 101))
    one = torch.ones(1, dtype=torch.float64)
    found = DiscretizedLogistic(location * one, math.log(scale) * one).log_prob(100.5 / 256 * one)
    assert abs(float(found) - math.log(above - below)) < 1e-10


def test_every_value_of_a_level_counts_as_the_level() -> None:
    distribution = DiscretizedLogistic(torch.tensor([0.5]), torch.tensor([-3.0]))
    inside = torch.tensor([[100.01 / 256], [100.5 / 256], [100.99 / 256]])
    assert distribution.log_prob(inside).unique().numel() == 1
    ends = distribution.log_prob(grey_levels().float())[[0, -1]]
    assert torch.equal(distribution.log_prob(torch.tensor([[0.0], [1.0]])), ends)


@pytest.mark.parametrize("log_scale", [-4.5, -2.0, 0.0])
def test_draws_are_levels_with_their_probabilities(log_scale: float) -> None:
    distribution = DiscretizedLogistic(torch.tensor([0.3]), torch.tensor([log_scale]))
    level = (distribution.sample(30_000, generator=seeded(15)) * 256 - 0.5).flatten()
    assert torch.equal(level, level.round()) and 0 <= level.min() and level.max() <= 255
    found = torch.bincount(level.long(), minlength=256).double() / 30_000
    expected = distribution.log_prob(grey_levels().float()).double().exp()
    error = (expected * (1 - expected) / 30_000).sqrt()
    assert ((found - expected).abs() < 5 * error + 5 / 30_000).all()


def test_gradients_of_the_logistic_are_finite_for_every_level() -> None:
    for location, log_scale in ((0.0, -7.0), (1.0, -7.0), (0.5, 0.0)):
        arguments = [torch.tensor([v], requires_grad=True) for v in (location, log_scale)]
        DiscretizedLogistic(*arguments).log_prob(grey_levels().float()).sum().backward()
        assert all(torch.isfinite(argument.grad).all() for argument in arguments)
