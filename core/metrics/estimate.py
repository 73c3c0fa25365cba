"""From per-example values to an estimate with its standard error."""

from __future__ import annotations

import math

from torch import Tensor

from core.records import Estimate


def over_examples(values: Tensor) -> Estimate:
    """Mean of (n,) per-example values, with the standard error of drawing the n examples."""
    values = values.double()
    return Estimate(float(values.mean()), float(values.std() / math.sqrt(len(values))) if len(values) > 1 else 0.0)


def monte_carlo_se(draws: Tensor) -> float:
    """Standard error of the mean of (S, n) draws that comes from the S draws alone, the n examples held fixed.

    Returns:
        sqrt(sum_i var_i / S) / n; S must be at least 2.
    """
    draws = draws.double()
    return float(draws.var(0).sum().div(len(draws)).sqrt() / draws.shape[1])
