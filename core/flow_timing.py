"""Both directions of every flow, timed in turns, with the errors of the very models that were timed."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor, nn

from core.distributions import DiagonalNormal, standard_normal
from core.flow_timing_checks import check_flow
from core.flow_timing_models import TimedFlow, make_flows
from core.flow_timing_records import (
    METHOD_NAMES,
    TASKS,
    FlowCheck,
    FlowName,
    FlowRun,
    FlowTiming,
    FlowTimingSettings,
    Method,
    Task,
)
from core.flow_timing_settings import COUPLING_ALONE, SLOW_S, check_budget, check_settings
from core.flows import COUPLINGS, Flow
from core.flows.autoregressive import AutoregressiveLayer
from core.flows.inversion import Inversion, set_inversion
from core.progress import OnProgress
from core.timing import Case, as_progress, interleave, machine, now, threads

SEQUENTIAL: dict[FlowName, tuple[Task, ...]] = {"maf": ("sample", "own_density"), "iaf": ("density",)}
"""Tasks in which a coordinate waits for the one before it. For all others one network pass a layer does."""

_POINTS_SEED = 1  # added to the seed of the weights: noise must not be made of the same numbers

Key = tuple[FlowName, Task, Method, int]


def measure(settings: FlowTimingSettings, on_progress: OnProgress | None = None) -> FlowRun:
    """Time every flow, task, method and dimension of the settings in turns, then check every flow.

    Nothing else should run meanwhile; ``Machine.load`` says whether something did.

    Args:
        settings: what to measure.
        on_progress: told the milliseconds of measuring that are done and are to do.

    Raises:
        ValueError: for settings that cannot be timed, or not here, saying what to do.
    """
    check_settings(settings, cores=os.cpu_count() or 1)
    check_budget(settings)
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is cuda, but torch finds no CUDA device here; use --device cpu")
    report = on_progress or (lambda *_: None)
    report(0, 0, "making the flows")
    stamp, where = now(), machine(settings.device)
    with threads(settings.threads), torch.no_grad():
        flows = [flow for dim in settings.dims for flow in make_flows(settings, dim)]
        jobs = {key: job for flow in flows for key, job in _jobs(flow, settings).items()}
        report(0, 0, "warm-up")
        times = interleave(
            {str(key): Case(run) for key, (run, _) in jobs.items()},
            repeats=settings.repeats,
            warmup=2,
            slow_s=SLOW_S,
            device=settings.device,
            on_time=as_progress(report),
        )
        by_place = {(flow.name, flow.dim): flow for flow in flows}
        timings = []
        for key, (run, flow) in jobs.items():
            passes = network_passes(flow, run, key[2], key[3])
            timings.append(_record(key, by_place[key[0], key[3]], settings, passes, times[str(key)].wall))
        checks = _checks(flows, settings, report)
    left_out = (COUPLING_ALONE,) if 1 in settings.dims else ()
    return FlowRun((stamp,), settings, where, tuple(timings), checks, left_out)


def network_passes(flow: Flow, run: Callable[[], object], method: Method, dim: int) -> float:
    """Network passes a layer of one call: measured for the fixed point, known for the others.

    Args:
        flow: with its method set.
        run: one call of it.
        method: of the sequential direction.
        dim: d.
    """
    if method != "fixed_point":
        return float(dim) if method == "naive" else 1.0
    layers = [module for module in flow.modules() if isinstance(module, AutoregressiveLayer)]
    spent: list[int] = []

    def counting(invert: Callable[..., Inversion], *arguments: Any) -> Inversion:
        found = invert(*arguments)
        spent.append(found.passes)
        return found

    for layer in layers:
        vars(layer)["invert"] = partial(counting, layer.invert)
    try:
        run()
    finally:
        for layer in layers:
            del vars(layer)["invert"]  # the one of the class is there again
    return sum(spent) / len(layers)


def with_method(flow: Flow, method: Method) -> Flow:
    """A copy with the method of the sequential direction set; the flow itself where there is nothing to choose."""
    if method == "":
        return flow
    other = copy.deepcopy(flow)
    set_inversion(other, method)
    return other


def points(flow: Flow, settings: FlowTimingSettings, dim: int) -> tuple[Tensor, Tensor]:
    """Noise u and the points z = g(u) whose density is asked for, (batch, d) each."""
    like = _like(flow, settings)
    u = standard_normal((settings.batch, dim), like, _generator(settings))
    return u, flow.forward_and_log_det(u)[0]


def _jobs(timed: TimedFlow, settings: FlowTimingSettings) -> dict[Key, tuple[Callable[[], object], Flow]]:
    """Every task of one flow, with every method where there is one to choose."""
    _, z = points(timed.flow, settings, timed.dim)
    sequential = SEQUENTIAL.get(timed.name, ())
    methods = _methods(settings) if sequential else ()
    copies = {method: with_method(timed.flow, method) for method in methods}
    noise = _generator(settings, settings.device)
    found: dict[Key, tuple[Callable[[], object], Flow]] = {}
    for task in TASKS:
        for method in methods if task in sequential else ("",):
            flow = copies.get(method, timed.flow)
            found[timed.name, task, method, timed.dim] = partial(_RUN[task], flow, z, noise), flow
    return found


def _methods(settings: FlowTimingSettings) -> tuple[Method, ...]:
    return tuple(method for method in METHOD_NAMES if method in settings.methods)


def _sample(flow: Flow, z: Tensor, generator: Generator) -> Tensor:
    return flow.forward_and_log_det(standard_normal(tuple(z.shape), z, generator))[0]


def _density(flow: Flow, z: Tensor, _: Generator) -> Tensor:
    u, log_det = flow.inverse_and_log_det(z)
    return _base(u).log_prob(u) + log_det


def _own_density(flow: Flow, z: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    u = standard_normal(tuple(z.shape), z, generator)
    own, log_det = flow.forward_and_log_det(u)
    return own, _base(u).log_prob(u) - log_det


_RUN: dict[Task, Callable[[Flow, Tensor, Generator], object]] = {
    "sample": _sample,
    "density": _density,
    "own_density": _own_density,
}


def _base(u: Tensor) -> DiagonalNormal:
    return DiagonalNormal(torch.zeros_like(u[0]), torch.zeros_like(u[0]))


def _record(
    key: Key, timed: TimedFlow, settings: FlowTimingSettings, passes: float, wall: tuple[float, ...]
) -> FlowTiming:
    flow, task, method, dim = key
    seconds = tuple(float(f"{second:.3g}") for second in wall)  # more digits are noise, and make large files
    sizes = (settings.batch, settings.layers, timed.hidden, timed.parameters)
    return FlowTiming(flow, task, method, dim, *sizes, passes, seconds)


def _checks(flows: list[TimedFlow], settings: FlowTimingSettings, report: OnProgress) -> tuple[FlowCheck, ...]:
    found = []
    for timed in flows:
        report(0, 0, f"checking {timed.name}, d = {timed.dim}")
        u = standard_normal((settings.batch, timed.dim), _like(timed.flow, settings), _generator(settings))
        methods: tuple[Method, ...] = ("",) if timed.name in COUPLINGS else _methods(settings)
        found += [check_flow(timed, method, with_method(timed.flow, method), u) for method in methods]
    return tuple(found)


def _generator(settings: FlowTimingSettings, device: str = "cpu") -> Generator:
    return Generator(device).manual_seed(settings.seed + _POINTS_SEED)


def _like(flow: nn.Module, settings: FlowTimingSettings) -> Tensor:
    """Something of the flow's dtype and device."""
    return torch.empty(0, dtype=getattr(torch, settings.dtype), device=next(flow.parameters()).device)
