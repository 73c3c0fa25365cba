"""A small file beside the state of a training that says how far it is: a page reads it, the training never does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.checkpoint_folders import STATES
from core.errors import CheckpointError
from core.jsonfile import read_object
from core.progress import write_json
from core.training_records import EpochRecord, TrainingCurve

MOST = 2000
"""Points of a curve that are written; a longer training writes every second one, or fewer."""

_FIELDS = tuple(field.name for field in fields(EpochRecord))
_LARGEST = 1e12


def state_file(root: Path, name: str) -> Path:
    """Where the state of the training of a checkpoint is kept until it is finished."""
    return root / STATES / f"{name}.safetensors"


def curve_file(root: Path, name: str) -> Path:
    """Where the curve of that training is."""
    return root / STATES / f"{name}.json"


def write_curve(file: Path, curve: Sequence[EpochRecord], epochs: int, pace_epochs: int, pace_s: float) -> None:
    """Replace the file in one step.

    Args:
        file: as ``curve_file`` says.
        curve: every whole epoch so far.
        epochs: at most.
        pace_epochs: whole epochs of the present process.
        pace_s: seconds that they took.
    """
    points = [list(asdict(point).values()) for point in thinned(curve)]
    every = _every(len(curve))
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"epochs": epochs, "every": every, "pace_epochs": pace_epochs, "pace_s": pace_s, "points": points}
    write_json(file, content)


def thinned(curve: Sequence[EpochRecord], best: int = 0) -> list[EpochRecord]:
    """Of a course of more than ``MOST`` epochs every so many, with the last one and the best."""
    every = _every(len(curve))
    return [point for index, point in enumerate(curve, 1) if index % every == 0 or index in (len(curve), best)]


def _every(epochs: int) -> int:
    return max(1, -(-epochs // MOST))


def read_curve(file: Path) -> TrainingCurve | None:
    """What ``write_curve`` wrote; None where there is no such file.

    Raises:
        CheckpointError: naming what is wrong with it.
    """
    if not file.is_file():
        return None
    content = read_object(file)
    numbers = {key: content.get(key) for key in ("epochs", "every", "pace_epochs", "pace_s")}
    rows = content.get("points")
    good = all(_is_count(numbers[key]) for key in ("epochs", "every", "pace_epochs")) and _is_number(numbers["pace_s"])
    if not good or not isinstance(rows, list) or len(rows) > MOST + 1:
        raise CheckpointError(f"{file.name} does not hold epochs, every, pace_epochs, pace_s and points")
    points = tuple(_point(row, file) for row in rows)
    if any(late.epoch <= early.epoch for early, late in pairwise(points)):
        raise CheckpointError(f"{file.name}: the epochs do not rise")
    return TrainingCurve(points=points, **numbers)  # type: ignore[arg-type]


def read_rows(rows: Any, file: Path) -> tuple[EpochRecord, ...]:
    """Points of a curve as ``metrics.json`` holds them: an object each.

    Raises:
        CheckpointError: naming what is wrong with one.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) and set(row) == set(_FIELDS) for row in rows):
        raise CheckpointError(f"{file.name}: the training curve must be a list of objects with {', '.join(_FIELDS)}")
    return tuple(_point([row[name] for name in _FIELDS], file) for row in rows)


def _point(row: Any, file: Path) -> EpochRecord:
    if not isinstance(row, list) or len(row) != len(_FIELDS) or not all(map(_is_number, row)) or not _is_count(row[0]):
        raise CheckpointError(f"{file.name}: a point is {str(row)[:60]}, expected {', '.join(_FIELDS)}")
    return EpochRecord(row[0], *map(float, row[1:]))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and abs(value) <= _LARGEST
