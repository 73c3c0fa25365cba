"""metrics.json of a checkpoint: what ``python -m core evaluate`` measured, checked when it is read.

    {"training": curve and cost, "evaluations": {split: {...}}, "seeds": [{"seed", "evaluations", ...}]}

An evaluation holds estimates, {"value", "se"} each, under the names in ``ESTIMATES``; the records in ``RECORDS``; and
with them the number of images, the split, the seed and the number of importance samples. Whatever else it holds is
left alone. "seeds" are the evaluations of the same recipe trained under other seeds, without weights (``core.seeds``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from core.component_records import ComponentSummary
from core.errors import CheckpointError, first_problem
from core.gap_records import MOST_GAPS, WorstGaps
from core.jsonfile import read_object
from core.latents_file import LONGEST_SPLIT
from core.metrics.per_dimension import PerDimension
from core.plain_text import is_plain, shown
from core.records import ClassifierTest, CurvePoint, Distance, Estimate, Share
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

RECORDS: dict[str, TypeAdapter[Any]] = {
    "components": TypeAdapter(ComponentSummary),
    "distance": TypeAdapter(Distance),
    "information_curve": TypeAdapter(tuple[CurvePoint, ...]),
    "likelihood_curve": TypeAdapter(tuple[CurvePoint, ...]),
    "per_dimension": TypeAdapter(PerDimension),
    "worst_gaps": TypeAdapter(WorstGaps),
}
"""Keys of an evaluation that are a record, or a list of them."""

LARGEST = 1e12
"""No measure of a model is larger, and everything that is calculated and drawn of it stays finite."""
MOST = 10_000
"""Points of a curve, or dimensions, at most."""
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
        fresh.write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n", encoding="utf-8")


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
    if not isinstance(training, dict) or not all(_is_number(value) for value in training.values()):
        return "training must be an object of numbers"
    if not all(isinstance(text, str) and len(text) <= MOST for text in texts):
        return "command and commit must be text"
    return _problem_of_evaluations(entry["evaluations"])


def _first_problem(evaluation: dict[str, Any]) -> str | None:
    """What is wrong with the evaluation of one split, None where nothing is."""
    for key, value in evaluation.items():
        if key in RECORDS:
            if problem := _problem_of_record(key, value):
                return f"{key}: {problem}"
            continue
        if (isinstance(value, dict) or key in ESTIMATES) and not _is_estimate(value):
            return f"{_short(key)} must be an object with a finite value and se >= 0"
        if key == "log_n" and not value["value"] > 0:
            return "log_n must be positive"
        if key in _SIZES and not _is_whole(value, _SIZES[key]):
            return f"{key} must be an integer, at least {_SIZES[key]}"
        if key == "ess_median" and not _is_number(value):
            return f"{key} must be a number"
    n = evaluation.get("n", 0)
    gaps = RECORDS["worst_gaps"].validate_python(evaluation["worst_gaps"]) if "worst_gaps" in evaluation else None
    if gaps is not None and max(image.row for image in gaps.images) >= n:
        return f"worst_gaps must be rows of the {n} images"
    needed = ("n", "seed") if any(key in evaluation for key in ESTIMATES) else ()  # no estimate is shown without them
    return next((f"{key} is missing" for key in needed if key not in evaluation), None)


def _problem_of_record(key: str, value: Any) -> str | None:
    try:
        found = RECORDS[key].validate_python(value)
    except ValidationError as error:
        return first_problem(error)
    if isinstance(found, PerDimension):
        parts = (found.average_kl, found.marginal_kl, found.activity)
        if not 1 <= len(found.activity) <= MOST or len({len(part) for part in parts}) > 1:
            return "must hold every dimension, in three lists of one length"
    if isinstance(found, tuple):
        efforts = [point.at for point in found]
        if not 1 <= len(efforts) <= MOST or efforts != sorted(set(efforts)) or efforts[0] < 1:
            return "must be a curve at rising whole numbers from 1"
    if isinstance(found, Distance) and not found.classifiers:
        return "must hold a classifier"
    if isinstance(found, WorstGaps) and (problem := _problem_of_gaps(found)):
        return problem
    return problem_of_summary(found) if isinstance(found, ComponentSummary) else _problem_of_numbers(found)


def _problem_of_gaps(found: WorstGaps) -> str | None:
    rows = [image.row for image in found.images]
    if not 1 <= len(rows) <= MOST_GAPS or len(set(rows)) < len(rows) or min(rows) < 0 or max(rows) >= 2**53:
        return f"must hold 1 to {MOST_GAPS} different rows of a split"
    if min(found.scouted, found.draws) < 2 or found.quadrature_error < 0:
        return "must hold two draws or more, and an error of the quadrature that is not negative"
    gaps = [image.gap.value for image in found.images]
    return None if gaps == sorted(gaps, reverse=True) else "must hold the largest gap first"


def problem_of_summary(found: ComponentSummary) -> str | None:
    """What is wrong with a summary of components whose types are right, None where nothing is."""
    count, effective = found.count, found.effective
    if not 2 <= count <= MOST or min(found.images, found.draws) < 1:
        return f"must be of 2 to {MOST:,} components, one image or more"
    if not 0 <= found.dead_range[0] <= found.dead <= found.dead_range[1] <= count or not 0 <= found.dead_null <= count:
        return f"dead components must be 0 to {count}, inside their range"
    if not 0 < effective.low <= effective.value <= effective.high or not 1 <= effective.null <= count * (1 + 1e-9):
        return "effective components must be positive, inside their interval"
    if not 0 <= found.duplicate_pairs <= count * (count - 1) // 2 or found.pairs_null < 0:
        return "duplicate pairs must be at least 0, and at most all pairs"
    shares = [share for share in (found.purity, found.purity_null) if share is not None]
    if len(shares) == 1 or not all(0 <= share <= 1 + 1e-9 for share in shares):
        return "purity and its null must be shares, both or none"
    return _problem_of_numbers(found)


def _problem_of_numbers(found: Any) -> str | None:
    """What is wrong with a number in a record: its type is right by now."""
    problems: dict[type, Callable[[Any], bool]] = {
        Estimate: lambda e: e.se < 0 or not all(map(_is_number, (e.value, e.se))),
        Share: lambda s: not 0 <= s.low <= s.value <= s.high <= 1 or not 0 <= s.null <= 1 or s.n < 1,
        ClassifierTest: lambda c: (
            c.draws < 1 or not c.classifier or len(c.classifier) > 80 or not is_plain(c.classifier)
        ),
    }
    for part in _walk(found):
        if isinstance(part, float) and not math.isfinite(part):
            return "holds a number that is not finite"
        if type(part) in problems and problems[type(part)](part):
            return f"{type(part).__name__} out of range: {_short(repr(part))}"
    return None


def _walk(found: Any) -> list[Any]:
    """A record and everything in it."""
    inside = (
        found if isinstance(found, tuple) else vars(found).values() if hasattr(found, "__dataclass_fields__") else ()
    )
    return [found, *(part for child in inside for part in _walk(child))]


def record(metrics: Mapping[str, Any], split: str, key: str) -> Any:
    """A record of a checkpoint's evaluation on one split; None where it was not measured.

    Args:
        metrics: content of metrics.json, as ``read_metrics`` gave it.
        split: name of the split.
        key: one of ``RECORDS``.
    """
    stored = metrics.get("evaluations", {}).get(split, {}).get(key)
    return None if stored is None else RECORDS[key].validate_python(stored)


def _is_estimate(value: Any) -> bool:
    return (
        isinstance(value, dict) and _is_number(value.get("value")) and _is_number(value.get("se")) and value["se"] >= 0
    )


def _is_number(value: Any) -> bool:
    """Whether it is a number of a possible size; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**64


def _short(key: str) -> str:
    return shown(key, 40)
