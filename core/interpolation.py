"""Values on an even lattice, read between its points: local polynomials through the six nearest along each axis."""

from __future__ import annotations

import numpy as np

POINTS = 6


def lagrange(at: np.ndarray, count: int) -> np.ndarray:
    """Weights of ``count`` values at 0, 1, ..., count - 1 in the value at each place, (places, count) float64.

    The six nearest points count, at the ends of the lattice the six outermost; all, where there are fewer. Polynomials
    of degree 5 are exact.

    Args:
        at: (places,).
        count: points of the lattice.
    """
    points = min(POINTS, count)
    first = np.clip(np.floor(at).astype(int) - (points - 1) // 2, 0, count - points)
    used = first[:, None] + np.arange(points)
    offset = at[:, None] - used  # (places, points)
    weights = np.ones((len(at), points))
    for k in range(points):
        for other in range(points):
            if other != k:
                weights[:, k] *= offset[:, other] / (k - other)
    full = np.zeros((len(at), count))
    np.put_along_axis(full, used, weights, axis=1)
    return full
