"""Axes of the ladder's figure: which values they hold, and how a value off them is told."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.figures import theme
from core.intervals import Z_95
from core.ladder_records import Ladder, Rung
from core.records import Estimate

NAMES = {
    "standard": "N(0, I)", "gaussian": "Gaussian", "realnvp": "RealNVP", "maf": "MAF", "mog": "mixture of Gaussians",
    "vamp": "VampPrior", "aggregated": "training posteriors",
}  # fmt: skip
"""Families by the name they have in the legend; a subset of the aggregated posterior belongs to its family."""
SIZED = ("mog", "vamp", "aggregated")
DOMAINS = {"": (0.0, 0.17), "2": (0.2, 0.64), "3": (0.69, 1.0)}
"""Panels by the suffix of their axes: families of one size, numbers of components, seconds."""
_HINTS = (
    ("", "left", "one size"),
    ("2", "left", "← too simple"),
    ("2", "right", "can over-fit →"),
    ("3", "right", "slow to fit →"),
)
QUICK = 0.01
"""Seconds that are drawn as the least."""
_LETTER, _MARK, _ROW = 6, 10, 19
"""Pixels of a letter (5.2 on average, measured), from a triangle to its number, and from a row of them to the next."""
_WIDEST = 3.0
"""How far from the reference the axis goes for a rung that counts, in units of the best test gain."""


@dataclass(frozen=True)
class Window:
    """Ends of the vertical axis, and where values off it are drawn."""

    low: float
    high: float

    def inside(self, value: float) -> float:
        """The value, or the end that it lies beyond."""
        return min(max(value, self.low), self.high)

    def side(self, value: float) -> int:
        """-1 under the window, 1 above it, else 0."""
        return int(value > self.high) - int(value < self.low)


@dataclass(frozen=True)
class Points:
    """Gains of one family on one split, in one panel."""

    kind: str
    rungs: Sequence[Rung]
    x: Sequence[float]
    axis: str
    split: str

    @property
    def gains(self) -> list[Estimate]:
        """Over the reference, in nats."""
        return [rung.test_gain if self.split == "test" else rung.train_gain for rung in self.rungs]

    @property
    def place(self) -> dict[str, Any]:
        """What every trace of this panel and family has."""
        return {"type": "scatter", "xaxis": f"x{self.axis}", "yaxis": f"y{self.axis}"}


def family_of(rung: Rung) -> str:
    """Key of ``NAMES``: a subset of the training posteriors belongs to all of them."""
    kind = "aggregated" if rung.kind == "subset" else rung.kind
    if kind not in NAMES:
        raise ValueError(f"rung {rung.title!r} is of kind {rung.kind!r}, expected 'subset' or one of {sorted(NAMES)}")
    return kind


def reference_name(ladder: Ladder) -> str:
    """What gains are measured from."""
    rung = ladder.rungs[ladder.reference]
    return NAMES["standard"] if rung.kind == "standard" else rung.title


def perfect_gain(ladder: Ladder) -> Estimate | None:
    """What a perfect prior would win on the test images, where that is known."""
    if ladder.test_null is None:
        return None
    base = ladder.rungs[ladder.reference].test
    return Estimate(base.value - ladder.test_null.value, math.hypot(base.se, ladder.test_null.se))


def window_of(ladder: Ladder) -> Window:
    """All values where they are of one size, else about the best of the test images and the rungs that count.

    Few posteriors of many dimensions lie hundreds of nats under N(0, I), and all of them far above the best test value
    on their own images: neither may flatten what lies between.
    """
    tests = [rung.test_gain for rung in ladder.rungs]
    ends = [gain.value + sign * Z_95 * gain.se for gain in tests for sign in (-1, 1)]
    perfect = [] if (gain := perfect_gain(ladder)) is None else [gain.value]
    everything = [0.0, *ends, *perfect, *(rung.train_gain.value for rung in ladder.rungs)]
    best = max(gain.value for gain in tests)
    scale = best if best > 1e-6 else max(1e-3, *map(abs, ends))
    counts = [rung.test_gain for rung in ladder.rungs if family_of(rung) not in SIZED or (
        family_of(rung) != "aggregated" and (rung.components or 0) >= 10)]  # fmt: skip
    needed = [gain.value + sign * Z_95 * gain.se for gain in counts for sign in (-1, 1)]
    needed = [0.0, *perfect, *(value for value in needed if abs(value) <= _WIDEST * scale)]
    high = max(everything) if max(everything) <= 1.6 * scale else max(1.25 * scale, *needed)
    low = min(everything) if min(everything) >= -scale else min(-0.6 * scale, *needed)
    return Window(low, high)


def spans_of(ladder: Ladder, columns: int) -> dict[str, tuple[float, float]]:
    """Range of the horizontal axis of each panel."""
    return {"": (-0.5, max(columns, 1) - 0.5), "2": _sizes(ladder), "3": _seconds(ladder)}


@dataclass(frozen=True)
class _Note:
    """Numbers of one family at one end of the axis, for triangles from ``first`` to ``last`` pixels of their panel."""

    first: float
    last: float
    values: tuple[float, ...]
    kind: str
    train: bool
    side: int
    width: float

    def text(self, marked: bool) -> str:
        """One number, or the range of several, with a triangle in the family's colour where that must be told."""
        mark = theme.words("▲ " if self.side > 0 else "▼ ", theme.FAMILIES[self.kind][0]) if marked else ""
        ends = sorted({_short(value): value for value in self.values}.items(), key=lambda item: item[1])
        return mark + " to ".join(dict.fromkeys((ends[0][0], ends[-1][0]))) + (" train" if self.train else "")

    def place(self) -> tuple[str, float, float, float]:
        """Anchor of the text and its pixel, then the pixels it covers from left to right.

        Over its triangle, inside the frame; beside it at the top, where curves come from below and the left, and where
        the frame or the bar of all training posteriors is near.
        """
        room = _LETTER * (len(self.text(marked=False)) + 2)
        if self.first == self.last and self.width - self.last < room + _MARK:
            return "right", self.first - _MARK, self.first - _MARK - room, self.last
        if self.side > 0 and (self.first == self.last or self.width - self.last >= room + _MARK):
            return "left", self.last + _MARK, self.first, self.last + _MARK + room
        middle = min(max((self.first + self.last) / 2, room / 2), self.width - room / 2)
        return "center", middle, middle - room / 2, middle + room / 2


