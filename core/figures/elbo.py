"""ELBO surgery of several models in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures import theme

Z_95 = 1.96
"""Half-widths of 95 % intervals in standard errors."""
_TERMS = (
    ("reconstruction", "reconstruction", theme.RECONSTRUCTION, "", ""),
    ("mutual_information", "mutual information I(n; z)", theme.INFORMATION, "", "2"),
    ("marginal_kl", "marginal KL(q(z) ‖ p(z))", theme.MARGINAL, "/", "2"),
)
"""Key, name, colour, hatch and panel of each term."""


def elbo_split(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> go.Figure:
    """ELBO = reconstruction − mutual information − marginal KL, one row a model, in nats per image.

    Reconstruction is 10 to 50 times larger and so has its own panel. The ceiling of the mutual information, log n, is
    marked on its bar. Whiskers are 95 % intervals.

    Args:
        rows: name and metrics of each model, first on top. Metrics are "reconstruction", "mutual_information",
            "marginal_kl" and "log_n", each {"value": ..., "se": ...} in nats.

    Returns:
        A figure of two panels on one column of names.
    """
    names = [name for name, _ in rows]
    if not rows or len(set(names)) != len(names):
        raise ValueError(f"rows must hold one or more models, each name once, got {names}")
    figure = go.Figure([_bars(rows, *term) for term in _TERMS])
    figure.add_trace(_ceilings(rows))
    theme.style(figure, height=150 + 78 * len(rows))
    x_axis = {"ticks": "outside", "tickcolor": theme.NEUTRAL, "zeroline": True, "zerolinecolor": theme.NEUTRAL}
    x_axis |= {"showgrid": False, "nticks": 6}
    figure.update_layout(
        xaxis=x_axis | {"domain": (0, 0.36), "title": {"text": "reconstruction, nats", "standoff": 4}},
        xaxis2=x_axis | {"domain": (0.42, 1), "anchor": "y2", "title": {"text": "paid for the code, nats", "standoff": 4}},
        yaxis={"autorange": "reversed", "showgrid": False, "automargin": True, "type": "category"},
        yaxis2={"matches": "y", "anchor": "x2", "showticklabels": False, "showgrid": False, "type": "category"},
        bargap=0.25, bargroupgap=0.06, barmode="group", margin_t=16, margin_b=92,
    )  # fmt: skip
    return figure


def _bars(
    rows: Sequence[tuple[str, Mapping[str, Any]]], key: str, label: str, colour: str, hatch: str, panel: str
) -> go.Bar:
    value, se = _numbers(rows, key)
    words = [f"{a:.2f} ± {Z_95 * b:.2f}".replace("-", "−") for a, b in zip(value.tolist(), se.tolist(), strict=True)]
    return go.Bar(
        x=value.astype(np.float32), y=[name for name, _ in rows], orientation="h", name=label,
        xaxis=f"x{panel}", yaxis=f"y{panel}", offsetgroup=key,
        marker={"color": colour, "pattern": {"shape": hatch, "solidity": 0.25, "size": 7}},
        error_x={"type": "data", "array": (Z_95 * se).astype(np.float32), "thickness": 1.6, "width": 5, "color": theme.NEUTRAL},
        text=words, textposition="auto", insidetextanchor="start", textangle=0, cliponaxis=False,
        hovertemplate=f"%{{y}}<br>{label}: %{{text}} nats<extra></extra>",
    )  # fmt: skip


def _ceilings(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> go.Scatter:
    """A mark at log n, in the row of each model."""
    value, _ = _numbers(rows, "log_n")
    return go.Scatter(
        x=value.astype(np.float32), y=[name for name, _ in rows], xaxis="x2", yaxis="y2", mode="markers",
        marker={"symbol": "line-ns-open", "size": 30, "line": {"width": 3, "color": theme.NEUTRAL}},
        name="log n, the most that I(n; z) can be", hovertemplate="log n = %{x:.2f} nats<extra></extra>",
    )  # fmt: skip


def _numbers(rows: Sequence[tuple[str, Mapping[str, Any]]], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Values and standard errors of one metric, (N,) each."""
    for name, metrics in rows:
        if key not in metrics:
            raise ValueError(f"metrics of {name!r} lack {key!r}, they have {sorted(metrics)}: run `python -m core evaluate`")
    pairs = [(metrics[key]["value"], metrics[key]["se"]) for _, metrics in rows]
    value, se = np.array(pairs, np.float64).T
    return value, se
