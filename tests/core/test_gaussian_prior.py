"""The Gaussian with a full covariance against torch's own, its closed-form fit, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from core.priors import PRIORS, PriorContext
from core.priors.gaussian import GaussianPrior
from tests.contracts import perturbed, seeded
from tests.oracle import standard_prior


def gaussian(dim: int) -> GaussianPrior:
    return PRIORS["gaussian"].from_config({}, PriorContext(dim, 1, nn.Identity()))


def moments(dim: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """A mean far from zero and a covariance of strong correlations and unequal scales."""
    generator = seeded(seed)
    root = torch.randn(dim, 2 * dim, generator=generator, dtype=torch.float64)
    scale = torch.logspace(-1, 1, dim, dtype=torch.float64)
    return 3 * torch.randn(dim, generator=generator, dtype=torch.float64), scale[:, None] * (root @ root.T) * scale


@pytest.mark.parametrize("dim", [1, 2, 5, 40])
def test_it_starts_at_the_standard_normal(dim: int) -> None:
    z = 2 * torch.randn(20, dim, generator=seeded(2))
    assert torch.allclose(gaussian(dim).log_prob(z), standard_prior(dim).log_prob(z), rtol=1e-5)


@pytest.mark.parametrize("dim", [1, 2, 5, 40])
def test_fitted_moments_are_exact(dim: int) -> None:
    mean, covariance = moments(dim)
    prior = gaussian(dim).double()
    prior.fit_moments(mean, covariance)
    truth = torch.distributions.MultivariateNormal(mean, covariance)
    z = truth.mean + 2 * torch.randn(30, dim, generator=seeded(3), dtype=torch.float64)
    assert torch.allclose(prior.log_prob(z), truth.log_prob(z), rtol=1e-9)
    found_mean, found_covariance, log_weight = prior.gaussians()
    assert torch.allclose(found_covariance[0], covariance, rtol=1e-9) and torch.equal(found_mean[0], mean)
    assert log_weight.tolist() == [0.0]


def test_its_density_is_right_wherever_training_leaves_it() -> None:
    prior = gaussian(4)
    perturbed(prior, 0.7)
    (mean,), (covariance,), _ = prior.gaussians()
    z = prior.sample(50, generator=seeded(4))
    truth = torch.distributions.MultivariateNormal(mean, covariance).log_prob(z)
    assert torch.allclose(prior.log_prob(z), truth, atol=1e-3)


def test_its_draws_have_its_moments() -> None:
    mean, covariance = moments(3)
    prior = gaussian(3).double()
    prior.fit_moments(mean, covariance)
    n = 40_000
    z = prior.sample(n, generator=seeded(5))
    deviation = covariance.diagonal().sqrt()
    assert ((z.mean(0) - mean).abs() < 4.5 * deviation / math.sqrt(n)).all()
    spread = (torch.cov(z.T) - covariance) / (deviation[:, None] * deviation)
    assert spread.abs().max() < 4.5 * math.sqrt(2 / n)


def test_no_other_gaussian_is_nearer() -> None:
    """Moment matching is the maximum of E_q log p: whatever q is, every step away from it costs."""
    z = torch.rand(500, 3, generator=seeded(6), dtype=torch.float64) ** 3
    prior = gaussian(3).double()
    prior.fit_moments(z.mean(0), torch.cov(z.T, correction=0))
    loss = -prior.log_prob(z).mean()
    loss.backward()
    assert all(parameter.grad.abs().max() < 1e-10 for parameter in prior.parameters())
    best = loss.item()
    for seed in range(5):
        moved = gaussian(3).double()
        moved.load_state_dict(prior.state_dict())
        perturbed(moved, 0.05, seed)
        assert -moved.log_prob(z).mean().item() > best


def test_no_parameter_overflows_its_diagonal() -> None:
    for raw in (-1e6, 1e6):
        prior = gaussian(3)
        nn.init.constant_(prior.raw_log_scale, raw)
        z = prior.sample(5, generator=seeded(7))
        assert torch.isfinite(z).all() and torch.isfinite(prior.log_prob(torch.cat([z, 100 * z]))).all()


IDENTITY = torch.eye(2)


@pytest.mark.parametrize(
    ("mean", "covariance", "reason"),
    [
        (torch.zeros(3), IDENTITY, r"must be \(2,\) and \(2, 2\); got \(3,\)"),
        (torch.zeros(2), torch.eye(3), r"got \(2,\) and \(3, 3\)"),
        (torch.zeros(2), torch.tensor([[1.0, 2.0], [2.0, 1.0]]), "positive definite"),
        (torch.zeros(2), torch.tensor([[1.0, 0.5], [0.1, 1.0]]), "symmetric"),
        (torch.zeros(2), torch.zeros(2, 2), "positive definite"),
        (torch.zeros(2), torch.full((2, 2), math.nan), "finite"),
        (torch.tensor([0.0, math.inf]), IDENTITY, "finite"),
        (torch.zeros(2), 1e9 * IDENTITY, "rescale"),
        (torch.zeros(2), 1e-9 * IDENTITY, "rescale"),
    ],
)
def test_impossible_moments_are_refused(mean: Tensor, covariance: Tensor, reason: str) -> None:
    prior = gaussian(2)
    with pytest.raises(ValueError, match=reason):
        prior.fit_moments(mean, covariance)
    assert all(not parameter.any() for parameter in prior.parameters()), "and nothing is changed"
