"""Priors from the simplest to the optimal one, on the q(z) of one encoder: what each wins and what it costs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.figures.ladder_axis import (
    DOMAINS,
    NAMES,
    QUICK,
    SIZED,
    Points,
    Window,
    axes_of,
    family_of,
    hints,
    off_axis,
    perfect_gain,
    reference_name,
    spans_of,
    window_of,
)
from core.intervals import Z_95
from core.ladder_records import Ladder, Rung
from core.records import Estimate

_BAR = 0.4
"""Opacity of the bars of over-fitting."""


def ladder_figure(ladder: Ladder) -> Drawing:
    """What each prior wins over N(0, I), against its number of components and the seconds that its fit took.

    Values of the test images are filled with 95 % whiskers (paired differences), joined by solid lines; those of the
    training images are hollow and dashed. A bar from test to training is over-fitting that the images can show. The
    axis holds what is of interest; values off it stand at its ends as triangles with their number. The dotted line is
    a perfect prior on the test images, where that is known.

    Args:
        ladder: of one encoder.

    Raises:
        ValueError: for a ladder without rungs, or with a kind that is unknown.
    """
    kinds = _families(ladder)
    single = [kind for kind in NAMES if kind in kinds and kind not in SIZED]
    window, spans = window_of(ladder), spans_of(ladder, len(single))
    points: list[Points] = []
    for kind, rungs in kinds.items():
        axis = "2" if kind in SIZED else ""
        sizes = tuple(float(single.index(kind)) if kind in single else float(rung.components or 1) for rung in rungs)
        seconds = tuple(max(rung.seconds, QUICK) for rung in rungs)
        points += [Points(kind, rungs, sizes, axis, "train"), Points(kind, rungs, sizes, axis, "test")]
        points.append(Points(kind, rungs, seconds, "3", "test"))
    bars = [_bars(part, window) for part in points if part.split == "train"]
    traces = [*_perfect(ladder, spans), *bars]
    traces += [_line(part, window) for part in points if part.axis == "2"]
    traces += [_markers(part, window, reference_name(ladder)) for part in points]
    traces += [_key(NAMES[kind], *theme.FAMILIES[kind]) for kind in kinds]
    traces.append(_key("hollow: training images", theme.NEUTRAL, "circle-open"))
    if any(bar["x"] for bar in bars):
        traces.append(_key("over-fitting", theme.rgba(theme.NEUTRAL, _BAR), None))
    legend = [trace["name"] for trace in traces if trace.get("showlegend")]
    layout = theme.layout(height=470 + 22 * theme.legend_rows(legend), legend=legend)
    layout["margin"] = layout["margin"] | {"t": layout["margin"]["t"] + 22}
    notes = [note for axis in DOMAINS for note in off_axis(points, axis, spans[axis], window)]
    return drawing(traces, layout | {"annotations": [*hints(), *notes]} | axes_of(ladder, single, spans, window))


def ladder_table(ladder: Ladder) -> list[dict[str, Any]]:
    """One row a rung, in the order of the fits: what it is, what it cost, what it wins ± one paired standard error."""
    over = f"gain over {reference_name(ladder)}, nats"
    return [
        {
            "Prior": rung.title, "K": rung.components, "Fitted numbers": rung.parameters,
            "Seconds": round(rung.seconds, 2), f"Train {over}": words_of(rung.train_gain),
            f"Validation {over}": words_of(rung.validation_gain), f"Test {over}": words_of(rung.test_gain),
            "Test marginal KL, nats": words_of(rung.test),
        }
        for rung in ladder.rungs
    ]  # fmt: skip


def words_of(value: Estimate) -> str:
    """An estimate in words; a rounding error under zero is zero."""
    return str(Estimate(round(value.value, 6) + 0.0, value.se))


def _families(ladder: Ladder) -> dict[str, list[Rung]]:
    """Rungs by family, in the order of the names, smallest first."""
    if not ladder.rungs:
        raise ValueError("ladder has no rungs: fit one prior or more")
    found = {kind: [rung for rung in ladder.rungs if family_of(rung) == kind] for kind in NAMES}
    return {kind: sorted(rungs, key=lambda r: r.components or 0) for kind, rungs in found.items() if rungs}


def _markers(points: Points, window: Window, reference: str) -> dict[str, Any]:
    """The test split filled with whiskers, the training split hollow; at the ends of the axis, outward triangles."""
    colour, symbol = theme.FAMILIES[points.kind]
    test, gains = points.split == "test", points.gains
    sides = [window.side(gain.value) for gain in gains]
    y = [window.inside(gain.value) for gain in gains]
    half = [0.0 if side else Z_95 * gain.se for side, gain in zip(sides, gains, strict=True)]
    up = [window.inside(at + h) - at for at, h in zip(y, half, strict=True)]
    down = [at - window.inside(at - h) for at, h in zip(y, half, strict=True)]
    whiskers = {
        "type": "data", "symmetric": False, "array": np.array(up, np.float32), "thickness": 1.5, "width": 4,
        "arrayminus": np.array(down, np.float32),
    }  # fmt: skip
    shapes = {-1: "triangle-down", 0: symbol, 1: "triangle-up"}
    notes = [
        [rung.title, words_of(gain), words_of(rung.test if test else rung.train),
         f"{rung.seconds:.3g} s, {rung.parameters:,} numbers fitted"]
        for rung, gain in zip(points.rungs, gains, strict=True)
    ]  # fmt: skip
    hover = (
        f"%{{customdata[0]}}<br>{points.split}: %{{customdata[1]}} nats over {reference}<br>"
        "marginal KL %{customdata[2]} nats<br>%{customdata[3]}<extra></extra>"
    )
    return points.place | {
        "mode": "markers", "name": NAMES[points.kind], "x": np.array(points.x, np.float32),
        "y": np.array(y, np.float32), "meta": points.split, "customdata": notes, "hovertemplate": hover,
        "marker": {
            "symbol": [shapes[side] + ("" if test else "-open") for side in sides], "color": colour,
            "size": [12 if side else 10 if test else 8 for side in sides], "line": {"width": 1.5, "color": colour},
            "opacity": 1,  # where sizes differ plotly takes 0.7
        },
        "error_y": whiskers if test else None, "cliponaxis": False, "showlegend": False,
    }  # fmt: skip


def _perfect(ladder: Ladder, spans: dict[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """The dotted line of a perfect prior, through every panel."""
    gain = perfect_gain(ladder)
    if gain is None:
        return []
    words = f"a perfect prior: {words_of(gain)} nats over {reference_name(ladder)} (test)"
    return [
        {
            "type": "scatter", "mode": "lines", "name": "a perfect prior (test)", "x": np.array(span, np.float32),
            "y": np.full(2, gain.value, np.float32), "xaxis": f"x{axis}", "yaxis": f"y{axis}",
            "line": {"color": theme.NEUTRAL, "width": 2, "dash": "2px,4px"}, "showlegend": axis == "2",
            "hovertemplate": f"{words}<extra></extra>",
        }
        for axis, span in spans.items()
    ]  # fmt: skip


def _line(points: Points, window: Window) -> dict[str, Any]:
    """The line through a family's points, cut off by the frame: solid for test, dashed for training images.

    Between two points off the axis there is none: what it would cross says nothing.
    """
    test = points.split == "test"
    x: list[float | None] = [points.x[0]]
    y: list[float | None] = [points.gains[0].value]
    for at, before, gain in zip(points.x[1:], points.gains[:-1], points.gains[1:], strict=True):
        if window.side(before.value) and window.side(gain.value):
            x, y = [*x, None], [*y, None]
        x, y = [*x, at], [*y, gain.value]
    dash = {"width": 2, "dash": "solid"} if test else {"width": 1.4, "dash": "5px,4px"}
    return points.place | {
        "mode": "lines", "name": NAMES[points.kind], "x": x, "y": y, "meta": f"{points.split} line",
        "line": dash | {"color": theme.FAMILIES[points.kind][0]}, "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip


def over_fit(rung: Rung) -> Estimate:
    """What a rung wins on the training images and not on the test images; the two are independent."""
    train, test = rung.train_gain, rung.test_gain
    return Estimate(train.value - test.value, math.hypot(train.se, test.se))


def _bars(points: Points, window: Window) -> dict[str, Any]:
    """From the test value up to that of the training images, where it is surely higher: over-fitting."""
    x: list[float | None] = []
    y: list[float | None] = []
    for rung, at in zip(points.rungs, points.x, strict=True):
        gap, ends = over_fit(rung), [window.inside(gain.value) for gain in (rung.test_gain, rung.train_gain)]
        if gap.value > Z_95 * gap.se:
            x, y = [*x, at, at, None], [*y, *ends, None]
    return points.place | {
        "mode": "lines", "name": NAMES[points.kind], "x": x, "y": y, "meta": "over-fitting", "hoverinfo": "skip",
        "line": {"color": theme.rgba(theme.FAMILIES[points.kind][0], _BAR), "width": 7}, "showlegend": False,
    }  # fmt: skip


def _key(name: str, colour: str, symbol: str | None) -> dict[str, Any]:
    """An entry of the legend that stands for no point; without a symbol, a bar."""
    look = {"line": {"color": colour, "width": 7}} if symbol is None else {
        "marker": {"symbol": symbol, "size": 9, "color": colour, "line": {"width": 1.5, "color": colour}}
    }  # fmt: skip
    return look | {
        "type": "scatter", "mode": "lines" if symbol is None else "markers", "name": name, "x": [None], "y": [None],
        "xaxis": "x2", "yaxis": "y2", "meta": "key", "showlegend": True, "hoverinfo": "skip",
    }  # fmt: skip
