"""Ways from one code to another, and what the model says along them.

linear      z(t) = (1 - t) a + t b
spherical   z(t) = r(t) [sin((1 - t) w) a/|a| + sin(t w) b/|b|] / sin w with w the angle between a and b seen from the
            origin and r(t) = (1 - t) |a| + t |b|: where a prior is N(0, I) in many dimensions, all its draws have
            nearly the same length, and the linear way leaves it
along       the same in the noise u that the prior makes its draws of, z = g(u) (see core.prior_noise): every place is
            as typical of the prior as its noise is of N(0, I). It crosses quickly where the prior has no mass

References:
    White (2016), Sampling generative networks, arXiv:1609.04468.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core import prior_noise
from core.browser_records import Ways
from core.checkpoint import Checkpoint
from core.component_pictures import STEPS, path
from core.prepared import Prepared
from core.shapes import Latents

FLAT = 1e-6
"""Sine of an angle under which there is no great circle: the way is straight then."""


@torch.no_grad()
def ways(checkpoint: Checkpoint, q: Prepared | None, start: tuple[float, ...], end: tuple[float, ...]) -> Ways:
    """The three ways, each with log q, log p and images.

    Args:
        checkpoint: the model; without a decoder there are no images.
        q: q(z) of this checkpoint; where it is None log q is nan.
        start: d coordinates.
        end: d coordinates.

    Raises:
        ValueError: on the wrong number of coordinates, or where one is not finite.
    """
    prior = checkpoint.vae.prior
    ends = torch.tensor([start, end], dtype=torch.float64)
    if ends.shape != (2, prior.dim) or not torch.isfinite(ends).all():
        raise ValueError(f"start and end must be {prior.dim} finite numbers each; got {start} and {end}")
    t = torch.linspace(0, 1, STEPS, dtype=torch.float64)
    along = None
    if prior_noise.why_not(prior) is None:
        noise = prior_noise.to_noise(prior, ends)
        along = prior_noise.from_noise(prior, spherical(noise[0], noise[1], t))
        along[[0, -1]] = ends  # a flow's inverse and forward pass meet up to rounding only
    found = [linear(ends[0], ends[1], t), spherical(ends[0], ends[1], t), along]
    made = [None if z is None else path(checkpoint, q, t.float(), z.float()) for z in found]
    assert made[0] is not None and made[1] is not None
    return Ways(made[0], made[1], made[2])


def linear(start: Tensor, end: Tensor, t: Tensor) -> Latents:
    """The straight way, (d,) and (d,) at (m,) shares to (m, d)."""
    return torch.lerp(start.expand(len(t), -1), end.expand(len(t), -1), t[:, None])


def spherical(start: Tensor, end: Tensor, t: Tensor) -> Latents:
    """The great circle around the origin, the length changing evenly; straight where both lie on one line through it.

    White's formula, without the lengths apart, leaves the ring between two unequal lengths.

    Example:
        >>> half = spherical(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.5]))
        >>> round(half.norm().item(), 4)
        1.5
    """
    lengths = start.norm(), end.norm()
    if 0 in lengths:
        return linear(start, end, t)
    one, other = start / lengths[0], end / lengths[1]
    angle = torch.arccos((one @ other).clamp(-1, 1))
    if angle.sin() < FLAT:
        return linear(start, end, t)
    turned = torch.sin((1 - t) * angle)[:, None] * one + torch.sin(t * angle)[:, None] * other
    return torch.lerp(lengths[0], lengths[1], t)[:, None] * turned / angle.sin()


def default_ends(n: int, labels: np.ndarray | None) -> tuple[int, int]:
    """Two of n stored images to begin with: the first, and the first of another class, or else the second."""
    if labels is None or (labels == labels[0]).all():
        return 0, min(1, n - 1)
    return 0, int(np.argmax(labels != labels[0]))
