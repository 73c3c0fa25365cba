"""ELBO surgery: the average KL of a VAE split into mutual information and marginal KL.

    (1/n) sum_i KL(q(z|x_i) || p(z)) = I_q[x, z] + KL(q(z) || p(z)),    q(z) = (1/n) sum_i q(z|x_i)

q(z) is a mixture of n Gaussians and its density is evaluated exactly, in float64, over all n components: a minibatch
of M would cap the mutual information at log M. The three terms are estimated from three independent sets of draws, so
that their residual is a check of the code and not an identity of one set of numbers.

The null of the marginal KL. Let q be the population that the n posteriors sample and q_n their mixture. At draws z of
posterior i, E[log q_n(z) - log q_-i(z)] = KL(q_n || q) + KL(q || q_n-1), with q_-i the mixture without i: the first
term is what KL(q_n || p) is for p = q, the second is about as large, so half the difference is reported.

References:
    Hoffman, Johnson (2016), ELBO surgery: yet another way to carve up the variational evidence lower bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from core import mixture
from core.distributions import DiagonalNormal
from core.metrics.estimate import monte_carlo_se, over_examples
from core.priors import Prior
from core.records import Estimate
from core.shapes import Latents


@dataclass(frozen=True)
class Surgery:
    """The parts of the average KL, in nats, over n examples.

    Standard errors are over the examples, except that of the residual: the examples are the same on both sides of the
    identity, so only the noise of the draws is left there.

    Attributes:
        average_kl: (1/n) sum_i KL(q(z|x_i) || p(z)).
        mutual_information: I_q[x, z], between 0 and log n.
        marginal_kl: KL(q(z) || p(z)).
        marginal_kl_null: what the marginal KL would be for a perfect prior. q(z) is a mixture of n posteriors, and even
            the distribution these are a sample of is not that mixture.
        log_n: the ceiling of the mutual information.
        identity_residual: average_kl - mutual_information - marginal_kl; zero within its standard error.
    """

    average_kl: Estimate
    mutual_information: Estimate
    marginal_kl: Estimate
    marginal_kl_null: Estimate
    log_n: float
    identity_residual: Estimate


@torch.inference_mode()
def elbo_surgery(
    mean: Latents,
    log_var: Latents,
    prior: Prior,
    *,
    n_samples: int = 4,
    generator: Generator | None = None,
    average: Tensor | None = None,
) -> Surgery:
    """Split the average KL of n Gaussian posteriors.

    Args:
        mean: (n, d) posterior means.
        log_var: (n, d) posterior log-variances.
        prior: p(z).
        n_samples: draws per example and per term, at least 2.
        generator: source of the draws.
        average: (S, n) draws of log q(z|x_i) - log p(z) that were made already, with the bound; None makes them here.

    Raises:
        ValueError: with fewer than two draws, which leave the residual without a standard error.
    """
    if n_samples < 2:
        raise ValueError(f"n_samples must be at least 2 to know the noise of the draws; got {n_samples}")
    q = DiagonalNormal(mean, log_var)

    def draws() -> tuple[Tensor, Tensor]:
        return q.rsample_and_log_prob(n_samples, generator=generator)

    if average is None:
        z, log_q = draws()
        average = log_q - _per_point(prior.log_prob, z)
    z, log_q = draws()
    information = log_q.double() - _aggregated(z, mean, log_var)
    z, _ = draws()  # stratified over i: every component of q(z) gives the same number of draws
    log_aggregated = _aggregated(z, mean, log_var)
    marginal = log_aggregated - _per_point(prior.log_prob, z)
    optimism = log_aggregated - _aggregated(z, mean, log_var, leave_out=True)
    residual = float(average.double().mean() - information.mean() - marginal.double().mean())
    noise = math.sqrt(sum(monte_carlo_se(part) ** 2 for part in (average, information, marginal)))
    return Surgery(
        average_kl=over_examples(average.double().mean(0)),
        mutual_information=over_examples(information.mean(0)),
        marginal_kl=over_examples(marginal.double().mean(0)),
        marginal_kl_null=over_examples(0.5 * optimism.mean(0)),
        log_n=math.log(len(mean)),
        identity_residual=Estimate(residual, noise),
    )


def _aggregated(z: Tensor, mean: Tensor, log_var: Tensor, *, leave_out: bool = False) -> Tensor:
    """Exact log q(z) of (S, n, d) draws, (S, n); with ``leave_out``, under the mixture of the other posteriors."""
    own = torch.arange(len(mean)).repeat(len(z)) if leave_out else None
    return mixture.log_prob(z.flatten(0, 1), mean, log_var, exclude=own, double=True).view(z.shape[:2])


def _per_point(log_prob: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """A function of (n, d) applied to (S, n, d), (S, n)."""
    return log_prob(z.flatten(0, 1)).view(z.shape[:2])
