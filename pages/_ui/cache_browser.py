"""Cached answers of the latent browser; the rules are those of ``cache.py``."""

from __future__ import annotations

import hashlib

import numpy as np

from core import browse, browser_bundle, codes, own_image, views, ways
from core.browser_records import Neighbours, Ranges, Spacing, Traversal, Ways
from core.figures.latent_canvas import view as map_view
from core.own_image import Landing
from core.records import DensityGrid, Draws, Plane
from pages._ui import cache
from pages._ui.cache import MAP, ViewKey
from pages._ui.cache_store import kept
from pages._ui.turns import turns

CELLS = 120


@kept(16)
def stored(name: str, digest: str) -> codes.Codes:
    """The codes of a model, whatever its posterior is.

    Raises:
        ValueError: where it stores none.
    """
    return browse.require_codes(cache.model(name, digest))


def _gaussian(name: str, digest: str) -> bool:
    return cache.model(name, digest).latents is not None


@kept(64)
def plane(name: str, digest: str, key: ViewKey) -> Plane:
    """The plane of a view.

    Raises:
        ValueError: where there is no such view of this model, with the reason.
    """
    if _gaussian(name, digest):
        return cache.view(name, digest, key).plane
    kind, first, second, seed = key
    dims = (first - 1 if first else None, second - 1 if second else None)
    prior = cache.model(name, digest).vae.prior
    return views.plane_of(kind, stored(name, digest), prior, dims=dims, seed=seed)


@kept(64)
def draws(name: str, digest: str, key: ViewKey, n: int, seed: int) -> Draws:
    """Draws of q(z) and p(z) with their places in a view."""
    if _gaussian(name, digest):
        return cache.draws(name, digest, key, n, seed)
    prior = cache.model(name, digest).vae.prior
    return views.draws_of(plane(name, digest, key), stored(name, digest), prior, n, seed=seed)


@kept(64, "Evaluating densities")
def grids(name: str, digest: str, key: ViewKey) -> tuple[DensityGrid | None, DensityGrid | None]:
    """q(z) and p(z) in a view, None each where it is not known."""
    if key[0].startswith(MAP):
        return None, None
    if _gaussian(name, digest):
        return cache.grids(name, digest, key, CELLS)
    prior, at = cache.model(name, digest).vae.prior, plane(name, digest, key)
    part = views.window_of(at, stored(name, digest), prior)
    return None, views.prior_grid(prior, at, part, CELLS)


@kept(32, "Evaluating densities")
def densities(name: str, digest: str, key: ViewKey, n: int, seed: int) -> map_view.Densities:
    """Both densities at the draws of a view."""
    loaded, places = cache.model(name, digest), draws(name, digest, key, n, seed)
    with turns.beside():
        return map_view.Densities(*browse.densities_at(loaded, places))


@kept(12, "Drawing the map")
def view_bytes(name: str, digest: str, key: ViewKey, n: int, seed: int, colour: str) -> tuple[str, bytes]:
    """The map for the browser, and under which name it is kept there."""
    loaded, found, (q, p) = cache.model(name, digest), draws(name, digest, key, n, seed), grids(name, digest, key)
    is_map, grid = key[0].startswith(MAP), q or p
    if grid is None:
        part = map_view.square(np.concatenate([found.q, found.p]))
    else:
        half = float(grid.x[1] - grid.x[0]) / 2
        part = ((grid.x[0] - half, grid.x[-1] + half), (grid.y[0] - half, grid.y[-1] + half))
    plain = colour == "label" or map_view.has_field(q, p, colour)
    shown = map_view.MapView(
        draws=found,
        axes=("map 1", "map 2") if is_map else plane(name, digest, key).axes,
        part=part,
        q=q,
        p=p,
        colour=colour,
        densities=None if plain else densities(name, digest, key, n, seed),
        is_map=is_map,
        class_names=cache.class_names(name, digest),
        whole=key == cache.WHOLE,
        q_known=loaded.latents is not None,
    )
    identity = _identity("view", digest, key, n, seed, colour)
    return identity, map_view.view_bundle(shown, identity)


@kept(8, "Loading the model")
def model_bytes(name: str, digest: str, seed: int) -> tuple[str, bytes]:
    """Decoder and densities for the browser, and under which name they are kept there."""
    identity = _identity("model", digest, seed)
    compared = cache.reference(name, digest, seed)
    return identity, browser_bundle.model_bundle(cache.model(name, digest), compared, identity, seed=seed)


def _identity(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@kept(256)
def base(name: str, digest: str, row: int | None) -> np.ndarray:
    """The code that gives a plane its other coordinates.

    Raises:
        ValueError: where the image's code is not stored.
    """
    return browse.base_of(stored(name, digest), row)


@kept(256, "Looking for neighbours")
def neighbours(name: str, digest: str, z: tuple[float, ...], count: int, seed: int) -> Neighbours:
    """The stored images nearest to a code."""
    return browse.neighbours(cache.model(name, digest), z, count, spacing(name, digest, seed))


@kept(32, "Asking how near images are to each other")
def spacing(name: str, digest: str, seed: int) -> Spacing:
    """How near the stored codes usually are to each other."""
    loaded = cache.model(name, digest)
    with turns.beside():
        return browse.spacing(loaded, seed=seed)


@kept(32)
def ranges(name: str, digest: str, seed: int) -> Ranges:
    """How active each dimension is, and from where to where q(z) reaches in it."""
    return browse.ranges(stored(name, digest), seed=seed)


@kept(64, "Going through the dimensions")
def traversals(
    name: str, digest: str, z: tuple[float, ...], count: int, steps: int, seed: int
) -> tuple[Traversal, ...]:
    """The most active dimensions one by one."""
    return browse.traversals(cache.model(name, digest), z, count, steps, ranges(name, digest, seed))


@kept(64, "Going three ways")
def between(name: str, digest: str, start: tuple[float, ...], end: tuple[float, ...]) -> Ways:
    """Three ways between two codes."""
    return ways.ways(cache.model(name, digest), cache.q_density(name, digest), start, end)


@kept(64)
def default_ends(name: str, digest: str) -> tuple[int, int]:
    """Rows in the split of two images to begin with."""
    found = stored(name, digest)
    first, second = ways.default_ends(len(found), found.labels)
    rows = found.split_rows()
    return int(rows[first]), int(rows[second])


@kept(64)
def ellipses(name: str, digest: str, key: ViewKey, rows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors of images in a plane: means and covariances."""
    return browse.posterior_ellipses(cache.model(name, digest), plane(name, digest, key), np.array(rows, int))


def landing(name: str, digest: str, file: str, content: bytes, row: int, inverted: bool, seed: int) -> Landing:
    """Where an uploaded image lands; not kept here, since it is the visitor's own.

    Raises:
        ValueError: where it cannot be used, with the reason.
    """
    loaded = cache.model(name, digest)
    values, told = own_image.read_image(file, content, loaded.config.model.image_shape, row)
    return own_image.landing(loaded, values, told, inverted=inverted, seed=seed)
