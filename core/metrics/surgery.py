"""ELBO surgery: the average KL of a VAE split into mutual information and marginal KL.

    (1/n) sum_i KL(q(z|x_i) || p(z)) = I_q[x, z] + KL(q(z) || p(z)),    q(z) = (1/n) sum_i q(z|x_i)

q(z) is a mixture of n Gaussians and its density is evaluated exactly, in float64, over all n components: a minibatch
of M would cap the mutual information at log M. The three terms are estimated from three independent sets of draws, so
that their residual is a check of the code and not an identity of one set of numbers.

The null of the marginal KL is what KL(q_n || p) is where p is the population that the n posteriors sample
(``core.metrics.marginal_null``). Where posteriors hardly overlap, as in many dimensions, it is not known, only that it
is large: it is I(x; z) of the population - I_q[x, z], and the latter cannot exceed log n.

References:
    Hoffman, Johnson (2016), ELBO surgery: yet another way to carve up the variational evidence lower bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from core import mixture
from core.distributions import DiagonalNormal
from core.metrics.estimate import monte_carlo_se, over_examples
from core.metrics.marginal_null import log_aggregated_and_null
from core.metrics.precise import draws, log_prior
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
            the distribution these are a sample of is not that mixture. None where it is too large to be known.
        log_n: the ceiling of the mutual information.
        identity_residual: average_kl - mutual_information - marginal_kl; zero within its standard error.
        information_by_image, marginal_by_image: (n,) float64, what each image gives to the two means.
    """

    average_kl: Estimate
    mutual_information: Estimate
    marginal_kl: Estimate
    marginal_kl_null: Estimate | None
    log_n: float
    identity_residual: Estimate
    information_by_image: Tensor
    marginal_by_image: Tensor


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

    def drawn() -> tuple[Tensor, Tensor]:
        return draws(mean, log_var, n_samples, generator=generator)

    if average is None:
        z, log_q = drawn()
        average = log_q - log_prior(prior, z)
    z, _ = drawn()
    information = log_own(z, mean, log_var) - log_aggregated(z, mean, log_var)
    z, _ = drawn()  # stratified over i: every component of q(z) gives the same number of draws
    log_q, null = log_aggregated_and_null(z, mean, log_var)
    marginal = log_q - log_prior(prior, z)
    return surgery_of(average, information, marginal, null)


def surgery_of(average: Tensor, information: Tensor, marginal: Tensor, null: Estimate | None) -> Surgery:
    """The terms from three independent sets of (S, n) draws.

    Args:
        average: log q(z|x_i) - log p(z).
        information: log q(z|x_i) - log q(z).
        marginal: log q(z) - log p(z).
        null: of the marginal KL; None where it is not known.
    """
    residual = float(average.double().mean() - information.mean() - marginal.double().mean())
    noise = math.sqrt(sum(monte_carlo_se(part) ** 2 for part in (average, information, marginal)))
    information_by_image, marginal_by_image = information.double().mean(0), marginal.double().mean(0)
    return Surgery(
        average_kl=over_examples(average.double().mean(0)),
        mutual_information=over_examples(information_by_image),
        marginal_kl=over_examples(marginal_by_image),
        marginal_kl_null=null,
        log_n=math.log(average.shape[1]),
        identity_residual=Estimate(residual, noise),
        information_by_image=information_by_image,
        marginal_by_image=marginal_by_image,
    )


def log_own(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """log q(z|x_i) of (S, n, d) draws, draw [s, i] under posterior i, (S, n) in float64."""
    return DiagonalNormal(mean.double(), log_var.double()).log_prob(z.double())


def log_aggregated(z: Tensor, mean: Tensor, log_var: Tensor, own: Tensor | None = None) -> Tensor:
    """Exact log q(z) of (S, m, d) draws, (S, m) in float64.

    As q = ((n - 1) q_-i + q(z|x_i)) / n with the draw's own posterior from outside: of one that is much narrower than
    its mean is large, the mixture's matrix product loses digits that the square of z - mean keeps.

    Args:
        z: draws of m posteriors.
        mean: (n, d), all of them.
        log_var: (n, d).
        own: (m,) which posterior each draw is of; None where m = n and they are in order.
    """
    n = len(mean)
    own = torch.arange(n, device=z.device) if own is None else own
    others = mixture.log_prob(z.flatten(0, 1), mean, log_var, exclude=own.repeat(len(z)), double=True).view(z.shape[:2])
    return torch.logaddexp(others + math.log((n - 1) / n), log_own(z, mean[own], log_var[own]) - math.log(n))
