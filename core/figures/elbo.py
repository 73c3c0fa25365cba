"""ELBO surgery of several models in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.intervals import Z_95
from core.records import Estimate

_GAP = "\u2003"
"""An em space, which keeps numbers beside a bar clear of its whisker."""


@dataclass(frozen=True)
class _Term:
    """How one term is drawn: its key in the metrics, name, colours, hatch, panel, and place in a row of height 1."""

    key: str
    label: str
    colour: str
    text: str
    hatch: str
    panel: str
    offset: float
    width: float


_TERMS = (
    _Term("reconstruction", "reconstruction", theme.RECONSTRUCTION, theme.HEX_FFFFFF, "", "", -0.38, 0.76),
    _Term(
        "mutual_information", "mutual information I(n; z)", theme.INFORMATION, theme.HEX_000000, "", "2", -0.38, 0.37
    ),
    _Term("marginal_kl", "marginal KL(q(z) ‖ p(z))", theme.MARGINAL, theme.HEX_000000, "/", "2", 0.01, 0.37),
)


def elbo_split(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> Drawing:
    """ELBO = reconstruction − mutual information − marginal KL, one row a model, in nats per image.

    Reconstruction is 10 to 50 times larger and so has its own panel. The ceiling of the mutual information, log n, is
    marked on its bar, and on the marginal KL's what a perfect prior would leave of it, where that is known. Numbers are
    ± one standard error, whiskers are 95 % intervals.

    Args:
        rows: name and metrics of each model, first on top. Metrics are "reconstruction", "mutual_information",
            "marginal_kl" and "log_n", each {"value": ..., "se": ...} in nats, and "marginal_kl_null" where known.

    Returns:
        A figure of two panels on one column of names.
    """
    names = [name for name, _ in rows]
    if not rows or len(set(names)) != len(names):
        raise ValueError(f"rows must hold one or more models, each name once, got {names}")
    unit = theme.axis_title("nats per image", 4)
    axis = theme.AXIS | {"title": unit, "mirror": False, "zeroline": True, "zerolinecolor": theme.NEUTRAL}
    # Rows are numbers with names for ticks, so that the ceiling can stand beside one bar of its row.
    row_axis = {"range": [len(rows) - 0.5, -0.5], "tickvals": list(range(len(rows))), "ticktext": names}
    row_axis |= {"showgrid": False, "zeroline": False}
    traces = [_bars(rows, term) for term in _TERMS] + [_ceilings(rows), *_nulls(rows)]
    legend = [trace["name"] for trace in traces]
    layout = theme.layout(height=120 + 22 * theme.legend_rows(legend) + 72 * len(rows), legend=legend) | {
        "xaxis": axis | {"domain": (0, 0.36)},
        "xaxis2": axis | {"domain": (0.44, 1), "anchor": "y2", "range": _code_range(rows)},
        "yaxis": row_axis | {"automargin": True},
        "yaxis2": row_axis | {"matches": "y", "anchor": "x2", "showticklabels": False},
        "barmode": "overlay",
    }  # fmt: skip
    return drawing(traces, layout)


def _bars(rows: Sequence[tuple[str, Mapping[str, Any]]], term: _Term) -> dict[str, Any]:
    value, se = _numbers(rows, term.key)
    half = Z_95 * se
    words = [str(Estimate(a, b)) for a, b in zip(value.tolist(), se.tolist(), strict=True)]
    hatch = {"shape": term.hatch, "solidity": 0.3, "size": 8, "fillmode": "overlay", "fgcolor": theme.HATCH}
    return {
        "type": "bar", "orientation": "h", "name": term.label, "x": value.astype(np.float32),
        "y": np.arange(len(rows), dtype=np.float32), "offset": term.offset, "width": term.width,
        "xaxis": f"x{term.panel}", "yaxis": f"y{term.panel}", "marker": {"color": term.colour, "pattern": hatch},
        "error_x": {"array": half.astype(np.float32), "thickness": 1.8, "width": 5, "color": theme.NEUTRAL},
        "text": [f"{_GAP}{word}{_GAP}" for word in words], "textposition": "auto", "textangle": 0,
        "insidetextanchor": "start", "textfont": {"size": theme.FONT_SMALL}, "cliponaxis": False,
        "insidetextfont": {"color": term.text},
        "customdata": [[name, word] for (name, _), word in zip(rows, words, strict=True)],
        "hovertemplate": f"%{{customdata[0]}}<br>{term.label}: %{{customdata[1]}} nats<extra></extra>",
    }  # fmt: skip


def _ceilings(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """A mark at log n beside each bar of mutual information."""
    value, _ = _numbers(rows, "log_n")
    place = _TERMS[1].offset + _TERMS[1].width / 2
    marker = {"symbol": "line-ns-open", "size": 26, "color": theme.NEUTRAL, "line": {"width": 3}}
    return {
        "type": "scatter", "mode": "markers", "name": "log n, the ceiling of I(n; z)", "x": value.astype(np.float32),
        "y": np.arange(len(rows), dtype=np.float32) + np.float32(place), "xaxis": "x2", "yaxis": "y2",
        "marker": marker, "hovertemplate": "log n = %{x:.2f} nats<extra></extra>",
    }  # fmt: skip


def _nulls(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """A mark on each marginal KL where a perfect prior would end it, where that is known."""
    known = [(k, row["marginal_kl_null"]["value"]) for k, (_, row) in enumerate(rows) if "marginal_kl_null" in row]
    if not known:
        return []
    place = _TERMS[2].offset + _TERMS[2].width / 2
    edge = {"color": theme.PICKED_HALO, "width": 1.5}
    return [{
        "type": "scatter", "mode": "markers", "name": "a perfect prior's marginal KL",
        "x": np.array([value for _, value in known], np.float32),
        "y": np.array([k + place for k, _ in known], np.float32), "xaxis": "x2", "yaxis": "y2",
        "marker": {"symbol": "diamond-tall", "size": 13, "color": theme.PICKED, "line": edge},
        "hovertemplate": "a perfect prior would still have %{x:.2f} nats<extra></extra>",
    }]  # fmt: skip


def _code_range(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[float]:
    """Range of the second panel: from 0, or from under the lowest bar with room for its number, to past the ceiling."""
    bars = [_numbers(rows, key) for key in ("mutual_information", "marginal_kl", "log_n")]
    high = max(float((value + Z_95 * se).max()) for value, se in bars)
    low = min(float((value - Z_95 * se).min()) for value, se in bars)
    return [low - 0.25 * high if low < 0 else 0.0, 1.06 * high]


def _numbers(rows: Sequence[tuple[str, Mapping[str, Any]]], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Values and standard errors of one metric, (N,) each."""
    for name, metrics in rows:
        if key not in metrics:
            raise ValueError(f"metrics of {name!r} lack {key!r}, have {sorted(metrics)}: run `python -m core evaluate`")
    pairs = [(metrics[key]["value"], metrics[key]["se"]) for _, metrics in rows]
    value, se = np.array(pairs, np.float64).T
    return value, se
