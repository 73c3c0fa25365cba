"""What lives in a part of a view: the images that are encoded there, and what the prior generates there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core import mixture
from core.checkpoint import Checkpoint
from core.config import RunConfig
from core.distributions import DiagonalNormal
from core.generate import as_pictures
from core.latents import LatentCloud
from core.latents_file import places_of
from core.metrics.coverage import share_under
from core.posteriors import FlowedNormal, FlowPosterior
from core.posthoc import data_of
from core.priors import Prior
from core.records import Draws
from core.region import Corners, inside

REFERENCE = 2000
"""Draws behind the 1 % quantile that makes a place a hole or a leak."""


@dataclass(frozen=True)
class Gallery:
    """The draws in a region.

    Attributes:
        q_rows: rows in ``Draws`` of the posterior draws inside, in the order they were drawn.
        p_rows: rows of the prior draws inside.
        draws: of each side in the whole view.
        classes: (class, count, of) of the posterior draws inside, most frequent first, ``of`` that many of the class in
            the whole view; empty without labels.
        holes: share of the prior draws inside that lie in holes of q(z) in the full latent space, with the ends of its
            95 % interval; nan without any. Over the whole view it is 0.01 where the two distributions are one.
        leaks: the same share of the posterior draws inside that the prior leaks.
    """

    q_rows: np.ndarray
    p_rows: np.ndarray
    draws: int
    classes: tuple[tuple[int, int, int], ...]
    holes: tuple[float, float, float]
    leaks: tuple[float, float, float]


@torch.inference_mode()
def gallery(found: Draws, corners: Corners, cloud: LatentCloud, prior: Prior, *, seed: int = 0) -> Gallery:
    """What lies in a region of a view.

    A hole is a place whose log q is under the 1 % quantile of log q at posterior draws (own component left out), a leak
    one whose log p is under the 1 % quantile of log p at prior draws: as on the cards, in all d dimensions.

    Args:
        found: the draws of the view.
        corners: of the region.
        cloud: posteriors behind q(z).
        prior: p(z).
        seed: of the draws that set the quantiles.
    """
    q_rows, p_rows = (np.flatnonzero(inside(places, corners)) for places in (found.q, found.p))
    generator = torch.Generator().manual_seed(seed)
    reference, index = cloud.sample(REFERENCE, generator=generator)
    components = cloud.components()
    exclude = index if len(cloud) > 1 else None
    of_q = mixture.log_prob(reference, *components, exclude=exclude)
    of_p = prior.log_prob(prior.sample(REFERENCE, generator=generator))
    log_q = mixture.log_prob(torch.from_numpy(found.p_z[p_rows]), *components)
    log_p = prior.log_prob(torch.from_numpy(found.q_z[q_rows]))
    classes = () if found.labels is None else class_counts(found.labels, q_rows)
    holes = _share(log_q, of_q, len(p_rows), min(REFERENCE, len(cloud)))
    leaks = _share(log_p, of_p, len(np.unique(found.rows[q_rows])), REFERENCE)  # draws of one image are not independent
    return Gallery(q_rows, p_rows, len(found.q), classes, holes, leaks)


def split_images(config: RunConfig, split: str, root: Path | None = None) -> torch.Tensor:
    """All images of a split as an evaluation sees them, (n, pixels). Nothing is downloaded for this.

    Raises:
        ValueError: where the data set is not on this computer, or is another one now.
    """
    return data_of(config, root, download=False).fixed(split).images


def pictures(checkpoint: Checkpoint, images: torch.Tensor, rows: np.ndarray) -> np.ndarray:
    """Some of a split's images by row, (n, height, width[, channels]) in [0, 1]."""
    return as_pictures(images[torch.from_numpy(rows)], checkpoint.config.model.image_shape)


def stored_pictures(checkpoint: Checkpoint, rows: np.ndarray) -> np.ndarray:
    """Pictures that came with imported latents, by row of the split, (n, height, width[, channels]) in [0, 1].

    Raises:
        ValueError: where none came, or the row is not stored.
    """
    if checkpoint.images is None:
        raise ValueError(f"no images came with the latents of {checkpoint.name}")
    return as_pictures(torch.from_numpy(checkpoint.images[_stored_places(checkpoint, rows)]), _shape(checkpoint))


def reconstructed(checkpoint: Checkpoint, rows: np.ndarray) -> np.ndarray:
    """Means of p(x|z) at the centres of the stored posteriors of some of a split's images, by row of the split.

    Raises:
        ValueError: where the posterior of a row is not stored.
    """
    found = _stored_places(checkpoint, rows)
    return decoded(checkpoint, stored_posteriors(checkpoint).centre[torch.from_numpy(found)].numpy())


def reconstructed_images(checkpoint: Checkpoint, images: torch.Tensor) -> np.ndarray:
    """Means of p(x|z) at the centres of the posteriors of (n, pixels) images, as they are encoded now."""
    posterior = checkpoint.vae.posterior(images.to(next(checkpoint.vae.parameters())))
    return decoded(checkpoint, posterior.centre.numpy())


def _stored_places(checkpoint: Checkpoint, rows: np.ndarray) -> np.ndarray:
    """Places among the stored posteriors of rows of their split.

    Raises:
        ValueError: where the posterior of a row is not stored.
    """
    cloud = checkpoint.latents or checkpoint.flow_latents
    return places_of(rows, np.array([], int) if cloud is None else cloud.split_rows())


def _shape(checkpoint: Checkpoint) -> tuple[int, int, int]:
    return checkpoint.config.model.image_shape


def stored_posteriors(checkpoint: Checkpoint) -> DiagonalNormal | FlowedNormal:
    """The posteriors of the images that a checkpoint keeps them of, Gaussian or not, of batch shape (n,).

    Raises:
        ValueError: where it keeps none.
    """
    if checkpoint.latents is not None:
        return DiagonalNormal(*checkpoint.latents.components())
    if checkpoint.flow_latents is not None and isinstance(checkpoint.vae.posterior, FlowPosterior):
        return checkpoint.flow_latents.posteriors(checkpoint.vae.posterior.flow)
    raise ValueError(f"checkpoint {checkpoint.name} stores no posteriors")


def decoded(checkpoint: Checkpoint, z: np.ndarray) -> np.ndarray:
    """Means of p(x|z) at (n, d) codes, (n, height, width[, channels]) in [0, 1]."""
    images = checkpoint.vae.decode(torch.from_numpy(z).float())
    return as_pictures(images, checkpoint.config.model.image_shape)


def class_counts(labels: np.ndarray, chosen: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    """Each class among the chosen ones: its number, how many are chosen, and of how many; the most frequent first.

    Args:
        labels: (n,) class of everything.
        chosen: (m,) rows of what is chosen.

    Example:
        >>> class_counts(np.array([7, 7, 7, 2]), np.array([0, 1]))
        ((7, 2, 3),)
    """
    values, counts = np.unique(labels[chosen], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return tuple((int(values[k]), int(counts[k]), int((labels == values[k]).sum())) for k in order)


def _share(values: torch.Tensor, reference: torch.Tensor, independent: int, behind: int) -> tuple[float, float, float]:
    """Share of the values under the reference's quantile and its interval; nan without any."""
    if not len(values):
        return math.nan, math.nan, math.nan
    return share_under(values, reference, independent=independent, behind=behind)