def off_axis(
    points: Sequence[Points], axis: str, span: tuple[float, float], window: Window
) -> Iterator[dict[str, Any]]:
    """Numbers at the triangles of a panel; those of one family that would cover each other become a range.

    Where both splits are off the same end one triangle covers the other, and the number is that of the test images.
    """
    low, high = (math.log10(end) for end in span) if axis else span
    width = (DOMAINS[axis][1] - DOMAINS[axis][0]) * theme.NARROWEST
    found: dict[tuple[int, str, bool], list[_Note]] = {}
    for part in (part for part in reversed(points) if part.axis == axis):
        for rung, at, gain in zip(part.rungs, part.x, part.gains, strict=True):
            side, train = window.side(gain.value), part.split == "train"
            if side and not (train and window.side(rung.test_gain.value) == side):
                place = ((math.log10(at) if axis else at) - low) / (high - low) * width
                note = _Note(place, place, (gain.value,), part.kind, train, side, width)
                found.setdefault((side, part.kind, train), []).append(note)
    for side in (-1, 1):
        rows: list[list[_Note]] = []
        marked = len({kind for end, kind, _ in found if end == side}) > 1
        for note in (note for key, notes in found.items() if key[0] == side for note in _merged(notes)):
            row = next((k for k, row in enumerate(rows) if not any(_cover(note, other) for other in row)), len(rows))
            rows[row : row + 1] = [[*(rows[row] if row < len(rows) else []), note]]
            anchor, at, *_ = note.place()
            beside = anchor != "center"
            yield {
                "x": low + at / width * (high - low), "y": window.high if side > 0 else window.low, "xref": f"x{axis}",
                "yref": f"y{axis}", "text": note.text(marked), "showarrow": False, "xanchor": anchor,
                "yanchor": "middle" if beside else "bottom" if side < 0 else "top", "font": {"size": theme.FONT_SMALL},
                "yshift": -side * ((0 if beside else 6) + _ROW * row),
            }  # fmt: skip


