"""Timing runs as text that a spreadsheet reads: one line for each case, with all that is needed to judge it."""

from __future__ import annotations

from typing import Any

from core.flow_timing_compare import pairs, ratio
from core.flow_timing_records import FlowRun, Machine
from core.prior_bill_records import BillRun
from core.tables import write_csv

_PLACE = ["cpu", "gpu", "torch", "python", "system", "load at the start"]


def timings_csv(run: FlowRun) -> str:
    """Every timing of a run: what was timed, median and quartiles in seconds, all repeats, and where."""
    s = run.settings
    header = ["flow", "task", "method", "d", "batch", "layers", "hidden", "parameters", "passes a layer"]
    header += ["median, s", "first quartile, s", "third quartile, s", "points a second", "repeats", "all repeats, s"]
    header += ["threads", "device", "dtype", "seed", "sharpness", "measured, UTC", *_PLACE]
    tail = [s.threads, s.device, s.dtype, s.seed, s.sharpness, " ".join(run.stamps), *_place(run.machine)]
    lines = [
        [
            t.flow, t.task, t.method, t.dim, t.batch, t.layers, _spaced(t.hidden), t.parameters, t.passes, t.median,
            t.low, t.high, t.rate, t.repeats, _spaced(t.seconds), *tail,
        ]
        for t in run.timings
    ]  # fmt: skip
    return write_csv(header, lines)


def checks_csv(run: FlowRun) -> str:
    """Every check of the flows that were timed; an empty cell was not checked."""
    header = ["flow", "method", "d", "points", "round trip, largest", "log-determinant, largest, nats"]
    lines = [
        [c.flow, c.method, c.dim, c.points, c.round_trip, "" if c.log_det is None else c.log_det, c.reference]
        for c in run.checks
    ]
    return write_csv([*header, "to the float64 loop, largest"], lines)


def comparison_csv(run: FlowRun, other: FlowRun) -> str:
    """What two runs have in common: both medians in seconds and their ratio with its range."""
    header = ["flow", "task", "method", "d", f"{run.stamp}, s", f"{other.stamp}, s", "ratio", "low", "high"]
    lines = []
    for a, b in pairs(run, other):
        found = ratio(b, a)
        lines.append([a.flow, a.task, a.method, a.dim, a.median, b.median, found.value, found.low, found.high])
    return write_csv(header, lines)


def bills_csv(run: BillRun) -> str:
    """Every bill of a run, one line for each of its four costs."""
    s = run.settings
    header = ["prior", "method", "d", "parameters", "what", "median, s", "first quartile, s", "third quartile, s"]
    header += ["repeats", "batch", "samples", "threads", "seed", "measured, UTC", *_PLACE]
    tail = [s.batch, s.samples, s.threads, s.seed, run.stamp, *_place(run.machine)]
    lines = []
    for bill in run.bills:
        for what in ("step", "density", "sampling", "generating"):
            cost = getattr(bill, what)
            numbers = [cost.median, cost.low, cost.high, len(cost.seconds)]
            lines.append([bill.prior, bill.method, bill.dim, bill.parameters, what, *numbers, *tail])
    return write_csv(header, lines)


def _place(machine: Machine) -> list[Any]:
    load = "" if machine.load is None else machine.load
    return [machine.cpu, machine.gpu, machine.torch, machine.python, machine.system, load]


def _spaced(values: tuple[Any, ...]) -> str:
    return " ".join(map(str, values))
