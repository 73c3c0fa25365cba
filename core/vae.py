"""The variational autoencoder: three parts and the evidence lower bound. It never asks which prior it holds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from core.distributions import Distribution
from core.priors.base import Prior
from core.shapes import Images, Latents


@dataclass(frozen=True)
class ElboTerms:
    """The three expectations of the bound, per example, in nats: elbo = reconstruction + log_prior - log_posterior.

    Attributes:
        reconstruction: log p(x|z).
        log_prior: log p(z).
        log_posterior: log q(z|x).
    """

    reconstruction: Tensor
    log_prior: Tensor
    log_posterior: Tensor

    @property
    def elbo(self) -> Tensor:
        """log p(x|z) + log p(z) - log q(z|x)."""
        return self.reconstruction + self.log_prior - self.log_posterior

    @property
    def kl(self) -> Tensor:
        """log q(z|x) - log p(z), whose mean is KL(q(z|x) || p(z))."""
        return self.log_posterior - self.log_prior


class VAE(nn.Module):
    """p(z) p(x|z) with the approximate posterior q(z|x).

    Args:
        posterior: x (n, pixels) -> q(z|x).
        prior: p(z).
        decoder: z (n, d) -> p(x|z).

    References:
        Kingma, Welling (2014), Auto-encoding variational Bayes, arXiv:1312.6114.
    """

    def __init__(self, posterior: nn.Module, prior: Prior, decoder: nn.Module) -> None:
        super().__init__()
        self.posterior, self.prior, self.decoder = posterior, prior, decoder

    def terms(self, x: Images, n_samples: int = 1, *, generator: Generator | None = None) -> ElboTerms:
        """The terms of the bound for each of S = n_samples draws of z, (S, n) each."""
        z, log_posterior = self.posterior(x).rsample_and_log_prob(n_samples, generator=generator)  # (S, n, d), (S, n)
        flat = z.flatten(0, 1)
        likelihood = self.decoder(flat)
        images = x.expand(n_samples, *x.shape).flatten(0, 1)
        shape = log_posterior.shape
        return ElboTerms(likelihood.log_prob(images).view(shape), self.prior.log_prob(flat).view(shape), log_posterior)

    def elbo(self, x: Images, n_samples: int = 1, *, generator: Generator | None = None) -> ElboTerms:
        """The terms of the bound, averaged over the draws, (n,) each, in nats."""
        terms = self.terms(x, n_samples, generator=generator)
        return ElboTerms(terms.reconstruction.mean(0), terms.log_prior.mean(0), terms.log_posterior.mean(0))

    @torch.no_grad()
    def reconstruct(self, x: Images) -> Images:
        """Mean of p(x|z) at the posterior's centre, (n, pixels): its mean where it is Gaussian."""
        return self.decode(self.posterior(x).centre)

    @torch.no_grad()
    def decode(self, z: Latents) -> Images:
        """Mean of p(x|z), (n, pixels)."""
        likelihood: Distribution = self.decoder(z)
        return likelihood.mean

    @torch.no_grad()
    def generate(self, n: int, *, generator: Generator | None = None) -> tuple[Latents, Images]:
        """Draw z from the prior, (n, d), and give it with the mean of p(x|z), (n, pixels)."""
        z = self.prior.sample(n, generator=generator)
        return z, self.decode(z)
