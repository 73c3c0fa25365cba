"""Holes and leaks: where the prior has mass and the data has none, and the reverse.

log q is evaluated exactly. A posterior draw is evaluated with its own component left out: with it, every draw would lie
near a component by construction, and the comparison with prior draws would be unfair.
"""

from __future__ import annotations

import math

import torch
from torch import Generator

from core import mixture
from core.intervals import wilson
from core.latents import LatentCloud
from core.priors import Prior
from core.records import QUANTILE, Mismatch, Share

FEWEST = 30
"""Images behind q(z) from which on a 1 % quantile means anything."""


@torch.inference_mode()
def mismatch(cloud: LatentCloud, prior: Prior, *, n: int = 5000, seed: int = 0) -> Mismatch:
    """Share of prior draws in holes of q(z), and of posterior draws that the prior leaks.

    holes = P_{z~p}[log q(z) < 1 % quantile of log q at posterior draws]; leaks = the same with p and q exchanged.
    Without a difference both are 1 % on average. ``null`` is a trial of that: a second, independent set of posterior
    (prior) draws sent through the same count.

    Args:
        cloud: posteriors of at least 30 images.
        prior: p(z).
        n: draws of each kind.
        seed: of the draws.

    Raises:
        ValueError: with fewer than 30 images, where a 1 % quantile means nothing.
    """
    if len(cloud) < FEWEST:
        raise ValueError(f"holes and leaks need at least {FEWEST} images behind q(z); got {len(cloud)}")
    generator = torch.Generator().manual_seed(seed)
    reference, again = (_left_out_log_q(cloud, n, generator) for _ in range(2))
    draws_p, draws_p_again = (prior.sample(n, generator=generator) for _ in range(2))
    independent = min(n, len(cloud))  # draws of one image's posterior are not independent of each other
    holes = _share(_log_q(cloud, draws_p), reference, again, (independent, independent))
    at_q, _ = cloud.sample(n, generator=generator)
    leaks = _share(prior.log_prob(at_q), prior.log_prob(draws_p), prior.log_prob(draws_p_again), (independent, n))
    return Mismatch(holes, leaks, seed)


def _log_q(cloud: LatentCloud, z: torch.Tensor) -> torch.Tensor:
    return mixture.log_prob(z, *cloud.components())  # float32: its error of 1e-3 nats moves no share


def _left_out_log_q(cloud: LatentCloud, n: int, generator: Generator) -> torch.Tensor:
    z, index = cloud.sample(n, generator=generator)
    return mixture.log_prob(z, *cloud.components(), exclude=index)


def share_under(
    values: torch.Tensor, reference: torch.Tensor, *, independent: int, behind: int
) -> tuple[float, float, float]:
    """Share of values under the reference's 1 % quantile, and its 95 % interval.

    The quantile is estimated too, and the share changes with it: on either side the interval is the root of the summed
    squares of how far Wilson's interval reaches and of how far the share goes when the quantile does, to the
    reference's values at the ends of Wilson's interval of 1 %.

    Args:
        values: (m,), at least one.
        reference: (r,) draws of what it is to be compared with.
        independent: number of independent values.
        behind: number of independent references.
    """
    levels = torch.tensor([QUANTILE, *wilson(QUANTILE, behind)], dtype=torch.float64)
    thresholds = torch.quantile(reference.double(), levels)
    found, fewest, most = (values.double()[:, None] < thresholds).double().mean(0).tolist()
    low, high = wilson(found, independent)
    down, up = math.hypot(found - low, found - fewest), math.hypot(high - found, most - found)
    return found, max(0.0, found - down), min(1.0, found + up)


def _share(values: torch.Tensor, reference: torch.Tensor, again: torch.Tensor, sides: tuple[int, int]) -> Share:
    """Share of ``values`` under the reference's quantile, and of the reference's own twin as the null."""
    found, low, high = share_under(values, reference, independent=sides[0], behind=sides[1])
    null = share_under(again, reference, independent=sides[1], behind=sides[1])[0]
    return Share(found, low, high, sides[0], null)
