"""Small immutable distributions over the last axis, all constants kept.

``batch`` below stands for any leading shape: empty for one distribution, ``(n,)`` for one per example. ``log_prob``
sums over the event (the last axis) and is in nats; ``sample(n)`` puts the draws in front: ``(n, *batch, event)``.

torch.distributions is not the base because its ``sample`` takes no generator and its argument validation is a switch of
the whole process; it is the oracle these are tested against.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

LOG_2PI = math.log(2 * math.pi)


class Distribution(Protocol):
    """Whatever has a normalised density and can be sampled: a prior, q(z|x), p(x|z)."""

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one value."""
        ...

    @property
    def mean(self) -> Tensor:
        """(*batch, event)."""
        ...

    def log_prob(self, value: Tensor) -> Tensor:
        """(*batch,) in nats, all constants included."""
        ...

    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        """(n, *batch, event), without gradients."""
        ...


@runtime_checkable
class Reparameterised(Protocol):
    """A posterior q(z|x): its draws carry gradients and come with their own log-density.

    It need not know its mean. ``centre`` stands for "the code of the image" where one is wanted.
    """

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one value."""
        ...

    @property
    def centre(self) -> Tensor:
        """A typical value, (*batch, event): the mean where that is known."""
        ...

    def log_prob(self, value: Tensor) -> Tensor:
        """(*batch,) in nats, all constants included."""
        ...

    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        """(n, *batch, event), without gradients."""
        ...

    def rsample_and_log_prob(self, n: int, *, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draws (n, *batch, event) and their log-density (n, *batch)."""
        ...


def standard_normal(shape: tuple[int, ...], like: Tensor, generator: Generator | None = None) -> Tensor:
    """Draws of N(0, I) with the dtype and device of ``like``.

    A generator may live on the CPU while the model is on another device: the draw is then made on the CPU and moved, so
    that a seed means the same numbers everywhere.
    """
    device = like.device if generator is None else generator.device
    return torch.randn(shape, generator=generator, dtype=like.dtype, device=device).to(like.device)


@dataclass(frozen=True)
class DiagonalNormal:
    """N(mean, diag(exp(log_var))).

    Args:
        mean: (*batch, d).
        log_var: (*batch, d), natural logarithm of the variances.

    Example:
        >>> import torch
        >>> q = DiagonalNormal(torch.zeros(2), torch.zeros(2))
        >>> round(q.log_prob(torch.zeros(2)).item(), 4)
        -1.8379
    """

    mean: Tensor
    log_var: Tensor

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(d,)."""
        return (self.mean.shape[-1],)

    @property
    def centre(self) -> Tensor:
        """The mean."""
        return self.mean

    def log_prob(self, value: Tensor) -> Tensor:
        """log N(value), (*batch,) in nats."""
        squared = (value - self.mean).square() * torch.exp(-self.log_var)
        return -0.5 * (squared + self.log_var + LOG_2PI).sum(-1)

    def rsample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        """Draws that carry gradients to mean and log_var, (n, *batch, d)."""
        noise = standard_normal((n, *self.mean.shape), self.mean, generator)
        return self.mean + torch.exp(0.5 * self.log_var) * noise

    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        """Draws without gradients, (n, *batch, d)."""
        with torch.no_grad():
            return self.rsample(n, generator=generator)

    def rsample_and_log_prob(self, n: int, *, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draws (n, *batch, d) and their log-density (n, *batch): the noise gives it without another pass."""
        noise = standard_normal((n, *self.mean.shape), self.mean, generator)
        log_prob = -0.5 * (noise.square() + self.log_var + LOG_2PI).sum(-1)
        return self.mean + torch.exp(0.5 * self.log_var) * noise, log_prob

    def kl_standard(self) -> Tensor:
        """KL(self || N(0, I)) in closed form, (*batch,) in nats."""
        return 0.5 * (self.mean.square() + self.log_var.exp() - 1 - self.log_var).sum(-1)


