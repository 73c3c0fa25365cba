"""What is concluded from flow timings: the slope against d, and runs of the same settings taken together. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from core.flow_timing_records import FlowCheck, FlowRun, FlowTiming, Slope
from core.intervals import student_95

MAX_POOLED = 50
"""Runs that may be pooled at once."""


def slope(timings: Sequence[FlowTiming]) -> Slope | None:
    """Exponent b of time ~ d^b, by least squares of log median time on log d.

    b +- t_{n-2} sqrt(sum r^2 / (n - 2) / sum (x - mean x)^2), with x = log d and the residuals r. The interval comes
    from the residuals: it holds where time is a power of d, and is wide where the curve bends, as overhead and caches
    make it do.

    Args:
        timings: one line of the chart: one flow, task and method.

    Returns:
        None where there are fewer than three different dimensions.

    Raises:
        ValueError: timings of different flows, tasks or methods, or two of the same d.
    """
    if len({(t.flow, t.task, t.method) for t in timings}) > 1 or len({t.dim for t in timings}) < len(timings):
        raise ValueError("a slope is of one flow, task and method with every d once; select them by FlowRun.series")
    n = len(timings)
    if n < 3:
        return None
    x = [math.log(timing.dim) for timing in timings]
    y = [math.log(timing.median) for timing in timings]
    x_mean, y_mean = sum(x) / n, sum(y) / n
    spread = sum((a - x_mean) ** 2 for a in x)
    value = sum((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True)) / spread
    residuals = sum((b - y_mean - value * (a - x_mean)) ** 2 for a, b in zip(x, y, strict=True))
    half = student_95(n - 2) * math.sqrt(residuals / (n - 2) / spread)
    return Slope(value, value - half, value + half, n)


def poolable(a: FlowRun, b: FlowRun) -> bool:
    """Whether two runs measured the same on the same machine; the number of repeats and the load may differ."""
    same_settings = replace(a.settings, repeats=1) == replace(b.settings, repeats=1)
    return same_settings and replace(a.machine, load=None) == replace(b.machine, load=None)


def pool(runs: Sequence[FlowRun]) -> FlowRun:
    """One run with the repeats of all: medians and quartiles are then of every repeat, and errors the largest seen.

    Args:
        runs: at least one, of the same settings and machine; one that is there twice counts once.

    Raises:
        ValueError: runs that cannot be pooled, saying what differs.
    """
    distinct = sorted({run.stamps: run for run in runs}.values(), key=lambda run: run.stamps)
    if not 1 <= len(distinct) <= MAX_POOLED:
        raise ValueError(f"{len(distinct)} runs to pool, expected 1 to {MAX_POOLED}")
    first = distinct[0]
    for other in distinct[1:]:
        if not poolable(first, other):
            raise ValueError(f"the runs of {first.stamp} and {other.stamp} differ in {_difference(first, other)}")
    if len({stamp for run in distinct for stamp in run.stamps}) < sum(len(run.stamps) for run in distinct):
        raise ValueError("a run is contained in another one already; pool the single runs")
    loads = [run.machine.load for run in distinct if run.machine.load is not None]
    return FlowRun(
        tuple(sorted(stamp for run in distinct for stamp in run.stamps)),
        replace(first.settings, repeats=sum(run.settings.repeats for run in distinct)),
        replace(first.machine, load=max(loads, default=None)),
        _timings(distinct),
        _checks(distinct),
        first.left_out,
    )


def _difference(a: FlowRun, b: FlowRun) -> str:
    """Names of what keeps two runs apart."""
    pairs = ((a.settings, b.settings, "repeats"), (a.machine, b.machine, "load"))
    names = [n for x, y, free in pairs for n in vars(x) if n != free and getattr(x, n) != getattr(y, n)]
    return ", ".join(names)


def _timings(runs: Sequence[FlowRun]) -> tuple[FlowTiming, ...]:
    seconds: dict[tuple[str, str, str, int], tuple[float, ...]] = {}
    for run in runs:
        for t in run.timings:
            key = (t.flow, t.task, t.method, t.dim)
            seconds[key] = seconds.get(key, ()) + t.seconds
    return tuple(replace(t, seconds=seconds[t.flow, t.task, t.method, t.dim]) for t in runs[0].timings)


def _checks(runs: Sequence[FlowRun]) -> tuple[FlowCheck, ...]:
    found: dict[tuple[str, str, int], FlowCheck] = {}
    for run in runs:
        for check in run.checks:
            key = (check.flow, check.method, check.dim)
            old = found.get(key, check)
            log_det = None if old.log_det is None or check.log_det is None else max(old.log_det, check.log_det)
            found[key] = replace(
                old,
                round_trip=max(old.round_trip, check.round_trip),
                log_det=log_det,
                reference=max(old.reference, check.reference),
            )
    return tuple(found.values())
