"""The likelihood of every model of a group beside what was published: who is where, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.intervals import Z_95
from core.records import Estimate
from core.results_records import ResultGroup, ResultRow

_ROW = 42
"""Pixels of a model."""
_GAP = "\u2002"
_OURS, _PUBLISHED = theme.MODEL_COLOURS[0], theme.PRIOR
HERE, SEEDS, THERE = "here, the stored weights", "here, other training seeds", "published"


@dataclass(frozen=True)
class _Line:
    """One row of the figure: its label, and its numbers in the figure's unit."""

    label: str
    ours: Estimate | None
    seeds: tuple[float, ...]
    published: Estimate | None
    hover: str


def results_figure(group: ResultGroup) -> Drawing:
    """-log p(x) of every measured model, the simplest prior on top, and the published numbers as hollow marks.

    Filled marks are the stored weights with a 95 % interval over the test images, small dots other training seeds of
    the same recipe; hollow marks are published numbers with the ± that is printed there. In bits per dimension where
    the field uses them.

    Args:
        group: with one measured model or more.

    Raises:
        ValueError: where none is measured.
    """
    if not group.measured:
        raise ValueError("the group must hold a measured model; got none")
    lines = _lines(group)
    height = 92 + 22 + _ROW * len(lines)
    unit = "bits per dimension" if group.in_bits else "nats per image"
    axis = theme.AXIS | {"title": theme.axis_title(f"−log p(x), {unit}: lower is better", 4), "range": _range(lines)}
    rows = theme.AXIS | {
        "range": [len(lines) - 0.4, -0.6], "tickvals": list(range(len(lines))), "ticks": "", "automargin": True,
        "ticktext": [line.label for line in lines], "showgrid": True, "gridcolor": theme.rgba(theme.NEUTRAL, 0.25),
    }  # fmt: skip
    traces = [*_published(lines), *_seeds(lines), _ours(lines)]
    layout = theme.layout(height=height, legend=[trace["name"] for trace in traces])
    return drawing(traces, layout | {"xaxis": axis, "yaxis": rows})


def labels(rows: Sequence[ResultRow]) -> list[str]:
    """The titles, with the name of the checkpoint where two models share one."""
    titles = [row.title for row in rows]
    return [
        title if titles.count(title) == 1 else f"{title} ({row.name})" for title, row in zip(titles, rows, strict=True)
    ]


def results_sentence(group: ResultGroup) -> str:
    """The figure in words: the best model, the simplest one, and how far apart."""
    named = [(row.nll, label) for row, label in zip(group.measured, labels(group.measured), strict=True) if row.nll]
    best, best_name = min(named, key=lambda pair: pair[0].value)
    gains = next((row.gains for row in group.measured if row.nll == best), {})
    gained = gains.get("log_likelihood") or gains.get("nll")
    first, first_name = named[0]
    if best_name == first_name:
        return f"The lowest −log p(x) is that of {best_name}: {best} nats per image."
    if gained is not None:
        how = "is taken image by image" if gained.paired else "has the error of models that share no images; these do"
        return (
            f"The lowest −log p(x) is that of {best_name}: {best} nats per image, {gained.estimate} less than "
            f"{first_name} with {first}; the difference {how}."
        )
    less = math.hypot(best.se, first.se)
    return (
        f"The lowest −log p(x) is that of {best_name}: {best} nats per image, {first.value - best.value:.2f} less than "
        f"{first_name} with {first} (± {less:.2f} if the two shared no images; they share all)."
    )


def _lines(group: ResultGroup) -> list[_Line]:
    scale = 1.0
    if group.in_bits:
        scale = group.measured[0].per_dimension(Estimate(1.0, 0.0)).value
    found = []
    for row, label in zip(group.measured, labels(group.measured), strict=True):
        own, published = row.nll, group.published_of(row)
        others = [] if row.seeds is None else list(row.seeds.values.values())[1:]
        hover = f"{label}<br>{own} nats per image, n = {group.n:,}"
        hover += "<br>exact, by quadrature" if row.exact else f"<br>S = {row.test['samples']:,} importance samples"
        found.append(_Line(label, _scaled(own, scale), tuple(scale * value for value in others),
                           _scaled(published and published.nll, scale), hover))  # fmt: skip
    matched = [group.published_of(row) for row in group.measured]
    return found + [
        _Line(f"{one.title} (published)", None, (), _scaled(one.nll, scale), "")
        for one in group.published
        if one not in matched
    ]


def _scaled(value: Estimate | None, scale: float) -> Estimate | None:
    return None if value is None else Estimate(value.value * scale, value.se * scale)


def _ours(lines: Sequence[_Line]) -> dict[str, Any]:
    shown = [(at, line, line.ours) for at, line in enumerate(lines) if line.ours is not None]
    return {
        "type": "scatter", "mode": "markers+text", "name": HERE, "x": _floats([own.value for _, _, own in shown]),
        "y": _floats([at for at, _, _ in shown]), "marker": {"symbol": "circle", "size": 12, "color": _OURS},
        "error_x": {"array": _floats([Z_95 * own.se for _, _, own in shown]), "thickness": 2, "width": 6,
                    "color": _OURS},
        "text": [f"{own}{_GAP}" for _, _, own in shown], "textposition": "top center", "cliponaxis": False,
        "textfont": {"size": theme.FONT_SMALL}, "customdata": [[line.hover] for _, line, _ in shown],
        "hovertemplate": "%{customdata[0]}<extra></extra>",
    }  # fmt: skip


def _seeds(lines: Sequence[_Line]) -> list[dict[str, Any]]:
    dots = [(at, value) for at, line in enumerate(lines) for value in line.seeds]
    if not dots:
        return []
    return [{
        "type": "scatter", "mode": "markers", "name": SEEDS, "x": _floats([value for _, value in dots]),
        "y": _floats([at + 0.22 for at, _ in dots]), "marker": {"symbol": "circle", "size": 7, "color": _OURS},
        "opacity": 0.75, "hovertemplate": "another training seed: %{x:.2f}<extra></extra>",
    }]  # fmt: skip


def _published(lines: Sequence[_Line]) -> list[dict[str, Any]]:
    shown = [(at, line.published) for at, line in enumerate(lines) if line.published is not None]
    if not shown:
        return []
    return [{
        "type": "scatter", "mode": "markers", "name": THERE, "x": _floats([found.value for _, found in shown]),
        "y": _floats([at for at, _ in shown]),
        "marker": {"symbol": "diamond-open", "size": 14, "color": _PUBLISHED, "line": {"width": 2.5}},
        "error_x": {"array": _floats([found.se for _, found in shown]), "thickness": 2, "width": 6,
                    "color": _PUBLISHED},
        "customdata": [[str(found)] for _, found in shown],
        "hovertemplate": "published: %{customdata[0]}, as printed there<extra></extra>",
    }]  # fmt: skip


def _range(lines: Sequence[_Line]) -> list[float]:
    """All intervals and dots, with a margin in which the outermost numbers have room."""
    ends = [value for line in lines for value in line.seeds]
    for found, z in [(line.ours, Z_95) for line in lines] + [(line.published, 1.0) for line in lines]:
        if found is not None:
            ends += [found.value - z * found.se, found.value + z * found.se]
    margin = 0.08 * (max(ends) - min(ends)) or 0.1
    return [min(ends) - margin, max(ends) + margin]


def _floats(values: Sequence[float | int]) -> np.ndarray:
    return np.array(values, np.float32)