@dataclass(frozen=True)
class Bernoulli:
    """Independent binary pixels.

    Args:
        logits: (*batch, pixels), log-odds of a pixel being 1.
    """

    logits: Tensor

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(pixels,)."""
        return (self.logits.shape[-1],)

    @property
    def mean(self) -> Tensor:
        """P(pixel = 1), (*batch, pixels)."""
        return torch.sigmoid(self.logits)

    def log_prob(self, value: Tensor) -> Tensor:
        """log P(value), (*batch,) in nats; leading axes of ``value`` and of the batch are broadcast."""
        if torch.is_grad_enabled() and self.logits.requires_grad:
            logits, value = torch.broadcast_tensors(self.logits, value.to(self.logits.dtype))
            return -F.binary_cross_entropy_with_logits(logits, value, reduction="none").sum(-1)
        logits = self.logits
        return (logits * value.to(logits.dtype)).sub_(F.relu(logits)).sum(-1) - _log1p_exp_sum(logits)

    def log_normaliser(self) -> Tensor:
        """sum_j log(1 + exp(logit_j)), (*batch,) nats, without gradients: log P(value) is value · logits less this."""
        logits = self.logits.detach()
        return F.relu(logits).sum(-1) + _log1p_exp_sum(logits)

    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        """Binary draws, (n, *batch, pixels)."""
        shape = (n, *self.logits.shape)
        device = self.logits.device if generator is None else generator.device
        uniform = torch.rand(shape, generator=generator, device=device, dtype=self.logits.dtype).to(self.logits.device)
        return (uniform < self.mean).to(self.logits.dtype)


@torch.no_grad()
def _log1p_exp_sum(logits: Tensor) -> Tensor:
    """sum_j log(1 + exp(-|logit_j|)) over the last axis.

    Logarithms cost most of it, and a product needs but one: up to 2^6 factors in (1, 2] are far from any overflow.
    """
    factors = logits.abs().neg_().exp_().add_(1)
    for _ in range(6):
        if factors.shape[-1] % 2:
            break
        first, second = factors.chunk(2, dim=-1)
        factors = first * second
    return factors.log_().sum(-1)


@dataclass(frozen=True)
class DiscretizedLogistic:
    """A logistic distribution over 256 grey levels, exact and normalised: the outer levels hold the tails.

    P(level k) = s((k+1)/256) - s(k/256) with s the logistic distribution function of (location, scale), where a
    pixel of level k has the value (k + 0.5) / 256.

    Args:
        location: (*batch, pixels) in [0, 1], where the untruncated logistic is centred: not the mean, because the tails
            are folded into the outer levels.
        log_scale: (*batch, pixels).

    References:
        Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling (2016), Improving variational inference with inverse
        autoregressive flow, arXiv:1606.04934.
    """

    location: Tensor
    log_scale: Tensor

    BINS = 256

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(pixels,)."""
        return (self.location.shape[-1],)

    @property
    def mean(self) -> Tensor:
        """Expected pixel value, (*batch, pixels), exact: (0.5 + sum over k of P(level >= k)) / 256.

        One level after another, so that without gradients the memory is that of a few images and not of 256.
        """
        inverse_scale = torch.exp(-self.log_scale)
        total = torch.full_like(self.location, 0.5)
        for level in range(1, self.BINS):
            total += torch.sigmoid((self.location - level / self.BINS) * inverse_scale)
        return total / self.BINS

    def log_prob(self, value: Tensor) -> Tensor:
        """log P(value), (*batch,) in nats; ``value`` is snapped to its grey level.

        log(s(b) - s(a)) = log s(b) + log s(-a) + log(1 - exp(a - b)) is exact and never cancels.
        """
        level = torch.floor(value * self.BINS).clamp(0, self.BINS - 1)
        inverse_scale = torch.exp(-self.log_scale)
        above = ((level + 1) / self.BINS - self.location) * inverse_scale
        below = (level / self.BINS - self.location) * inverse_scale
        inner = torch.log(-torch.expm1(-inverse_scale / self.BINS))
        log_upper, log_lower = F.logsigmoid(above), F.logsigmoid(-below)
        middle = log_upper + log_lower + inner
        edges = torch.where(level == 0, log_upper, torch.where(level == self.BINS - 1, log_lower, middle))
        return edges.sum(-1)

    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        """Draws at the centres of the grey levels, (n, *batch, pixels)."""
        shape = (n, *self.location.shape)
        device = self.location.device if generator is None else generator.device
        uniform = torch.rand(shape, generator=generator, device=device, dtype=self.location.dtype)
        uniform = uniform.to(self.location.device).clamp(1e-6, 1 - 1e-6)
        value = self.location + torch.exp(self.log_scale) * torch.logit(uniform)
        level = torch.floor(value * self.BINS).clamp(0, self.BINS - 1)
        return (level + 0.5) / self.BINS