def _cover(one: _Note, other: _Note) -> bool:
    """Whether two texts in one row would cover each other."""
    (*_, left, right), (*_, other_left, other_right) = one.place(), other.place()
    return left < other_right and other_left < right


def _merged(notes: Sequence[_Note]) -> list[_Note]:
    """Notes of one family, none covering another."""
    notes = sorted(notes, key=lambda note: note.first)
    for left, right in itertools.pairwise(notes):
        if _cover(left, right):
            one = replace(left, last=right.last, values=left.values + right.values)
            return _merged([one, *(note for note in notes if note not in (left, right))])
    return notes


def _short(value: float) -> str:
    return f"{value:.{0 if abs(value) >= 100 else 1}f}".replace("-", "−")


def hints() -> list[dict[str, Any]]:
    """What is read from left to right, above the panels."""
    return [
        {
            "x": DOMAINS[axis][0 if side == "left" else 1], "y": 1, "xref": "paper", "yref": "paper", "text": text,
            "xanchor": side, "yanchor": "bottom", "showarrow": False,
            "font": {"size": theme.FONT_SMALL, "color": theme.NEUTRAL},
        }
        for axis, side, text in _HINTS
    ]  # fmt: skip


def _sizes(ladder: Ladder) -> tuple[float, float]:
    """Range of the numbers of components, with a margin."""
    sizes = [float(rung.components or 1) for rung in ladder.rungs if family_of(rung) in SIZED] or [1.0, 10.0]
    return 0.7 * min(sizes), 1.5 * max(sizes)


def _seconds(ladder: Ladder) -> tuple[float, float]:
    """Range of the seconds, with a margin."""
    return 0.6 * QUICK, 2.0 * max(10 * QUICK, *(rung.seconds for rung in ladder.rungs))


def axes_of(
    ladder: Ladder, single: Sequence[str], spans: dict[str, tuple[float, float]], window: Window
) -> dict[str, Any]:
    """Three panels on one vertical axis, with a line at the reference."""
    margin = 0.05 * (window.high - window.low)
    up: dict[str, Any] = theme.AXIS | {
        "title": theme.axis_title(f"ELBO gained over {reference_name(ladder)}, nats", 8), "zeroline": True,
        "range": [window.low - margin, window.high + margin], "zerolinecolor": theme.NEUTRAL, "zerolinewidth": 1.5,
    }  # fmt: skip
    linked = {"matches": "y", "showticklabels": False, "ticks": "", "title": None}
    columns = {"range": list(spans[""]), "tickvals": list(range(len(single))), "tickangle": -45}
    columns |= {"ticktext": [NAMES[kind] for kind in single], "title": theme.axis_title("", 4)}
    across = {
        "": columns,
        "2": _log_axis(spans["2"], "components K", ""),
        "3": _log_axis(spans["3"], "seconds of fitting", f"≤ {QUICK:g}"),
    }
    axes = {}
    for axis, domain in DOMAINS.items():
        axes[f"xaxis{axis}"] = theme.AXIS | across[axis] | {"domain": domain, "anchor": f"y{axis}"}
        axes[f"yaxis{axis}"] = up | (linked if axis else {}) | {"anchor": f"x{axis}"}
    return axes


def _log_axis(span: tuple[float, float], title: str, first: str) -> dict[str, Any]:
    """A logarithmic axis with labels at powers of ten, the first of them in other words where they are given."""
    low, high = (math.log10(end) for end in span)
    ticks = [10.0**k for k in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)]
    words = [f"{tick:,.0f}" if tick >= 1 else f"{tick:g}" for tick in ticks]
    words = [first, *words[1:]] if first else words
    return {
        "type": "log",
        "range": [low, high],
        "tickvals": ticks,
        "ticktext": words,
        "title": theme.axis_title(title, 4),
    }
