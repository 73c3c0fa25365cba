"""Time against d, both axes logarithmic: which direction of which flow is cheap, and what a better inversion saves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.figures.end_labels import Panel, end_labels, panels_of
from core.figures.flow_timing_words import FLOWS, METHODS, TASKS, exponent, line_name, rate, spread
from core.flow_timing_records import FlowRun, FlowTiming
from core.flow_timing_summary import slope

Series = tuple[FlowTiming, ...]

_FAINT = 0.55
"""Opacity of the second run."""
_ABOVE, _BELOW = 1.5, 0.72
"""Where the guides run: so many times the highest line that rises, so many times the lowest point of all."""


def flow_timing_figure(
    run: FlowRun,
    *,
    tasks: Sequence[str] = ("sample", "density"),
    flows: Sequence[str] = ("maf", "iaf"),
    methods: Sequence[str] = ("naive", "incremental"),
    other: FlowRun | None = None,
) -> Drawing:
    """Median time of a batch with its quartiles against d, one panel a task, one time axis for all.

    The exponent b of time ~ d^b stands with its 95 % interval at the end of each line. Dotted guides have the slopes 0
    and 1. A second run has hollow marks and faint lines.

    Args:
        run: what is drawn.
        tasks: keys of ``TASKS``, the panels.
        flows: keys of ``FLOWS``.
        methods: of sequential directions; lines that are one pass are always drawn.
        other: a run to compare with.

    Raises:
        ValueError: where nothing that was measured is asked for.
    """
    chosen = {task: _series(run, task, flows, methods) for task in tasks if task in TASKS}
    beside = {task: _series(other, task, flows, methods) if other else [] for task in chosen}
    everything = [series for part in (chosen, beside) for found in part.values() for series in found]
    if not any(chosen.values()):
        raise ValueError(
            f"nothing was measured of flows {list(flows)}, tasks {list(tasks)}, methods {list(methods)}: ask for others"
        )
    dims = sorted({t.dim for series in everything for t in series})
    window = _window(everything)
    panels = panels_of(list(chosen), window)
    traces = []
    for task, panel in zip(chosen, panels, strict=True):
        traces += _guides(chosen[task], dims, window, panel)
        traces += [_line(series, panel, other=True) for series in beside[task]]
        traces += [_line(series, panel) for series in chosen[task]]
    if other is not None:
        traces += [_key("filled: the run shown", False), _key("hollow: the run beside it", True)]
    legend = [trace["name"] for trace in traces if trace.get("showlegend")]
    rows = -(-len(panels) // 2)
    layout = theme.layout(height=70 + 400 * rows, legend=legend)
    layout["margin"] |= {"t": 40 + (26 if legend else 0), "r": 4, "l": 72}
    notes, leaders = _labels(chosen, panels, layout)
    notes += [note for trace in traces if trace.get("meta") == "guide" for note in [_guide_name(trace)]]
    same = other is None or other.settings.batch == run.settings.batch
    title = f"time of {run.settings.batch:,} points" if same else "time of a batch"
    for panel in panels:
        layout |= _axes(panel, dims, title, window)
    return drawing(traces, layout | {"annotations": notes, "shapes": leaders})


def _series(run: FlowRun, task: str, flows: Sequence[str], methods: Sequence[str]) -> list[Series]:
    """The lines of a task that were measured, in the order of flows and methods."""
    found = []
    for flow in FLOWS:
        for method in METHODS:
            if flow in flows and (method in methods or method == ""):
                series = run.series(flow, task, method)  # type: ignore[arg-type]
                found += [series] if series else []
    return found


def _window(everything: Sequence[Series]) -> tuple[float, float]:
    """The times that the axis spans, as decimal logarithms, with room for the guides."""
    low = min(t.low for series in everything for t in series)
    high = max(t.high for series in everything for t in series)
    return math.log10(low * _BELOW) - 0.08, math.log10(high * _ABOVE) + 0.08


def _line(series: Series, panel: Panel, *, other: bool = False) -> dict[str, Any]:
    """One flow, task and method: medians, whiskers from quartile to quartile."""
    first = series[0]
    colour, symbol = theme.FLOW_LOOKS[first.flow]
    scale = 1e3
    up = [scale * (t.high - t.median) for t in series]
    down = [scale * (t.median - t.low) for t in series]
    name = line_name(first.flow, first.method)
    notes = [
        [
            name,
            f"d = {t.dim}",
            spread(t),
            f"{rate(t)} points a second",
            f"passes a layer: {t.passes:.3g}, n = {t.repeats}",
        ]
        for t in series
    ]
    return {
        "type": "scatter", "mode": "lines+markers", "name": name, "meta": "other" if other else "run",
        "x": np.array([t.dim for t in series], np.float32),
        "y": np.array([scale * t.median for t in series], np.float32), "xaxis": f"x{panel.axis}",
        "yaxis": f"y{panel.axis}", "opacity": _FAINT if other else 1, "showlegend": False,
        "line": {"color": colour, "dash": theme.METHOD_DASHES[first.method], "width": 1.5 if other else 2.5},
        "marker": {"color": colour, "symbol": f"{symbol}-open" if other else symbol, "size": 10},
        "error_y": {
            "type": "data", "symmetric": False, "array": np.array(up, np.float32),
            "arrayminus": np.array(down, np.float32), "thickness": 1.5, "width": 5,
        },
        "customdata": notes,
        "hovertemplate": "<b>%{customdata[0]}</b>, d = %{customdata[1]}<br>%{customdata[2]}<br>%{customdata[3]}<br>"
        "%{customdata[4]}<extra></extra>",
    }  # fmt: skip


def _guides(lines: Sequence[Series], dims: Sequence[int], window: tuple[float, float], panel: Panel) -> list[Any]:
    """Dotted lines of slope 1, over the lines that rise most, and of slope 0, under everything; none for a single d."""
    if len(dims) < 2 or not lines:
        return []
    steepest = max(lines, key=lambda series: series[-1].median)
    rise = 1e3 * _ABOVE * max(t.median / t.dim for t in steepest)
    level = 1e3 * 10 ** (window[0] + 0.08)
    ends = np.array([dims[0], dims[-1]], np.float32)
    top = 1e3 * 10 ** window[1] / rise
    sloped = np.array([dims[0], min(dims[-1], max(top, dims[0] * 1.01))], np.float32)
    return [
        {
            "type": "scatter", "mode": "lines", "name": name, "meta": "guide", "x": x, "y": y.astype(np.float32),
            "xaxis": f"x{panel.axis}", "yaxis": f"y{panel.axis}", "showlegend": False, "hoverinfo": "skip",
            "line": {"color": theme.NEUTRAL, "width": 1.5, "dash": "2px,4px"},
        }
        for name, x, y in (("slope 1", sloped, rise * sloped), ("slope 0", ends, np.full(2, level)))
    ]  # fmt: skip


def _guide_name(guide: dict[str, Any]) -> dict[str, Any]:
    """Its name: left of the middle of the rising one, over the right end of the level one."""
    level = guide["name"] == "slope 0"
    ends = [[math.log10(float(value)) for value in guide[axis]] for axis in "xy"]
    x, y = (end[1] if level else 0.5 * (end[0] + end[1]) for end in ends)
    return {
        "text": guide["name"], "x": x, "y": y, "xref": guide["xaxis"], "yref": guide["yaxis"], "showarrow": False,
        "xanchor": "right", "yanchor": "bottom", "yshift": 2, "xshift": 0 if level else -4,
        "font": {"size": theme.FONT_SMALL},
    }  # fmt: skip


def _labels(
    chosen: dict[str, list[Series]], panels: Sequence[Panel], layout: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Headings of the panels, and at the end of each line its name and its slope."""
    notes: list[dict[str, Any]] = []
    leaders: list[dict[str, Any]] = []
    drawn = layout["height"] - layout["margin"]["t"] - layout["margin"]["b"]
    for (task, lines), panel in zip(chosen.items(), panels, strict=True):
        notes.append(_heading(f"<b>{TASKS[task]}</b>", panel.left, panel, "left"))
        notes.append(_heading("slope [95 %]", panel.right + panel.gap, panel, "left"))
        ends = []
        for series in lines:
            colour = theme.FLOW_LOOKS[series[0].flow][0]
            words = [theme.words(line_name(series[0].flow, series[0].method), colour)]
            fitted = exponent(slope(series))
            ends.append((math.log10(series[-1].median), colour, "<br>".join([*words, fitted] if fitted else words)))
        found = end_labels(ends, panel, drawn)
        notes, leaders = notes + found[0], leaders + found[1]
    return notes, leaders


