"""Flow timings as tables: the times, the errors of what was timed, one run against another, and all runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.figures.flow_timing_words import SHORT, duration, line_name, moment, rate, spread, times
from core.flow_timing_compare import pairs, ratio
from core.flow_timing_records import FlowRun, StoredRun


def timing_table(run: FlowRun, dim: int) -> list[dict[str, Any]]:
    """One row for each flow, task and method at one d; the time of a pass is that of one layer's network pass."""
    return [
        {
            "Flow": line_name(t.flow, t.method), "Task": SHORT[t.task], "Time [quartiles]": spread(t),
            "Passes": f"{t.passes:.3g}", "Time of a pass": duration(t.median / (t.layers * t.passes)),
            "Points/s": rate(t), "Parameters": t.parameters, "Widths": "-".join(map(str, t.hidden)),
            "Repeats": t.repeats,
        }
        for t in run.timings
        if t.dim == dim
    ]  # fmt: skip


def check_table(run: FlowRun, dim: int) -> list[dict[str, Any]]:
    """One row for each flow and method at one d."""
    return [
        {
            "Flow": line_name(c.flow, c.method), "Round trip": f"{c.round_trip:.1e}",
            "To the loop": f"{c.reference:.1e}",
            "Log-det, nats": "not checked" if c.log_det is None else f"{c.log_det:.1e}", "Points": c.points,
        }
        for c in run.checks
        if c.dim == dim
    ]  # fmt: skip


def comparison_table(run: FlowRun, other: FlowRun, dim: int) -> list[dict[str, Any]]:
    """What both runs measured at one d, and how many times as long the second one took."""
    return [
        {
            "Flow": line_name(a.flow, a.method), "Task": SHORT[a.task], "Run shown": spread(a),
            "Run beside it": spread(b), "It takes": times(ratio(b, a), "as long"),
        }
        for a, b in pairs(run, other)
        if a.dim == dim
    ]  # fmt: skip


def run_label(stored: StoredRun) -> str:
    """What a usable run is called where one is chosen: its moment, and whether it came with the program."""
    assert stored.run is not None
    return moment(stored.run.stamp) + (", shipped" if stored.shipped else "")


def run_table(stored: Sequence[StoredRun]) -> list[dict[str, Any]]:
    """One row for each usable run."""
    return [
        {
            "Measured": run_label(item), "Machine": run.machine.gpu or run.machine.cpu,
            "Load": "not known" if run.machine.load is None else f"{run.machine.load:.2f}",
            "Threads": run.settings.threads, "Dtype": run.settings.dtype, "Device": run.settings.device,
            "d": " ".join(map(str, run.settings.dims)), "Batch": run.settings.batch, "Layers": run.settings.layers,
            "Widths": "-".join(map(str, run.settings.hidden)), "Repeats": run.settings.repeats,
            "Seed": run.settings.seed, "torch": run.machine.torch,
        }
        for item in stored
        if (run := item.run) is not None
    ]  # fmt: skip
