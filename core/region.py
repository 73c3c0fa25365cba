"""A part of a two-dimensional view, chosen with a box or a lasso, or typed: a polygon, and what lies in it."""

from __future__ import annotations

import math

import numpy as np

MAX_CORNERS = 60
"""A lasso is thinned to so many corners, so that it fits into an address."""
FARTHEST = 1e6

Corners = tuple[tuple[float | int, float | int], ...]


def parse(text: str) -> Corners:
    """The corners that a text names: "left right bottom top" for a box, or "x,y x,y x,y ..." for a polygon.

    Raises:
        ValueError: saying what was expected, for anything else.

    Example:
        >>> parse("0 1 2 3")
        ((0.0, 2.0), (1.0, 2.0), (1.0, 3.0), (0.0, 3.0))
    """
    words = text.split()
    pairs = [word.split(",") for word in words]
    try:
        if all(len(pair) == 1 for pair in pairs) and len(words) == 4:
            return box(*(_number(word) for word in words))
        corners = tuple((_number(x), _number(y)) for x, y in pairs)
    except ValueError as error:
        raise ValueError(_expected(text)) from error
    if not 3 <= len(corners) <= MAX_CORNERS:
        raise ValueError(_expected(text))
    return corners


def write(corners: Corners) -> str:
    """The text that ``parse`` reads, three decimals; a lasso of many corners is thinned evenly.

    Example:
        >>> write(parse("0 1 2 3"))
        '0 1 2 3'
    """
    if len(corners) == 4 and corners == box(corners[0][0], corners[1][0], corners[0][1], corners[2][1]):
        return " ".join(_short(value) for value in (corners[0][0], corners[1][0], corners[0][1], corners[2][1]))
    kept = np.unique(np.linspace(0, len(corners) - 1, min(len(corners), MAX_CORNERS)).round().astype(int))
    return " ".join(f"{_short(corners[k][0])},{_short(corners[k][1])}" for k in kept)


def box(left: float, right: float, bottom: float, top: float) -> Corners:
    """The corners of a box, anticlockwise from the lower left; sides may be given in either order."""
    (left, right), (bottom, top) = sorted((left, right)), sorted((bottom, top))
    return (left, bottom), (right, bottom), (right, top), (left, top)


def inside(places: np.ndarray, corners: Corners) -> np.ndarray:
    """Which of the (n, 2) places lie in the polygon, (n,) bool.

    Those from which a ray to the right crosses the rim an odd number of times: a lasso that crosses itself is filled by
    the even-odd rule.
    """
    polygon = np.asarray(corners, np.float64)
    x, y = np.asarray(places, np.float64).T
    odd = np.zeros(len(x), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        spans = (y0 > y) != (y1 > y)
        odd ^= spans & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return odd


def _number(word: str) -> float:
    value = float(word)
    if not math.isfinite(value) or abs(value) > FARTHEST:
        raise ValueError(word)
    return value


def _short(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}".rstrip("0").rstrip(".")  # + 0.0: never "-0"


def _expected(text: str) -> str:
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    return (
        f'a region is four numbers "left right bottom top", or 3 to {MAX_CORNERS} corners "x,y x,y x,y"; got {shown!r}'
    )
