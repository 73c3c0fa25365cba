"""Flow timings in words: names, times with their spread, and the sentence that the numbers allow."""

from __future__ import annotations

from datetime import datetime

from core.flow_timing_compare import Ratio, Spread, at, ratio, worst
from core.flow_timing_records import FlowRun, FlowTiming, Slope
from core.flow_timing_summary import slope

FLOWS = {"maf": "MAF", "iaf": "IAF", "realnvp": "RealNVP", "nice": "NICE"}
TASKS = {"sample": "Sampling", "density": "Density", "own_density": "Density of own samples"}
SHORT = {"sample": "sampling", "density": "density", "own_density": "own density"}
METHODS = {"naive": "textbook", "incremental": "incremental", "fixed_point": "fixed point", "": "one pass"}
SEQUENTIAL = (("maf", "sample"), ("iaf", "density"), ("maf", "own_density"))
"""Flow and task where every coordinate waits for the one before it."""

QUIET = 0.5
"""Load above which a machine was busy with something else as well."""


def line_name(flow: str, method: str) -> str:
    """What a line of the chart is called."""
    return FLOWS[flow] if method == "" else f"{FLOWS[flow]} {METHODS[method]}"


def duration(seconds: float) -> str:
    """A time with three digits in the unit that suits it."""
    number, unit = _in_unit(seconds, seconds)
    return f"{number} {unit}"


def spread(timing: Spread) -> str:
    """Median and quartiles in one unit: ``5.57 ms [5.50, 5.81]``."""
    (middle, unit), (low, _), (high, _) = (_in_unit(t, timing.median) for t in (timing.median, timing.low, timing.high))
    return f"{middle} {unit} [{low}, {high}]"


def times(found: Ratio, how: str = "") -> str:
    """A ratio with its range: ``25.5 times as long [24.1, 26.3]``."""
    words = " ".join(filter(None, (f"{_digits(found.value)} times", how)))
    return f"{words} [{_digits(found.low)}, {_digits(found.high)}]"


def beaten(naive: FlowTiming, quick: FlowTiming) -> str:
    """How many times as fast as the textbook incremental inversion is; "beaten" where the quartiles leave no doubt."""
    found = ratio(naive, quick)
    verdict = "beaten" if found.low > 1 else "slower" if found.high < 1 else "no clear winner"
    return f"{verdict}: {times(found, 'as fast')}"


def rate(timing: FlowTiming) -> str:
    """Points a second, two digits: ``2.6k``, ``190k``, ``1.2M``."""
    number = float(f"{timing.rate:.2g}")
    factor, unit = (1e6, "M") if number >= 1e6 else (1e3, "k") if number >= 1e3 else (1.0, "")
    return f"{number / factor:g}{unit}"


def exponent(found: Slope | None) -> str:
    """A slope with its interval: ``1.11 [0.75, 1.46]``; "" where there is none."""
    return "" if found is None else f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]".replace("-", "−")


def moment(stamp: str) -> str:
    """A stamp to the second, ``2026-11-24 04:14:17 UTC``."""
    return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M:%S UTC")


def verdict(run: FlowRun, dim: int) -> str:
    """What the timings say at one d and against d, as far as they were measured."""
    parts = [_of_sampling(run, dim), _of_slopes(run)]
    return " ".join(part for part in parts if part)


def mirror(run: FlowRun, dim: int) -> str:
    """The same of IAF, whose density waits; "" where it was not measured."""
    naive, sample = at(run, "iaf", "density", "naive", dim), at(run, "iaf", "sample", "", dim)
    if naive is None or sample is None:
        return ""
    return (
        f"IAF is the mirror image: its samples take {spread(sample)}, its density of given points {spread(naive)} by "
        "the textbook."
    )


def own(run: FlowRun, dim: int) -> str:
    """What drawing with the density of what was drawn costs, IAF beside MAF; "" where it was not measured."""
    iaf, maf = at(run, "iaf", "own_density", "", dim), at(run, "maf", "own_density", "naive", dim)
    if iaf is None:
        return ""
    beside = "" if maf is None else f"; from a MAF by the textbook {spread(maf)}, {times(ratio(maf, iaf), 'as long')}"
    return f"At d = {dim}, {iaf.batch:,} draws from an IAF with their densities take {spread(iaf)}{beside}."


