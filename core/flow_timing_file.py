"""Flow timing runs as files: kept, listed, and checked when they are read."""

from __future__ import annotations

from pathlib import Path

from core.errors import CheckpointError
from core.flow_timing_records import FlowCheck, FlowRun, FlowTiming, FlowTimingSettings, StoredRun
from core.flow_timing_settings import MAX_DIM, MAX_WIDTH, check_settings
from core.timing_store import Store, is_stamp

MAX_SECONDS = 1e5
"""Longest time of one repeat that a file may tell."""


def save_run(run: FlowRun) -> Path:
    """Keep a run among those measured here.

    Raises:
        ValueError: where the folder cannot be written.
    """
    return STORE.save(run, run.stamp)


def read_run(file: Path) -> FlowRun:
    """The run that a file holds.

    Raises:
        CheckpointError: if it cannot be used, naming what is wrong.
    """
    return STORE.read(file)


def write_run(file: Path, run: FlowRun) -> None:
    """Replace a file in one step: a reader sees the old run or the new one."""
    STORE.write(file, run)


def find_run(name: str) -> Path:
    """The file of a run by its name in ``list_runs``, or by its path.

    Raises:
        ValueError: there is none of that name.
    """
    for file in (STORE.shipped, *STORE.files(), Path(name)):
        if name in (file.name, str(file)) and file.is_file():
            return file
    raise ValueError(f"there is no run {name[:80]!r}; name a file, or one of the runs in {STORE.folder()}")


def list_runs() -> tuple[StoredRun, ...]:
    """Every run, newest first, the one that came with the program among them; broken ones last, with their reason."""
    found = [_stored(file, file == STORE.shipped) for file in (*STORE.files(), STORE.shipped) if file.exists()]
    return tuple(sorted(found, key=lambda item: (item.run.stamp if item.run else "", item.name), reverse=True))


def _stored(file: Path, shipped: bool) -> StoredRun:
    try:
        return StoredRun(file.name, read_run(file), shipped=shipped)
    except CheckpointError as error:
        return StoredRun(file.name, None, str(error), shipped)


def _problem(run: FlowRun) -> str:
    """What no field says by itself, "" where all is well."""
    try:
        check_settings(run.settings)
    except ValueError as error:
        return f"settings: {error}"
    if not run.stamps or not all(map(is_stamp, run.stamps)) or list(run.stamps) != sorted(set(run.stamps)):
        return "stamps must be different moments in UTC, ISO 8601, ascending"
    if run.machine.cores < 1 or (run.machine.load or 0) < 0:
        return "machine: cores must be at least 1, load not negative"
    timings = [(t.flow, t.task, t.method, t.dim) for t in run.timings]
    checks = [(c.flow, c.method, c.dim) for c in run.checks]
    if not timings or len(set(timings)) < len(timings) or len(set(checks)) < len(checks):
        return "there must be timings, and none of them nor of the checks twice"
    for place, timing in enumerate(run.timings):
        if problem := _problem_of_timing(timing, run.settings):
            return f"timings.{place}: {problem}"
    for place, check in enumerate(run.checks):
        if problem := _problem_of_check(check, run.settings):
            return f"checks.{place}: {problem}"
    return ""


def _problem_of_timing(timing: FlowTiming, settings: FlowTimingSettings) -> str:
    if timing.dim not in settings.dims or timing.method not in ("", *settings.methods):
        return f"d = {timing.dim} or method {timing.method!r} is not among the settings"
    if (timing.batch, timing.layers) != (settings.batch, settings.layers):
        return "batch or layers differ from the settings"
    if not timing.seconds or not all(0 < second <= MAX_SECONDS for second in timing.seconds):
        return f"seconds must be one or more, over 0, at most {MAX_SECONDS:g}"
    if not timing.hidden or not all(1 <= width <= 2 * MAX_WIDTH for width in timing.hidden) or timing.parameters < 1:
        return "hidden and parameters must be positive"
    if not 1 <= timing.passes <= MAX_DIM + 1:
        return f"passes must be from 1 to {MAX_DIM + 1}"
    return ""


def _problem_of_check(check: FlowCheck, settings: FlowTimingSettings) -> str:
    if check.dim not in settings.dims or check.method not in ("", *settings.methods) or check.points < 1:
        return f"d = {check.dim}, method {check.method!r} or the number of points does not fit the settings"
    if min(check.round_trip, check.reference, check.log_det or 0.0) < 0:
        return "an error is negative"
    return ""


STORE: Store[FlowRun] = Store("flow-timing", 1, FlowRun, _problem)
