"""The average and the marginal KL dimension by dimension, where the prior is a product over dimensions.

    KL(q(z) || p(z)) = KL(q(z) || prod_j q(z_j)) + sum_j KL(q(z_j) || p(z_j)),    p(z) = prod_j p(z_j)

The first term is the total correlation: what dimensions that depend on each other cost. A dimension of q(z) is a
one-dimensional mixture of n Gaussians, so that every density here is exact.

References:
    Chen, Li, Grosse, Duvenaud (2018), Isolating sources of disentanglement in variational autoencoders,
    arXiv:1802.04942.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from core import mixture
from core.distributions import LOG_2PI, DiagonalNormal
from core.metrics.estimate import over_examples
from core.metrics.marginal_null import log_aggregated_and_null
from core.priors import MixturePrior, Prior
from core.records import Estimate
from core.shapes import Latents


@dataclass(frozen=True)
class PerDimension:
    """What each of the d latent dimensions does. Nats, with standard errors over the images.

    Attributes:
        average_kl: for each dimension, (1/n) sum_i KL(q(z_j|x_i) || p(z_j)) in closed form; they add up to the average
            KL. The standard error is over all n images.
        activity: variance over the images of each dimension's posterior mean.
        marginal_kl: KL(q(z_j) || p(z_j)) of each dimension.
        total_correlation: KL(q(z) || prod_j q(z_j)).
        total_correlation_null: about what it would be if the dimensions of the population behind the n images were
            independent: q(z) is a mixture of n posteriors, and in many dimensions far from a product for that alone.
            0 in one dimension. None where it is not known, because the null of the marginal KL is not.
        total: KL(q(z) || p(z)); total_correlation and marginal_kl add up to it, draw by draw.
        draws: of z, each from the posterior of another image, behind the last four.
        n: number of images, all of them components of q(z).
    """

    average_kl: tuple[Estimate, ...]
    activity: tuple[float, ...]
    marginal_kl: tuple[Estimate, ...]
    total_correlation: Estimate
    total_correlation_null: Estimate | None
    total: Estimate
    draws: int
    n: int


@torch.inference_mode()
def per_dimension(
    mean: Latents, log_var: Latents, prior: Prior, *, draws: int = 2000, generator: Generator | None = None
) -> PerDimension | None:
    """Split both KLs by dimension.

    Args:
        mean: (n, d) posterior means.
        log_var: (n, d) posterior log-variances.
        prior: p(z).
        draws: of z for the marginal KL, at most one per image: n are made where this is more. The cost is
            draws * n * d densities.
        generator: source of the draws.

    Returns:
        the record; None where the split has no meaning, because the prior is no product over dimensions: a mixture of
        several components, a flow, a Gaussian with full covariance. log p(z) is then no sum over dimensions.

    Raises:
        ValueError: with fewer than two images or no draw.
    """
    if not isinstance(prior, MixturePrior):
        return None
    prior_mean, prior_log_var, _ = (part.double() for part in prior.components())
    if len(prior_mean) != 1:
        return None
    n, draws = len(mean), min(draws, len(mean))
    if n < 2 or draws < 1:
        raise ValueError(f"a split by dimension needs two images and a draw; got {n} images and {draws} draws")
    mean, log_var = mean.double(), log_var.double()
    device = mean.device if generator is None else generator.device
    chosen = torch.randperm(n, generator=generator, device=device)[:draws].to(mean.device)
    z = DiagonalNormal(mean[chosen], log_var[chosen]).sample(1, generator=generator)[0]
    log_q, null = log_aggregated_and_null(z[None], mean, log_var, own=chosen)
    log_p = -0.5 * ((z - prior_mean).square() * torch.exp(-prior_log_var) + prior_log_var + LOG_2PI)  # (m, d)
    marginals, null = _marginals_and_null(z, mean, log_var, chosen, null)
    return PerDimension(
        average_kl=_each(_kl(mean, log_var, prior_mean, prior_log_var)),
        activity=tuple(mean.var(0, correction=0).tolist()),
        marginal_kl=_each(marginals - log_p),
        total_correlation=over_examples(log_q[0] - marginals.sum(1)),
        total_correlation_null=null,
        total=over_examples(log_q[0] - log_p.sum(1)),
        draws=draws,
        n=n,
    )


def _marginals_and_null(
    z: Tensor, mean: Tensor, log_var: Tensor, own: Tensor, joint: Estimate | None
) -> tuple[Tensor, Estimate | None]:
    """``log_marginals`` at draws of the posteriors ``own``, and the null of the total correlation.

    Of a population q that is a product, KL(q_n || prod_j q_n,j) = KL(q_n || q) - sum_j KL(q_n,j || q_j): the null of
    the marginal KL, ``joint``, less those of the dimensions. Nearly all the noise is in the first.
    """
    dim = mean.shape[1]
    if joint is None or dim == 1:
        return log_marginals(z, mean, log_var), None if joint is None and dim > 1 else Estimate(0.0, 0.0)
    columns = [[j] for j in range(dim)]
    each = [log_aggregated_and_null(z[None, :, j], mean[:, j], log_var[:, j], own) for j in columns]
    known = [null.value for _, null in each if null is not None]
    null = Estimate(max(joint.value - sum(known), 0.0), joint.se) if len(known) == dim else None
    return torch.stack([log_q[0] for log_q, _ in each], 1), null


def log_marginals(z: Tensor, mean: Latents, log_var: Latents) -> Tensor:
    """log q(z_j) of each dimension at (m, d) points, (m, d): mixtures of all n one-dimensional Gaussians."""
    columns = [[j] for j in range(mean.shape[1])]
    return torch.stack([mixture.log_prob(z[:, j], mean[:, j], log_var[:, j]) for j in columns], 1)


def _kl(mean: Tensor, log_var: Tensor, prior_mean: Tensor, prior_log_var: Tensor) -> Tensor:
    """KL(N(mean, exp(log_var)) || N(prior_mean, exp(prior_log_var))) of each dimension, (n, d)."""
    gap = prior_log_var - log_var
    return 0.5 * (gap + torch.exp(-gap) + (mean - prior_mean).square() * torch.exp(-prior_log_var) - 1)


def _each(values: Tensor) -> tuple[Estimate, ...]:
    return tuple(over_examples(column) for column in values.T)
