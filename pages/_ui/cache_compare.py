"""Cached answers about several models at once; the rules are those of ``cache.py``."""

from __future__ import annotations

import numpy as np

from core import checkpoint, linked, model_card, per_image, views
from core.comparison import Measured
from core.density import Window
from core.errors import CheckpointError
from core.figures.kept import content_key
from core.plain_text import shown_error
from core.records import CheckpointInfo, DensityGrid, Estimate
from pages._ui import cache, cache_browser
from pages._ui.cache_store import kept

Model = tuple[str, str, cache.ViewKey]
"""Name, digest and view of a model."""

CELLS = 120


def measured(info: CheckpointInfo, label: str) -> tuple[Measured, str]:
    """A model with what each test image gives to its measures, and why that cannot be used, "" where it can or is none.

    Args:
        info: the model.
        label: what it is called among those that it is compared with.
    """
    return _measured(label, content_key(info), model_card.written(info.name), info)


@kept(64)
def _measured(label: str, listed: bytes, written: str, _info: CheckpointInfo) -> tuple[Measured, str]:  # noqa: ARG001
    """As long as no file of the model was written again: it may be evaluated at any time."""
    evaluation, found, why = _info.metrics.get("test", {}), None, ""
    try:
        found = per_image.read_per_image(checkpoint.checkpoint_root() / _info.name, "test", evaluation)
    except CheckpointError as error:
        why = shown_error(error)
    return Measured(_info.name, label, evaluation, found), why


@kept(64)
def window(models: tuple[Model, ...]) -> Window:
    """The smallest square that holds the windows of all models, so that sizes can be compared."""
    parts = [_window(*one) for one in models]
    ends = [
        (min(getattr(part, side)[0] for part in parts), max(getattr(part, side)[1] for part in parts)) for side in "xy"
    ]
    half = max(high - low for low, high in ends) / 2
    sides = [((low + high) / 2 - half, (low + high) / 2 + half) for low, high in ends]
    return Window(sides[0], sides[1])


@kept(128)
def _window(name: str, digest: str, key: cache.ViewKey) -> Window:
    return views.window(cache.view(name, digest, key), cache.model(name, digest).vae.prior)


@kept(128, "Evaluating densities")
def grids(
    name: str, digest: str, key: cache.ViewKey, x: tuple[float, float], y: tuple[float, float]
) -> tuple[DensityGrid, DensityGrid | None]:
    """q(z) and p(z) in a window; no p(z) for a flow in a plane of more dimensions."""
    shown, part = cache.view(name, digest, key), Window(x, y)
    prior = views.prior_grid(cache.model(name, digest).vae.prior, shown.plane, part, CELLS)
    return views.cloud_grid(shown.cloud, shown.plane, part, CELLS), prior


@kept(64)
def common(models: tuple[tuple[str, str], ...]) -> frozenset[int]:
    """Rows of the split that every model keeps the posterior of."""
    return frozenset.intersection(*(frozenset(cache.stored_rows(*one).tolist()) for one in models))


@kept(64)
def rows(models: tuple[tuple[str, str], ...], n: int, seed: int) -> np.ndarray:
    """n images at random among those that every model keeps, by their row in the split."""
    return linked.some_rows(linked.common_rows([cache.latents(*one) for one in models]), n, seed=seed)


@kept(64)
def points(
    name: str, digest: str, key: cache.ViewKey, models: tuple[tuple[str, str], ...], n: int, seed: int, means: bool
) -> np.ndarray:
    """One code of each of these images in a model's view, (n, 2) float32."""
    z = linked.codes(cache.latents(name, digest), rows(models, n, seed), means=means, seed=seed)
    return views.places(cache.view(name, digest, key), z)


@kept(64)
def prior_points(name: str, digest: str, key: cache.ViewKey, n: int, seed: int) -> np.ndarray:
    """n draws of the prior in a view, (n, 2) float32."""
    return cache.draws(name, digest, key, n, seed).p


def posterior(name: str, digest: str, key: cache.ViewKey, row: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and covariance of one image's posterior in a view, None where the model does not keep it."""
    means, covariances = cache_browser.ellipses(name, digest, key, (row,))
    return (means[0], covariances[0]) if len(means) else None


def labels(name: str, digest: str, which: np.ndarray) -> np.ndarray | None:
    """Class of images by their row, (n,); None where the data has none."""
    return linked.labels_of(cache.latents(name, digest), which)


@kept(512)
def neighbours(first: tuple[str, str], second: tuple[str, str], seed: int) -> tuple[Estimate, float, int]:
    """Share of nearest neighbours that two models have in common, what chance gives, and of how many images.

    Raises:
        ValueError: where they have too few images in common.
    """
    rows, others = (cache.latents(*one).split_rows() for one in (first, second))
    alike = np.array_equal(rows, others)  # then what is found for one pair serves all
    near = [_nearest(one, one if alike else other, seed) for one, other in ((first, second), (second, first))]
    share, chance = linked.shared_neighbours(*near)
    return share, chance, len(near[0])


@kept(128, "Comparing neighbours")
def _nearest(one: tuple[str, str], other: tuple[str, str], seed: int) -> np.ndarray:
    """In the first model, the nearest of some images whose posteriors both keep."""
    common = linked.common_rows([cache.latents(*model) for model in (one, other)])
    some = linked.some_rows(common, linked.MOST, seed=seed)
    return linked.nearest(linked.codes(cache.latents(*one), some, means=True))
