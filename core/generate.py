"""Pictures a model makes, as arrays: draws of its prior, and what it decodes at and around a place."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.checkpoint import Checkpoint
from core.priors.vamp import VampPrior


def prior_samples(checkpoint: Checkpoint, n: int, *, seed: int = 0) -> np.ndarray:
    """Means of p(x|z) at n independent draws of the prior, (n, height, width[, channels]) in [0, 1]."""
    _, images = checkpoint.vae.generate(n, generator=torch.Generator().manual_seed(seed))
    return as_pictures(images, checkpoint.config.model.image_shape)


def decoded_around(checkpoint: Checkpoint, z: tuple[float, ...], step: float, side: int = 5) -> np.ndarray:
    """Means of p(x|z) on a square of places around z in the first two dimensions, top row at the highest z_2.

    Args:
        checkpoint: the model.
        z: d coordinates, the centre.
        step: distance between neighbours.
        side: places along each side, odd.

    Returns:
        (side * side, height, width[, channels]) in [0, 1], row by row.
    """
    offsets = (torch.arange(side) - side // 2) * step
    places = torch.tensor(z, dtype=torch.float32).repeat(side * side, 1)
    places[:, 0] += offsets.repeat(side)
    if places.shape[1] > 1:
        places[:, 1] += offsets.flip(0).repeat_interleave(side)
    return as_pictures(checkpoint.vae.decode(places), checkpoint.config.model.image_shape)


def pseudo_input_means(checkpoint: Checkpoint) -> np.ndarray | None:
    """Posterior means at the pseudo-inputs of a VampPrior, (K, d) float32; None for any other prior."""
    prior = checkpoint.vae.prior
    return prior.components()[0].numpy() if isinstance(prior, VampPrior) else None


def as_pictures(images: Tensor, image_shape: tuple[int, int, int]) -> np.ndarray:
    """(n, pixels) -> (n, height, width) or, with three channels, (n, height, width, 3)."""
    pictures = images.reshape(-1, *image_shape).permute(0, 2, 3, 1).numpy()
    return pictures[..., 0] if image_shape[0] == 1 else pictures
