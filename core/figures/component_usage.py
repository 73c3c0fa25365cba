"""How evenly the components of a mixture prior are used: their entropy against its ceiling, and each one's usage."""

from __future__ import annotations

import math

import numpy as np

from core.component_records import DEAD_SHARE, Components, order
from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.intervals import Z_95

HEIGHT = 420
LOWEST = 1e-3
"""Usage times K under which a component stands at the lower end of the axis."""


def usage_figure(found: Components) -> Drawing:
    """Above, the entropy of the usage against log K; below, every component's usage, most used first.

    The bar is H(r) with its 95 % whisker; the dashed line what a perfect match would show with as many images, the
    dotted one log K. Below, usage as a multiple of 1/K with 95 % whiskers, on a logarithmic axis; under the dotted line
    a component is dead.
    """
    count, effective = len(found), found.effective
    ranked = order(found, "usage")
    usage, se = found.usage[ranked] * count, found.usage_se[ranked] * count
    low = np.maximum(usage - Z_95 * se, LOWEST)
    shown = np.maximum(usage, LOWEST)
    whiskers = {
        "type": "data", "symmetric": False, "array": (Z_95 * se).astype(np.float32), "thickness": 1, "width": 0,
        "arrayminus": (shown - np.minimum(low, shown)).astype(np.float32), "color": theme.rgba(theme.DATA, 0.5),
    }  # fmt: skip
    dead = found.dead[ranked]
    rank = np.arange(1, count + 1, dtype=np.float32)
    marker = {"size": 5 if count > 100 else 8, "color": np.where(dead, theme.DEAD, theme.DATA).tolist()}
    marker |= {"symbol": np.where(dead, "x", "circle").tolist()}
    curve = {
        "type": "scatter", "mode": "markers", "x": rank, "y": shown.astype(np.float32), "error_y": whiskers,
        "marker": marker, "name": "usage", "showlegend": False, "customdata": [[int(k) + 1] for k in ranked],
        "hovertemplate": "k = %{customdata[0]}: %{y:.2f} / K<extra></extra>",
    }  # fmt: skip
    half = Z_95 * effective.entropy.se
    bar = {
        "type": "bar", "orientation": "h", "x": [effective.entropy.value], "y": [0], "yaxis": "y2", "xaxis": "x2",
        "marker": {"color": theme.rgba(theme.DATA, 0.75)}, "name": "entropy", "showlegend": False, "width": [0.6],
        "error_x": {"type": "data", "array": [half], "thickness": 2, "width": 6, "color": theme.NEUTRAL},
        "hovertemplate": f"H(r) = {effective.entropy} nats<extra></extra>",
    }  # fmt: skip
    layout = theme.layout(height=HEIGHT)
    layout["margin"] |= {"t": 34, "l": 66}
    axes = _axes(count, float(shown.min()), float(shown.max()))
    return drawing([curve, bar], layout | axes | {"shapes": _lines(found), "annotations": _notes(found)})


def _axes(count: int, low: float, high: float) -> dict[str, dict]:
    top = math.log(count)
    bottom = min(math.log10(low), math.log10(DEAD_SHARE)) - 0.15
    return {
        "xaxis": theme.AXIS
        | {"range": [0, count + 1], "title": theme.axis_title("components, most used first", 6), "anchor": "y"},
        "yaxis": theme.AXIS
        | {"type": "log", "domain": [0, 0.7], "range": [bottom, max(math.log10(high), 0) + 0.15]}
        | {"title": theme.axis_title("usage · K", 6), "tickvals": [0.001, 0.01, 0.1, 1, 10, 100]}
        | {"ticktext": ["≤ 0.001", "0.01", "0.1", "1", "10", "100"]},
        "xaxis2": theme.AXIS
        | {"range": [0, 1.08 * top], "anchor": "y2", "title": theme.axis_title("entropy of the usage, nats", 2)},
        "yaxis2": {"domain": [0.9, 1], "visible": False, "range": [-0.5, 0.5], "anchor": "x2"},
    }


def _lines(found: Components) -> list[dict]:
    line = {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y"}
    up = {"type": "line", "xref": "x2", "yref": "y2 domain", "y0": -0.15, "y1": 1.15}
    null, top = found.effective.entropy_null, math.log(len(found))
    return [
        line | {"y0": 1, "y1": 1, "line": {"color": theme.PRIOR, "width": 2, "dash": "8px,5px"}},
        line | {"y0": DEAD_SHARE, "y1": DEAD_SHARE, "line": {"color": theme.DEAD, "width": 2, "dash": "dot"}},
        up | {"x0": null, "x1": null, "line": {"color": theme.PRIOR, "width": 2, "dash": "8px,5px"}},
        up | {"x0": top, "x1": top, "line": {"color": theme.NEUTRAL, "width": 2, "dash": "dot"}},
    ]


def _notes(found: Components) -> list[dict]:
    small = {"showarrow": False, "font": {"size": theme.FONT_SMALL}, "borderpad": 1}
    side = small | {"xref": "x domain", "x": 0.005, "xanchor": "left", "yref": "y"}
    top, effective = math.log(len(found)), found.effective
    head = (
        f"<b>H(r) = {effective.entropy.value:.3f}</b> of log K = {top:.3f}; "
        f"{theme.words('dashed', theme.PRIOR)}: a perfect match, {effective.entropy_null:.3f}"
    )
    return [
        side | {"y": 0, "yanchor": "bottom", "text": "equal use, 1/K", "yshift": 1, "x": 0.995, "xanchor": "right"},
        side | {"y": math.log10(DEAD_SHARE), "yanchor": "bottom", "text": "dead below", "yshift": 1},
        small | {"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": 1.02, "yanchor": "bottom"}
        | {"text": head, "font": {"size": theme.FONT}},
    ]  # fmt: skip