def _heading(text: str, x: float, panel: Panel, anchor: str) -> dict[str, Any]:
    return {
        "text": text, "x": x, "y": panel.top, "xref": "paper", "yref": "paper", "xanchor": anchor, "yanchor": "bottom",
        "showarrow": False, "yshift": 5, "font": {"size": theme.FONT if "<b>" in text else theme.FONT_SMALL},
    }  # fmt: skip


def _axes(panel: Panel, dims: Sequence[int], words: str, window: tuple[float, float]) -> dict[str, Any]:
    """Labelled at every d that was measured, and at the powers of ten of a millisecond."""
    low, high = math.log10(dims[0]), math.log10(dims[-1])
    margin = 0.06 * (high - low) if high > low else 0.3
    x = {"type": "log", "range": [low - margin, high + margin], "domain": [panel.left, panel.right]}
    x |= {"tickvals": _apart(dims), "ticktext": [str(dim) for dim in _apart(dims)], "anchor": f"y{panel.axis}"}
    values = _ticks(window)
    y = {"type": "log", "range": [edge + 3 for edge in window], "domain": [panel.bottom, panel.top]}
    y |= {"tickvals": values, "ticktext": [_tick(value) for value in values], "anchor": f"x{panel.axis}"}
    y["showticklabels"] = panel.first
    title = theme.axis_title(words, 6) if panel.first else None
    return {
        f"xaxis{panel.axis}": theme.AXIS | x | {"title": theme.axis_title("dimension d", 4)},
        f"yaxis{panel.axis}": theme.AXIS | y | ({"title": title} if title else {}),
    }


