"""Intervals of shares in closed form, of a spread by quartiles, and Student's factor for few points."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

Z_95 = 1.96
"""Half-width of a 95 % interval in standard errors."""
Z_95_OF_TWO = 2.2414
"""The same for each of two intervals that are to hold together (Bonferroni): 97.5 %."""

_T_95 = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281)  # 1 to 10 degrees of freedom


def wilson(share: float, n: int, z: float = Z_95) -> tuple[float, float]:
    """Wilson's interval of a share of n; 95 % unless another z is given.

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))  # rounding leaves 0 or 1 outside


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """First and third quartile; of a single value, that value twice."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def student_95(freedom: int) -> float:
    """Half-width of a 95 % interval in standard errors that were themselves estimated: Student's t, to 0.003.

    Args:
        freedom: degrees of freedom, at least 1.

    References:
        Student (1908), The probable error of a mean; Abramowitz, Stegun (1964), 26.7.5: the expansion above 10.
    """
    if freedom < 1:
        raise ValueError(f"freedom is {freedom}, expected at least 1: a line needs three points to have an interval")
    if freedom <= len(_T_95):
        return _T_95[freedom - 1]
    z = 1.959964
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / freedom + second / freedom**2


def luck(m: int) -> float:
    """Standard errors beyond which the best of m differences is told from 0, however it was chosen; 2 at least.

    Each of m intervals is as wide as it must be for all of them to hold together 95 % of the time (Bonferroni).

    Example:
        >>> luck(1), round(luck(7), 2)
        (2.0, 2.69)
    """
    return max(2.0, statistics.NormalDist().inv_cdf(1 - 0.05 / (2 * m)))
