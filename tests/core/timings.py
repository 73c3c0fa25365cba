"""Flow timing runs made up for tests: their medians follow laws that are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.flow_timing_records import (
    FlowCheck,
    FlowName,
    FlowRun,
    FlowTiming,
    FlowTimingSettings,
    Machine,
    Method,
    Task,
)

STAMP = "2026-11-24T04:00:00.000001+00:00"
LATER = "2026-11-24T05:00:00.000001+00:00"
MACHINE = Machine("a processor", 2, "", "2.9.0", "3.11.7", "Linux", 0.1)
SETTINGS = FlowTimingSettings(dims=(2, 4, 8, 16), batch=10, hidden=(16, 8), layers=3, repeats=3)


def timing(
    dim: int, *seconds: float, flow: FlowName = "maf", task: Task = "sample", method: Method = "naive"
) -> FlowTiming:
    passes = float(dim) if method == "naive" else 1.0
    return FlowTiming(flow, task, method, dim, 10, 3, (16, 8), 1000 + dim, passes, seconds)


def power(exponent: float, dims: tuple[int, ...] = SETTINGS.dims, **more) -> tuple[FlowTiming, ...]:
    """Medians that are 1e-3 d^exponent, with repeats on both sides."""
    return tuple(timing(d, *(share * 1e-3 * d**exponent for share in (0.9, 1.0, 1.2)), **more) for d in dims)


def run(stamp: str = STAMP, change: Callable[[FlowRun], FlowRun] = lambda run: run) -> FlowRun:
    """Naive MAF sampling of slope 1 and its density of slope 0."""
    timings = power(1.0) + power(0.0, task="density", method="")
    checks = tuple(FlowCheck("maf", "naive", d, 10, 1e-6, 1e-7 if d <= 8 else None, 2e-6) for d in SETTINGS.dims)
    return change(FlowRun((stamp,), SETTINGS, MACHINE, timings, checks, ()))


def slower(found: FlowRun, factor: float) -> FlowRun:
    """The same run on a worse day, with larger errors."""
    timings = tuple(replace(t, seconds=tuple(factor * s for s in t.seconds)) for t in found.timings)
    checks = tuple(replace(c, round_trip=factor * c.round_trip) for c in found.checks)
    return replace(found, timings=timings, checks=checks)
