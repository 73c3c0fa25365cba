"""How an estimate grows with its effort: information with the size of a minibatch, likelihood with the samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.intervals import Z_95
from core.records import CurvePoint, Estimate

Rows = Sequence[tuple[str, Sequence[CurvePoint]]]
_DODGE = 0.012
"""Distance between neighbouring models at one effort, as a share of the axis, so that whiskers stand side by side."""
_LEFT, _RIGHT = (0.0, 0.46), (0.56, 1.0)
_UPPER, _LOWER = (0.43, 1.0), (0.0, 0.33)


def information_curve(rows: Rows, log_n: float, average_kl: Mapping[str, Estimate] | None = None) -> Drawing:
    """Estimated I(n; z) against the number M of posteriors that stand for q(z), under its ceilings log M and log n.

    With the average KL of each model, a second panel shows average KL − information: the marginal KL that somebody with
    M posteriors would report, too large by as much as the information is too small. Whiskers are 95 % intervals; those
    of the second panel treat the two terms as unrelated, which makes them too wide rather than too narrow.

    Args:
        rows: name of each model and its points, ``at`` = M.
        log_n: ceiling with all n images, in nats.
        average_kl: of each model by name, in nats.

    Raises:
        ValueError: without rows or points, with a name twice, with M under 1, or with an average KL missing.
    """
    _check(rows)
    if not (math.isfinite(log_n) and log_n > 0):
        raise ValueError(f"log_n must be the logarithm of the number of images, above 0, got {log_n}")
    left = _lines(rows, "", lambda _, point: point.estimate, "components, I(n; z)")
    traces = [*_ceilings(rows, log_n), *left]
    if average_kl is None:
        layout = theme.layout(height=430, legend=_legend(traces))
        return drawing(traces, layout | _effort_axes(rows, "", "components M in q(z)", "I(n; z), nats", log_n=log_n))
    missing = [name for name, _ in rows if name not in average_kl]
    if missing:
        raise ValueError(f"average_kl lacks {missing}, has {sorted(average_kl)}: pass one for each row")

    def inferred(name: str, point: CurvePoint) -> Estimate:
        whole = average_kl[name]
        return Estimate(whole.value - point.estimate.value, math.hypot(whole.se, point.estimate.se))

    traces += _lines(rows, "2", inferred, "components, marginal KL", legend=False)
    layout = theme.layout(height=450, legend=_legend(traces))
    layout |= _effort_axes(rows, "", "components M in q(z)", "I(n; z), nats", log_n=log_n, across=_LEFT)
    layout |= _effort_axes(
        rows, "2", "components M in q(z)", "marginal KL it would give, nats", log_n=log_n, across=_RIGHT
    )
    layout["yaxis2"] |= {"rangemode": "tozero"}
    return drawing(traces, layout)


def likelihood_curve(rows: Rows, exact: Mapping[str, Estimate] | None = None) -> Drawing:
    """Importance-weighted bound on log p(x) against the samples S per image, and the effective share of the samples.

    The whiskers are 95 % intervals over the images. All points of a line and all models share these, so steps of a line
    are known far better than its whiskers tell.

    Args:
        rows: name of each model and its points, ``at`` = S, in nats per image; ``ess`` where it is known.
        exact: log p(x) by quadrature, by name, for the models where that is known.

    Raises:
        ValueError: without rows or points, with a name twice, with S under 1, or with an exact value of no row.
    """
    _check(rows)
    exact = exact or {}
    strange = sorted(set(exact) - {name for name, _ in rows})
    if strange:
        raise ValueError(f"exact holds {strange}, which are not among the rows {[name for name, _ in rows]}")
    traces = _lines(rows, "", lambda _, point: point.estimate, "samples, log p(x) ≥", apart=True) + _exact_lines(
        rows, exact
    )
    lower = _shares(rows)
    layout = theme.layout(height=560 if lower else 430, legend=_legend(traces))
    title, high = "samples S per image", math.log(max(point.at for _, points in rows for point in points))
    upper = _effort_axes(
        rows, "", "" if lower else title, "log p(x), nats", log_n=high, up=_UPPER if lower else (0.0, 1.0)
    )
    if lower:
        upper["xaxis"] |= {"matches": "x2", "showticklabels": False}
        upper |= _effort_axes(rows, "2", title, "effective, % of S", log_n=high, up=_LOWER)
        upper["yaxis2"] |= {"range": [0, 104], "nticks": 4}
    return drawing(traces + lower, layout | upper)


def _check(rows: Rows) -> None:
    names = [name for name, _ in rows]
    if not rows or len(set(names)) != len(names):
        raise ValueError(f"rows must hold one or more models, each name once, got {names}")
    for name, points in rows:
        efforts = [point.at for point in points]
        if not efforts or efforts != sorted(set(efforts)) or efforts[0] < 1:
            raise ValueError(f"points of {name!r} must be at rising whole numbers from 1, got {efforts}")


def _legend(traces: Sequence[dict[str, Any]]) -> list[str]:
    return [trace["name"] for trace in traces if trace.get("showlegend")]


def _span(rows: Rows, high: float | None = None) -> tuple[float, float]:
    """Logarithms of the least and the largest effort, the latter not under ``high``; never one point."""
    efforts = [point.at for _, points in rows for point in points]
    low, top = math.log(min(efforts)), max(math.log(max(efforts)), high or 0.0)
    return low, max(top, low + 0.7)


def _lines(
    rows: Rows,
    axis: str,
    of: Callable[[str, CurvePoint], Estimate],
    words: str,
    *,
    legend: bool = True,
    apart: bool = False,
) -> list[dict[str, Any]]:
    """One line with whiskers a model; with ``apart``, the models stand side by side at each effort."""
    traces = []
    for index, (name, points) in enumerate(rows):
        values = [of(name, point) for point in points]
        half = np.array([Z_95 * value.se for value in values], np.float32)
        notes = [[name, f"{point.at:,}", str(value)] for point, value in zip(points, values, strict=True)]
        hover = f"%{{customdata[0]}}<br>%{{customdata[1]}}: {words} %{{customdata[2]}} nats<extra></extra>"
        move = _dodge(rows, index) if apart else 1.0
        trace = _line(index, name, [move * point.at for point in points], [value.value for value in values], axis)
        trace |= {"error_y": {"array": half, "thickness": 1.3, "width": 3}, "showlegend": legend}
        traces.append(trace | {"customdata": notes, "hovertemplate": hover})
    return traces


def _dodge(rows: Rows, index: int) -> float:
    """Factor on the efforts of one model among several; 1 for the middle one."""
    low, high = _span(rows)
    return math.exp(_DODGE * (high - low) * (index - (len(rows) - 1) / 2))


def _line(index: int, name: str, x: Sequence[float], y: Sequence[float], axis: str) -> dict[str, Any]:
    colour, dash, symbol = theme.model_style(index)
    return {
        "type": "scatter", "mode": "lines+markers", "name": name, "x": np.array(x, np.float32),
        "y": np.array(y, np.float32), "xaxis": f"x{axis}", "yaxis": f"y{axis}", "line": {"color": colour, "dash": dash},
        "marker": {"color": colour, "symbol": symbol, "size": 8}, "legendgroup": name,
    }  # fmt: skip


def _ceilings(rows: Rows, log_n: float) -> list[dict[str, Any]]:
    """The dotted line log M up to n, and the horizontal line log n."""
    low, high = _span(rows, log_n)
    rise = np.exp(np.linspace(low, log_n, 30)) if log_n > low else np.exp([low, low])
    looks = (
        ("ceiling log M", rise, np.log(rise), {"dash": "2px,3px", "width": 2}),
        ("ceiling log n", np.exp([low, high]), np.full(2, log_n), {"dash": "solid", "width": 1.5}),
    )
    return [
        {
            "type": "scatter", "mode": "lines", "name": name, "x": x.astype(np.float32), "y": y.astype(np.float32),
            "xaxis": "x", "yaxis": "y", "line": line | {"color": theme.NEUTRAL}, "showlegend": True,
            "hovertemplate": f"{name} = %{{y:.2f}} nats<extra></extra>",
        }
        for name, x, y, line in looks
    ]  # fmt: skip


def _exact_lines(rows: Rows, exact: Mapping[str, Estimate]) -> list[dict[str, Any]]:
    """A horizontal line in the look of its model, without marks, and one entry in the legend for all."""
    low, high = _span(rows)
    traces = []
    for index, (name, _) in enumerate(rows):
        if name not in exact:
            continue
        trace = _line(index, name, np.exp([low, high]).tolist(), [exact[name].value] * 2, "")
        hover = f"{name}<br>exact log p(x) = {exact[name]} nats, by quadrature<extra></extra>"
        line = trace["line"] | {"width": 1.2, "dash": "solid"}
        traces.append(trace | {"mode": "lines", "line": line, "hovertemplate": hover, "showlegend": False})
    if traces:
        key = _line(0, "exact log p(x)", [math.nan], [math.nan], "") | {"mode": "lines", "showlegend": True}
        traces.append(key | {"line": {"color": theme.NEUTRAL, "width": 1.2}, "hoverinfo": "skip"})
    return traces


def _shares(rows: Rows) -> list[dict[str, Any]]:
    """Median effective sample size as a percentage of S, for the points that know it."""
    traces = []
    for index, (name, points) in enumerate(rows):
        known = [(point.at, point.ess) for point in points if point.ess is not None]
        if known:
            trace = _line(index, name, [float(at) for at, _ in known], [100 * ess / at for at, ess in known], "2")
            notes = [[name, f"{ess:,.1f} of {at:,}"] for at, ess in known]
            hover = "%{customdata[0]}<br>median effective samples: %{customdata[1]}<extra></extra>"
            traces.append(trace | {"customdata": notes, "hovertemplate": hover, "showlegend": False})
    return traces


def _effort_axes(
    rows: Rows,
    axis: str,
    x_title: str,
    y_title: str,
    *,
    log_n: float,
    across: tuple[float, float] = (0.0, 1.0),
    up: tuple[float, float] = (0.0, 1.0),
) -> dict[str, Any]:
    """A panel with a logarithmic effort, labelled at the powers of ten."""
    low, high = _span(rows, log_n)
    margin = (0.04 + _DODGE * (len(rows) - 1) / 2) * (high - low)
    window = [(low - margin) / math.log(10), (high + margin) / math.log(10)]
    powers = [10**k for k in range(math.ceil(window[0]), math.floor(window[1]) + 1)]
    x = {"type": "log", "range": window, "domain": across, "anchor": f"y{axis}", "title": theme.axis_title(x_title, 4)}
    x |= {"tickvals": powers, "ticktext": [f"{power:,}" for power in powers]}
    y = {"domain": up, "anchor": f"x{axis}", "title": theme.axis_title(y_title, 8), "automargin": True}
    return {f"xaxis{axis}": theme.AXIS | x, f"yaxis{axis}": theme.AXIS | y}
