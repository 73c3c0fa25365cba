"""What was measured of a model, as it is stored by now: a model may be evaluated at any time, also while it is shown.

The digest of a model tells nothing of its measures. What is read of them is kept by a text that changes when a file of
the model is written again.
"""

from __future__ import annotations

import time
from typing import Any

from core import metrics_file, model_card
from core.checkpoint import checkpoint_root, place_of
from core.component_file import Stored, read_components
from core.errors import CheckpointError
from core.metrics import coverage
from core.metrics import distance as distances
from core.metrics.repeats import repeated
from core.plain_text import shown_error
from core.records import Distance
from pages._ui import cache
from pages._ui.cache_store import kept
from pages._ui.turns import turns


def measures(name: str) -> dict[str, Any]:
    """Content of metrics.json, {} where there is none.

    Raises:
        CheckpointError: where it was broken since the model was listed.
    """
    return _measures(name, _written(name))


@kept(64)
def _measures(name: str, written: str) -> dict[str, Any]:  # noqa: ARG001
    return metrics_file.read_metrics(place_of(checkpoint_root() / name))


def _written(name: str) -> str:
    """Changes whenever a file of the model is written; while the folder is being replaced, always."""
    return model_card.written(name) or str(time.monotonic_ns())


def record(name: str, key: str, split: str = "test") -> Any:
    """A record of the stored evaluation on a split, None where there is none."""
    return _record(name, split, key, _written(name))


@kept(128)
def _record(name: str, split: str, key: str, written: str) -> Any:
    return metrics_file.record(_measures(name, written), split, key)


def training(name: str) -> dict[str, Any]:
    """What is told of a model's training, {} where nothing is."""
    found = measures(name).get("training", {})
    return found if isinstance(found, dict) else {}


def components(name: str, digest: str) -> tuple[Stored | None, str]:
    """What the checkpoint keeps of its components; None where nothing, and why where its file cannot be used."""
    return _components(name, digest, _written(name))


@kept(32)
def _components(name: str, digest: str, written: str) -> tuple[Stored | None, str]:  # noqa: ARG001
    try:
        return read_components(place_of(checkpoint_root() / name), cache.latents(name, digest).split, digest), ""
    except CheckpointError as error:
        return None, shown_error(error)


def distance(name: str, digest: str, seed: int) -> Distance | None:
    """Holes and leaks, classifiers and discrepancy with their nulls; None with too few images for that.

    What ``python -m core evaluate`` stored with this seed is taken from there.
    """
    cloud = cache.latents(name, digest)
    if len(cloud) < coverage.FEWEST:
        return None
    stored = record(name, "distance", cloud.split)
    return stored if stored is not None and stored.mismatch.seed == seed else _distance(name, digest, seed)


@kept(64, "Counting holes and leaks, training two classifiers")
def _distance(name: str, digest: str, seed: int) -> Distance:
    prior, cloud = cache.model(name, digest).vae.prior, cache.latents(name, digest)
    with turns.beside():
        return distances.distance(cloud, prior, seed=seed)


@kept(64)
def repeats(name: str, digest: str) -> int:
    """How many of the stored posteriors are those of an image before."""
    cloud = cache.latents(name, digest)
    return repeated(cloud.mean, cloud.log_var)
