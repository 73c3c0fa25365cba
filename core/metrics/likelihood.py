"""Importance-sampled log-likelihood: a lower bound on log p(x) that tightens with the number of samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from core.metrics.estimate import over_examples
from core.records import CurvePoint
from core.shapes import Images
from core.vae import VAE

DECODED_ROWS = 8192
"""Codes decoded at once: their hidden layers and pixels stay within some 25 MB each, whatever n_samples is."""


@dataclass(frozen=True)
class LogMarginal:
    """Estimates per example.

    Attributes:
        value: (n,) nats, log (1/S) sum_s p(x, z_s) / q(z_s|x).
        ess: (n,) effective sample size (sum w)^2 / sum w^2, between 1 and S: near 1 the estimate hangs on one draw.
        curve: the bound over the images for 1, 10, 100, ... and S draws, from the same weights: below S the mean over
            the disjoint blocks that the S draws make, each a bound of its own. ``at`` is the number of draws; ``ess``
            is the median over the images of the mean effective sample size within a block.
    """

    value: Tensor
    ess: Tensor
    curve: tuple[CurvePoint, ...]


@torch.inference_mode()
def log_marginal(
    vae: VAE,
    x: Images,
    n_samples: int,
    *,
    generator: Generator | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> LogMarginal:
    """IWAE bound with S = n_samples draws of q(z|x), memory bounded whatever S is.

    log p(x) >= E log (1/S) sum_s p(x|z_s) p(z_s) / q(z_s|x)

    Args:
        vae: the model.
        x: (n, pixels).
        n_samples: S.
        generator: source of the draws.
        on_progress: told the number of examples done.

    References:
        Burda, Grosse, Salakhutdinov (2016), Importance weighted autoencoders, arXiv:1509.00519.
    """
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1; got {n_samples}")
    device = next(vae.parameters()).device
    chunk = min(n_samples, DECODED_ROWS)
    batch = max(1, DECODED_ROWS // chunk)
    efforts = _efforts(n_samples)
    # Made at once: small tensors that stay, one an image, cut the heap into pieces too small for the large ones that
    # come and go between them; a process was seen to grow to 24 GB that way.
    bounds, ess = (torch.empty(len(efforts), len(x), dtype=torch.float64) for _ in range(2))
    for start in range(0, len(x), batch):
        rows = x[start : start + batch].to(device)
        counts = [min(chunk, n_samples - first) for first in range(0, n_samples, chunk)]
        parts = [vae.terms(rows, count, generator=generator).elbo for count in counts]
        log_weight = torch.cat(parts).double()  # (S, rows)
        for place, effort in enumerate(efforts):
            bounds[place, start : start + batch], ess[place, start : start + batch] = _blocks(log_weight, effort)
        if on_progress is not None:
            on_progress(len(rows))
    curve = tuple(
        CurvePoint(effort, over_examples(bound), float(size.median()))
        for effort, bound, size in zip(efforts, bounds, ess, strict=True)
    )
    return LogMarginal(bounds[-1], ess[-1], curve)


def _efforts(n_samples: int) -> tuple[int, ...]:
    """1, 10, 100, ... below S, then S itself."""
    return (*(10**power for power in range(len(str(n_samples))) if 10**power < n_samples), n_samples)


def _blocks(log_weight: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Bound and effective sample size of ``size`` draws: means over the blocks that (S, n) log-weights make, (n,) each.

    Draws that do not fill a block are left out.
    """
    blocks = log_weight[: len(log_weight) // size * size].view(-1, size, log_weight.shape[1])
    total = blocks.logsumexp(1)
    ess = torch.exp(2 * total - (2 * blocks).logsumexp(1))
    return total.mean(0) - math.log(size), ess.mean(0)
