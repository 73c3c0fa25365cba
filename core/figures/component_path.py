"""How ordinary the places are on ways between two codes: log q and log p along them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.component_records import Path, Usual
from core.figures import theme
from core.figures.drawing import Drawing, drawing

HEIGHT = 360
_DOMAINS = ((0.0, 0.47), (0.55, 1.0))
_MARK = 10
"""Pixels of a marker."""


def path_figure(ways: Sequence[tuple[str, Path]], usual: Usual) -> Drawing:
    """Two panels, log q(z) and log p(z) in nats along the ways; the band holds 90 % of each distribution's own draws.

    Each way has a colour, a dash and a marker of its own (``theme.WAYS``); markers stand where an image is shown. Where
    the density of q is not known, there is one panel only.
    """
    traces: list[dict[str, Any]] = []
    sides = [(theme.DATA, "log_q", usual.log_q), (theme.PRIOR, "log_p", usual.log_p)]
    known = [side for side in sides if np.isfinite(side[2]).all()]
    panels = list(zip(("", "2"), _DOMAINS if len(known) == 2 else ((0.0, 1.0),), known, strict=False))
    for axis, _, (_, key, _) in panels:
        for name, way in ways:
            traces.append(_line(name, way, getattr(way, key), axis))
    traces += [_key(name) for name, _ in ways]
    layout = theme.layout(height=HEIGHT, legend=[name for name, _ in ways], heads=False)
    layout["margin"] |= {"t": layout["margin"]["t"] + 24, "l": 70}
    axes: dict[str, Any] = {}
    bands: list[dict[str, Any]] = []
    heads = []
    for axis, domain, (colour, key, ends) in panels:
        axes |= _axes(axis, domain, ends, np.concatenate([getattr(way, key) for _, way in ways]))
        bands += _band(axis, ends, colour)
        whose = "log q(z)" if key == "log_q" else "log p(z)"
        own = "the data's codes" if key == "log_q" else "the prior's draws"
        heads.append(_head(axis, f"{theme.words(whose, colour)}, nats; band: 90 % of {own}"))
    return drawing(traces, layout | axes | {"shapes": bands, "annotations": heads})


def _line(name: str, way: Path, values: np.ndarray, axis: str) -> dict[str, Any]:
    size = np.zeros(len(way.t), np.float32)
    size[way.shown] = _MARK
    return _look(name, size) | {
        "mode": "lines+markers", "x": way.t.astype(np.float32), "y": values.astype(np.float32),
        "xaxis": f"x{axis}", "yaxis": f"y{axis}", "showlegend": False,
        "hovertemplate": f"{name}<br>%{{x:.2f}} of the way: %{{y:.2f}} nats<extra></extra>",
    }  # fmt: skip


def _key(name: str) -> dict[str, Any]:
    return _look(name, _MARK) | {"mode": "lines+markers", "x": [None], "y": [None], "hoverinfo": "skip"}


def _look(name: str, size: Any) -> dict[str, Any]:
    colour, dash, symbol = theme.WAYS[name]
    marker = {"symbol": symbol, "size": size, "color": colour, "line": {"width": 2, "color": colour}}
    return {"type": "scatter", "name": name, "marker": marker, "line": {"color": colour, "width": 2.4, "dash": dash},
            "showlegend": True}  # fmt: skip


def _band(axis: str, usual: tuple[float, float, float], colour: str) -> list[dict[str, Any]]:
    base = {"xref": f"x{axis} domain", "yref": f"y{axis}", "x0": 0, "x1": 1, "layer": "below"}
    fill = {"type": "rect", "y0": usual[0], "y1": usual[2], "fillcolor": theme.rgba(colour, 0.15), "line": {"width": 0}}
    middle = {"type": "line", "y0": usual[1], "y1": usual[1], "line": {"color": colour, "width": 1, "dash": "dot"}}
    return [base | fill, base | middle]


def _axes(
    axis: str, domain: tuple[float, float], usual: tuple[float, float, float], values: np.ndarray
) -> dict[str, Any]:
    low, high = min(float(values.min()), usual[0]), max(float(values.max()), usual[2])
    margin = 0.06 * (high - low)
    across = {"domain": domain, "range": [-0.03, 1.03], "title": theme.axis_title("share of the way", 4)}
    return {
        f"xaxis{axis}": theme.AXIS | across | {"anchor": f"y{axis}"},
        f"yaxis{axis}": theme.AXIS | {"range": [low - margin, high + margin], "anchor": f"x{axis}"},
    }


def _head(axis: str, text: str) -> dict[str, Any]:
    return {
        "text": text, "xref": f"x{axis} domain", "yref": f"y{axis} domain", "x": 0, "y": 1, "xanchor": "left",
        "yanchor": "bottom", "showarrow": False, "yshift": 2, "font": {"size": theme.FONT},
    }  # fmt: skip
