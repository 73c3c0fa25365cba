"""The Gaussian posterior: a mean and a variance for every latent dimension."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from core.config import Frozen
from core.distributions import DiagonalNormal
from core.nn import full_precision, gated_mlp, he_init, soft_bound
from core.posteriors.base import Posterior, PosteriorKind
from core.shapes import Images

LOG_VAR_LOW, LOG_VAR_HIGH = -6.0, 2.0
"""Range of log sigma^2, as in the VampPrior reference code, but with a soft bound that keeps a gradient."""


class GaussianOptions(Frozen):
    """The Gaussian posterior has no settings."""


class GaussianPosterior(Posterior):
    """q(z|x) = N(z; mu(x), diag(sigma^2(x))) with a gated dense encoder.

    Args:
        pixels: length of a flat image.
        dim: latent dimension d.
        hidden: widths of the gated layers.
    """

    def __init__(self, pixels: int, dim: int, hidden: Sequence[int] = (300, 300)) -> None:
        super().__init__(GaussianOptions())
        self.body = gated_mlp(pixels, hidden)
        self.head = nn.Linear(hidden[-1], 2 * dim)
        he_init(self)

    def forward(self, x: Images) -> DiagonalNormal:
        """(n, pixels) -> n Gaussians over (d,)."""
        mean, raw = full_precision(self.head(self.body(x))).chunk(2, dim=-1)  # what follows is never in bf16
        return DiagonalNormal(mean, soft_bound(raw, LOG_VAR_LOW, LOG_VAR_HIGH))


def _build(options: GaussianOptions, pixels: int, dim: int, hidden: Sequence[int]) -> GaussianPosterior:  # noqa: ARG001
    return GaussianPosterior(pixels, dim, hidden)


KIND = PosteriorKind("Gaussian", GaussianOptions, _build, gaussian=True)
