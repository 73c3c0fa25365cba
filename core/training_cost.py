"""What a training took, as metrics.json of a checkpoint tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrainingCost:
    """Epochs and time; None where that is not stored.

    Attributes:
        epochs: that were trained.
        best_epoch: whose weights were kept.
        seconds: of wall time.
    """

    epochs: int | None = None
    best_epoch: int | None = None
    seconds: float | None = None


def training_cost(metrics: Mapping[str, Any]) -> TrainingCost:
    """The cost in metrics.json, which anybody may have written: what is no number is not known.

    Example:
        >>> training_cost({"training": {"epochs": 3, "seconds": "many"}})
        TrainingCost(epochs=3, best_epoch=None, seconds=None)
    """
    stored = metrics.get("training")
    stored = stored if isinstance(stored, Mapping) else {}
    epochs, best = (_number(stored.get(key)) for key in ("epochs", "best_epoch"))
    return TrainingCost(
        None if epochs is None else int(epochs), None if best is None else int(best), _number(stored.get("seconds"))
    )


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
    return float(value) if good else None
