"""One image's posteriors: q(z|x) filled, the true p(z|x) dashed, a panel for each model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.figures import layers, theme
from core.figures.densities import check_grids
from core.figures.drawing import Drawing, drawing
from core.figures.lattice import DIMENSIONS
from core.figures.layers import Trace
from core.posterior_records import ImagePosterior

MOST = 3
"""Panels in a row."""
HEIGHT = 380
GAP, BETWEEN = 0.05, 0.16
"""Between panels beside and above one another, as shares of the figure."""
ELLIPSE = 60
"""Points of the best Gaussian's outline."""
RADIUS = math.sqrt(-2 * math.log(0.05))
"""Standard deviations at which a two-dimensional Gaussian's region of 95 % ends."""


def posterior_panels(rows: Sequence[tuple[str, ImagePosterior]], places: int = 0) -> Drawing:
    """Regions of q(z|x), filled, under those of p(z|x), dashed, and the best Gaussian's 95 % dotted; by model.

    Every panel has a window of its own: models have latent spaces of their own.

    Args:
        rows: (name, posteriors), one a panel.
        places: panels that there is room for, where more are to come.
    """
    if not rows:
        raise ValueError("there is no posterior to draw; got an empty list")
    traces: list[Trace] = []
    layout: dict[str, Any] = {"annotations": []}
    places = max(places, len(rows))
    lines = -(-places // MOST)
    height = lines * HEIGHT + 40
    for place, (name, found) in enumerate(rows):
        axis = "" if place == 0 else str(place + 1)
        check_grids(found.approximate, found.true)
        of_q, of_p = layers.regions(found.approximate), layers.regions(found.true)
        traces += layers.data_fill(of_q, axis) + layers.data_rims(of_q, axis) + layers.prior_rims(of_p, axis)
        traces.append(_outline(found, axis))
        layout |= _axes(found, axis, place, min(places, MOST), lines)
        layout["annotations"].append(_head(name, found, axis))
    named = [trace | {"name": _name(trace["name"])} for trace in traces]
    return drawing(named + _key(), theme.layout(height=height, legend=_LEGEND, heads=True) | layout)


_LEGEND = ("q(z|x), the encoder's: 50, 80, 95 %", "p(z|x), the true one: 50, 80, 95 %", "best Gaussian: 95 %")


def _name(name: str) -> str:
    return {"q(z) fill": "q(z|x) fill", "data q(z)": "q(z|x)", "prior p(z)": "p(z|x)"}.get(name, name)


def _key() -> list[Trace]:
    """Entries of the legend, which draw nothing."""
    looks = (
        {"color": theme.DATA, "width": 8},
        {"color": theme.PRIOR, "width": 2.4, "dash": "8px,5px"},
        {"color": theme.NEUTRAL, "width": 2, "dash": "2px,3px"},
    )
    return [
        {"type": "scatter", "mode": "lines", "x": [None], "y": [None], "name": name, "line": line, "hoverinfo": "skip"}
        for name, line in zip(_LEGEND, looks, strict=True)
    ]


def _outline(found: ImagePosterior, axis: str) -> Trace:
    mean, scale = np.array(found.best[0]), np.array(found.best[1])
    angle = np.linspace(0, 2 * math.pi, ELLIPSE)
    rim = mean + RADIUS * scale * np.stack([np.cos(angle), np.sin(angle)], 1)
    return {
        "type": "scatter", "mode": "lines", "x": rim[:, 0], "y": rim[:, 1], "xaxis": f"x{axis}", "yaxis": f"y{axis}",
        "line": {"color": theme.NEUTRAL, "width": 2, "dash": "2px,3px"}, "name": "best Gaussian", "hoverinfo": "skip",
        "showlegend": False,
    }  # fmt: skip


def _axes(found: ImagePosterior, axis: str, place: int, columns: int, lines: int) -> dict[str, Any]:
    """A square window in equal scale."""
    column, line = place % MOST, place // MOST
    wide, high = (1 - GAP * (columns - 1)) / columns, (1 - BETWEEN * (lines - 1)) / lines
    left, top = column * (wide + GAP), 1 - line * (high + BETWEEN)
    box = [[float(side[0]), float(side[-1])] for side in (found.true.x, found.true.y)]
    across = {"domain": [left, left + wide], "range": box[0], "anchor": f"y{axis}", "constrain": "domain"}
    up = {"domain": [top - high, top], "range": box[1], "anchor": f"x{axis}", "constrain": "domain"}
    up |= {"scaleanchor": f"x{axis}", "constraintoward": "top"}
    titles = (theme.axis_title(DIMENSIONS[0], 4), theme.axis_title(DIMENSIONS[1], 4) if column == 0 else {"text": ""})
    return {
        f"xaxis{axis}": theme.AXIS | across | {"constraintoward": "left", "title": titles[0], "nticks": 5},
        f"yaxis{axis}": theme.AXIS | up | {"title": titles[1], "nticks": 5},
    }


def _head(name: str, found: ImagePosterior, axis: str) -> dict[str, Any]:
    line = f"KL = {found.kl:.2f}, best Gaussian {found.family.value:.2f} nats"
    return {
        "text": f'<b>{name}</b><br><span style="font-size:{theme.FONT_SMALL}px">{line}</span>', "align": "left",
        "xref": f"x{axis} domain", "yref": f"y{axis} domain", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom",
        "yshift": 2, "borderpad": 0, "showarrow": False, "font": {"size": theme.FONT_TITLE},
    }  # fmt: skip
