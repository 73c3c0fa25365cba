"""Cached answers about trainings that were recorded; the rules are those of ``cache.py``."""

from __future__ import annotations

from core import history, history_measure
from core.checkpoint import checkpoint_root
from core.density import Window
from core.history_records import Course, Scene
from core.snapshots import Snapshots
from pages._ui import cache, cache_measures
from pages._ui.cache_store import kept

CELLS = 200


@kept(16)
def snapshots(name: str, digest: str) -> Snapshots | None:
    """The snapshots of a model's training; None where there are none.

    Raises:
        CheckpointError: where their file cannot be used.
    """
    return history_measure.snapshots_of(cache.model(name, digest), checkpoint_root())


def _recorded(name: str, digest: str) -> Snapshots:
    found = snapshots(name, digest)
    if found is None:
        raise ValueError(f"checkpoint {name} holds no snapshots of its training")
    return found


def course(name: str, digest: str, seed: int) -> Course:
    """Marginal KL and its null after every snapshot; what was stored with this seed is taken from there."""
    found = _recorded(name, digest)
    stored = cache_measures.record(name, "course", found.split)
    return stored if history_measure.suits(stored, found, seed=seed) else _course(name, digest, seed)


@kept(32, "Looking at every snapshot of the training")
def _course(name: str, digest: str, seed: int) -> Course:
    return history.course(_recorded(name, digest), cache.model(name, digest), seed=seed)


@kept(32)
def window(name: str, digest: str) -> Window:
    """The part of the plane that all epochs share."""
    return history.window(_recorded(name, digest), cache.model(name, digest).vae.prior)


@kept(120)
def scene(name: str, digest: str, index: int) -> Scene:
    """Densities, components and pseudo-inputs after one snapshot, counted from 0."""
    part = window(name, digest)
    return history.scene(_recorded(name, digest), cache.model(name, digest), index, part, CELLS)
