"""Measures the recorded training of a stored model, and keeps what was found with the model."""

from __future__ import annotations

from dataclasses import asdict
from math import prod
from pathlib import Path

from core import history, metrics_file
from core.checkpoint import Checkpoint, load, place_of
from core.history_records import Course
from core.snapshots import Snapshots
from core.snapshots_file import read_snapshots


def snapshots_of(checkpoint: Checkpoint, root: Path) -> Snapshots | None:
    """The snapshots of a stored model's training; None where there are none.

    Raises:
        CheckpointError: where their file cannot be used.
    """
    config = checkpoint.config
    pixels, names = prod(config.model.image_shape), config.data.class_names
    return read_snapshots(place_of(root / checkpoint.name), checkpoint.vae.prior, pixels, names)


def suits(stored: Course | None, found: Snapshots, *, seed: int = 0) -> bool:
    """Whether what was stored is of these snapshots, with this seed."""
    epochs = tuple(one.epoch for one in found.taken)
    return stored is not None and (stored.seed, stored.epochs, stored.images) == (seed, epochs, len(found.rows))


def store_course(name: str, root: Path, *, seed: int = 0) -> Course | None:
    """Measure every snapshot of a stored model and keep that in the evaluation of their split, where there is one.

    Returns:
        What was measured; None where the training was not recorded.
    """
    checkpoint = load(name, root)
    found = snapshots_of(checkpoint, root)
    if found is None:
        return None
    course = history.course(found, checkpoint, seed=seed)
    if found.split in checkpoint.metrics.get("evaluations", {}):
        metrics_file.put_evaluation(root / name, found.split, {"course": asdict(course)})
    return course
