"""The same images in the latent spaces of several models: one selection, by image, seen in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import torch

from core.distributions import standard_normal
from core.latents import LatentCloud
from core.latents_file import places_of
from core.records import Estimate

NEIGHBOURS = 10
"""Nearest neighbours that are compared."""
MOST = 2000
"""Images whose neighbours are compared: at random among those that both models keep."""


def common_rows(clouds: Sequence[LatentCloud]) -> np.ndarray:
    """Rows of the split of which every model keeps the posterior, ascending, (n,)."""
    return reduce(np.intersect1d, [cloud.split_rows() for cloud in clouds])


def some_rows(rows: np.ndarray, n: int, *, seed: int = 0) -> np.ndarray:
    """n of the rows at random, in random order; all of them where there are fewer."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:n]
    return rows[order.numpy()]


def codes(cloud: LatentCloud, rows: np.ndarray, *, means: bool, seed: int = 0) -> np.ndarray:
    """One draw of q(z|x) for each image, or its mean, (n, d) float32.

    Equal seeds give models of one dimension the same noise for the same image.

    Args:
        cloud: of the model.
        rows: (n,) images by their row in the split.
        means: whether means are taken instead of draws.
        seed: of the noise.

    Raises:
        ValueError: where the posterior of a row is not kept.
    """
    place = places_of(rows, cloud.split_rows())
    mean, log_var = (part[place] for part in cloud.components())
    if means:
        return mean.numpy()
    noise = standard_normal(tuple(mean.shape), mean, torch.Generator().manual_seed(seed))
    return (mean + torch.exp(0.5 * log_var) * noise).numpy()


def labels_of(cloud: LatentCloud, rows: np.ndarray) -> np.ndarray | None:
    """Class of images by their row in the split, (n,) int64; None where the data has none.

    Raises:
        ValueError: where a row is not kept.
    """
    place = places_of(rows, cloud.split_rows())
    return None if cloud.labels is None else cloud.labels[place]


def nearest(z: np.ndarray, *, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """The nearest others of each of (n, d) codes, (n, k) int64 places in ``z`` by rising distance.

    Args:
        z: codes of n images.
        neighbours: k, fewer than n.

    Raises:
        ValueError: for too few images.
    """
    if len(z) <= neighbours:
        raise ValueError(f"both spaces need codes of more than {neighbours} images; got {len(z)}")
    points = torch.from_numpy(z).double()
    apart = torch.cdist(points, points).fill_diagonal_(torch.inf)
    return apart.topk(neighbours, largest=False).indices.numpy()


def shared_neighbours(first: np.ndarray, second: np.ndarray) -> tuple[Estimate, float]:
    """Share of an image's nearest neighbours in one latent space that are among those in the other.

    The axes of separately trained models are arbitrary; who is near to whom is not.

    Args:
        first: (n, k) nearest images of each in one space, as ``nearest`` gives them.
        second: (n, k) those of the same images in the other.

    Returns:
        The mean share in [0, 1] with its standard error over the images, and what it would be for unrelated spaces,
        k / (n - 1). Two spaces that are one give 1.

    Raises:
        ValueError: for different images.

    References:
        Lee, Verleysen (2009), Quality assessment of dimensionality reduction: rank-based criteria.
    """
    if first.shape != second.shape:
        raise ValueError(f"both spaces need neighbours of the same images; got {first.shape} and {second.shape}")
    n, k = first.shape
    shares = (first[:, :, None] == second[:, None, :]).sum((1, 2)) / k
    return Estimate(float(shares.mean()), float(shares.std(ddof=1) / n**0.5)), k / (n - 1)
