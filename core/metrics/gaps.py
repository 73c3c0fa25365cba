"""The images on which the bound is loosest, with two latent dimensions, where log p(x) is known."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from core.gap_records import MOST_GAPS, ImageGap, WorstGaps
from core.metrics.likelihood import DECODED_ROWS
from core.metrics.quadrature import LogLikelihood, log_likelihood_2d, total_error
from core.records import Estimate
from core.shapes import Images
from core.vae import VAE

SCOUTED, DRAWS = 64, 4096
"""Draws of each image to find the worst ones, and of each of these to measure its gap."""


def measure_gaps(
    vae: VAE, x: Images, *, seed: int = 0, on_progress: Callable[[int], object] | None = None
) -> WorstGaps:
    """``worst_gaps`` with log p(x) calculated for it.

    Args:
        vae: in evaluation mode, with two latent dimensions.
        x: (n, pixels), all images of a split.
        seed: of every draw.
        on_progress: told the share of the quadrature's last pass that is done, in per cent.

    Raises:
        ValueError: where the latent space has another dimension than 2.
    """
    return worst_gaps(vae, x, log_likelihood_2d(vae, x, seed=seed, on_progress=on_progress), seed=seed)


@torch.inference_mode()
def worst_gaps(vae: VAE, x: Images, exact: LogLikelihood, *, seed: int = 0) -> WorstGaps:
    """The images with the largest log p(x) - ELBO, found with ``SCOUTED`` draws each, measured with ``DRAWS`` others.

    Args:
        vae: in evaluation mode.
        x: (n, pixels), all images of a split.
        exact: their log p(x).
        seed: of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    batches = x.split(DECODED_ROWS // SCOUTED)
    bound = torch.cat([_draws(vae, batch, SCOUTED, generator).mean(0) for batch in batches])
    found = (exact.value - bound).topk(min(MOST_GAPS, len(x))).indices
    gaps: list[ImageGap] = []
    for row in found.tolist():
        values = exact.value[row] - _draws(vae, x[row : row + 1], DRAWS, generator)
        gaps.append(ImageGap(row, Estimate(float(values.mean()), float(values.std()) / DRAWS**0.5)))
    ordered = tuple(sorted(gaps, key=lambda image: -image.gap.value))
    return WorstGaps(ordered, SCOUTED, DRAWS, total_error(exact), seed)


def _draws(vae: VAE, x: Tensor, n_samples: int, generator: Generator) -> Tensor:
    """Single-draw bounds, (S, n) float64."""
    device = next(vae.parameters()).device
    return vae.terms(x.to(device), n_samples, generator=generator).elbo.double().cpu()
