"""Interleaved timing: every case once a round, so that a change of the machine's speed meets all of them alike.

A ratio is the median over rounds of the two times of one round, never of two medians from different minutes. Rounds in
which other processes used the machine are replaced as far as the limit of rounds allows; what they still used is told.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

QUIET_CORES = 0.25
"""Cores that other processes may use, on average over a round, before the round counts as busy."""


@dataclass(frozen=True)
class Case:
    """Something to time.

    Attributes:
        run: one call of it.
        scale: seconds of a call times this is what is reported: 1 / steps for a time per step, 156.25 where 64 points
            of 10,000 are run.
    """

    run: Callable[[], object]
    scale: float = 1.0


@dataclass(frozen=True)
class Timing:
    """The kept rounds of one case, in seconds, in the order they were run.

    Attributes:
        wall: elapsed time.
        cpu: processor time of this process, over all its threads. With one thread it is nearly free of what other
            processes do; with more it contains the threads' waiting.
        others: cores used by other processes during the same round.
    """

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    others: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median elapsed time."""
        return statistics.median(self.wall)

    @property
    def iqr(self) -> tuple[float, float]:
        """First and third quartile of the elapsed time."""
        return quartiles(self.wall)

    @property
    def cpu_median(self) -> float:
        """Median processor time."""
        return statistics.median(self.cpu)


@dataclass(frozen=True)
class Ratio:
    """How many times longer the reference took, from pairs of the same round.

    Attributes:
        wall: median, by elapsed time.
        low, high: quartiles of it.
        cpu: median, by processor time.
    """

    wall: float
    low: float
    high: float
    cpu: float


def interleave(cases: Mapping[str, Case], *, repeats: int = 7, warmup: int = 1) -> dict[str, Timing]:
    """Time the cases A B C A B C ... and keep the ``repeats`` quietest of at most ``2 * repeats`` rounds.

    Args:
        cases: by name.
        repeats: rounds to keep; the run ends early when as many were quiet.
        warmup: untimed rounds first.
    """
    for _ in range(warmup):
        for case in cases.values():
            case.run()
    rounds: list[tuple[float, dict[str, tuple[float, float]]]] = []
    while len(rounds) < 2 * repeats and sum(others <= QUIET_CORES for others, _ in rounds) < repeats:
        rounds.append(_round(cases))
    threshold = sorted(others for others, _ in rounds)[repeats - 1]
    kept = [item for item in rounds if item[0] <= threshold][:repeats]
    others = tuple(item[0] for item in kept)
    return {
        name: Timing(tuple(times[name][0] for _, times in kept), tuple(times[name][1] for _, times in kept), others)
        for name in cases
    }


def ratio(reference: Timing, other: Timing) -> Ratio:
    """``reference`` over ``other``; both from one call of ``interleave``."""
    wall = [a / b for a, b in zip(reference.wall, other.wall, strict=True)]
    cpu = [a / b for a, b in zip(reference.cpu, other.cpu, strict=True)]
    low, high = quartiles(wall)
    return Ratio(statistics.median(wall), low, high, statistics.median(cpu))


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """First and third quartile; of a single value, that value twice."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def _round(cases: Mapping[str, Case]) -> tuple[float, dict[str, tuple[float, float]]]:
    """Cores used by others, and (wall, cpu) of each case."""
    machine, own, began = _machine_busy(), time.process_time(), time.perf_counter()
    times = {}
    for name, case in cases.items():
        wall, cpu = time.perf_counter(), time.process_time()
        case.run()
        times[name] = ((time.perf_counter() - wall) * case.scale, (time.process_time() - cpu) * case.scale)
    used_by_others = (_machine_busy() - machine) - (time.process_time() - own)
    return max(0.0, used_by_others / (time.perf_counter() - began)), times


def _machine_busy() -> float:
    """Processor seconds used on this machine since it started, all processes and cores; 0 where that is not told."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return time.process_time()  # not Linux: as if this process were alone
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, stat.read_text().split(maxsplit=9)[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
