"""Slopes of made-up timings and pooled runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.flow_timing_records import FlowTiming
from core.flow_timing_summary import pool, poolable, slope
from tests.core.timings import LATER, MACHINE, STAMP, power, run, slower, timing


@pytest.mark.parametrize("exponent", [-0.5, 0.0, 1.0, 2.0])
def test_a_power_law_gives_its_exponent(exponent: float) -> None:
    found = slope(power(exponent))
    assert found is not None and found.n == 4
    assert found.value == pytest.approx(exponent) and found.high - found.low < 1e-6


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    dims, hits, rounds = (2, 4, 8, 16, 32), 0, 2000
    for _ in range(rounds):
        noise = np.exp(0.2 * generator.normal(size=len(dims)))
        found = slope([timing(d, float(1e-3 * d**0.7 * e)) for d, e in zip(dims, noise, strict=True)])
        assert found is not None
        hits += found.low <= 0.7 <= found.high
    assert abs(hits / rounds - 0.95) < 4 * (0.95 * 0.05 / rounds) ** 0.5


def test_the_median_decides_not_a_single_slow_repeat() -> None:
    one = [timing(d, *(3 * [1e-3 * d]), 99.0, 1e-3 * d) for d in (2, 4, 8)]
    found = slope(one)
    assert found is not None and found.value == pytest.approx(1.0)


def test_no_slope_of_two_points_nor_of_mixed_lines() -> None:
    assert slope(power(1.0, (2, 4))) is None and slope([]) is None
    with pytest.raises(ValueError, match="one flow, task and method"):
        slope(power(1.0) + power(0.0, task="density", method=""))
    with pytest.raises(ValueError, match="every d once"):
        slope(power(1.0) + power(1.0))


def test_pooled_runs_have_all_repeats_and_the_largest_errors() -> None:
    first, second = run(), slower(run(LATER), 2.0)
    both = pool([second, first])
    assert both.stamps == (STAMP, LATER) and both.stamp == LATER and both.settings.repeats == 6
    one: FlowTiming = both.series("maf", "sample", "naive")[0]
    assert one.seconds == first.timings[0].seconds + second.timings[0].seconds and one.repeats == 6
    assert one.median == pytest.approx(np.median(one.seconds)) and one.low < one.median < one.high
    assert both.checks[0].round_trip == 2e-6 and both.checks[0].log_det == 1e-7 and both.checks[3].log_det is None
    assert pool([first]) == first and pool([first, first]) == first
    busy = replace(second, machine=replace(MACHINE, load=3.0))
    assert pool([first, busy]).machine.load == 3.0
    third = run("2026-11-24T06:00:00+00:00")
    assert pool([both, third]).settings.repeats == 9


def test_what_differs_is_not_pooled() -> None:
    first = run()
    batch = replace(run(LATER), settings=replace(first.settings, batch=20))
    with pytest.raises(ValueError, match="differ in batch"):
        pool([first, batch])
    other = replace(run(LATER), machine=replace(MACHINE, torch="3.0", cpu="another"))
    with pytest.raises(ValueError, match="differ in cpu, torch"):
        pool([first, other])
    assert not poolable(first, other) and poolable(first, run(LATER))
    with pytest.raises(ValueError, match="contained in another"):
        pool([first, pool([first, run(LATER)])])
    with pytest.raises(ValueError, match="0 runs to pool"):
        pool([])


def test_a_run_knows_its_lines_and_how_equal_its_flows_are() -> None:
    found = run()
    assert [t.dim for t in found.series("maf", "density")] == [2, 4, 8, 16]
    assert found.series("iaf", "density") == () and found.parameter_gap == 0.0
    assert found.timings[0].rate == pytest.approx(10 / 2e-3) and found.timings[0].sequential
    odd = replace(found.timings[0], flow="nice", method="", parameters=round(1002 * 1.1))
    assert replace(found, timings=(*found.timings, odd)).parameter_gap == pytest.approx(0.1, abs=1e-3)
