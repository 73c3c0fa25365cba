"""Which dimensions of the code are in use: the KL of each, active or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.intervals import Z_95
from core.records import Estimate

_NUMBERED = 8
"""Dimensions up to which the numbers are written above the bars."""


def dimension_bars(kl: np.ndarray, kl_se: np.ndarray, activity: np.ndarray, threshold: float) -> Drawing:
    """KL of each latent dimension, largest first; active ones filled, inactive ones hollow and hatched.

    A dimension is active where the variance over the images of its posterior mean is above the threshold. Whiskers are
    95 % intervals.

    Args:
        kl: (d,) average KL of each dimension, in nats per image.
        kl_se: (d,) standard errors.
        activity: (d,) variance over the images of the posterior mean.
        threshold: of activity.

    Raises:
        ValueError: where the arrays are not of one shape (d,), or hold what is not a number.

    References:
        Burda, Grosse, Salakhutdinov (2016), Importance weighted autoencoders, arXiv:1509.00519.
    """
    for name, values in (("kl", kl), ("kl_se", kl_se), ("activity", activity)):
        if values.shape != kl.shape or values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
            raise ValueError(f"{name} must be (d,) finite numbers, as many as kl has, got shape {values.shape}")
    if not threshold > 0:
        raise ValueError(f"threshold must be above 0, got {threshold}")
    order = np.argsort(-kl, kind="stable")
    active = activity[order] > threshold
    frame = {"color": theme.NEUTRAL, "width": 1.5}
    hatch = {"shape": "/", "solidity": 0.25, "size": 6, "fillmode": "overlay", "fgcolor": theme.NEUTRAL}
    count, rest = int(active.sum()), int((~active).sum())
    looks = (
        (f"active: {count} of {len(kl)}", active, {"color": theme.INFORMATION}),
        (f"inactive: {rest}, variance of the mean ≤ {threshold:g}", ~active,
         {"color": theme.TRANSPARENT, "line": frame, "pattern": hatch}),
    )  # fmt: skip
    traces: list[dict[str, Any]] = [
        _bars(name, np.flatnonzero(shown), order, kl, kl_se, activity) | {"marker": marker}
        for name, shown, marker in looks
        if shown.any()
    ]
    size = theme.FONT_SMALL if len(kl) <= 20 else theme.FONT_SMALL - 3
    ticks = {"tickvals": list(range(len(kl))), "ticktext": [str(k + 1) for k in order], "tickangle": 0}
    across = {
        "range": [-0.6, max(len(kl), _NUMBERED) - 0.4],
        "title": theme.axis_title("latent dimension, largest KL first", 4),
    }
    up = {"title": theme.axis_title("average KL, nats per image", 8), "zeroline": True, "zerolinecolor": theme.NEUTRAL}
    layout = theme.layout(height=360, legend=[trace["name"] for trace in traces]) | {
        "xaxis": theme.AXIS | ticks | across | {"tickfont": {"size": size}, "ticks": "", "mirror": False},
        "yaxis": theme.AXIS | up | {"automargin": True, "mirror": False, "rangemode": "tozero"},
        "bargap": 0.2,
    }
    return drawing(traces, layout | {"barmode": "overlay"})


def _bars(
    name: str, places: np.ndarray, order: np.ndarray, kl: np.ndarray, kl_se: np.ndarray, activity: np.ndarray
) -> dict[str, Any]:
    """Bars at these places of the order."""
    chosen = order[places]
    words = [str(Estimate(float(kl[k]), float(kl_se[k]))) for k in chosen]
    notes = [[int(k) + 1, word, f"{activity[k]:.3g}"] for k, word in zip(chosen, words, strict=True)]
    whiskers = {
        "array": (Z_95 * kl_se[chosen]).astype(np.float32),
        "thickness": 1.5,
        "width": 3,
        "color": theme.NEUTRAL,
    }
    hover = (
        "dimension %{customdata[0]}<br>KL %{customdata[1]} nats<br>variance of the mean %{customdata[2]}<extra></extra>"
    )
    return {
        "type": "bar", "name": name, "x": places.astype(np.float32), "y": kl[chosen].astype(np.float32),
        "error_y": whiskers, "customdata": notes, "hovertemplate": f"{hover}<extra></extra>", "showlegend": True,
        "text": words if len(kl) <= _NUMBERED else None, "textposition": "outside", "cliponaxis": False,
        "textfont": {"size": theme.FONT_SMALL},
    }  # fmt: skip
