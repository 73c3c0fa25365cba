"""JSON files that someone else may have written: size, depth, numbers and, for metrics.json, the layout are checked."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from core.errors import CheckpointError

MAX_BYTES = 8_000_000

ESTIMATES = (
    "elbo",
    "reconstruction",
    "average_kl",
    "mutual_information",
    "marginal_kl",
    "marginal_kl_null",
    "log_n",
    "identity_residual",
    "nll",
    "active_units",
)
"""Keys of an evaluation that are a value with its standard error, wherever they are present."""

_SIZES = {"n": 1, "seed": -(2**63), "samples": 0}
"""Keys of an evaluation that are integers, and the smallest possible."""


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file, with finite numbers only, so that it can be written out again.

    Raises:
        CheckpointError: with the reason.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise CheckpointError(f"{file.name} is larger than {MAX_BYTES:,} bytes")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{file.name} cannot be read: {error.__class__.__name__}") from error
    try:
        content = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:  # ValueError: also an integer of more digits than Python reads
        raise CheckpointError(f"{file.name} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{file.name} must hold an object; got {type(content).__name__}")
    return content


def read_metrics(path: Path) -> dict[str, Any]:
    """metrics.json of a checkpoint folder, {} where there is none.

    Raises:
        CheckpointError: if it is there and not of the expected layout, naming the key.
    """
    if not (path / "metrics.json").is_file():
        return {}
    content = read_object(path / "metrics.json")
    evaluations = content.get("evaluations", {})
    if not isinstance(evaluations, dict) or not all(isinstance(part, dict) for part in evaluations.values()):
        raise CheckpointError("metrics.json: evaluations must hold an object for each split")
    for split, evaluation in evaluations.items():
        if problem := _first_problem(evaluation):
            raise CheckpointError(f"metrics.json: evaluations: {_short(split)}: {problem}")
    return content


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Replace metrics.json of a checkpoint folder in one step."""
    temporary = path / f".metrics-{os.getpid()}.json"
    temporary.write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n")
    temporary.replace(path / "metrics.json")


def _first_problem(evaluation: dict[str, Any]) -> str | None:
    """What is wrong with the evaluation of one split, None where nothing is."""
    for key, value in evaluation.items():
        if (isinstance(value, dict) or key in ESTIMATES) and not _is_estimate(value):
            return f"{_short(key)} must be an object with a finite value and se >= 0"
        if key in _SIZES and not _is_whole(value, _SIZES[key]):
            return f"{key} must be an integer, at least {_SIZES[key]}"
        if key == "ess_median" and not _is_number(value):
            return f"{key} must be a number"
    needed = ("n", "seed") if any(key in evaluation for key in ESTIMATES) else ()  # no estimate is shown without them
    return next((f"{key} is missing" for key in needed if key not in evaluation), None)


def _is_estimate(value: Any) -> bool:
    return (
        isinstance(value, dict) and _is_number(value.get("value")) and _is_number(value.get("se")) and value["se"] >= 0
    )


def _is_number(value: Any) -> bool:
    """Whether it is a number that a float can hold; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**64


def _short(key: str) -> str:
    return key if len(key) <= 40 else f"{key[:40]}…"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large a number")
    return value
