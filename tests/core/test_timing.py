"""Measuring: turns, warm-up, inner loops, repeats of slow cases. No absolute time is asserted."""

from __future__ import annotations

import gc
import time
from itertools import pairwise

import pytest
import torch

from core import timing
from core.intervals import quartiles, student_95
from core.timing import LEAST_S, Case, Turns, held, interleave, machine, now, threads


def sleeper(log: list[str], name: str, seconds: float = 1.5 * LEAST_S) -> Case:
    def run() -> None:
        log.append(name)
        time.sleep(seconds)

    return Case(run)


def test_cases_take_turns_and_the_warm_up_is_dropped() -> None:
    log: list[str] = []
    found = interleave({name: sleeper(log, name, 11 * LEAST_S) for name in "abc"}, repeats=4, warmup=2)
    assert "".join(log) == "abc" * 2 + "aabbcc" * 4, "short ones are called once more, untimed, before each sample"
    assert all(len(timing.wall) == len(timing.cpu) == len(timing.others) == 4 for timing in found.values())
    assert all(least >= 11 * LEAST_S for timing in found.values() for least in timing.wall)


def test_a_first_call_that_compiles_is_not_in_the_sample() -> None:
    calls: list[float] = []

    def run() -> None:
        time.sleep(0.2 if not calls else 20 * LEAST_S)
        calls.append(0)

    found = interleave({"a": Case(run)}, repeats=3, warmup=2)["a"]
    assert max(found.wall) < 0.2 and len(calls) == 2 + 3 * 2


def test_a_fast_case_is_called_until_a_sample_is_long_enough() -> None:
    calls = 0

    def run() -> None:
        nonlocal calls
        calls += 1

    turns = Turns({"fast": Case(run, 2.0)})
    assert turns.calls["fast"] > 100
    before = calls
    wall, _ = turns.round().times["fast"]
    assert calls - before == 1 + turns.calls["fast"]
    assert 0 < wall < LEAST_S  # seconds of one call, scaled; not of the sample


def test_the_scale_multiplies() -> None:
    times = interleave({"one": sleeper([], "", 0.03), "ten": Case(sleeper([], "", 0.03).run, 10.0)}, repeats=3)
    assert 5 < times["ten"].median / times["one"].median < 20


def test_a_slow_case_gets_fewer_repeats_spread_over_the_rounds() -> None:
    log: list[str] = []
    told: list[tuple[float, float]] = []
    cases = {"slow": sleeper(log, "s", 0.06), "fast": sleeper(log, "f", 11 * LEAST_S)}
    times = interleave(cases, repeats=12, slow_s=0.03, on_time=lambda *time: told.append(time))
    assert len(times["fast"].wall) == 12 and 3 <= len(times["slow"].wall) <= 6
    turns = [place for place, name in enumerate(log[2:]) if name == "s"]
    assert all(b - a > 1 for a, b in pairwise(turns)), "one after another instead of spread"
    assert told[-1][0] == pytest.approx(told[-1][1])
    assert all(a[0] <= b[0] for a, b in pairwise(told)) and len(told) == 12


def test_nothing_is_slower_than_the_least_number_of_repeats() -> None:
    times = interleave({"slow": sleeper([], "s", 0.05)}, repeats=9, slow_s=0.001)
    assert len(times["slow"].wall) == timing.SLOW_REPEATS
    assert len(interleave({"slow": sleeper([], "s", 0.05)}, repeats=2, slow_s=0.001)["slow"].wall) == 2


def test_gradients_and_collector_are_off_inside_and_restored() -> None:
    seen: list[tuple[bool, bool]] = []
    interleave({"a": Case(lambda: seen.append((torch.is_grad_enabled(), gc.isenabled())))}, repeats=1)
    assert set(seen) == {(False, False)} and gc.isenabled() and torch.is_grad_enabled()
    with pytest.raises(RuntimeError), held(grad=True):
        assert torch.is_grad_enabled() and not gc.isenabled()
        raise RuntimeError
    assert gc.isenabled()


def test_threads_are_restored_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError), threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise RuntimeError
    assert torch.get_num_threads() == before


def test_the_machine_is_described() -> None:
    found = machine()
    assert found.cpu and found.cores >= 1 and found.gpu == "" and found.torch == torch.__version__
    assert found.load is None or found.load >= 0
    stamps = [now() for _ in range(3)]
    assert stamps == sorted(stamps) and all(stamp.endswith("+00:00") for stamp in stamps)


def test_quartiles_and_students_factor() -> None:
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 4.0) and quartiles([7.0]) == (7.0, 7.0)
    assert student_95(1) == pytest.approx(12.706, abs=1e-3) and student_95(11) == pytest.approx(2.201, abs=3e-3)
    assert student_95(10_000) == pytest.approx(1.96, abs=1e-3)
    values = [student_95(freedom) for freedom in range(1, 40)]
    assert all(a > b for a, b in pairwise(values))
    with pytest.raises(ValueError, match="freedom is 0"):
        student_95(0)


def test_cuda_is_waited_for_before_each_look_at_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: log.append("wait"))
    turns = Turns({"a": sleeper(log, "a", 11 * LEAST_S)}, device="cuda")
    log.clear()
    turns.round()
    assert log == ["a", "wait", "a", "wait"]
    log.clear()
    Turns({"a": sleeper(log, "a", 11 * LEAST_S)}).round()
    assert "wait" not in log
