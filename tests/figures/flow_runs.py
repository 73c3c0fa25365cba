"""Timing runs with known times: textbook sampling grows as d, everything else as the square root of d."""

from __future__ import annotations

from dataclasses import replace

from core.flow_timing_records import FlowCheck, FlowRun, FlowTiming, FlowTimingSettings, Machine
from core.prior_bill_records import BillRun, BillSettings, Cost, PriorBill

DIMS = (2, 8, 32, 64)
MACHINE = Machine("a processor", 2, "", "2.15.0", "3.11.7", "Linux", 0.1)
STAMP = "2026-11-24T04:10:00+00:00"
SPREAD = (0.9, 0.95, 1.0, 1.1, 1.3)
"""Quartiles 0.95 and 1.1 times the median."""
SECONDS = {"naive": 2e-3, "incremental": 1.5e-3, "fixed_point": 4e-3, "": 1e-3}


def median(method: str, dim: int) -> float:
    return SECONDS[method] * (dim if method == "naive" else dim**0.5)


def timing(flow: str, task: str, method: str, dim: int, scale: float = 1.0) -> FlowTiming:
    passes = {"naive": float(dim), "fixed_point": 6.5}.get(method, 1.0)
    seconds = tuple(scale * factor * median(method, dim) for factor in SPREAD)
    return FlowTiming(flow, task, method, dim, 1000, 5, (128, 128), 100 * dim, passes, seconds)  # type: ignore[arg-type]


def run(
    dims: tuple[int, ...] = DIMS,
    *,
    scale: float = 1.0,
    stamp: str = STAMP,
    methods: tuple[str, ...] = ("naive", "incremental", "fixed_point"),
    load: float | None = 0.1,
) -> FlowRun:
    """A run of every flow, task and method."""
    waiting = {("maf", "sample"), ("maf", "own_density"), ("iaf", "density")}
    timings = [
        timing(flow, task, method, dim, scale)
        for flow in ("maf", "iaf", "realnvp", "nice")
        for task in ("sample", "density", "own_density")
        for method in (methods if (flow, task) in waiting else ("",))
        for dim in dims
    ]
    checks = [
        FlowCheck(flow, method, dim, 128, 1e-6 * dim, 2e-7 if dim <= 16 else None, 3e-6)  # type: ignore[arg-type]
        for flow in ("maf", "iaf", "realnvp", "nice")
        for method in (methods if flow in ("maf", "iaf") else ("",))
        for dim in dims
    ]
    settings = FlowTimingSettings(dims=dims, methods=methods, repeats=len(SPREAD))  # type: ignore[arg-type]
    return FlowRun((stamp,), settings, replace(MACHINE, load=load), tuple(timings), tuple(checks), ())


def bill() -> BillRun:
    """A run of bills: IAF's training step and MAF's generating take d times 5 ms by the textbook, the rest 10 ms."""

    def cost(seconds: float) -> Cost:
        return Cost(tuple(seconds * factor for factor in SPREAD))

    bills = []
    for dim in (2, 40):
        for prior, method in (
            ("maf", "naive"),
            ("maf", "default"),
            ("iaf", "naive"),
            ("iaf", "default"),
            ("realnvp", ""),
        ):
            slow = 5e-3 * dim if method == "naive" else 1e-2
            step, use = (slow if prior == "iaf" else 1e-2), (slow if prior == "maf" else 1e-2)
            passes = (dim if prior == "iaf" else 1, dim if prior == "maf" else 1)
            costs = (cost(step), cost(step / 2), cost(use / 2), cost(use))
            bills.append(PriorBill(prior, method, dim, 100 * dim, *costs, *passes))  # type: ignore[arg-type]
    return BillRun(STAMP, BillSettings(), MACHINE, tuple(bills), ())
