"""Maps as files: safetensors, written whole or not at all, and checked when they are read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from core.plain_text import is_plain, shown
from core.records import Embedding
from core.replacing import replacing
from core.tensor_file import read_arrays, write_arrays

MIN_POINTS, MAX_POINTS = 30, 20_000
"""Points of q and p together. Fewer make no map; more take longer than anybody waits."""

_SHAPES = {"q": 2, "p": 2, "q_z": None, "p_z": None}
_NUMBERS = ("perplexity", "asked", "divergence", "trustworthiness", "seconds")
_FILE_LIMIT = 200_000_000


def write_embedding(embedding: Embedding, file: Path) -> None:
    """Store a map in one step, as safetensors: positions, draws, and all that its caption says."""
    tensors = {name: np.ascontiguousarray(getattr(embedding, name)) for name in (*_SHAPES, "q_index")}
    words = {name: repr(float(getattr(embedding, name))) for name in _NUMBERS}
    with replacing(file) as fresh:
        write_arrays(tensors, fresh, metadata={**words, "seed": str(embedding.seed), "method": embedding.method})


def read_embedding(file: Path) -> Embedding:
    """Read what ``write_embedding`` stored.

    Raises:
        ValueError: naming what is wrong: missing, truncated, wrong shapes or types, NaN, numbers out of range.
    """
    try:
        if file.stat().st_size > _FILE_LIMIT:
            raise ValueError(f"it is larger than {_FILE_LIMIT:,} bytes")
        tensors, metadata = read_arrays(file)
        shapes = {name: value.shape for name, value in tensors.items()}
        n, dim = shapes.get("q_z", (0, 0)) if len(shapes.get("q_z", ())) == 2 else (0, 0)
        expected = {name: (n, dim if wide is None else wide) for name, wide in _SHAPES.items()} | {"q_index": (n,)}
        if shapes != expected or not MIN_POINTS <= 2 * n <= MAX_POINTS or not dim:
            raise ValueError(
                f"it holds {shown(str(shapes), 300)}, expected q and p (n, 2), q_z and p_z (n, d), q_index (n,)"
            )
        for name in _SHAPES:
            if tensors[name].dtype != np.float32 or not np.isfinite(tensors[name]).all():
                raise ValueError(f"{name} must be finite float32 numbers")
        if tensors["q_index"].dtype != np.int64 or tensors["q_index"].min() < 0:
            raise ValueError("q_index must be integers from 0")
        return Embedding(**tensors, **_caption(metadata, n))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"the map {file.name} cannot be used: {error}; calculate it again") from error


def _caption(metadata: dict[str, str], n: int) -> dict[str, Any]:
    """What a stored map says of itself, within what is possible."""
    missing = [name for name in (*_NUMBERS, "seed", "method") if name not in metadata]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    numbers = {name: float(metadata[name]) for name in _NUMBERS}
    for name, value in numbers.items():
        if not math.isfinite(value) or (value < 0 and name != "divergence"):
            raise ValueError(f"{name} is {value!r}, expected a finite number")
    if numbers["trustworthiness"] > 1 or not 0 < numbers["perplexity"] <= min(numbers["asked"], (2 * n - 1) / 3):
        raise ValueError("trustworthiness or perplexity is larger than possible")
    if not is_plain(metadata["method"]):
        raise ValueError(f"the method is {shown(metadata['method'])!r}")
    return {**numbers, "seed": int(metadata["seed"]), "method": metadata["method"][:500]}
