"""Of several classifiers that tell prior from aggregated posterior the better one, with an interval for that."""

from __future__ import annotations

from collections.abc import Sequence

from core.intervals import Z_95, Z_95_OF_TWO, wilson
from core.records import ClassifierTest


def better(tests: Sequence[ClassifierTest]) -> tuple[ClassifierTest, float, float]:
    """The classifier with the higher accuracy, and the ends of an interval that allows for its having been chosen.

    The better of two has more than one half on average even where there is nothing to tell: each interval is therefore
    as wide as it must be for both to hold together 95 % of the time.
    """
    best = max(tests, key=lambda test: test.accuracy.value)
    low, high = wilson(best.accuracy.value, best.accuracy.n, Z_95_OF_TWO if len(tests) > 1 else Z_95)
    return best, low, high
