"""Measuring time: cases in turns A B C A B C ..., so that a change of the machine's speed meets all of them alike.

Warm-up is dropped, a fast case is called many times within one sample, CUDA is waited for, no graph is recorded and
the garbage collector is held. ``core.flow_timing``, ``core.prior_bill`` and the benchmarks all measure with this.
"""

from __future__ import annotations

import datetime
import gc
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from core.flow_timing_records import Machine
from core.intervals import quartiles
from core.progress import OnProgress

LEAST_S = 2e-3
"""A sample is at least that long, in seconds: clocks and interruptions are small beside it."""

SETTLED_S = 0.05
"""A shorter sample is preceded by a call that is not timed: whatever had its turn before has emptied the caches, and a
training step of 6 ms took 7 to 7.5 after a case of 0.1 s, 6 after another step."""

SLOW_REPEATS = 3
"""A case that is too slow for all repeats gets this many at least."""

OnTime = Callable[[float, float], None]
"""``on_time(done, total)``: seconds of measuring behind us and in all, as far as the warm-up lets one guess."""


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
    """The repeats of one case, in seconds of a call, in the order they were run.

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
class Round:
    """One turn: cores that other processes used meanwhile, and (wall, cpu) of a call of each case that had its turn."""

    others: float
    times: Mapping[str, tuple[float, float]]


class Turns:
    """Cases that are warm, with the number of calls that make a sample long enough.

    Args:
        cases: by name.
        warmup: untimed calls of each first, at least 1.
        least_s: shortest sample, seconds.
        device: "cpu" or "cuda"; CUDA is synchronised before each look at the clock.
    """

    def __init__(
        self, cases: Mapping[str, Case], *, warmup: int = 1, least_s: float = LEAST_S, device: str = "cpu"
    ) -> None:
        self._cases, self._wait = cases, torch.cuda.synchronize if device == "cuda" else lambda: None
        for _ in range(warmup - 1):
            for case in cases.values():
                case.run()
        last = {name: self._sample(name, 1)[0] for name in cases}
        self.calls = {name: self._enough(name, last[name], least_s) for name in cases}
        self.sample_s = {name: max(last[name], least_s) for name in cases}

    def round(self, names: set[str] | None = None) -> Round:
        """One sample of each case, or of those named, in their order."""
        gc.collect(1)
        machine, own, began = _machine_busy(), time.process_time(), time.perf_counter()
        times = {}
        for name, case in self._cases.items():
            if names is None or name in names:
                if self.sample_s[name] < SETTLED_S:
                    case.run()
                wall, cpu = self._sample(name, self.calls[name])
                share = case.scale / self.calls[name]
                times[name] = (wall * share, cpu * share)
        used_by_others = (_machine_busy() - machine) - (time.process_time() - own)
        return Round(max(0.0, used_by_others / (time.perf_counter() - began)), times)

    def _sample(self, name: str, calls: int) -> tuple[float, float]:
        run = self._cases[name].run
        self._wait()
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(calls):
            run()
        self._wait()
        return time.perf_counter() - wall, time.process_time() - cpu

    def _enough(self, name: str, last: float, least_s: float) -> int:
        """Calls in a sample. The warm-up decides where it was far too long for a second call to matter."""
        calls = 1
        while last < least_s or (calls == 1 and last < 10 * least_s):
            last = self._sample(name, calls)[0]
            if last >= least_s:
                break
            calls = 2 * calls if last <= 0 else max(calls + 1, min(10 * calls, math.ceil(1.2 * calls * least_s / last)))
        return calls


@contextmanager
def held(*, grad: bool = False) -> Iterator[None]:
    """Measuring goes on inside: no garbage collector, and no autograd unless ``grad``."""
    was = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        with torch.set_grad_enabled(grad):
            yield
    finally:
        if was:
            gc.enable()


@contextmanager
def threads(number: int) -> Iterator[None]:
    """torch uses this many threads inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def interleave(
    cases: Mapping[str, Case],
    *,
    repeats: int = 20,
    warmup: int = 1,
    slow_s: float = math.inf,
    device: str = "cpu",
    grad: bool = False,
    on_time: OnTime | None = None,
) -> dict[str, Timing]:
    """Time the cases in turns.

    Args:
        cases: by name.
        repeats: samples of each.
        warmup: untimed calls of each first.
        slow_s: a case that takes longer gets fewer repeats, at least 3, so that all of its repeats together take about
            ``repeats * slow_s`` seconds; its turns are spread evenly over the rounds.
        device: "cpu" or "cuda".
        grad: whether autograd records.
        on_time: told about every round.
    """
    rounds: list[Round] = []
    with held(grad=grad):
        turns = Turns(cases, warmup=warmup, device=device)
        counts = {name: _repeats(seconds, repeats, slow_s) for name, seconds in turns.sample_s.items()}
        total = sum(counts[name] * seconds for name, seconds in turns.sample_s.items())
        done = 0.0
        for number in range(repeats):
            due = {name for name, n in counts.items() if (number + 1) * n // repeats > number * n // repeats}
            rounds.append(turns.round(due))
            done += sum(turns.sample_s[name] for name in due)
            if on_time is not None:
                on_time(min(done, total), total)
    return timings_of(cases, rounds)


def as_progress(report: OnProgress) -> OnTime:
    """Tell a progress bar about the rounds, in milliseconds."""

    def told(done: float, total: float) -> None:
        left = f"timing in turns, about {max(total - done, 1):.0f} s left"
        report(int(1000 * done), int(1000 * total), left)

    return told


def timings_of(cases: Mapping[str, Case], rounds: list[Round]) -> dict[str, Timing]:
    """The rounds, sorted by case."""
    found = {}
    for name in cases:
        own = [(*item.times[name], item.others) for item in rounds if name in item.times]
        found[name] = Timing(*zip(*own, strict=True))
    return found


def machine(device: str = "cpu") -> Machine:
    """What is measured on, and how busy it is."""
    try:
        load = os.getloadavg()[0]
    except (OSError, AttributeError):  # Windows has none
        load = None
    gpu = torch.cuda.get_device_name() if device == "cuda" else ""
    cores = os.cpu_count() or 1
    return Machine(cpu_name(), cores, gpu, torch.__version__, platform.python_version(), platform.system(), load)


def cpu_name() -> str:
    """The processor's model, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def now() -> str:
    """This moment in UTC, ISO 8601 with microseconds, so that no two runs share one."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


def _repeats(seconds: float, repeats: int, slow_s: float) -> int:
    return repeats if seconds <= slow_s else min(repeats, max(SLOW_REPEATS, int(repeats * slow_s / seconds)))


def _machine_busy() -> float:
    """Processor seconds used on this machine since it started, all processes and cores; own ones where not told."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return time.process_time()  # not Linux: as if this process were alone
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, stat.read_text().split(maxsplit=9)[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
