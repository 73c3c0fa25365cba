"""Flows that are timed: as large as each other, bent, right; every case once; refusals. No time is asserted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.flow_timing import SEQUENTIAL, measure, network_passes, with_method
from core.flow_timing_checks import check_flow
from core.flow_timing_models import TimedFlow, make_flows
from core.flow_timing_records import FLOW_NAMES, METHOD_NAMES, TASKS, FlowTimingSettings
from core.flow_timing_settings import (
    check_budget,
    check_settings,
    estimate_bytes,
    estimate_seconds,
)
from core.flows import COUPLINGS, Flow
from core.flows.inversion import METHODS
from core.nn import MADE
from tests.contracts import seeded

TINY = FlowTimingSettings(dims=(1, 2, 5), batch=8, hidden=(12, 10), layers=2, repeats=2)


@pytest.mark.parametrize("dim", [2, 3, 16])
def test_flows_are_as_large_as_each_other(dim: int) -> None:
    flows = make_flows(replace(TINY, hidden=(64, 32)), dim)
    assert [flow.name for flow in flows] == list(FLOW_NAMES)
    sizes = {flow.name: flow.parameters for flow in flows}
    assert sizes["maf"] == sizes["iaf"]
    assert all(abs(size / sizes["maf"] - 1) < 0.06 for size in sizes.values()), sizes
    assert {flow.hidden for flow in flows if flow.name in ("maf", "iaf")} == {(64, 32)}


def test_flows_are_bent_and_the_same_for_the_same_seed() -> None:
    u = torch.randn(500, 5, generator=seeded(1))
    for again, first in zip(make_flows(TINY, 5), make_flows(TINY, 5), strict=True):
        z, log_det = first.flow.forward_and_log_det(u)
        assert torch.equal(z, again.flow.forward_and_log_det(u)[0])
        assert (z - u).abs().max() > 0.05 and z.abs().max() < 1e3
        assert first.name == "nice" or log_det.std() > 0.01
    other = make_flows(replace(TINY, seed=1), 5)[0]
    assert not torch.equal(other.flow.forward_and_log_det(u)[0], make_flows(TINY, 5)[0].flow.forward_and_log_det(u)[0])


def test_making_flows_leaves_the_process_wide_generator_alone() -> None:
    before = torch.random.get_rng_state()
    make_flows(TINY, 3)
    assert torch.equal(before, torch.random.get_rng_state())


def test_every_case_is_measured_once() -> None:
    told: list[tuple[int, int, str]] = []
    found = measure(TINY, lambda *told_: told.append(told_))
    keys = [(t.flow, t.task, t.method, t.dim) for t in found.timings]
    expected = {
        (flow, task, method, dim)
        for flow in FLOW_NAMES
        for task in TASKS
        for method in (METHOD_NAMES if task in SEQUENTIAL.get(flow, ()) else ("",))
        for dim in TINY.dims
        if dim > 1 or flow not in COUPLINGS
    }
    assert len(keys) == len(set(keys)) and set(keys) == expected
    assert all(t.repeats == 2 and min(t.seconds) > 0 and t.batch == 8 and t.layers == 2 for t in found.timings)
    assert {t.passes for t in found.timings if t.method == "naive" and t.dim == 5} == {5.0}
    assert {t.passes for t in found.timings if t.method in ("incremental", "")} == {1.0}
    assert all(1 <= t.passes <= t.dim for t in found.timings if t.method == "fixed_point")
    assert (
        len(found.stamps) == 1 and found.settings == TINY and found.left_out[0].startswith("realnvp and nice at d = 1")
    )
    assert told[-1][2].startswith("checking") and any(done == total > 0 for done, total, _ in told)
    for check in found.checks:
        assert max(check.round_trip, check.reference, check.log_det or 0.0) < 1e-4, check
    assert {(c.flow, c.method) for c in found.checks} == {
        *((flow, method) for flow in ("maf", "iaf") for method in METHOD_NAMES),
        ("realnvp", ""),
        ("nice", ""),
    }


def test_the_methods_are_those_of_the_flows() -> None:
    assert METHOD_NAMES == METHODS


def test_float64_is_measured_in_float64() -> None:
    found = measure(replace(TINY, dims=(3,), dtype="float64", repeats=1))
    assert all(max(c.round_trip, c.reference, c.log_det or 0.0) < 1e-11 for c in found.checks)


@pytest.mark.parametrize("name", ["maf", "iaf"])
def test_passes_are_what_the_networks_are_called(name: str) -> None:
    timed = next(flow for flow in make_flows(TINY, 5) if flow.name == name)
    u = torch.randn(8, 5, generator=seeded(1))
    calls: list[int] = []
    for method in ("naive", "fixed_point"):
        flow = with_method(timed.flow, method)
        run = (lambda f: f.forward_and_log_det if name == "maf" else f.inverse_and_log_det)(flow)
        networks = [module for module in flow.modules() if isinstance(module, MADE)]
        calls.clear()
        hooks = [network.register_forward_hook(lambda *_: calls.append(1)) for network in networks]
        with torch.no_grad():
            told = network_passes(flow, lambda run=run: run(u), method, 5)
            calls.clear()
            run(u)
        assert len(calls) / len(networks) == told, method
        for hook in hooks:
            hook.remove()


class Shifted(Flow):
    """A flow whose results are wrong by a little: the checks must see it."""

    def __init__(self, flow: Flow, *, z: float = 0.0, log_det: float = 0.0) -> None:
        super().__init__()
        self.flow, self.z, self.log_det = flow, z, log_det

    def forward_and_log_det(self, u, context=None):
        z, log_det = self.flow.forward_and_log_det(u)
        return (z + self.z if u.dtype == torch.float32 else z), log_det + self.log_det

    def inverse_and_log_det(self, z, context=None):
        return self.flow.inverse_and_log_det(z)


@pytest.mark.parametrize("name", ["maf", "realnvp"])
def test_the_checks_see_errors(name: str) -> None:
    timed = next(flow for flow in make_flows(TINY, 5) if flow.name == name)
    u = torch.randn(8, 5, generator=seeded(1))

    def checked(flow: Flow):
        return check_flow(TimedFlow(timed.name, 5, timed.hidden, 1, flow), "naive" if name == "maf" else "", flow, u)

    good = checked(timed.flow)
    assert good.log_det is not None and max(good.round_trip, good.log_det, good.reference) < 1e-5 and good.points == 8
    bad = checked(Shifted(timed.flow, z=0.01))
    assert bad.reference == pytest.approx(0.01, rel=0.1) and bad.round_trip > 1e-3
    wrong = checked(Shifted(timed.flow, log_det=0.01))
    assert wrong.log_det == pytest.approx(0.01, rel=0.1) and wrong.round_trip < 1e-5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dims": ()}, r"dims is \(\), expected 1 to 16 different"),
        ({"dims": (4, 2)}, "ascending"),
        ({"dims": (2, 2)}, "different dimensions"),
        ({"dims": (0, 2)}, "dims is 0, expected 1 to 1024"),
        ({"dims": (2, 5000)}, "dims is 5000"),
        ({"batch": 0}, "batch is 0, expected 1 to 100000"),
        ({"hidden": ()}, "hidden is"),
        ({"hidden": (128, 0)}, "hidden is 0"),
        ({"layers": 0}, "layers is 0"),
        ({"repeats": 0}, "repeats is 0"),
        ({"threads": 3}, "threads is 3, expected 1 to 2, one for each core"),
        ({"methods": ("magic",)}, "expected some of naive, incremental, fixed_point"),
        ({"methods": ()}, "methods is"),
        ({"dtype": "bfloat16"}, "expected float32 or float64"),
        ({"dtype": "float16"}, "expected float32 or float64"),
        ({"device": "mps"}, "expected cpu or cuda"),
        ({"seed": -1}, "seed is -1"),
        ({"sharpness": 0.0}, "sharpness is 0.0"),
        ({"sharpness": float("nan")}, "sharpness is nan"),
    ],
)
def test_settings_that_cannot_be_timed_are_refused(change: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_settings(replace(FlowTimingSettings(), **change), cores=2)


def test_a_run_that_needs_too_much_is_refused_before_it_begins() -> None:
    with pytest.raises(ValueError, match="GiB, at most 2 are allowed: lower batch"):
        check_budget(FlowTimingSettings(dims=(1024,), batch=100_000, hidden=(4096,)))
    with pytest.raises(ValueError, match="minutes, at most 60 are allowed: leave out the method naive"):
        check_budget(FlowTimingSettings(dims=(512, 1024), batch=20_000))
    check_settings(FlowTimingSettings())
    check_budget(FlowTimingSettings())


def test_estimates_grow_with_the_work() -> None:
    usual = FlowTimingSettings()
    assert estimate_seconds(replace(usual, methods=("incremental",))) < estimate_seconds(usual) / 2
    assert estimate_seconds(replace(usual, repeats=40)) > estimate_seconds(usual)
    assert estimate_bytes(replace(usual, dtype="float64")) == 2 * estimate_bytes(usual)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_where_there_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="torch finds no CUDA device here; use --device cpu"):
        measure(replace(TINY, device="cuda"))
