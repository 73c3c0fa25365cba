"""Small multiples: the latent plane of each of several models, one window for all, and one selection in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.figures import layers, theme
from core.figures.component_map import ellipse
from core.figures.densities import check_grids
from core.figures.drawing import Drawing, drawing
from core.figures.lattice import DIMENSIONS
from core.figures.signed import signed_trace
from core.records import DensityGrid

COLUMNS = 4
"""Panels beside each other at most; more models make another row, as even as possible."""
SIDES = {1: 380, 2: 370, 3: 272, 4: 202}
"""Pixels of a panel's side by the number of columns, so that they are square on a 1280-pixel screen."""
HEAD, GAP, BAND, FOOT = 46, 14, 36, 62
"""Pixels: room for a model's name, between its two panels, between two rows of models, and under the last one."""
SHARE = 0.95
"""Mass of q(z|x) inside the ellipse of a chosen image."""
LIMIT = 8.0
"""Nats at which the signed map is clipped."""


@dataclass(frozen=True)
class Panel:
    """What is drawn of one model.

    Attributes:
        label: above its panel.
        q: aggregated posterior.
        p: prior on the same grid; None where it has no density in this plane.
        points: (n, 2) one code of each image, the same images in the same order in every panel.
        prior_points: (m, 2) draws of the prior, shown where ``p`` is None.
        chosen: mean (2,) and covariance (2, 2) of the posterior of the chosen image, None where none is.
        axes: what the two axes of its plane are called.
    """

    label: str
    q: DensityGrid
    p: DensityGrid | None
    points: np.ndarray
    prior_points: np.ndarray | None = None
    chosen: tuple[np.ndarray, np.ndarray] | None = None
    axes: tuple[str, str] = DIMENSIONS


