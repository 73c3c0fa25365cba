"""Which dimensions of the code are in use: the information of each, active or not, and its KL where it has one."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.intervals import Z_95
from core.records import Estimate

_NUMBERED = 8
"""Dimensions up to which the numbers are written in the bars."""


def dimension_top(information: np.ndarray, kl: np.ndarray | None = None) -> float:
    """Upper end of an axis that holds all bars and dashes with their whiskers, in nats; arguments as below."""
    return 1.05 * max(float((part[:, 0] + Z_95 * part[:, 1]).max()) for part in (information, kl) if part is not None)


def dimension_bars(
    information: np.ndarray,
    activity: np.ndarray,
    threshold: float,
    kl: np.ndarray | None = None,
    *,
    top: float | None = None,
) -> Drawing:
    """Information of each latent dimension, largest first; active ones filled, inactive ones hollow and hatched.

    A dimension is active where the variance over the images of its posterior mean is above the threshold. A dash marks
    its average KL, where the prior is a product over dimensions: what lies between is the marginal KL of the dimension.
    Whiskers are 95 % intervals.

    Args:
        information: (d, 2) I(n; z_j) of each dimension in nats, and its standard error.
        activity: (d,) variance over the images of the posterior mean.
        threshold: of activity.
        kl: (d, 2) average KL of each dimension in nats, and its standard error; None where it has none.
        top: upper end of the axis, nats, where figures of several models are to be compared; None takes its own.

    Raises:
        ValueError: where the arrays are not of these shapes, or hold what is not a number.

    References:
        Burda, Grosse, Salakhutdinov (2016), Importance weighted autoencoders, arXiv:1509.00519.
    """
    count = len(activity)
    for name, values, shape in (("activity", activity, (count,)), ("information", information, (count, 2)),
                                *([("kl", kl, (count, 2))] if kl is not None else [])):  # fmt: skip
        if values.shape != shape or count == 0 or not np.isfinite(values).all():
            raise ValueError(f"{name} must be {shape} finite numbers, d of activity; got shape {values.shape}")
    if not threshold > 0:
        raise ValueError(f"threshold must be above 0, got {threshold}")
    order = np.argsort(-information[:, 0], kind="stable")
    active = activity[order] > threshold
    frame = {"color": theme.NEUTRAL, "width": 1.5}
    hatch = {"shape": "/", "solidity": 0.25, "size": 6, "fillmode": "overlay", "fgcolor": theme.NEUTRAL}
    used, rest = int(active.sum()), int((~active).sum())
    looks = (
        (f"information, active: {used} of {count}", active, {"color": theme.INFORMATION}),
        (f"inactive: {rest}, variance of the mean ≤ {threshold:g}", ~active,
         {"color": theme.TRANSPARENT, "line": frame, "pattern": hatch}),
    )  # fmt: skip
    told = [_words(information[k], None if kl is None else kl[k], float(activity[k]), k) for k in order.tolist()]
    traces: list[dict[str, Any]] = [
        _bars(name, np.flatnonzero(shown), order, information, told) | {"marker": marker}
        for name, shown, marker in looks
        if shown.any()
    ]
    if kl is not None:
        traces.append(_dashes(kl[order], told))
    size = theme.FONT_SMALL if count <= 20 else theme.FONT_SMALL - 3
    ticks = {"tickvals": list(range(count)), "ticktext": [str(k + 1) for k in order], "tickangle": 0}
    across = {
        "range": [-0.6, max(count, _NUMBERED) - 0.4],
        "title": theme.axis_title("latent dimension, most information first", 4),
    }
    low = min(0.0, float((information[:, 0] - Z_95 * information[:, 1]).min()))
    top = max(top or dimension_top(information, kl), 1e-3)
    up = {
        "title": theme.axis_title("nats per image", 8), "zeroline": True, "zerolinecolor": theme.NEUTRAL,
        "range": [low if low < -0.01 * top else 0.0, top],
    }  # fmt: skip
    layout = theme.layout(height=360, legend=[trace["name"] for trace in traces]) | {
        "xaxis": theme.AXIS | ticks | across | {"tickfont": {"size": size}, "ticks": "", "mirror": False},
        "yaxis": theme.AXIS | up | {"automargin": True, "mirror": False},
        "bargap": 0.2,
    }
    return drawing(traces, layout | {"barmode": "overlay"})


def _words(information: np.ndarray, kl: np.ndarray | None, activity: float, dimension: int) -> list[str]:
    """What the pointer says of a dimension, and the number in its bar."""
    number = str(Estimate(*information.tolist()))
    costs = "" if kl is None else f"<br>average KL {Estimate(*kl.tolist())} nats"
    hover = f"dimension {dimension + 1}<br>information {number} nats{costs}<br>variance of the mean {activity:.3g}"
    return [hover, number]


def _bars(
    name: str, places: np.ndarray, order: np.ndarray, information: np.ndarray, told: list[list[str]]
) -> dict[str, Any]:
    """Bars at these places of the order."""
    chosen = information[order[places]]
    numbered = len(order) <= _NUMBERED
    return {
        "type": "bar", "name": name, "x": places.astype(np.float32), "y": chosen[:, 0].astype(np.float32),
        "error_y": _whiskers(chosen), "hovertext": [told[place][0] for place in places],
        "hovertemplate": "%{hovertext}<extra></extra>", "showlegend": True,
        "text": [told[place][1] for place in places] if numbered else None, "textposition": "inside",
        "insidetextanchor": "start", "textangle": 0, "constraintext": "none", "cliponaxis": False,
        "textfont": {"size": theme.FONT_SMALL},
    }  # fmt: skip


def _dashes(kl: np.ndarray, told: list[list[str]]) -> dict[str, Any]:
    """Average KL of each dimension, in their order."""
    size = 16 if len(kl) > _NUMBERED else 34
    mark = {"symbol": "line-ew-open", "size": size, "color": theme.KL, "line": {"color": theme.KL, "width": 3}}
    return {
        "type": "scatter", "mode": "markers", "name": "average KL: information and marginal KL",
        "x": np.arange(len(kl), dtype=np.float32), "y": kl[:, 0].astype(np.float32), "error_y": _whiskers(kl),
        "marker": mark, "hovertext": [hover for hover, _ in told], "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": True,
    }  # fmt: skip


def _whiskers(values: np.ndarray) -> dict[str, Any]:
    return {"array": (Z_95 * values[:, 1]).astype(np.float32), "thickness": 1.5, "width": 3, "color": theme.NEUTRAL}
