"""Panels with room on their right, where each line has its name beside its last point, none over another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.figures import theme

LABEL = 0.155
"""Width of the labels of a panel, as a share of a figure with two panels."""
_GAP = 0.012
_LINE = 19
"""Pixels of a line of text."""


@dataclass(frozen=True)
class Panel:
    """Where one panel of a figure lies, in shares of the drawn area.

    Attributes:
        axis: what plotly calls its axes by: "", "2", ...
        left, right, bottom, top: the panel; its labels are right of it.
        gap: between the panel and its labels.
        first: whether it is the first of its row, which carries the numbers of the axis.
        low, high: ends of the vertical axis, in its own units, logarithms on a logarithmic one.
    """

    axis: str
    left: float
    right: float
    bottom: float
    top: float
    gap: float
    first: bool
    low: float
    high: float

    def height_of(self, value: float) -> float:
        """Share of the drawn area at which a value lies."""
        return self.bottom + (self.top - self.bottom) * (value - self.low) / (self.high - self.low)


def panels_of(names: Sequence[str], window: tuple[float, float]) -> list[Panel]:
    """One panel for each name, two in a row, a single one over the whole width.

    Args:
        names: of the panels.
        window: ends of the vertical axis that all share.
    """
    columns = min(2, len(names))
    rows = -(-len(names) // 2)
    width = 1 / columns
    found = []
    for place in range(len(names)):
        row, column = divmod(place, 2)
        left = column * width
        bottom, top = 1 - (row + 1) / rows, 1 - row / rows
        if rows > 1:
            bottom, top = bottom + (0.0 if row == rows - 1 else 0.09), top - (0.0 if row == 0 else 0.09)
        right = left + width - LABEL
        axis = str(place + 1) if place else ""
        found.append(Panel(axis, left, right, bottom, top, _GAP, column == 0, *window))
    return found


def end_labels(
    ends: Sequence[tuple[float, str, str]], panel: Panel, drawn: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Annotations beside the panel at the heights of the lines' ends, moved apart, and a leader to each.

    Args:
        ends: value in the units of the axis, colour and text of each; two lines of text or fewer.
        panel: which.
        drawn: height of the drawn area in pixels.

    Returns:
        Annotations and shapes of plotly.
    """
    room = max(2, max((text.count("<br>") + 1 for _, _, text in ends), default=1)) * _LINE / drawn
    wanted = [panel.height_of(value) for value, _, _ in ends]
    places = moved_apart(wanted, room, panel.bottom + room / 2, panel.top - room / 2)
    notes, leaders = [], []
    for (_, colour, text), at, place in zip(ends, wanted, places, strict=True):
        notes.append(
            {
                "text": text, "x": panel.right + panel.gap, "y": place, "xref": "paper", "yref": "paper",
                "xanchor": "left", "yanchor": "middle", "align": "left", "showarrow": False,
                "font": {"size": theme.FONT_SMALL},
            }
        )  # fmt: skip
        leaders.append(
            {
                "type": "line", "xref": "paper", "yref": "paper", "x0": panel.right, "y0": at,
                "x1": panel.right + 0.85 * panel.gap, "y1": place, "line": {"color": colour, "width": 1.5},
            }
        )  # fmt: skip
    return notes, leaders


def moved_apart(wanted: Sequence[float], room: float, low: float, high: float) -> list[float]:
    """Places at least ``room`` apart, as near to the wanted ones as their order and the ends allow.

    Args:
        wanted: any number of places.
        room: least distance; where it is too much for all, they stand evenly from end to end.
        low: the lower end.
        high: the upper end.
    """
    order = sorted(range(len(wanted)), key=lambda k: wanted[k])
    if len(order) > 1:
        room = min(room, (high - low) / (len(order) - 1))
    places = [0.0] * len(wanted)
    groups: list[list[int]] = []
    for k in order:  # neighbours that are too near become one block around its mean
        groups.append([k])
        while len(groups) > 1 and _start(groups[-1], wanted, room) < _end(groups[-2], wanted, room) + room:
            last = groups.pop()
            groups[-1] = groups[-1] + last
    for group in groups:
        start = _start(group, wanted, room)
        for step, k in enumerate(group):
            places[k] = start + step * room
    floor = low
    for k in order:
        places[k] = floor = max(places[k], floor)
        floor += room
    ceiling = high
    for k in reversed(order):
        places[k] = ceiling = min(places[k], ceiling)
        ceiling -= room
    return places


def _start(group: Sequence[int], wanted: Sequence[float], room: float) -> float:
    return sum(wanted[k] for k in group) / len(group) - room * (len(group) - 1) / 2


def _end(group: Sequence[int], wanted: Sequence[float], room: float) -> float:
    return _start(group, wanted, room) + room * (len(group) - 1)
