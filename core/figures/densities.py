"""The aggregated posterior against the prior in a latent plane: three linked panels, and one wide picture for Home."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.figures import theme
from core.figures.lattice import lattice_traces
from core.figures.layers import PointKind, data_regions, picked_traces, point_traces, prior_regions, pseudo_trace
from core.figures.signed import signed_trace
from core.records import DensityGrid

_PANELS = ("", "2", "3")
_DOMAINS = ((0.0, 0.31), (0.345, 0.655), (0.69, 1.0))


def density_panels(
    q: DensityGrid,
    p: DensityGrid,
    *,
    points: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
    point_kind: PointKind = "samples",
    pseudo_inputs: np.ndarray | None = None,
    picked: Sequence[float] | None = None,
    lattice: int = 41,
    limit: float = 8.0,
    title: str | None = None,
    compact: bool = False,
) -> go.Figure:
    """Three linked panels: the aggregated posterior, the prior, and where they differ.

    The third panel is the signed map of `core.figures.signed.signed_map`, which fades where both densities are nothing.

    Args:
        q: aggregated posterior.
        p: prior on the same grid.
        points: (n, 2) draws or means of the posterior, for the left panel.
        labels: (n,) class of each point, from 0.
        class_names: their names; numbers where none are given.
        point_kind: what the points are, for the legend.
        pseudo_inputs: (K, 2) posterior means of the pseudo-inputs, for the middle panel.
        picked: (2,) a place to mark in every panel.
        lattice: clickable places along each side.
        limit: nats at which the signed map is clipped.
        title: heading, where figures of several models stand below one another.
        compact: lower, for the same use.

    Returns:
        A figure whose clicks `core.figures.clicked` reads.
    """
    check_grids(q, p)
    figure = go.Figure(signed_trace(q, p, limit, "3"))
    for axis in _PANELS:
        figure.add_traces(data_regions(q, axis, every=axis == "", legend=axis == ""))
        figure.add_traces(prior_regions(p, axis, every=axis == "2", fill=axis == "2", legend=axis == "2"))
    if points is not None:
        figure.add_traces(point_traces(points, labels, class_names, point_kind))
    if pseudo_inputs is not None:
        figure.add_trace(pseudo_trace(pseudo_inputs, "2"))
    figure.add_traces(picked_traces(picked, _PANELS))
    figure.add_traces(lattice_traces(q, p, lattice, _PANELS))
    theme.style(figure, height=theme.HEIGHT_COMPACT if compact else theme.HEIGHT, title=title)
    _link_panels(figure, q)
    return _head_panels(figure)


def hero(
    q: DensityGrid,
    p: DensityGrid,
    points: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    *,
    class_names: Sequence[str] = (),
    point_kind: PointKind = "samples",
    picked: Sequence[float] | None = None,
    lattice: int = 41,
    height: int = theme.HEIGHT,
) -> go.Figure:
    """One wide picture: the data's regions filled in blue with its samples, the prior's dashed over them.

    Args:
        q: aggregated posterior.
        p: prior on the same grid.
        points: (n, 2) draws or means of the posterior.
        labels: (n,) class of each point, from 0.
        class_names: their names; numbers where none are given.
        point_kind: what the points are, for the legend.
        picked: (2,) a place to mark.
        lattice: clickable places along each side.
        height: pixels.

    Returns:
        A figure whose clicks `core.figures.clicked` reads.
    """
    check_grids(q, p)
    figure = go.Figure(data_regions(q, "", every=True, legend=True))
    if points is not None:
        figure.add_traces(point_traces(points, labels, class_names, point_kind))
    figure.add_traces(prior_regions(p, "", every=True, legend=True))
    figure.add_traces(picked_traces(picked, ("",)))
    figure.add_traces(lattice_traces(q, p, lattice, ("",)))
    theme.style(figure, height=height)
    # Equal scale by a wider range, not by a narrower panel: what lies outside the window is empty anyway.
    x_range, y_range = window(q)
    figure.update_xaxes(range=x_range, title={"text": "z₁", "standoff": 2}, **theme.AXIS)
    figure.update_yaxes(range=y_range, title={"text": "z₂", "standoff": 2}, scaleanchor="x", **theme.AXIS)
    return figure.update_layout(margin_t=12)


def window(grid: DensityGrid) -> tuple[list[float], list[float]]:
    """Ranges of the two axes: to the outer edges of the outer cells."""
    half_x, half_y = (grid.x[1] - grid.x[0]) / 2, (grid.y[1] - grid.y[0]) / 2
    across = [float(grid.x[0] - half_x), float(grid.x[-1] + half_x)]
    return across, [float(grid.y[0] - half_y), float(grid.y[-1] + half_y)]


def check_grids(q: DensityGrid, p: DensityGrid) -> None:
    """Raises ValueError unless both densities are well formed and on one grid."""
    for name, grid in (("q", q), ("p", p)):
        shape = (len(grid.y), len(grid.x))
        if grid.log_density.shape != shape or min(shape) < 2:
            raise ValueError(f"{name}.log_density must be (ny, nx) = {shape}, 2 or more, got {grid.log_density.shape}")
    if not (np.array_equal(q.x, p.x) and np.array_equal(q.y, p.y)):
        raise ValueError("q and p must be on the same grid: evaluate both densities on one window")


def _link_panels(figure: go.Figure, grid: DensityGrid) -> None:
    """Three panels that pan and zoom as one, in equal scale: circles are circles."""
    x_range, y_range = window(grid)
    for axis, domain in zip(_PANELS, _DOMAINS, strict=True):
        across = {"domain": domain, "range": x_range, "anchor": f"y{axis}", "constrain": "domain"}
        up = {"domain": (0, 1), "range": y_range, "anchor": f"x{axis}", "constrain": "domain", "constraintoward": "top"}
        if axis:
            across["matches"], up["matches"], up["showticklabels"] = "x", "y", False
        else:
            up |= {"scaleanchor": "x", "scaleratio": 1, "title": {"text": "z₂", "standoff": 2}}
        across["title"] = {"text": "z₁", "standoff": 2}
        figure.update_layout({f"xaxis{axis}": across | theme.AXIS, f"yaxis{axis}": up | theme.AXIS})


def _head_panels(figure: go.Figure) -> go.Figure:
    """Names the panels, above each and moving with it."""
    orange, blue = (f'<span style="color:{colour}"><b>{{}}</b></span>' for colour in (theme.HOLE, theme.LEAK))
    heads = (
        ("Aggregated posterior q(z)", "where the encoder puts the data"),
        ("Prior p(z)", "where generation draws from"),
        ("log q − log p", f"{orange.format('orange: holes')}, {blue.format('blue: leaks')}"),
    )
    for axis, (head, line) in zip(_PANELS, heads, strict=True):
        text = f'{head}<br><span style="font-size:{theme.FONT_SMALL}px">{line}</span>'
        place = {"xref": f"x{axis} domain", "yref": f"y{axis} domain", "x": 0, "y": 1}
        anchor = {"xanchor": "left", "yanchor": "bottom", "align": "left", "yshift": 4, "showarrow": False}
        figure.add_annotation(text=text, font_size=theme.FONT_TITLE, **place, **anchor)
    return figure