def _apart(dims: Sequence[int]) -> list[int]:
    """The dimensions that can be labelled beside each other, the last one among them."""
    kept: list[int] = []
    for dim in reversed(dims):
        if not kept or math.log10(kept[-1] / dim) > 0.05 * math.log10(dims[-1] / dims[0]):
            kept.append(dim)
    return kept[::-1]


def _ticks(window: tuple[float, float]) -> list[float]:
    """Milliseconds to label: powers of ten, and between them where there are few."""
    steps = (1, 2, 5) if window[1] - window[0] < 1.6 else (1,)
    powers = range(math.floor(window[0]) + 3, math.ceil(window[1]) + 4)
    return [step * 10.0**k for k in powers for step in steps]


def _tick(value: float) -> str:
    return f"{value / 1e3:g} s" if value >= 1e3 else f"{value:g} ms" if value >= 0.01 else f"{1e3 * value:g} µs"


def _key(name: str, hollow: bool) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines+markers", "name": name, "x": [None], "y": [None], "meta": "key",
        "showlegend": True, "hoverinfo": "skip", "opacity": _FAINT if hollow else 1,
        "marker": {"symbol": "circle-open" if hollow else "circle", "color": theme.NEUTRAL, "size": 10},
        "line": {"color": theme.NEUTRAL, "width": 1.5 if hollow else 2.5},
    }  # fmt: skip