def errors(run: FlowRun) -> str:
    """The largest errors of all flows that were timed, in a sentence."""
    if not run.checks:
        return "The flows of this run were not checked."
    round_trip, log_det, reference = worst(run.checks)
    sure = "" if log_det is None else f", log-determinant against autograd {log_det:.1e} nats"
    return (
        f"Largest errors of all {len(run.checks)} checks: round trip {round_trip:.1e}{sure}, "
        f"difference to the textbook loop in float64 {reference:.1e}."
    )


def settings_words(run: FlowRun) -> str:
    """What was timed, where and when: the caption of everything that a run shows."""
    s = run.settings
    widths = "-".join(map(str, s.hidden))
    many = f"{len(run.stamps)} runs pooled, the newest of " if len(run.stamps) > 1 else ""
    return (
        f"{s.batch:,} points a batch, {s.layers} layers of {widths} in MAF and IAF, couplings of as many parameters "
        f"(equal within {100 * run.parameter_gap:.1f} %), random weights, seed {s.seed}. Median and quartiles of "
        f"{_repeats(run)} in turns, two before them not counted. {place_words(run)}, {s.dtype}. "
        f"{many}{moment(run.stamp)}."
    )


def place_words(run: FlowRun) -> str:
    """Machine, threads, torch and load."""
    s, where = run.settings, run.machine
    load = "load not known" if where.load is None else f"load {where.load:.2f} at the start"
    threads = "1 thread" if s.threads == 1 else f"{s.threads} threads"
    return f"{where.gpu or where.cpu}, {threads}, torch {where.torch}, {load}"


def unrest(run: FlowRun) -> str:
    """A warning where the machine was busy with something else, "" where it was not or does not say."""
    load = run.machine.load
    if load is None or load <= QUIET:
        return ""
    return (
        f"The machine was busy when this run began (load {load:.1f}): the times may be too long, the ratios suffer "
        "less, because everything is timed in turns."
    )


def _of_sampling(run: FlowRun, dim: int) -> str:
    naive, quick = (at(run, "maf", "sample", method, dim) for method in ("naive", "incremental"))
    density = at(run, "maf", "density", "", dim)
    if density is None or not (naive or quick):
        return ""
    parts = [
        f"{how} it takes {spread(timing)}, {times(ratio(timing, density))} its density"
        for how, timing in (("by the textbook", naive), ("incrementally", quick))
        if timing is not None
    ]
    return f"Drawing {density.batch:,} samples from a MAF, d = {dim}: {'; '.join(parts)} ({spread(density)})."


def _of_slopes(run: FlowRun) -> str:
    quick, density = slope(run.series("maf", "sample", "incremental")), slope(run.series("maf", "density"))
    named = {
        "textbook sampling": slope(run.series("maf", "sample", "naive")),
        "incremental sampling": quick,
        "the density": density,
    }
    words = ", ".join(f"{name} {exponent(value)}" for name, value in named.items() if value is not None)
    if not words:
        return ""
    same = quick and density and quick.low <= density.high and density.low <= quick.high
    after = "; no difference between the last two that these dimensions can show" if same else ""
    return f"Growth as a power of d, 95 % interval: {words}{after}."


def _repeats(run: FlowRun) -> str:
    counts = [timing.repeats for timing in run.timings]
    least, most = min(counts), max(counts)
    return f"{most} repeats" if least == most else f"{most} repeats (slow cases {least} or more)"


def _in_unit(seconds: float, size: float) -> tuple[str, str]:
    """A number with three digits, in the unit that suits ``size``."""
    factor, unit = (1.0, "s") if size >= 1 else (1e3, "ms") if size >= 1e-4 else (1e6, "µs")
    return _digits(seconds * factor), unit


def _digits(value: float) -> str:
    """Three digits, and never an exponent."""
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
