"""Importance-sampled log-likelihood: a lower bound on log p(x) that tightens with the number of samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

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
    """

    value: Tensor
    ess: Tensor


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
    values, sizes = [], []
    for start in range(0, len(x), batch):
        rows = x[start : start + batch].to(device)
        counts = [min(chunk, n_samples - first) for first in range(0, n_samples, chunk)]
        parts = [vae.terms(rows, count, generator=generator).elbo for count in counts]
        log_weight = torch.cat(parts).double()  # (S, rows)
        total = log_weight.logsumexp(0)
        values.append(total - math.log(n_samples))
        sizes.append(torch.exp(2 * total - (2 * log_weight).logsumexp(0)))
        if on_progress is not None:
            on_progress(len(rows))
    return LogMarginal(torch.cat(values).cpu(), torch.cat(sizes).cpu())
