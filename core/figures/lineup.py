"""The line-up: panels that all look alike where q(z) is p(z), one of which is true, and a click that names one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.figures.maps import source_marks
from core.lineup import Lineup

COLUMNS = 3
SIDE, HEAD = 280, 34
"""Pixels: height of a panel, and room above it for its number."""
GAP = 0.02
"""Room between two columns, as a share of the width."""
LAYERS = 2
"""Times that draws of p are laid over draws of q, half of each at a time."""
TARGETS = 9
"""Invisible markers along each side of a panel, so that a click anywhere in it names it."""
_INVISIBLE = {"marker": {"opacity": 0.0}}


def lineup_figure(shown: Lineup, picked: int | None = None) -> Drawing:
    """All panels, numbered from 1; once one was picked, it and the true one are framed and named.

    Every panel shows the same draws in the same window: q as blue discs and p as hollow vermilion diamonds, laid over
    one another by turns. There are no numbers on the axes: all that matters is which panel is another than the others.

    Args:
        shown: the draws and how each panel deals them out.
        picked: the panel that was picked, from 0; None while nobody has.

    Raises:
        ValueError: for a panel that there is not.
    """
    count = len(shown.q)
    if picked is not None and not 0 <= picked < count:
        raise ValueError(f"picked is {picked}, expected 0 to {count - 1}")
    rows = -(-count // COLUMNS)
    height = rows * (SIDE + HEAD)
    low, high = shown.points.min(0).astype(float), shown.points.max(0).astype(float)
    margin = 0.04 * max(float((high - low).max()), 1e-9)
    low, high = low - margin, high + margin
    traces: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    heads = []
    for panel in range(count):
        suffix = "" if panel == 0 else str(panel + 1)
        traces += [*_draws(shown, panel, suffix), _targets(low, high, panel, suffix)]
        frame = _frame(panel, picked, shown.real)
        axes |= _axes(panel, height, (low, high), suffix, frame)
        heads.append(_head(panel, picked, shown.real, suffix))
    layout = theme.layout(height=height + 30, legend=["q(z)", "p(z)"])
    layout["margin"] |= {"l": 8, "r": 8, "b": 6}
    return drawing([*_legend(), *traces], layout | axes | {"annotations": heads, "dragmode": False})


def panel_of(event: Mapping[str, Any] | None) -> int | None:
    """The panel that a click chose, from 0, or None.

    Args:
        event: what ``st.plotly_chart(..., on_select=...)`` leaves in the session state under its key.
    """
    for point in ((event or {}).get("selection") or {}).get("points") or []:
        told = point.get("customdata")
        told = list(told.values()) if isinstance(told, Mapping) else told
        if isinstance(told, list | tuple) and len(told) == 1 and isinstance(told[0], int):
            return told[0]
    return None


def _draws(shown: Lineup, panel: int, axis: str) -> list[dict[str, Any]]:
    size, opacity = theme.point_size(3 * len(shown.points))  # the panels are small
    disc, ring = source_marks(size, opacity)
    traces = []
    for layer in range(LAYERS):
        for side, marker in ((shown.q[panel], disc), (shown.p[panel], ring)):
            z = shown.points[side[layer::LAYERS]]
            traces.append({
                "type": "scattergl", "mode": "markers", "x": z[:, 0], "y": z[:, 1], "xaxis": f"x{axis}",
                "yaxis": f"y{axis}", "marker": marker, "hoverinfo": "skip", "showlegend": False,
                "selected": {"marker": {"opacity": opacity}}, "unselected": {"marker": {"opacity": opacity}},
            })  # fmt: skip
    return traces


def _targets(low: np.ndarray, high: np.ndarray, panel: int, axis: str) -> dict[str, Any]:
    x, y = np.meshgrid(np.linspace(low[0], high[0], TARGETS), np.linspace(low[1], high[1], TARGETS))
    return {
        "type": "scattergl", "mode": "markers", "x": x.ravel().astype(np.float32), "y": y.ravel().astype(np.float32),
        "xaxis": f"x{axis}", "yaxis": f"y{axis}", "customdata": [[panel]] * (TARGETS * TARGETS),
        "hovertemplate": f"panel {panel + 1}<extra></extra>", "showlegend": False,
        "marker": {"size": 20, "opacity": 0.0, "color": theme.NEUTRAL}, "selected": _INVISIBLE,
        "unselected": _INVISIBLE,
    }  # fmt: skip


def _legend() -> list[dict[str, Any]]:
    """Empty traces that show both marks in the legend."""
    disc, ring = source_marks(9, 1.0)
    return [
        {
            "type": "scatter", "mode": "markers", "name": name, "x": [None], "y": [None], "marker": marker,
            "showlegend": True, "hoverinfo": "skip",
        }
        for name, marker in (("q(z)", disc), ("p(z)", ring))
    ]  # fmt: skip


def _frame(panel: int, picked: int | None, real: int) -> dict[str, Any]:
    if picked is None or panel not in (picked, real):
        return {}
    return {"linecolor": theme.RIGHT if panel == real else theme.DEAD, "linewidth": 4}


def _head(panel: int, picked: int | None, real: int, axis: str) -> dict[str, Any]:
    text = f"{panel + 1}"
    if picked is not None and panel == real:
        text = theme.words(f"{text}, the true one" + (", your choice" if picked == real else ""), theme.RIGHT)
    elif picked == panel:
        text = theme.words(f"{text}, your choice", theme.DEAD)
    return {
        "text": text, "align": "left", "xref": f"x{axis} domain", "yref": f"y{axis} domain", "x": 0, "y": 1,
        "xanchor": "left", "yanchor": "bottom", "yshift": 2, "borderpad": 0, "showarrow": False,
        "font": {"size": theme.FONT_TITLE},
    }  # fmt: skip


def _axes(
    panel: int, height: int, window: tuple[np.ndarray, np.ndarray], suffix: str, frame: dict[str, Any]
) -> dict[str, Any]:
    """Framed, without numbers, in equal scale, and moving with those of all other panels."""
    left, row = (panel % COLUMNS) / COLUMNS, panel // COLUMNS
    top = 1 - (row * (SIDE + HEAD) + HEAD) / height
    across = {"domain": (left, left + 1 / COLUMNS - GAP), "range": [float(end[0]) for end in window]}
    up = {"domain": (max(0.0, top - SIDE / height), top), "range": [float(end[1]) for end in window]}
    if suffix:
        across["matches"], up["matches"] = "x", "y"
    else:
        up["scaleanchor"] = "x"
    blank = theme.AXIS | {"showticklabels": False, "ticks": "", "constrain": "domain", "fixedrange": True} | frame
    return {
        f"xaxis{suffix}": blank | across | {"anchor": f"y{suffix}", "constraintoward": "left"},
        f"yaxis{suffix}": blank | up | {"anchor": f"x{suffix}", "constraintoward": "top"},
    }
