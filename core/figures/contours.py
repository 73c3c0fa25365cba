"""Contour lines of a grid, as short polylines: a tenth of the bytes of a plotly contour trace, and at any level.

Marching squares (Lorensen and Cline 1987, in two dimensions). Each line runs with the higher side on its left, so outer
rims turn anticlockwise and rims of holes clockwise, and a browser's non-zero fill rule leaves the holes open.
"""

from __future__ import annotations

import numpy as np

# Sides of a square: 0 bottom, 1 right, 2 top, 3 left. Bits of a case: 1 lower left, 2 lower right, 4 upper right,
# 8 upper left; a bit is set where the corner is above the level. A line enters by the first side, leaves by the second.
_SEGMENTS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((0, 3),), 2: ((1, 0),), 3: ((1, 3),), 4: ((2, 1),), 6: ((2, 0),), 7: ((2, 3),), 8: ((3, 2),),
    9: ((0, 2),), 11: ((1, 2),), 12: ((3, 1),), 13: ((0, 1),), 14: ((3, 0),),
}  # fmt: skip
_SADDLES = {
    (5, True): ((0, 1), (2, 3)),
    (5, False): ((0, 3), (2, 1)),
    (10, True): ((3, 0), (1, 2)),
    (10, False): ((1, 0), (3, 2)),
}
"""Two opposite corners are high: joined when the middle of the square is high as well, apart when it is not."""


def contour_line(x: np.ndarray, y: np.ndarray, values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The rim of the region where ``values`` exceed ``level``, closed along the edge of the grid.

    Args:
        x: (nx,) ascending.
        y: (ny,) ascending.
        values: (ny, nx), finite.
        level: threshold, in the unit of ``values``.

    Returns:
        Two float32 arrays of the same length: closed polylines with the higher side on the left, each ended by a nan.
        Both empty where no value exceeds the level.
    """
    if values.shape != (len(y), len(x)):
        raise ValueError(f"values must have shape (ny, nx) = {(len(y), len(x))}, got {values.shape}")
    # A rim of low values at the same coordinates closes every line at the edge of the window.
    padded = np.pad(np.asarray(values, np.float64) - level, 1, constant_values=-1.0)
    px, py = np.pad(np.asarray(x, np.float64), 1, mode="edge"), np.pad(np.asarray(y, np.float64), 1, mode="edge")
    start, end = _segments(padded)
    rings = _rings(start, end)
    if not rings:
        return np.empty(0, np.float32), np.empty(0, np.float32)
    order = np.concatenate([[*ring, ring[0], -1] for ring in rings]).astype(np.int64)
    line_x, line_y = _crossings(px, py, padded, order)
    gap = order < 0
    line_x[gap], line_y[gap] = np.nan, np.nan
    return line_x.astype(np.float32), line_y.astype(np.float32)


def dashes(x: np.ndarray, y: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Closed polylines cut into dashes, since WebGL garbles the dashes of lines with many short steps.

    Args:
        x: (n,) as `contour_line` gives it, with the nan at the ends of polylines.
        y: (n,) the same.
        length: of a dash with the gap after it, in the unit of x and y; rounded so that the last gap closes the ring.

    Returns:
        Two float32 arrays: three fifths dash, two fifths gap, a nan after each dash.
    """
    out = [np.empty((0, 2), np.float32)]
    for ring in np.split(np.stack([x, y], axis=1), np.flatnonzero(np.isnan(x)) + 1):
        corners = ring[:-1]
        if len(corners) < 2:
            continue
        run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
        count = max(round(run[-1] / length), 1)
        places = run[-1] / count * (np.arange(count)[:, None] + 0.6 * np.arange(6) / 4)
        places[:, -1] = np.nan
        cut = np.stack([np.interp(places, run, corners[:, k]) for k in (0, 1)], axis=-1)
        out.append(cut.reshape(-1, 2).astype(np.float32))
    joined = np.concatenate(out)
    return joined[:, 0], joined[:, 1]


def _segments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the grid edges where each segment starts and ends; horizontal edges first, then vertical ones."""
    ny, nx = values.shape
    high = values > 0
    case = high[:-1, :-1] * 1 + high[:-1, 1:] * 2 + high[1:, 1:] * 4 + high[1:, :-1] * 8
    row, column = np.nonzero((case > 0) & (case < 15))
    case = case[row, column]
    node = row * nx + column
    sides = np.stack([node, ny * nx + node + 1, node + nx, ny * nx + node])
    middle = values[row, column] + values[row, column + 1] + values[row + 1, column] + values[row + 1, column + 1] > 0
    starts, ends = [], []
    groups = [(case == number, pairs) for number, pairs in _SEGMENTS.items()]
    groups += [((case == number) & (middle == up), pairs) for (number, up), pairs in _SADDLES.items()]
    for chosen, pairs in groups:
        for first, second in pairs:
            starts.append(sides[first, chosen])
            ends.append(sides[second, chosen])
    return np.concatenate(starts), np.concatenate(ends)


def _rings(start: np.ndarray, end: np.ndarray) -> list[list[int]]:
    """Joins segments end to end. Each edge is left once and reached once, so every walk comes back to its start."""
    following = dict(zip(start.tolist(), end.tolist(), strict=True))
    rings = []
    while following:
        first, here = following.popitem()
        ring = [first]
        while here != first:
            ring.append(here)
            here = following.pop(here)
        rings.append(ring)
    return rings


def _crossings(x: np.ndarray, y: np.ndarray, values: np.ndarray, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the level cuts each numbered edge, by linear interpolation."""
    ny, nx = values.shape
    vertical = edge >= ny * nx
    row, column = np.divmod(np.where(vertical, edge - ny * nx, np.maximum(edge, 0)), nx)
    to_row, to_column = np.minimum(row + vertical, ny - 1), np.minimum(column + ~vertical, nx - 1)
    here, there = values[row, column], values[to_row, to_column]
    step = here - there
    share = np.divide(here, step, out=np.zeros_like(here), where=step != 0)
    return x[column] + share * (x[to_column] - x[column]), y[row] + share * (y[to_row] - y[row])
