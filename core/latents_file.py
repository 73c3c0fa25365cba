"""latents.safetensors: numbers for each of n images in half precision, with labels; everything is checked when read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core.errors import CheckpointError
from core.plain_text import is_plain, shown
from core.tensor_file import read_arrays, write_arrays

MEAN_LIMIT, LOG_VAR_LIMIT, LABEL_LIMIT = 1e4, 30.0, 100_000
"""What a file may hold: far beyond any trained model, and small enough for every calculation that follows."""

NOTABLE = 0.1
"""Share of a posterior's standard deviation by which no stored mean is off."""
_WIDTHS = {"mean": "log_var", "base_mean": "base_log_var"}
"""Where the log-variance of a mean stands."""

LONGEST_SPLIT = 64
"""Characters of the name of a split."""

SUBSET_SEED = 0
"""Which images of a larger split are stored, so that the same split gives the same ones."""


@dataclass(frozen=True)
class Column:
    """One tensor of the file: its name, how many numbers an image has in it, and the largest one possible."""

    name: str
    width: int
    limit: float


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes:
        numbers: (n, width) float32 by name.
        labels: (n,) int64, or None.
        split: the split the images come from.
        total: number of images of that split.
    """

    numbers: dict[str, np.ndarray]
    labels: np.ndarray | None
    split: str
    total: int


def stored_rows(n: int, total: int) -> np.ndarray:
    """Which n images of a split of ``total`` a checkpoint keeps: drawn at random, as splits may be sorted, in order."""
    if n == total:
        return np.arange(total)
    return torch.randperm(total, generator=torch.Generator().manual_seed(SUBSET_SEED))[:n].sort().values.numpy()


def places_of(rows: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Places of rows of a split among the rows whose posteriors are kept, which are ascending.

    Raises:
        ValueError: where one is not kept.
    """
    place = np.searchsorted(kept, rows)
    if not len(kept) or (kept[np.minimum(place, len(kept) - 1)] != rows).any():
        raise ValueError(f"the posteriors of rows {rows[:5].tolist()} and on are not stored")
    return place


def write(file: Path, stored: Stored) -> None:
    """Store the numbers in half precision; means that would move by a notable part of their width, in single."""
    tensors: dict[str, np.ndarray] = {name: values.astype(np.float16) for name, values in stored.numbers.items()}
    for name in stored.numbers.keys() & _WIDTHS:
        moved = np.abs(tensors[name].astype(np.float32) - stored.numbers[name])
        if (moved > NOTABLE * np.exp(0.5 * stored.numbers[_WIDTHS[name]])).any():
            tensors[name] = stored.numbers[name].astype(np.float32)
    if stored.labels is not None:
        tensors["labels"] = stored.labels.astype(np.int32)
    write_arrays(tensors, file, metadata={"split": stored.split, "total": str(stored.total)})


def read(file: Path, columns: Sequence[Column], class_names: Sequence[str] = ()) -> Stored | None:
    """Read what ``write`` stored; None where there is no such file.

    Args:
        file: the file.
        columns: what it must hold, and nothing else but labels.
        class_names: where not empty, every label must be the index of one.

    Raises:
        CheckpointError: naming what is wrong: truncated, wrong shapes or types, NaN, numbers out of range.
    """
    if not file.is_file():
        return None
    tensors, metadata = read_arrays(file)
    try:
        n = _require_shapes({name: value.shape for name, value in tensors.items()}, columns)
        numbers = {column.name: _checked_numbers(column, tensors[column.name]) for column in columns}
        labels = _checked_labels(tensors["labels"], len(class_names)) if "labels" in tensors else None
        total = int(metadata.get("total", n))
        if not n <= total < 2**53:
            raise CheckpointError(f"latents.safetensors: {n} images of a split of {str(total)[:30]}")
        split = metadata.get("split", "test")
        if not is_plain(split) or not 1 <= len(split) <= LONGEST_SPLIT:
            raise CheckpointError(f"latents.safetensors: the name of the split is {shown(split)!r}")
        return Stored(numbers, labels, split, total)
    except CheckpointError:
        raise
    except ValueError as error:  # a total that is no number
        raise CheckpointError(f"latents.safetensors cannot be used: {error}") from error


def _require_shapes(shapes: dict[str, tuple[int, ...]], columns: Sequence[Column]) -> int:
    """n, after names and shapes were found to be those expected."""
    n = shapes.get(columns[0].name, (0,))[0]
    expected: dict[str, tuple[int, ...]] = {column.name: (n, column.width) for column in columns}
    if not n or any(shapes.get(name) != shape for name, shape in expected.items()):
        wanted = " and ".join(f"{column.name} (n, {column.width})" for column in columns)
        raise CheckpointError(f"latents.safetensors must hold {wanted}; got {shown(str(shapes), 300)}")
    expected["labels"] = (n,)
    if shapes.get("labels", (n,)) != (n,) or set(shapes) - set(expected):
        raise CheckpointError(f"latents.safetensors holds {shown(str(shapes), 300)}; expected {expected}")
    return n


def _checked_numbers(column: Column, values: np.ndarray) -> np.ndarray:
    name = column.name
    if not np.issubdtype(values.dtype, np.floating):
        raise CheckpointError(f"latents.safetensors: {name} is {values.dtype}, expected floats")
    if not np.isfinite(values).all():
        raise CheckpointError(f"latents.safetensors holds NaN or infinity in {name}")
    largest = max(float(values.max()), -float(values.min()))
    if largest > column.limit:
        raise CheckpointError(
            f"latents.safetensors: {name} reaches {largest:g} in size, at most {column.limit:g} is possible"
        )
    return values.astype(np.float32)


def _checked_labels(labels: np.ndarray, classes: int) -> np.ndarray:
    if not np.issubdtype(labels.dtype, np.integer):
        raise CheckpointError(f"latents.safetensors: labels are {labels.dtype}, expected integers")
    end = min(classes, LABEL_LIMIT) if classes else LABEL_LIMIT
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= end:
        raise CheckpointError(f"latents.safetensors: labels run from {low} to {high}, expected 0 to {end - 1}")
    return labels.astype(np.int64)
