"""metrics.json of a checkpoint: what ``python -m core evaluate`` measured, checked when it is read.

    {"training": curve and cost, "evaluations": {split: {...}}, "seeds": [{"seed", "evaluations", ...}]}

An evaluation holds estimates, {"value", "se"} each, under the names in ``ESTIMATES``; the records of
``core.metrics_records``; and with them the number of images, the split, the seed and the number of importance samples.
Whatever else it holds is left alone. "seeds" are the evaluations of the same recipe trained under other seeds, without
weights (``core.seeds``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import CheckpointError
from core.jsonfile import read_object
from core.latents_file import LONGEST_SPLIT
from core.metrics_records import MOST, RECORDS, is_number, problem_of_record
from core.plain_text import is_plain, shown
from core.replacing import replacing

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
    "log_likelihood",
    "bound_gap",
    "importance_gain",
    "quadrature_error",
    "active_units",
)
"""Keys of an evaluation that are a value with its standard error, wherever they are present."""

_SIZES = {"n": 1, "seed": -(2**63), "samples": 0}
"""Keys of an evaluation that are integers, and the smallest possible."""

MOST_SEEDS = 64
_SEED_KEYS = {"seed", "training", "evaluations", "command", "commit"}


def read_metrics(path: Path, seed: int | None = None) -> dict[str, Any]:
    """metrics.json of a checkpoint folder, {} where there is none.

    Args:
        path: the folder.
        seed: that the stored weights were trained with, which cannot be one of the other seeds; None: not looked at.

    Raises:
        CheckpointError: if it is there and not of the expected layout, naming the key.
    """
    if not (path / "metrics.json").is_file():
        return {}
    content = read_object(path / "metrics.json")
    problem = _problem_of_evaluations(content.get("evaluations", {})) or _problem_of_seeds(
        content.get("seeds", []), [] if seed is None else [seed]
    )
    if problem:
        raise CheckpointError(f"metrics.json: {problem}")
    return content


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Replace metrics.json of a checkpoint folder in one step."""
    with replacing(path / "metrics.json") as fresh:
        fresh.write_text(metrics_text(metrics), encoding="utf-8")


def put_evaluation(path: Path, split: str, parts: Mapping[str, Any], *, replace: bool = False) -> None:
    """Put what was measured to the evaluation of a split, as metrics.json is by now: measuring takes its time.

    Args:
        path: the checkpoint folder.
        split: whose evaluation; it is made where there is none.
        parts: by their keys.
        replace: whether what else the evaluation holds goes.

    Raises:
        CheckpointError: as `read_metrics`.
    """
    metrics = read_metrics(path)
    evaluations = metrics.get("evaluations", {})
    before = {} if replace else evaluations.get(split, {})
    write_metrics(path, {**metrics, "evaluations": {**evaluations, split: {**before, **parts}}})


def metrics_text(metrics: Mapping[str, Any]) -> str:
    """The content of metrics.json: a line for each of its parts, since a number to a line would be twice as large."""
    parts = {key: json.dumps(part, allow_nan=False, separators=(",", ":")) for key, part in metrics.items()}
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {part}" for key, part in parts.items()) + "\n}\n"


def _problem_of_evaluations(evaluations: Any) -> str | None:
    """What is wrong with the evaluations of a model, by split."""
    if not isinstance(evaluations, dict) or not all(isinstance(part, dict) for part in evaluations.values()):
        return "evaluations must hold an object for each split"
    for split in evaluations:
        if not is_plain(split) or len(split) > LONGEST_SPLIT:
            return f"evaluations: {_short(split)} is no name of a split"
    problems = ((split, _first_problem(evaluation)) for split, evaluation in evaluations.items())
    return next((f"evaluations: {_short(split)}: {problem}" for split, problem in problems if problem), None)


def _problem_of_seeds(entries: Any, known: list[int]) -> str | None:
    """What is wrong with the evaluations under other seeds than the known ones."""
    if not isinstance(entries, list) or len(entries) > MOST_SEEDS or not all(isinstance(e, dict) for e in entries):
        return f"seeds must be a list of at most {MOST_SEEDS} objects"
    for entry in entries:
        seed = entry.get("seed")
        if not _is_whole(seed, 0):
            return "seeds: every object needs a seed, an integer of at least 0"
        if seed in known:
            return f"seeds: seed {seed} is there twice"
        known = [*known, seed]
        if problem := _problem_of_seed(entry):
            return f"seeds: seed {seed}: {problem}"
    return None


def _problem_of_seed(entry: dict[str, Any]) -> str | None:
    training, texts = entry.get("training", {}), [entry.get(key, "") for key in ("command", "commit")]
    if unknown := sorted(set(entry) - _SEED_KEYS):
        return f"{_short(unknown[0])} is not known here"
    if not entry.get("evaluations"):
        return "evaluations are missing"
    if not isinstance(training, dict) or not all(is_number(value) for value in training.values()):
        return "training must be an object of numbers"
    if not all(isinstance(text, str) and len(text) <= MOST for text in texts):
        return "command and commit must be text"
    return _problem_of_evaluations(entry["evaluations"])


def _first_problem(evaluation: dict[str, Any]) -> str | None:
    """What is wrong with the evaluation of one split, None where nothing is."""
    for key, value in evaluation.items():
        if key in RECORDS:
            if problem := problem_of_record(key, value):
                return f"{key}: {problem}"
            continue
        if (isinstance(value, dict) or key in ESTIMATES) and not _is_estimate(value):
            return f"{_short(key)} must be an object with a finite value and se >= 0"
        if key == "log_n" and not value["value"] > 0:
            return "log_n must be positive"
        if key in _SIZES and not _is_whole(value, _SIZES[key]):
            return f"{key} must be an integer, at least {_SIZES[key]}"
        if key == "ess_median" and not is_number(value):
            return f"{key} must be a number"
    n = evaluation.get("n", 0)
    gaps = RECORDS["worst_gaps"].validate_python(evaluation["worst_gaps"]) if "worst_gaps" in evaluation else None
    if gaps is not None and max(image.row for image in gaps.images) >= n:
        return f"worst_gaps must be rows of the {n} images"
    needed = ("n", "seed") if any(key in evaluation for key in ESTIMATES) else ()  # no estimate is shown without them
    needed += ("samples",) if "nll" in evaluation else ()
    return next((f"{key} is missing" for key in needed if key not in evaluation), None)


def record(metrics: Mapping[str, Any], split: str, key: str) -> Any:
    """A record of a checkpoint's evaluation on one split; None where it was not measured.

    Args:
        metrics: content of metrics.json, as ``read_metrics`` gave it.
        split: name of the split.
        key: one of ``core.metrics_records.RECORDS``.
    """
    stored = metrics.get("evaluations", {}).get(split, {}).get(key)
    return None if stored is None else RECORDS[key].validate_python(stored)


def _is_estimate(value: Any) -> bool:
    return isinstance(value, dict) and is_number(value.get("value")) and is_number(value.get("se")) and value["se"] >= 0


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**64


def _short(key: str) -> str:
    return shown(key, 40)
