"""One timing against another: ratios of medians with how far the quartiles let them reach. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from core.flow_timing_records import FlowCheck, FlowRun, FlowTiming


@runtime_checkable
class Spread(Protocol):
    """Whatever has a median and quartiles, in seconds."""

    @property
    def median(self) -> float:
        """Median, s."""
        ...

    @property
    def low(self) -> float:
        """First quartile, s."""
        ...

    @property
    def high(self) -> float:
        """Third quartile, s."""
        ...


@dataclass(frozen=True)
class Ratio:
    """How many times as long one thing takes as another.

    Attributes:
        value: ratio of the medians.
        low, high: first quartile over the other's third, third over the other's first. Half of the repeats of each
            lie between its quartiles: it is a range of the machine's unrest, not a confidence interval.
    """

    value: float
    low: float
    high: float


def ratio(a: Spread, b: Spread) -> Ratio:
    """a over b."""
    return Ratio(a.median / b.median, a.low / b.high, a.high / b.low)


def at(run: FlowRun, flow: str, task: str, method: str, dim: int) -> FlowTiming | None:
    """One timing of a run, None where it was not measured."""
    for timing in run.timings:
        if (timing.flow, timing.task, timing.method, timing.dim) == (flow, task, method, dim):
            return timing
    return None


def pairs(run: FlowRun, other: FlowRun) -> list[tuple[FlowTiming, FlowTiming]]:
    """The timings that both runs have: of the same flow, task, method and d, in the order of the first run."""
    theirs = {(t.flow, t.task, t.method, t.dim): t for t in other.timings}
    keys = [((t.flow, t.task, t.method, t.dim), t) for t in run.timings]
    return [(timing, theirs[key]) for key, timing in keys if key in theirs]


def worst(checks: tuple[FlowCheck, ...]) -> tuple[float, float | None, float]:
    """Largest round-trip error, error of the log-determinant (None where none was checked) and difference to the loop.

    Args:
        checks: at least one.
    """
    log_dets = [check.log_det for check in checks if check.log_det is not None]
    return (
        max(check.round_trip for check in checks),
        max(log_dets, default=None),
        max(check.reference for check in checks),
    )
