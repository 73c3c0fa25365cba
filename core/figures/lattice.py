"""Clicks anywhere in a latent plane: an invisible lattice of markers, and how to read the click that it catches.

Streamlit reports only clicks on markers (not on heat maps nor on empty space), so markers stand everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.figures import theme
from core.records import DensityGrid

NAME = "lattice"
DIMENSIONS = ("z₁", "z₂")
"""What the axes are called where the plane is the latent space itself."""
_INVISIBLE = {"marker": {"opacity": 0.0}}


def lattice_points(grid: DensityGrid, count: int) -> np.ndarray:
    """The (count * count, 2) float64 places of the lattice, from the first cell centre to the last, rows first."""
    if count < 2:
        raise ValueError(f"lattice must be at least 2, got {count}")
    x, y = np.linspace(grid.x[0], grid.x[-1], count), np.linspace(grid.y[0], grid.y[-1], count)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def lattice_traces(
    q: DensityGrid, p: DensityGrid, count: int, axes: Sequence[str], names: tuple[str, str] = DIMENSIONS
) -> list[dict[str, Any]]:
    """One invisible trace of markers for each panel: hover tells the densities, a click tells z exactly.

    Args:
        q: aggregated posterior.
        p: prior on the same grid.
        count: markers along each side.
        axes: "" for the first panel, "2" for the second and so on.
        names: of the two coordinates, for the hover.

    Returns:
        Traces with the place in float64 and ``customdata`` [log q, log p, their difference], never styled by a
        selection. All numbers are arrays: as lists they were half of what a picture of densities costs.
    """
    z = lattice_points(q, count)
    log_q, log_p = interpolate(q, z), interpolate(p, z)
    told = np.stack([log_q, log_p, log_q - log_p], 1).astype(np.float32)
    hover = (
        f"{names[0]} %{{x:.2f}}, {names[1]} %{{y:.2f}}<br>"
        "log q %{customdata[0]:.1f}, log p %{customdata[1]:.1f} nats<br>"
        "log q − log p %{customdata[2]:+.1f} nats<extra></extra>"
    )
    return [
        {
            "type": "scattergl", "mode": "markers", "x": z[:, 0], "y": z[:, 1], "xaxis": f"x{axis}",
            "yaxis": f"y{axis}", "customdata": told, "hovertemplate": hover, "name": NAME, "showlegend": False,
            "marker": {"size": 12, "opacity": 0.0, "color": theme.NEUTRAL}, "selected": _INVISIBLE,
            "unselected": _INVISIBLE,
        }
        for axis in axes
    ]  # fmt: skip


def interpolate(grid: DensityGrid, z: np.ndarray) -> np.ndarray:
    """The log-density at ``z`` (n, 2), bilinear between cell centres; outside the grid, its edge's. Nats, (n,)."""
    values = np.asarray(grid.log_density, np.float64)
    (column, right), (row, up) = _place(grid.x, z[:, 0]), _place(grid.y, z[:, 1])
    low = values[row, column] * (1 - right) + values[row, column + 1] * right
    high = values[row + 1, column] * (1 - right) + values[row + 1, column + 1] * right
    return low * (1 - up) + high * up


def _place(centres: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the cell centre on the left, and how far towards the next one, in [0, 1]."""
    position = (at - centres[0]) / (centres[-1] - centres[0]) * (len(centres) - 1)
    position = np.clip(position, 0, len(centres) - 1)
    index = np.minimum(position.astype(np.int64), len(centres) - 2)
    return index, position - index


def outlined(event: Mapping[str, Any] | None) -> tuple[tuple[float, float], ...] | None:
    """The corners of the box or lasso that was drawn last, or None.

    Args:
        event: as ``clicked`` takes it.
    """
    selection = (event or {}).get("selection") or {}
    shapes: list[Mapping[str, Any]] = [*(selection.get("box") or []), *(selection.get("lasso") or [])]
    for shape in reversed(shapes):
        x, y = list(shape.get("x") or []), list(shape.get("y") or [])
        if len(x) == len(y) == 2:
            (left, right), (bottom, top) = sorted(map(float, x)), sorted(map(float, y))
            return (left, bottom), (right, bottom), (right, top), (left, top)
        if len(x) == len(y) >= 3:
            return tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))
    return None


def touched(event: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """Where in the picture the first point of a click lies, whatever it stands for; None without one."""
    points = ((event or {}).get("selection") or {}).get("points") or []
    for point in points:
        x, y = point.get("x"), point.get("y")
        if isinstance(x, int | float) and isinstance(y, int | float):
            return float(x), float(y)
    return None


def clicked(event: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """The place z that a click chose, or None.

    Args:
        event: what ``st.plotly_chart(..., on_select=...)`` returns, or leaves in the session state under its key.

    Returns:
        (z1, z2), exactly as the lattice holds them; None where nothing is chosen or the event
        is not a click on a figure of this package.
    """
    points = ((event or {}).get("selection") or {}).get("points") or []
    for point in points:
        told = point.get("customdata")
        # Rows of an array reach Streamlit's event as objects with the keys "0", "1" and "2".
        told = list(told.values()) if isinstance(told, Mapping) else told
        z = point.get("x"), point.get("y")
        if isinstance(told, list | tuple) and len(told) == 3 and all(isinstance(v, int | float) for v in (*told, *z)):
            return float(z[0]), float(z[1])
    return None
