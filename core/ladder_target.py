"""What priors are fitted to: the aggregated posterior of the training images, and the coordinates in which they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Generator, Tensor

from core.distributions import DiagonalNormal
from core.priors.mog import LOG_VAR_LOW
from core.priors.standardised import Frame
from core.shapes import Latents

USUAL = 2.0
"""In every dimension q(z) has its mean within this and its deviation within this factor of 1, else it is standardised.

A mixture's deviations end at 2.7, and flows start at N(0, I). VAEs with a standard prior are inside; each ladder would
otherwise have to be fitted again for numbers that stay as they are."""
_ROUNDING = 0.01
"""By which half precision may move a log-variance that stood at its bound."""


@dataclass(frozen=True)
class Target:
    """q_train(z): the posteriors of the training images.

    Attributes:
        mean: (n, d).
        log_var: (n, d).
    """

    mean: Latents
    log_var: Latents

    def sample(self, n: int, generator: Generator) -> Latents:
        """n independent draws, (n, d)."""
        index = torch.randint(len(self.mean), (n,), generator=generator)
        return DiagonalNormal(self.mean[index], self.log_var[index]).sample(1, generator=generator)[0]

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean (d,) and covariance (d, d) of q(z), float64: the variance within posteriors and that between them."""
        mean, within = self.mean.double(), self.log_var.double().exp().mean(0)
        centred = mean - mean.mean(0)
        return mean.mean(0), centred.T @ centred / len(mean) + within.diag()

    @cached_property
    def unusual(self) -> bool:
        """Whether q(z) lies or spreads where a prior of the registry was not made to be, so that it is standardised.

        Or whether some posterior is narrower than a mixture's narrowest component, or broader than is usual.
        """
        centre, covariance = self.moments
        log_deviation = covariance.diagonal().log() / 2
        far = centre.abs().max() > USUAL or log_deviation.abs().max() > torch.tensor(USUAL).log()
        return bool(far or self.log_var.min() < LOG_VAR_LOW - _ROUNDING)

    def place(self, frame: Frame) -> None:
        """Put a frame where q(z) has mean 0 and deviation 1 in every dimension."""
        centre, covariance = self.moments
        frame.place(centre, covariance.diagonal().sqrt())

    @torch.no_grad()
    def within(self, frame: Frame) -> Target:
        """The same posteriors over the standardised codes of a frame."""
        log_scale = frame.log_scale.double()
        mean = (self.mean.double() - frame.shift.double()) * torch.exp(-log_scale)
        return Target(mean.to(self.mean.dtype), (self.log_var.double() - 2 * log_scale).to(self.log_var.dtype))
