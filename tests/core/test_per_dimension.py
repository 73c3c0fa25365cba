"""The KL dimension by dimension against closed forms: Gaussians whose total correlation is known, and quadrature."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from core.distributions import DiagonalNormal
from core.metrics.per_dimension import PerDimension, per_dimension
from core.metrics.quadrature_surgery import surgery_2d
from core.priors import PRIORS, PriorContext
from tests.contracts import seeded, small_options
from tests.oracle import FixedMixture, gaussian_posterior, standard_prior

CORRELATION = torch.tensor([[1.0, 0.6, 0.0], [0.6, 1.0, 0.3], [0.0, 0.3, 1.0]])
VARIANCE = 0.3


def posteriors(n: int, covariance: Tensor, seed: int = 1) -> tuple[Tensor, Tensor]:
    """n posteriors of variance 0.3, a sample of N(0, covariance)."""
    factor = torch.linalg.cholesky(covariance - VARIANCE * torch.eye(len(covariance)))
    mean = torch.randn(n, len(covariance), generator=seeded(seed)) @ factor.T
    return mean, torch.full_like(mean, math.log(VARIANCE))


def split(mean: Tensor, log_var: Tensor, prior=None, **options) -> PerDimension:
    found = per_dimension(mean, log_var, prior or standard_prior(mean.shape[1]), generator=seeded(2), **options)
    assert found is not None
    return found


def test_the_total_correlation_of_a_gaussian() -> None:
    truth = -0.5 * math.log(float(torch.linalg.det(CORRELATION)))
    found = split(*posteriors(4000, CORRELATION), draws=4000)
    assert truth > 0.2 and found.total_correlation.se < 0.03 and found.total_correlation_null.value < 0.02
    assert abs(found.total_correlation.value - truth) < 3 * found.total_correlation.se
    assert all(abs(each.value) < 3 * each.se + 0.005 for each in found.marginal_kl), "each dimension is N(0, 1)"


def test_the_marginal_kl_of_each_dimension() -> None:
    mean, log_var = posteriors(4000, torch.diag(torch.tensor([1.0, 1.0, 0.5])), seed=3)
    mean[:, 1] += 0.8
    truth = [0.0, 0.5 * 0.8**2, 0.5 * (0.5 - 1 - math.log(0.5))]  # KL(N(m, v) || N(0, 1))
    found = split(mean, log_var, draws=4000)
    for each, value in zip(found.marginal_kl, truth, strict=True):
        assert abs(each.value - value) < 3 * each.se + 0.02, "3 errors of the draws, and of 4,000 means"
    assert abs(found.total_correlation.value) < 3 * found.total_correlation.se + 0.02


def test_in_many_dimensions_independence_reads_like_the_null() -> None:
    found = [split(*posteriors(400, torch.eye(6), seed), draws=400) for seed in range(5)]
    perfect = sum(each.total_correlation.value for each in found) / 5
    nulls = [each.total_correlation_null for each in found]
    null = sum(each.value for each in nulls if each is not None) / 5
    assert perfect > 0.1, "a mixture of 400 posteriors is no product"
    assert 0.85 * perfect < null < 1.15 * perfect


def test_in_two_dimensions_the_null_is_that_of_the_dependence_alone() -> None:
    """The null of the marginal KL is 0.088 here; a third of it is that of the two dimensions on their own."""
    small = math.log(0.05)
    found = []
    for seed in range(30):
        mean = math.sqrt(0.95) * torch.randn(300, 2, generator=seeded(seed))
        found.append(split(mean, torch.full_like(mean, small), draws=300))
    perfect = sum(each.total_correlation.value for each in found) / 30
    null = sum(each.total_correlation_null.value for each in found if each.total_correlation_null) / 30
    assert 0.04 < perfect < 0.08 and 0.75 * perfect < null < 1.3 * perfect


@pytest.mark.parametrize("variance", [0.3, 1e-8])
def test_one_dimension_has_no_total_correlation(variance: float) -> None:
    """Nor one that finitely many posteriors make, whether they overlap or not."""
    mean = torch.randn(50, 1, generator=seeded(9))
    found = split(mean, torch.full_like(mean, math.log(variance)))
    assert abs(found.total_correlation.value) < 1e-6
    assert found.total_correlation_null is not None and found.total_correlation_null.value == 0.0


def test_the_dimensions_add_up_to_the_average_kl() -> None:
    generator = seeded(4)
    mean, log_var = torch.randn(50, 6, generator=generator), -3 * torch.rand(50, 6, generator=generator)
    closed = DiagonalNormal(mean.double(), log_var.double()).kl_standard()
    found = split(mean, log_var)
    assert abs(sum(each.value for each in found.average_kl) - float(closed.mean())) < 1e-9
    assert torch.allclose(torch.tensor(found.activity), mean.var(0, correction=0), atol=1e-5)
    assert found.draws == found.n == 50 and len(found.average_kl) == len(found.marginal_kl) == 6


def test_the_parts_of_the_marginal_kl_add_up_and_agree_with_quadrature() -> None:
    mean, log_var = posteriors(500, CORRELATION[:2, :2])
    mean = mean + 0.5
    found = split(mean, log_var, draws=500)
    total = found.total_correlation.value + sum(each.value for each in found.marginal_kl)
    assert abs(found.total.value - total) < 1e-9
    exact = surgery_2d(mean, log_var, standard_prior(2))
    assert abs(found.total.value - exact.marginal_kl) < 3 * found.total.se
    assert abs(sum(each.value for each in found.average_kl) - exact.average_kl) < 1e-5


def test_another_single_gaussian_as_prior() -> None:
    mean, log_var = posteriors(80, CORRELATION)
    centre, spread = torch.tensor([[0.5, -1.0, 2.0]]), torch.tensor([[0.3, -0.7, 1.1]])
    normal = torch.distributions.Normal
    closed = torch.distributions.kl_divergence(
        normal(mean.double(), (0.5 * log_var.double()).exp()), normal(centre.double(), (0.5 * spread.double()).exp())
    )
    found = split(mean, log_var, FixedMixture(centre, spread))
    assert torch.allclose(torch.tensor([each.value for each in found.average_kl]), closed.mean(0).float(), atol=1e-5)
    errors = closed.std(0) / math.sqrt(80)
    assert torch.allclose(torch.tensor([each.se for each in found.average_kl]), errors.float(), atol=1e-5)
    draws_of_prior = split(centre.repeat(80, 1), spread.repeat(80, 1), FixedMixture(centre, spread))
    assert abs(draws_of_prior.total.value) < 1e-5 and abs(draws_of_prior.total_correlation.value) < 1e-5


@pytest.mark.parametrize("kind", sorted(PRIORS))
def test_only_a_product_over_dimensions_is_split(kind: str) -> None:
    context = PriorContext(3, 6, gaussian_posterior(6, 3), torch.rand(50, 6, generator=seeded(5)), seeded(6))
    prior = PRIORS[kind].from_config(small_options(kind), context)
    found = per_dimension(*posteriors(20, torch.eye(3)), prior, generator=seeded(7))
    assert (found is not None) == (kind == "standard")


def test_one_component_of_a_mixture_prior_is_a_product() -> None:
    context = PriorContext(3, 6, nn.Identity(), generator=seeded(8))
    assert split(*posteriors(20, torch.eye(3)), PRIORS["mog"].from_config({"components": 1}, context)).draws == 20


def test_draws_are_limited_and_said() -> None:
    mean, log_var = posteriors(300, torch.eye(3))
    found = split(mean, log_var, draws=100)
    assert (found.draws, found.n) == (100, 300)
    assert found == split(mean, log_var, draws=100)
    for wrong in ({"draws": 0}, {"count": 1}):
        with pytest.raises(ValueError, match="needs two images and a draw"):
            split(mean[: wrong.get("count", 300)], log_var[: wrong.get("count", 300)], draws=wrong.get("draws", 5))
