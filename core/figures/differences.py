"""What some models gain over one of them: the bound, what it is the sum of, and the likelihood, in nats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.comparison import Difference
from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.figures.surgery_words import difference_words
from core.intervals import Z_95

ROW = 118
"""Pixels of a model's row of five marks."""


@dataclass(frozen=True)
class Look:
    """How a measure is drawn: its key, name, colour, symbol, and height in a row from -0.5 to 0.5."""

    key: str
    label: str
    colour: str
    symbol: str
    offset: float


LOOKS = (
    Look("elbo", "ELBO", theme.DATA, "circle", -0.34),
    Look("reconstruction", "from reconstruction", theme.RECONSTRUCTION, "square", -0.17),
    Look("mutual_information", "from less information", theme.INFORMATION, "triangle-up", 0.0),
    Look("marginal_kl", "from less marginal KL", theme.MARGINAL, "triangle-down", 0.17),
    Look("average_kl", "from a smaller KL, not taken apart", theme.KL, "hourglass", 0.085),
    Look("log_likelihood", "log p(x)", theme.LOOSENESS, "diamond", 0.34),
    Look("nll", "importance-weighted log p(x)", theme.LOOSENESS, "diamond-wide", 0.34),
)

Rows = Sequence[tuple[str, Mapping[str, Difference]]]


def gains_figure(rows: Rows, against: str) -> Drawing:
    """Gains in nats per image with 95 % intervals, one row a model, zero for the model they are compared with.

    The parts stand under the bound that they sum to. A mark is filled where its gain is more than two standard
    errors from zero, hollow where it is not.

    Args:
        rows: label and gains of each model, as ``core.comparison.gains`` gives them, first on top.
        against: label of the model they are compared with.

    Raises:
        ValueError: without rows, or with a label twice.
    """
    names = [name for name, _ in rows]
    if not rows or len(set(names)) != len(names):
        raise ValueError(f"rows must hold one or more models, each label once; got {names}")
    traces = [trace for look in LOOKS for trace in _marks(rows, look)]
    legend = [str(trace["name"]) for trace in traces if trace.get("showlegend", True)]
    layout = theme.layout(height=96 + 22 * theme.legend_rows(legend) + ROW * len(rows), legend=legend)
    title = theme.axis_title(f"nats per image gained over {against}", 4)
    across = {"title": title, "mirror": False, "zeroline": True, "zerolinecolor": theme.NEUTRAL, "zerolinewidth": 2}
    up = {"range": [len(rows) - 0.5, -0.5], "tickvals": list(range(len(rows))), "ticktext": names, "automargin": True}
    borders = [
        {
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": k - 0.5, "y1": k - 0.5,
            "line": {"color": theme.NEUTRAL, "width": 0.5},
        }
        for k in range(1, len(rows))
    ]  # fmt: skip
    axes = {"xaxis": theme.AXIS | across | {"range": _range(rows)}, "yaxis": theme.AXIS | up | {"showgrid": False}}
    return drawing(traces, layout | axes | {"shapes": borders})


def _marks(rows: Rows, look: Look) -> list[dict[str, Any]]:
    """One measure of all models that have it: its marks, and its numbers at the ends of the whiskers away from 0."""
    found = [(place, name, gained[look.key]) for place, (name, gained) in enumerate(rows) if look.key in gained]
    if not found:
        return []
    words = [difference_words(one.estimate) for _, _, one in found]
    told = [
        [name, word, "paired over the images" if one.paired else "not paired: both errors added"]
        for (_, name, one), word in zip(found, words, strict=True)
    ]
    symbols = [look.symbol if one.clear else f"{look.symbol}-open" for _, _, one in found]
    half = np.array([Z_95 * one.estimate.se for _, _, one in found], np.float32)
    x = np.array([one.estimate.value for _, _, one in found], np.float32)
    y = np.array([place + look.offset for place, _, _ in found], np.float32)
    marks = {
        "type": "scatter", "mode": "markers", "name": look.label, "x": x, "y": y,
        "error_x": {
            "array": half, "thickness": 2, "width": 5, "color": look.colour,
        },
        "marker": {"symbol": symbols, "size": 11, "color": look.colour, "line": {"width": 2, "color": look.colour}},
        "customdata": told,
        "hovertemplate": f"%{{customdata[0]}}<br>{look.label}: %{{customdata[1]}} nats<br>%{{customdata[2]}}"
        "<extra></extra>",
    }  # fmt: skip
    side = np.where(x < 0, -1, 1).astype(np.float32)
    numbers = {
        "type": "scatter", "mode": "text", "x": x + side * half, "y": y,
        "text": [f"\u2002{word}\u2002" for word in words], "textfont": {"size": theme.FONT_SMALL}, "cliponaxis": False,
        "textposition": ["middle left" if lost else "middle right" for lost in x < 0],
        "hoverinfo": "skip", "showlegend": False, "name": f"{look.label}, numbers",
    }  # fmt: skip
    return [marks, numbers]


def _range(rows: Rows) -> list[float]:
    """From under the lowest interval to past the highest, with room for the numbers on either side; 0 is inside."""
    ends = [
        one.estimate.value + side * Z_95 * one.estimate.se
        for _, gained in rows
        for one in gained.values()
        for side in (-1, 1)
    ]
    low, high = min(0.0, *ends), max(0.0, *ends)
    span = max(high - low, 1e-3)
    room = {True: 0.3, False: 0.05}
    values = [one.estimate.value for _, gained in rows for one in gained.values()]
    return [low - room[min(values) < 0] * span, high + room[max(values) >= 0] * span]
