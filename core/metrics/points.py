"""Posteriors that are points: what somebody enters whose encoder gives a code and no variance."""

from __future__ import annotations

import math

import numpy as np

POINT = 1e-3
"""Share of the deviation of q(z) under which a posterior is a point."""
POINTS = (
    "the posteriors are points beside q(z), as of a deterministic encoder: the average KL and the marginal KL are what "
    "the log_var that was entered makes them, and only differences between priors mean something"
)
"""What the surgery of points means."""


def are_points(mean: np.ndarray, log_var: np.ndarray) -> bool:
    """Whether the posteriors are hardly wider than points, in half of the dimensions or more.

    KL(q(z|x) || p(z)) grows by half a nat a dimension for each unit that such a log_var is lower, whatever p is.

    Args:
        mean: (n, d).
        log_var: (n, d).
    """
    spread = mean.var(0, dtype=np.float64) + np.exp(log_var, dtype=np.float64).mean(0)
    return bool(np.median(np.median(log_var, 0) - np.log(spread)) < 2 * math.log(POINT))
