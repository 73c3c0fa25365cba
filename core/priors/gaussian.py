"""One Gaussian with a full covariance: the best that a prior can do with two moments."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from core.distributions import LOG_2PI, standard_normal
from core.nn import soft_bound
from core.priors.base import Options, Prior, PriorContext, PriorKind
from core.shapes import ComponentMeans, Covariances, Latents, LogProb, LogWeights

LOG_SCALE_LOW, LOG_SCALE_HIGH = -8.0, 8.0
"""Bounds of the logarithms of the Cholesky factor's diagonal: from 3e-4, far under the least deviation of a posterior
(0.05), to 3000, so that neither the factor nor its inverse overflows."""


class GaussianOptions(Options):
    """One Gaussian has nothing to set."""


class GaussianPrior(Prior):
    """p(z) = N(z; m, L L^T) with the mean m and the lower triangular Cholesky factor L learned; it starts at N(0, I).

    log p(z) = -(|L^-1 (z - m)|^2 + d log 2 pi) / 2 - sum_j log L_jj.
    """

    def __init__(self, options: GaussianOptions, context: PriorContext) -> None:
        super().__init__(context.dim, options)
        self.mean = nn.Parameter(torch.zeros(context.dim))
        self.raw_log_scale = nn.Parameter(torch.zeros(context.dim))
        self.below = nn.Parameter(torch.zeros(context.dim * (context.dim - 1) // 2))

    @property
    def factor(self) -> Tensor:
        """L, (d, d) lower triangular with a positive diagonal."""
        factor = torch.diag(self._log_scale().exp())
        row, column = torch.tril_indices(self.dim, self.dim, -1, device=factor.device)
        return factor.index_put((row, column), self.below)

    def log_prob(self, z: Latents) -> LogProb:
        """The closed form by one triangular solve, (n,) in nats."""
        white = torch.linalg.solve_triangular(self.factor, (z - self.mean).T, upper=False)
        return -0.5 * (white.square().sum(0) + self.dim * LOG_2PI) - self._log_scale().sum()

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None) -> Latents:
        """m + L u with u ~ N(0, I), (n, d)."""
        return self.mean + standard_normal((n, self.dim), self.mean, generator) @ self.factor.T

    def gaussians(self) -> tuple[ComponentMeans, Covariances, LogWeights]:
        """The one Gaussian."""
        factor = self.factor
        return self.mean[None], (factor @ factor.T)[None], self.mean.new_zeros(1)

    @torch.no_grad()
    def fit_moments(self, mean: Tensor, covariance: Tensor) -> None:
        """Become N(mean, covariance): of all Gaussians the one nearest, in KL(q || p), to a q of these two moments.

        Args:
            mean: (d,).
            covariance: (d, d), symmetric and positive definite.

        Raises:
            ValueError: on other shapes, on a covariance that is not positive definite, or one out of the bounds.
        """
        if mean.shape != (self.dim,) or covariance.shape != (self.dim, self.dim):
            raise ValueError(
                f"mean and covariance must be ({self.dim},) and ({self.dim}, {self.dim}); got {tuple(mean.shape)} and "
                f"{tuple(covariance.shape)}"
            )
        factor, problem = torch.linalg.cholesky_ex(covariance.double())
        symmetric = torch.allclose(covariance, covariance.T, rtol=1e-4, atol=0.0)
        if not symmetric or int(problem) or not torch.isfinite(factor).all() or not torch.isfinite(mean).all():
            raise ValueError(
                "mean must be finite, covariance symmetric and positive definite; estimate it from more draws"
            )
        log_scale = factor.diagonal().log()
        if not (log_scale > LOG_SCALE_LOW).all() or not (log_scale < LOG_SCALE_HIGH).all():
            low, high = (math.exp(2 * bound) for bound in (LOG_SCALE_LOW, LOG_SCALE_HIGH))
            raise ValueError(
                f"covariance has a conditional variance outside ({low:.1e}, {high:.1e}): rescale z, or leave "
                "out dimensions that the others tell"
            )
        row, column = torch.tril_indices(self.dim, self.dim, -1)
        self.mean.copy_(mean)
        self.raw_log_scale.copy_(LOG_SCALE_HIGH * torch.atanh(log_scale / LOG_SCALE_HIGH))  # undoes soft_bound
        self.below.copy_(factor[row, column])

    def _log_scale(self) -> Tensor:
        """log L_jj, (d,)."""
        return soft_bound(self.raw_log_scale, LOG_SCALE_LOW, LOG_SCALE_HIGH)


KIND = PriorKind("Gaussian, full covariance", GaussianOptions, GaussianPrior)