@dataclass(frozen=True)
class _Grid:
    """Where the two panels of each of ``count`` models stand."""

    count: int

    @property
    def bands(self) -> int:
        """Rows of models."""
        return -(-self.count // COLUMNS)

    @property
    def columns(self) -> int:
        """Models in a row."""
        return -(-self.count // self.bands)

    @property
    def height(self) -> int:
        """Pixels of all rows."""
        return self.bands * (HEAD + 2 * SIDES[self.columns] + GAP) + (self.bands - 1) * BAND

    def domains(self, place: int) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
        """Across, and up for the upper and for the lower panel, in parts of the plot."""
        width, side = 1 / self.columns, SIDES[self.columns]
        left = (place % self.columns) * width
        top = (place // self.columns) * (HEAD + 2 * side + GAP + BAND) + HEAD
        ends = [1 - at / self.height for at in (top, top + side, top + side + GAP, top + 2 * side + GAP)]
        across = (left, left + width - (0.02 if self.columns > 1 else 0))
        return across, (ends[1], ends[0]), (max(0.0, ends[3]), ends[2])


def multiples(
    panels: Sequence[Panel],
    rows: np.ndarray,
    *,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
    selected: np.ndarray | None = None,
) -> Drawing:
    """For each model its densities with the images' codes, and under them the signed map log q - log p.

    All panels have one window and pan and zoom as one. A point stands for the same image in every panel and carries its
    row as ``customdata``, which `picked_row` reads; `outlined_in` reads a box or a lasso.

    Args:
        panels: two models or more, or one.
        rows: (n,) row in the split of the image that each point stands for.
        labels: (n,) class of each image, from 0.
        class_names: their names; numbers where none are given.
        selected: (n,) bool, images to show in full while the others fade; None shows all.

    Raises:
        ValueError: for other numbers of points than of rows, or grids of another window.
    """
    _check(panels, rows, selected)
    traces: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    heads: list[dict[str, Any]] = []
    grid = _Grid(len(panels))
    for place, panel in enumerate(panels):
        upper, lower = _suffix(place), _suffix(len(panels) + place)
        traces += _densities(panel, upper, rows, labels, class_names, selected, legend=place == 0)
        if panel.p is not None:
            signed = signed_trace(panel.q, panel.p, LIMIT, lower)
            signed["colorbar"]["title"]["text"] = "log q − log p,<br>nats"
            traces.append(signed if place == 0 else signed | {"showscale": False})
            traces += layers.data_rims(layers.regions(panel.q)[:1], lower)
            traces += layers.prior_rims(layers.regions(panel.p)[:1], lower)
        across, above, below = grid.domains(place)
        up = panel.axes[1] if across[0] == 0 else ""  # beside the others it would lie on their neighbours
        axes |= _axes(panels[0].q, upper, across, above, ("", up), first=place == 0)
        axes |= _axes(panels[0].q, lower, across, below, (panel.axes[0], up), first=False)
        heads.append(_head(panel, upper))
        if panel.p is None:
            heads.append(_no_map(across, below))
    traces += layers.keys()
    legend = [str(trace["name"]) for trace in traces if trace.get("showlegend")]
    layout = theme.layout(height=grid.height, legend=legend)
    layout["height"] = grid.height + layout["margin"]["t"] + FOOT
    layout["legend"]["y"] = 1 - 2 / layout["height"]
    layout["margin"] |= {"l": 62, "r": 76, "b": FOOT}
    return drawing(traces, layout | axes | {"annotations": heads})


def picked_row(event: Mapping[str, Any] | None) -> int | None:
    """Row of the image whose point was clicked, None where none was.

    Args:
        event: what ``st.plotly_chart(..., on_select=...)`` leaves in the session state.
    """
    selection = (event or {}).get("selection") or {}
    if selection.get("box") or selection.get("lasso"):
        return None
    points: list[Mapping[str, Any]] = [*(selection.get("points") or [])]
    for point in points:
        row = point.get("customdata")
        row = row[0] if isinstance(row, (list, tuple)) and row else row
        if isinstance(row, int | float) and not isinstance(row, bool):
            return int(row)
    return None


def outlined_in(event: Mapping[str, Any] | None, models: int) -> int | None:
    """In which of the models' panels the last box or lasso was drawn, from 0; None where none was.

    Args:
        event: as above.
        models: number of panels.
    """
    selection = (event or {}).get("selection") or {}
    shapes: list[Mapping[str, Any]] = [*(selection.get("box") or []), *(selection.get("lasso") or [])]
    for shape in reversed(shapes):
        axis = str(shape.get("xref") or "").removeprefix("x").split(" ")[0]
        place = int(axis) - 1 if axis.isdigit() else 0
        if str(shape.get("xref") or "").startswith("x") and 0 <= place < 2 * models:
            return place % models
    return None


def _densities(
    panel: Panel,
    axis: str,
    rows: np.ndarray,
    labels: np.ndarray | None,
    class_names: Sequence[str],
    selected: np.ndarray | None,
    *,
    legend: bool,
) -> list[dict[str, Any]]:
    of_q = layers.regions(panel.q)
    traces: list[dict[str, Any]] = list(layers.data_fill(of_q, axis))
    if panel.prior_points is not None:
        traces.append(_prior_points(panel.prior_points, axis))
    points, *names = layers.point_traces(panel.points, labels, class_names)
    points |= {
        "xaxis": f"x{axis}", "yaxis": f"y{axis}", "customdata": rows.tolist(), "hoverinfo": "text",
        "hovertext": _told(rows, labels, class_names), "showlegend": legend and labels is None,
    }  # fmt: skip
    points["marker"] = points["marker"] | {"size": 4, "opacity": 0.7, "line": {"width": 0}}
    if selected is not None:
        faint = np.where(selected, 0.95, theme.UNPICKED_ALPHA).astype(np.float32)
        points["marker"] |= {"opacity": faint, "size": np.where(selected, 7, 4).astype(np.float32)}
        still = {"marker": {}}
        points |= {"selected": still, "unselected": still}
    traces.append(points)
    if legend:
        traces += names
    traces += layers.data_rims(of_q, axis, over_points=True)
    if panel.p is not None:
        dash = 0.05 * float(panel.q.x[-1] - panel.q.x[0])
        traces += layers.prior_rims(layers.regions(panel.p), axis, dash_length=dash)
    if panel.chosen is not None:
        traces += _posterior(*panel.chosen, axis)
    return traces


def _prior_points(points: np.ndarray, axis: str) -> dict[str, Any]:
    marker = {"symbol": "diamond-open", "size": 5, "color": theme.PRIOR, "opacity": 0.5}
    return {
        "type": "scattergl", "mode": "markers", "x": points[:, 0].astype(np.float32),
        "y": points[:, 1].astype(np.float32), "xaxis": f"x{axis}", "yaxis": f"y{axis}", "marker": marker,
        "name": "draws of p(z)", "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip


def _posterior(mean: np.ndarray, covariance: np.ndarray, axis: str) -> list[dict[str, Any]]:
    """The 95 % region of the chosen image's posterior, black in a white halo."""
    x, y = ellipse(mean, covariance, SHARE).astype(np.float32).T
    return [
        {
            "type": "scattergl", "mode": "lines", "x": x, "y": y, "xaxis": f"x{axis}", "yaxis": f"y{axis}",
            "line": {"color": colour, "width": width}, "name": "q(z|x) of the chosen image", "hoverinfo": "skip",
            "showlegend": False,
        }
        for colour, width in ((theme.PICKED_HALO, 6), (theme.PICKED, 2.5))
    ]  # fmt: skip


def _told(rows: np.ndarray, labels: np.ndarray | None, class_names: Sequence[str]) -> list[str]:
    """What stands at a point under the pointer."""
    if labels is None:
        return [f"image {row}" for row in rows.tolist()]
    names = [class_names[k] if k < len(class_names) else str(k) for k in labels.tolist()]
    return [f"image {row}, {name}" for row, name in zip(rows.tolist(), names, strict=True)]


def _suffix(place: int) -> str:
    return "" if place == 0 else str(place + 1)


def _axes(
    grid: DensityGrid,
    suffix: str,
    across: tuple[float, float],
    up: tuple[float, float],
    names: tuple[str, str],
    *,
    first: bool,
) -> dict[str, Any]:
    """Two axes of a panel, of equal scale, that move with those of the first panel.

    One across without a name has no numbers either; those up are beside the panels on the left.
    """
    ranges = [[float(side[0]), float(side[-1])] for side in (grid.x, grid.y)]
    small = theme.AXIS | {"nticks": 4, "constrain": "domain"}
    x = small | {"domain": across, "range": ranges[0], "anchor": f"y{suffix}", "showticklabels": bool(names[0])}
    y = small | {"domain": up, "range": ranges[1], "anchor": f"x{suffix}", "showticklabels": across[0] == 0}
    x |= {"title": theme.axis_title(names[0], 2) if names[0] else None}
    y |= {"constraintoward": "top", "title": theme.axis_title(names[1], 2) if names[1] else None}
    if first:
        y |= {"scaleanchor": "x"}
    else:
        x, y = x | {"matches": "x"}, y | {"matches": "y"}
    return {f"xaxis{suffix}": x, f"yaxis{suffix}": y}


def _head(panel: Panel, suffix: str) -> dict[str, Any]:
    return {
        "text": f"<b>{panel.label}</b>", "align": "left", "xref": f"x{suffix} domain", "yref": f"y{suffix} domain",
        "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "yshift": 3, "borderpad": 0, "showarrow": False,
        "font": {"size": theme.FONT},
    }  # fmt: skip


def _no_map(across: tuple[float, float], up: tuple[float, float]) -> dict[str, Any]:
    """Why there is no map, in the middle of its place."""
    return {
        "text": "a flow's density in a plane<br>of many dimensions is not<br>known: draws above", "showarrow": False,
        "xref": "paper", "yref": "paper", "x": sum(across) / 2, "y": sum(up) / 2, "xanchor": "center",
        "yanchor": "middle", "font": {"size": theme.FONT_SMALL},
    }  # fmt: skip


def _check(panels: Sequence[Panel], rows: np.ndarray, selected: np.ndarray | None) -> None:
    if not panels:
        raise ValueError("small multiples need one model or more")
    for panel in panels:
        if len(panel.points) != len(rows) or (selected is not None and selected.shape != rows.shape):
            raise ValueError(f"{panel.label}: {len(panel.points)} points for {len(rows)} images")
        check_grids(panel.q, panel.q if panel.p is None else panel.p)
        check_grids(panel.q, panels[0].q)
