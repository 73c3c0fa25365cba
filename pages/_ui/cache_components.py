"""Cached answers about the components of mixture priors; the rules are those of ``cache.py``."""

from __future__ import annotations

from typing import Any

import numpy as np

from core import component_pictures, component_places, memorisation, pseudo_inputs, views
from core.component_records import Components, Interpolation, Steps, Usual, order
from core.figures.component_map import lattice_of
from core.figures.component_mosaic import mosaic_picture
from core.nearest_records import Compared, Copies, Nearest
from core.priors import MixturePrior
from pages._ui import cache, cache_measures
from pages._ui.cache_store import kept
from pages._ui.turns import turns

CELLS = 100
UNSEEN_SEED = 0
"""Of the choice of test images that components are compared with: another one would mean to compare all again."""


@kept(128)
def why_not(name: str, digest: str) -> str | None:
    """Why a model has no components to look at, None where it has."""
    return pseudo_inputs.why_not(cache.model(name, digest).vae.prior)


def _prior(name: str, digest: str) -> MixturePrior:
    return component_pictures.mixture_of(cache.model(name, digest))


@kept(32, "Asking every component for its share of the data")
def components(name: str, digest: str, seed: int) -> Components:
    """Usage, dead and duplicated components, class mix. What was stored with this seed is taken from there."""
    kept, _ = cache_measures.components(name, digest)
    if kept is not None and kept.components.seed == seed:
        return kept.components
    prior, cloud = _prior(name, digest), cache.latents(name, digest)
    with turns.beside():
        return pseudo_inputs.components(prior, cloud, seed=seed)


@kept(16)
def inputs(name: str, digest: str) -> np.ndarray | None:
    """The pseudo-inputs as pictures, None for a mixture that has none; not to be changed."""
    return component_pictures.pseudo_inputs(cache.model(name, digest))


@kept(16)
def decoded_means(name: str, digest: str) -> np.ndarray:
    """What the mean of each component decodes to; not to be changed."""
    return component_pictures.decoded_means(cache.model(name, digest))


@kept(256)
def samples(name: str, digest: str, k: int, n: int, seed: int, drawn: bool) -> np.ndarray:
    """What is decoded at n draws of component k, counted from 0."""
    return component_pictures.samples(cache.model(name, digest), k, n, seed=seed, drawn=drawn)


@kept(64)
def two_steps(name: str, digest: str, n: int, seed: int, drawn: bool) -> Steps:
    """n draws of the prior with both steps."""
    return component_pictures.two_steps(cache.model(name, digest), n, seed=seed, drawn=drawn)


@kept(256)
def interpolation(name: str, digest: str, first: int, second: int) -> Interpolation:
    """Both ways between two components, counted from 0."""
    loaded, q = cache.model(name, digest), cache.q_density(name, digest)
    return component_pictures.interpolation(loaded, q, first, second)


@kept(64)
def usual(name: str, digest: str, seed: int) -> Usual:
    """The log-densities at draws of q(z) and of p(z) themselves."""
    return component_pictures.usual(cache.reference(name, digest, seed))


@kept(64)
def mosaic(name: str, digest: str, seed: int, sort: str, decoded: bool) -> tuple[str, int, int]:
    """All components as one picture, in an order, with its width and height."""
    found = components(name, digest, seed)
    return mosaic_picture(tiles(name, digest, decoded), found, order(found, sort))


def tiles(name: str, digest: str, decoded: bool) -> np.ndarray:
    """The pseudo-inputs, or where there are none or it is asked for, what the means decode to; not to be changed."""
    images = None if decoded else inputs(name, digest)
    if images is None and not cache.model(name, digest).config.model.decodes:
        return stand_ins(name, digest)
    return decoded_means(name, digest) if images is None else images


@kept(16)
def stand_ins(name: str, digest: str) -> np.ndarray:
    """For each component of imported latents the stored image nearest to its mean, grey tiles without images."""
    return component_pictures.stand_ins(cache.model(name, digest))


@kept(32)
def places(name: str, digest: str, key: cache.ViewKey) -> tuple[np.ndarray, np.ndarray]:
    """The components in a view: means (K, 2) and covariances (K, 2, 2)."""
    return component_places.places(_prior(name, digest), cache.view(name, digest, key).plane)


@kept(32)
def owners(name: str, digest: str, key: cache.ViewKey) -> tuple[np.ndarray, np.ndarray]:
    """The component responsible at each place of the map's lattice, and its responsibility."""
    at = lattice_of(cache.grids(name, digest, key, CELLS)[0])
    return component_places.owners(_prior(name, digest), cache.view(name, digest, key).plane, at)


def places_of(name: str, digest: str, key: cache.ViewKey, z: np.ndarray) -> np.ndarray:
    """(n, d) codes to (n, 2) places in a view."""
    return views.places(cache.view(name, digest, key), z)


@kept(32, "Comparing every component with every training image")
def compared(name: str, digest: str) -> Compared:
    """The training images nearest to each component, and how near new images come; stored, or found now.

    Raises:
        ValueError: where it is not stored and the data set is not on this computer.
    """
    kept, _ = cache_measures.components(name, digest)
    if kept is not None and kept.compared is not None and kept.compared.seed == UNSEEN_SEED:
        return kept.compared
    return memorisation.compare(cache.model(name, digest), seed=UNSEEN_SEED)


def nearest(name: str, digest: str, k: int, count: int, of_class: int | None) -> tuple[Nearest, Nearest]:
    """Training images nearest to a component in latent space and in pixels.

    Raises:
        ValueError: where that is not stored and the data set is not on this computer.
    """
    return memorisation.nearest(compared(name, digest), k, count, of_class)


@kept(2, "Reading the training images")
def training_images(name: str, digest: str) -> Any:
    """All training images; not to be changed.

    Raises:
        ValueError: where the data set is not on this computer.
    """
    return memorisation.training_images(cache.model(name, digest))


def training_pictures(name: str, digest: str, rows: np.ndarray) -> np.ndarray | None:
    """Training images by row; None where the data set is not on this computer."""
    try:
        everything = training_images(name, digest)
    except ValueError:  # not kept, so that the images are there as soon as the data set is
        return None
    return memorisation.pictures(cache.model(name, digest), everything, rows)


@kept(32)
def copies(name: str, digest: str, seed: int) -> Copies:
    """How many components are copies of training images.

    Raises:
        ValueError: where that is not stored and the data set is not on this computer.
    """
    return memorisation.copies(compared(name, digest), components(name, digest, seed))


@kept(256)
def nearest_stored(name: str, digest: str, k: int, count: int) -> tuple[Nearest, np.ndarray]:
    """Stored test images nearest to a component in latent space, and their reconstructions."""
    found = memorisation.nearest_stored(cache.model(name, digest), k, count)
    return found, cache.reconstructed(name, digest, tuple(found.rows.tolist()))


def train_size(name: str, digest: str) -> int:
    """Number of training images of the model's data set."""
    return cache.model(name, digest).config.data.train
