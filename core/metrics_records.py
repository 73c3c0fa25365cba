"""The records that an evaluation in metrics.json may hold, and what each must be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from core.component_records import ComponentSummary
from core.errors import first_problem
from core.gap_records import MOST_GAPS, WorstGaps
from core.history_records import Course
from core.metrics.per_dimension import PerDimension
from core.plain_text import is_plain, shown
from core.records import ClassifierTest, CurvePoint, Distance, Estimate, Share

RECORDS: dict[str, TypeAdapter[Any]] = {
    "components": TypeAdapter(ComponentSummary),
    "course": TypeAdapter(Course),
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


def problem_of_record(key: str, value: Any) -> str | None:
    """What is wrong with a record of this name, None where nothing is."""
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
    if isinstance(found, Course) and (problem := _problem_of_course(found)):
        return problem
    return problem_of_summary(found) if isinstance(found, ComponentSummary) else _problem_of_numbers(found)


def _problem_of_course(found: Course) -> str | None:
    epochs = list(found.epochs)
    if not 1 <= len(epochs) <= MOST or epochs != sorted(set(epochs)) or epochs[0] < 0:
        return "must be of rising epochs from 0"
    if not 1 <= found.drawn <= found.images <= found.total or min(found.draws, found.validation) < 1:
        return "must be of images of the split, one draw or more of each"
    return None if is_plain(found.split) else "must name a split"


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
        Estimate: lambda e: e.se < 0 or not all(map(is_number, (e.value, e.se))),
        Share: lambda s: not 0 <= s.low <= s.value <= s.high <= 1 or not 0 <= s.null <= 1 or s.n < 1,
        ClassifierTest: lambda c: (
            c.draws < 1 or not c.classifier or len(c.classifier) > 80 or not is_plain(c.classifier)
        ),
    }
    for part in _walk(found):
        if isinstance(part, float) and not math.isfinite(part):
            return "holds a number that is not finite"
        if type(part) in problems and problems[type(part)](part):
            return f"{type(part).__name__} out of range: {shown(repr(part), 40)}"
    return None


def _walk(found: Any) -> list[Any]:
    """A record and everything in it."""
    inside = (
        found if isinstance(found, tuple) else vars(found).values() if hasattr(found, "__dataclass_fields__") else ()
    )
    return [found, *(part for child in inside for part in _walk(child))]


def is_number(value: Any) -> bool:
    """Whether it is a number of a possible size; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
