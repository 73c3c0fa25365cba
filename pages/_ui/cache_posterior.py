"""Cached answers about single images' posteriors; the rules are those of ``cache.py``."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from core import absorb, gallery
from core.figures.drawing import Drawing
from core.figures.posterior import posterior_panels
from core.figures.ready import ready
from core.gap_records import WorstGaps
from core.metrics import posterior_gap
from core.metrics.latent_map import LatentMap
from core.posterior_records import Absorption, ImagePosterior
from pages._ui import cache, cache_measures
from pages._ui.cache_store import kept
from pages._ui.turns import turns


def worst(name: str) -> WorstGaps | None:
    """The stored test images with the largest gaps; None where they were not looked for."""
    return cache_measures.record(name, "worst_gaps")


@kept(128, "Integrating over the latent plane")
def image_posterior(name: str, digest: str, row: int, seed: int) -> ImagePosterior:
    """True and approximate posterior of one image of the stored split.

    Raises:
        ValueError: where the data set is not on this computer.
    """
    images = cache.split_images(name, digest)
    vae, around = cache.model(name, digest).vae, _around(name, digest)
    with turns.beside():
        return posterior_gap.image_posterior(vae, images[row : row + 1], around=around, seed=seed)


@kept(64)
def reconstruction(name: str, digest: str, row: int) -> np.ndarray:
    """Mean of p(x|z) at the centre of q(z|x) of one image of the split, whether its posterior is stored or not.

    Raises:
        ValueError: where the data set is not on this computer.
    """
    image = cache.split_images(name, digest)[row : row + 1]
    return gallery.reconstructed_images(cache.model(name, digest), image)


@kept(64)
def panels(models: tuple[tuple[str, str, str], ...], row: int, seed: int) -> Drawing:
    """The picture of one image's posteriors by models, each given by what it is called, its name and its digest.

    Those whose posterior cannot be integrated are left out.

    Raises:
        ValueError: where the data set is not on this computer, or nothing is left.
    """
    rows = []
    for called, name, digest in models:
        with suppress(FloatingPointError):
            rows.append((called, image_posterior(name, digest, row, seed)))
    return ready(posterior_panels, rows)


@kept(6, "Looking over the latent plane")
def _around(name: str, digest: str) -> LatentMap:
    """The whole latent plane as the decoder sees it, for all images of the split: 11 MB with 300 hidden units."""
    vae, images = cache.model(name, digest).vae, cache.split_images(name, digest)
    with turns.beside():
        return LatentMap(vae, images)


@kept(32)
def why_not_absorbed(name: str, digest: str) -> str | None:
    """Why a model has no flow that could be absorbed, None where it has one."""
    return absorb.why_not(cache.model(name, digest).vae)


@kept(32, "Moving the flow into posterior and decoder")
def absorption(name: str, digest: str, seed: int) -> Absorption:
    """The bounds of a model with a flow prior before and after the flow was moved.

    Raises:
        ValueError: where the data set is not on this computer.
    """
    vae, images = cache.model(name, digest).vae, cache.split_images(name, digest)
    with turns.beside():
        return absorb.absorption(vae, images, seed=seed)
