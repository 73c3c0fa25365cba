"""The ELBO as a sum that can be read off: reconstruction, what it loses, the bound, and how loose the bound is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.figures.surgery_words import estimate_of
from core.intervals import Z_95
from core.records import Estimate

_LANES = ("", "− mutual information", "− marginal KL", "= ELBO", "+ looseness of the bound")
"""What each line of a model says; the first is its name."""
_PITCH = 5.5
"""Lines from one model's name to the next one's."""
_LINE = 22
"""Pixels of a line."""
_GAP = "\u2002"
"""An en space, which keeps numbers clear of bars and whiskers."""
_LETTER = 7.6
"""Pixels of a letter, on average."""
_ROOM = 500
"""Pixels between the names and the right edge of the narrowest figure."""


@dataclass(frozen=True)
class _Row:
    """One model: the terms of its sum, in nats, and the line it starts at."""

    name: str
    top: float
    reconstruction: Estimate
    information: Estimate
    marginal: Estimate
    null: Estimate | None
    ceiling: float
    elbo: Estimate
    weighted: Estimate
    exact: Estimate | None
    gap: Estimate | None

    @property
    def likelihood(self) -> Estimate:
        """The best known log p(x)."""
        return self.weighted if self.exact is None else self.exact

    @property
    def middle(self) -> float:
        """What is left after the mutual information."""
        return self.reconstruction.value - self.information.value

    @property
    def looseness(self) -> float:
        """log p(x) − ELBO; a lower end where log p(x) is only known by a bound."""
        return self.likelihood.value - self.elbo.value if self.gap is None else self.gap.value


def elbo_waterfall(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> Drawing:
    """reconstruction − I(n; z) − KL(q(z) ‖ p(z)) = ELBO, and ELBO + KL(q(z|x) ‖ p(z|x)) = log p(x), in nats per image.

    Five lines a model on one axis for all. The box around the mutual information ends at its ceiling, log n; the mark
    in the marginal KL is what a perfect prior would still have. Numbers are ± one standard error, whiskers are 95 %
    intervals. All errors but the two KLs' are those of the images, which the models share: differences between models
    are known far better than the whiskers tell.

    Args:
        rows: name and metrics of each model, first on top, all of one data set and split. Metrics are "reconstruction",
            "mutual_information", "marginal_kl", "log_n", "elbo" and "nll" (importance-weighted), where it is known
            "marginal_kl_null", where log p(x) is known exactly "log_likelihood", and "bound_gap" with the paired error
            of its difference to the ELBO ("importance_gain" where it is not known): {"value": ..., "se": ...}, in nats.

    Raises:
        ValueError: without rows, with a name twice, or with a metric missing.

    References:
        Hoffman, Johnson (2016), ELBO surgery: yet another way to carve up the variational evidence lower bound.
        Cremer, Li, Duvenaud (2018), Inference suboptimality in variational autoencoders, arXiv:1801.03558.
    """
    names = [name for name, _ in rows]
    if not rows or len(set(names)) != len(names):
        raise ValueError(f"rows must hold one or more models, each name once, got {names}")
    found = [_row(name, metrics, index * _PITCH) for index, (name, metrics) in enumerate(rows)]
    traces = [_steps(found), _ceiling(found), _information(found), _marginal(found), _looseness(found)]
    traces += [*_nulls(found), *_marks(found), *_numbers(found)]
    legend = [trace["name"] for trace in traces if trace.get("showlegend")]
    height = 76 + 22 * theme.legend_rows(legend) + int(_LINE * (_PITCH * len(found) + 0.2))
    ticks = [f"<b>{row.name}</b>" if lane == 0 else words for row in found for lane, words in enumerate(_LANES)]
    axis = theme.AXIS | {"title": theme.axis_title("nats per image", 4), "mirror": False, "range": _range(found)}
    lines = theme.AXIS | {
        "range": [found[-1].top + _PITCH - 0.6, -0.8], "tickvals": [row.top + k for row in found for k in range(5)],
        "ticktext": ticks, "automargin": True, "ticks": "", "showline": False, "mirror": False,
    }  # fmt: skip
    layout = theme.layout(height=height, legend=legend) | {"barmode": "overlay", "shapes": _rules(found)}
    return drawing(traces, layout | {"xaxis": axis, "yaxis": lines})


def _row(name: str, metrics: Mapping[str, Any], top: float) -> _Row:
    def term(key: str) -> Estimate:
        return estimate_of(metrics, key, name)

    gap = "bound_gap" if "log_likelihood" in metrics else "importance_gain"
    nll, exact = term("nll"), term("log_likelihood") if "log_likelihood" in metrics else None
    return _Row(
        name=name,
        top=top,
        reconstruction=term("reconstruction"),
        information=term("mutual_information"),
        marginal=term("marginal_kl"),
        null=term("marginal_kl_null") if "marginal_kl_null" in metrics else None,
        ceiling=term("log_n").value,
        elbo=term("elbo"),
        weighted=Estimate(-nll.value, nll.se),
        exact=exact,
        gap=term(gap) if gap in metrics else None,
    )


def _floats(values: Sequence[float]) -> np.ndarray:
    return np.array(values, np.float32)


def _bars(
    rows: Sequence[_Row], lane: int, starts: Sequence[float], lengths: Sequence[Estimate], words: Sequence[str]
) -> dict[str, Any]:
    """Floating bars of one line of each model, from a start over a signed length."""
    return {
        "type": "bar", "orientation": "h", "base": _floats(starts).tolist(), "x": _floats([e.value for e in lengths]),
        "y": _floats([row.top + lane for row in rows]), "width": 0.74, "cliponaxis": False, "showlegend": False,
        "error_x": _whiskers(lengths), "customdata": [[r.name, word] for r, word in zip(rows, words, strict=True)],
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    }  # fmt: skip


def _whiskers(values: Sequence[Estimate]) -> dict[str, Any]:
    return {"array": _floats([Z_95 * e.se for e in values]), "thickness": 1.8, "width": 4, "color": theme.NEUTRAL}


def _hatch(shape: str) -> dict[str, Any]:
    return {"shape": shape, "solidity": 0.3, "size": 8, "fillmode": "overlay", "fgcolor": theme.HATCH}


def _information(rows: Sequence[_Row]) -> dict[str, Any]:
    """Down from the reconstruction."""
    words = [f"mutual information I(n; z): {r.information} nats, at most log n = {r.ceiling:.2f}" for r in rows]
    lengths = [Estimate(-r.information.value, r.information.se) for r in rows]
    bars = _bars(rows, 1, [r.reconstruction.value for r in rows], lengths, words)
    return bars | {"name": "mutual information", "marker": {"color": theme.INFORMATION}}


def _ceiling(rows: Sequence[_Row]) -> dict[str, Any]:
    """An open box from the reconstruction down by log n."""
    words = [f"ceiling of the mutual information, log n = {r.ceiling:.2f} nats" for r in rows]
    bars = _bars(rows, 1, [r.reconstruction.value for r in rows], [Estimate(-r.ceiling, 0.0) for r in rows], words)
    frame = {"color": theme.TRANSPARENT, "line": {"color": theme.NEUTRAL, "width": 2}}
    return bars | {"name": "ceiling of the information, log n", "marker": frame, "error_x": None, "showlegend": True}


def _marginal(rows: Sequence[_Row]) -> dict[str, Any]:
    """Down from there."""
    words = [f"marginal KL(q(z) ‖ p(z)): {r.marginal} nats, with a perfect prior {r.null or 'unknown'}" for r in rows]
    lengths = [Estimate(-r.marginal.value, r.marginal.se) for r in rows]
    bars = _bars(rows, 2, [r.middle for r in rows], lengths, words)
    return bars | {"name": "marginal KL", "marker": {"color": theme.MARGINAL, "pattern": _hatch("/")}}


def _looseness(rows: Sequence[_Row]) -> dict[str, Any]:
    """Up from the bound to log p(x)."""
    words = [
        f"KL(q(z|x) ‖ p(z|x)), the looseness of the bound: {_looseness_word(r)} nats,<br>"
        "on the same images, so known better than its two ends"
        for r in rows
    ]
    lengths = [Estimate(r.looseness, r.likelihood.se) for r in rows]
    bars = _bars(rows, 4, [r.elbo.value for r in rows], lengths, words)
    return bars | {"name": "looseness", "marker": {"color": theme.LOOSENESS, "pattern": _hatch("x")}}


def _looseness_word(row: _Row) -> str:
    words = f"{row.looseness:.2f}".replace("-", "−") if row.gap is None else str(row.gap)
    return words if row.exact else f"≥ {words}"


def _steps(rows: Sequence[_Row]) -> dict[str, Any]:
    """Thin lines from the end of each bar to the start of the next."""
    x: list[float] = []
    y: list[float] = []
    for row in rows:
        start, end = row.reconstruction.value, row.middle - row.marginal.value
        for at, first, last in ((start, 0, 1), (row.middle, 1, 2), (end, 2, 3), (row.elbo.value, 3, 4)):
            x += [at, at, np.nan]
            y += [row.top + first, row.top + last, np.nan]
    line = {"color": theme.NEUTRAL, "width": 1, "dash": "2px,2px"}
    return {
        "type": "scatter", "mode": "lines", "name": "steps", "x": _floats(x), "y": _floats(y), "line": line,
        "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip


def _nulls(rows: Sequence[_Row]) -> list[dict[str, Any]]:
    """A mark in the marginal KL where a perfect prior would end it: black with a white edge, seen on any ground."""
    known = [(row, row.null) for row in rows if row.null is not None]
    if not known:
        return []
    edge = {"color": theme.PICKED_HALO, "width": 1.5}
    return [{
        "type": "scatter", "mode": "markers", "x": _floats([r.middle - null.value for r, null in known]),
        "y": _floats([r.top + 2 for r, _ in known]), "name": "a perfect prior's marginal KL",
        "marker": {"symbol": "diamond-tall", "size": 13, "color": theme.PICKED, "line": edge}, "showlegend": True,
        "customdata": [[r.name, str(null)] for r, null in known],
        "hovertemplate": "%{customdata[0]}<br>a perfect prior would still have %{customdata[1]} nats<extra></extra>",
    }]  # fmt: skip


def _marks(rows: Sequence[_Row]) -> list[dict[str, Any]]:
    """Reconstruction and ELBO as marks; log p(x) as a ring where it is a bound, a disc where it is exact."""
    exact = [row for row in rows if row.exact is not None]
    looks = (
        ("reconstruction", 0, rows, [r.reconstruction for r in rows], "square", theme.RECONSTRUCTION, 11),
        ("ELBO", 3, rows, [r.elbo for r in rows], "diamond", theme.RECONSTRUCTION, 13),
        ("importance-weighted log p(x)", 4, rows, [r.weighted for r in rows], "circle-open", theme.NEUTRAL, 14),
        ("exact log p(x)", 4, exact, [r.likelihood for r in exact], "circle", theme.RECONSTRUCTION, 8),
    )
    return [
        {
            "type": "scatter", "mode": "markers", "name": name, "x": _floats([value.value for value in values]),
            "y": _floats([row.top + lane for row in shown]), "error_x": _whiskers(values) if lane < 4 else None,
            "marker": {"symbol": symbol, "color": colour, "size": size, "line": {"width": 2}},
            "customdata": [[r.name, str(v)] for r, v in zip(shown, values, strict=True)], "showlegend": lane == 4,
            "hovertemplate": f"%{{customdata[0]}}<br>{name}: %{{customdata[1]}} nats<extra></extra>",
        }
        for name, lane, shown, values, symbol, colour, size in looks
        if shown
    ]  # fmt: skip


def _labels(row: _Row) -> list[tuple[int, float, str, bool]]:
    """Numbers of a model: line, place, words, and whether they stand to the right of the place."""
    parts, start, end = row.likelihood, row.reconstruction.value, row.middle - row.marginal.value
    null = row.middle if row.null is None else row.middle - row.null.value
    likelihood = f"log p(x) {'=' if row.exact else '≥'} {parts}"
    ends = (row.elbo.value, parts.value - Z_95 * parts.se, parts.value + Z_95 * parts.se)
    return [
        (0, start - Z_95 * row.reconstruction.se, f"reconstruction {row.reconstruction}", False),
        (1, min(start, row.middle, start - row.ceiling), str(row.information), False),
        (2, min(row.middle, end - Z_95 * row.marginal.se, null), f"{row.marginal}{_GAP}", False),
        (3, row.elbo.value - Z_95 * row.elbo.se, str(row.elbo), False),
        (4, min(ends), _looseness_word(row), False),
        (4, max(ends), likelihood, True),
    ]


def _numbers(rows: Sequence[_Row]) -> list[dict[str, Any]]:
    """The labels as two traces of words, to the left and to the right of their places."""
    labels = [(row.top + lane, at, words, right) for row in rows for lane, at, words, right in _labels(row)]
    return [
        {
            "type": "scatter", "mode": "text", "name": f"numbers {side}", "hoverinfo": "skip", "cliponaxis": False,
            "x": _floats([at for _, at, _, right in labels if right == wanted]), "showlegend": False,
            "y": _floats([line for line, _, _, right in labels if right == wanted]),
            "text": [f"{_GAP}{words}{_GAP}" for _, _, words, right in labels if right == wanted],
            "textposition": f"middle {side}", "textfont": {"size": theme.FONT_SMALL},
        }
        for side, wanted in (("left", False), ("right", True))
    ]  # fmt: skip


def _range(rows: Sequence[_Row]) -> list[float]:
    """From the left end of the leftmost words to the right end of the rightmost, in the narrowest figure."""
    labels = [label for row in rows for label in _labels(row)]
    ends = [row.reconstruction.value + Z_95 * row.reconstruction.se for row in rows]
    low, high = min(at for _, at, _, _ in labels), max(*ends, *(at for _, at, _, _ in labels))
    edges = low, high
    for _ in range(60):  # a wider range makes the words wider in nats; a fixed point that is reached within a few turns
        nats = (edges[1] - edges[0]) / _ROOM * _LETTER
        left = min(at - nats * (len(words) + 2) for _, at, words, right in labels if not right)
        edges = left, max(high, *(at + nats * (len(words) + 2) for _, at, words, right in labels if right))
    return [edges[0], edges[1] + 0.02 * (edges[1] - edges[0])]


def _rules(rows: Sequence[_Row]) -> list[dict[str, Any]]:
    """A thin line between two models."""
    line = {"color": theme.NEUTRAL, "width": 0.5}
    common = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "line": line, "layer": "below"}
    return [common | {"y0": row.top - 0.75, "y1": row.top - 0.75} for row in rows[1:]]
