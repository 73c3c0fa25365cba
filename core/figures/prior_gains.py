"""What each prior gains over N(0, I) on every data set: the bound and its parts, side by side in nats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.figures import theme
from core.figures.compare_words import parts_words
from core.figures.differences import LOOKS, Look
from core.figures.drawing import Drawing, drawing
from core.figures.surgery_words import difference_words
from core.intervals import Z_95, luck
from core.results_records import ResultRow

PANELS = {"elbo": "ELBO", "reconstruction": "= reconstruction", "mutual_information": "+ less information",
          "marginal_kl": "+ less marginal KL"}  # fmt: skip
"""The panels from the left, with their headings; the last shows the whole KL too, where that is not taken apart."""
WHOLE = "whole KL"
"""In the panel of the information, where the next one shows the whole KL."""
SHOWN = {key: key for key in PANELS} | {"average_kl": "marginal_kl"}
"""Of each measure its panel."""
SEED = "another training seed"
_ROW, _BETWEEN = 25, 0.025
"""Pixels of a line; share of the width between two panels."""


@dataclass(frozen=True)
class GainBlock:
    """The priors of one data set and latent dimension.

    Attributes:
        title: of both.
        rows: models with gains, first on top.
    """

    title: str
    rows: Sequence[ResultRow]


def prior_gains_figure(blocks: Sequence[GainBlock]) -> Drawing:
    """A line a prior, under the name of its data set; four panels, the first the sum of the other three.

    Where the KL is not taken apart (see ``core.comparison.kl_splits``) an hourglass in the last panel is the whole KL.

    One axis in nats for all panels, zero is N(0, I) of the same data, latent dimension and posterior. Whiskers are
    95 % intervals over the images; a mark is hollow where its gain is within two standard errors of zero. Dots in the
    first panel are the same gain under other training seeds.

    Args:
        blocks: one or more, each with a row or more.

    Raises:
        ValueError: where there is nothing to draw.
    """
    if not blocks or not all(block.rows for block in blocks):
        raise ValueError("blocks must hold one or more data sets with one or more gains each; got none")
    names, lines = _lines(blocks)
    panels, looks = list(PANELS), {look.key: look for look in LOOKS}
    traces = [trace for key, panel in SHOWN.items() for trace in _panel(lines, looks[key], panels.index(panel))]
    traces += _whole(lines, panels.index("mutual_information"))
    layout = theme.layout(height=110 + _ROW * len(names), heads=True)
    width = (1 - _BETWEEN * (len(panels) - 1)) / len(panels)
    axes: dict[str, Any] = {}
    for place in range(len(panels)):
        left = place * (width + _BETWEEN)
        axes[f"xaxis{place + 1 if place else ''}"] = theme.AXIS | {
            "domain": [left, left + width], "range": _range(lines), "zeroline": True, "zerolinecolor": theme.NEUTRAL,
            "zerolinewidth": 2, "title": theme.axis_title("nats gained", 4), "nticks": 5,
        }  # fmt: skip
    up = {"range": [len(names) - 0.5, -0.5], "tickvals": list(range(len(names))), "ticktext": names, "ticks": "",
          "automargin": True, "showgrid": True, "gridcolor": theme.rgba(theme.NEUTRAL, 0.18)}  # fmt: skip
    heads = [
        {
            "text": theme.words(head, looks[key].colour), "xref": f"x{place + 1 if place else ''} domain",
            "yref": "paper", "x": 0.5, "y": 1.0, "yanchor": "bottom", "showarrow": False,
        }
        for place, (key, head) in enumerate(PANELS.items())
    ]  # fmt: skip
    axes["yaxis"] = theme.AXIS | up
    return drawing(traces, layout | axes | {"annotations": heads, "showlegend": False})


def gain_block_sentence(block: GainBlock) -> str:
    """Of one data set the prior that gains most, and from what, unless the best of so many may be so by chance."""
    best = max(block.rows, key=lambda row: row.gains["elbo"].estimate.value)
    gain, count = best.gains["elbo"].estimate, len(block.rows)
    told = difference_words(gain)
    if gain.value <= luck(count) * gain.se:
        chance = f", which the best of {count} can reach by chance" if count > 1 and best.gains["elbo"].clear else ""
        return f"{block.title}: no prior is found to gain over N(0, I); the best, {best.title}, {told} nats{chance}."
    return f"{block.title}: {best.title} gains most, {told} nats{parts_words(best.gains)}."


def _lines(blocks: Sequence[GainBlock]) -> tuple[list[str], list[tuple[int, str, ResultRow]]]:
    """The labels from the top down, and where each model stands among them."""
    names: list[str] = []
    lines: list[tuple[int, str, ResultRow]] = []
    for block in blocks:
        names.append(f"<b>{block.title}</b>")
        titles = [row.title for row in block.rows]
        for row in block.rows:
            label = row.title if titles.count(row.title) == 1 else f"{row.title} ({row.name})"
            lines.append((len(names), f"{block.title}: {label}", row))
            names.append(label)
    return names, lines


def _panel(lines: Sequence[tuple[int, str, ResultRow]], look: Look, place: int) -> list[dict[str, Any]]:
    """One measure of all models that have it."""
    found = [(at, label, row.gains[look.key]) for at, label, row in lines if look.key in row.gains]
    if not found:
        return []
    axis = f"x{place + 1 if place else ''}"
    told = [
        [label, difference_words(one.estimate), "paired over the images" if one.paired else "not paired"]
        for _, label, one in found
    ]
    symbols = [look.symbol if one.clear else f"{look.symbol}-open" for _, _, one in found]
    marks = {
        "type": "scatter", "mode": "markers", "name": look.label, "xaxis": axis, "yaxis": "y", "customdata": told,
        "x": _floats([one.estimate.value for _, _, one in found]), "y": _floats([at for at, _, _ in found]),
        "error_x": {"array": _floats([Z_95 * one.estimate.se for _, _, one in found]), "thickness": 2, "width": 4,
                    "color": look.colour},
        "marker": {"symbol": symbols, "size": 10, "color": look.colour, "line": {"width": 2, "color": look.colour}},
        "hovertemplate": f"%{{customdata[0]}}<br>{look.label}: %{{customdata[1]}} nats<br>%{{customdata[2]}}"
        "<extra></extra>",
    }  # fmt: skip
    if look.key != "elbo":
        return [marks]
    dots = [(at, value) for at, _, row in lines for value in row.seed_gains.values()]
    seeds = {
        "type": "scatter", "mode": "markers", "name": SEED, "xaxis": axis, "yaxis": "y",
        "x": _floats([value for _, value in dots]), "y": _floats([at + 0.3 for at, _ in dots]),
        "marker": {"symbol": "circle", "size": 6, "color": look.colour},
        "hovertemplate": f"{SEED}: %{{x:.2f}} nats<extra></extra>",
    }  # fmt: skip
    return [marks, seeds] if dots else [marks]


def _whole(lines: Sequence[tuple[int, str, ResultRow]], place: int) -> list[dict[str, Any]]:
    """A word in the panel of the information for each model whose KL is not taken apart."""
    rows = [at for at, _, row in lines if "average_kl" in row.gains]
    words = {
        "type": "scatter", "mode": "text", "name": WHOLE, "xaxis": f"x{place + 1}", "yaxis": "y", "hoverinfo": "skip",
        "x": _floats([0.0] * len(rows)), "y": _floats(rows), "text": [f"\u2002{WHOLE}\u2009→"] * len(rows),
        "textposition": "middle right", "textfont": {"size": theme.FONT_SMALL},
    }  # fmt: skip
    return [words] if rows else []


def _range(lines: Sequence[tuple[int, str, ResultRow]]) -> list[float]:
    """All intervals and dots of all panels, and zero."""
    ends = [0.0] + [value for _, _, row in lines for value in row.seed_gains.values()]
    for _, _, row in lines:
        for key in SHOWN:
            if key in row.gains:
                value = row.gains[key].estimate
                ends += [value.value - Z_95 * value.se, value.value + Z_95 * value.se]
    margin = 0.06 * (max(ends) - min(ends)) or 0.1
    return [min(ends) - margin, max(ends) + margin]


def _floats(values: Sequence[float | int]) -> np.ndarray:
    return np.array(values, np.float32)
