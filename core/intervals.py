"""Intervals of shares, in closed form."""

from __future__ import annotations

import math

Z_95 = 1.96
"""Half-width of a 95 % interval in standard errors."""
Z_95_OF_TWO = 2.2414
"""The same for each of two intervals that are to hold together (Bonferroni): 97.5 %."""


def wilson(share: float, n: int, z: float = Z_95) -> tuple[float, float]:
    """Wilson's interval of a share of n; 95 % unless another z is given.

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
