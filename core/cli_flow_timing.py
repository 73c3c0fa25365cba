"""The subcommand ``flow-timing``: what each flow costs in each direction, with the errors of what was timed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.flow_timing_records import METHOD_NAMES, FlowTimingSettings

if TYPE_CHECKING:
    from core.flow_timing_records import FlowRun, FlowTiming


def add_flow_timing(subcommands: Any) -> argparse.ArgumentParser:
    """``flow-timing``: measure, keep the run."""
    command = subcommands.add_parser("flow-timing", help="time both directions of every flow against the dimension")
    usual = FlowTimingSettings()
    dims = " ".join(map(str, usual.dims))
    command.add_argument("--dims", type=int, nargs="+", metavar="D", help=f"dimensions, ascending; default {dims}")
    command.add_argument("--batch", type=int, help=f"points at once; default {usual.batch}")
    command.add_argument("--hidden", type=int, nargs="+", metavar="WIDTH", help="widths of MAF's and IAF's networks")
    command.add_argument("--layers", type=int, help=f"of every flow; default {usual.layers}")
    command.add_argument("--methods", nargs="+", metavar="METHOD", help=f"default: {', '.join(METHOD_NAMES)}")
    command.add_argument("--threads", type=int, help=f"of torch; default {usual.threads}")
    command.add_argument("--device", help=f"cpu or cuda; default {usual.device}")
    command.add_argument("--dtype", help=f"float32 or float64; default {usual.dtype}")
    command.add_argument("--repeats", type=int, help=f"of each case; default {usual.repeats}; slow ones get fewer")
    command.add_argument("--seed", type=int, help=f"of weights and noise; default {usual.seed}")
    command.add_argument("--sharpness", type=float, help=f"of the random weights; default {usual.sharpness}")
    command.add_argument("--more", metavar="RUN", help="measure with the settings of this run again: name or file")
    command.add_argument("--output", type=Path, help="file to write as well")
    command.set_defaults(run=_measure, show=_show)
    return command


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    from core.flow_timing import measure
    from core.flow_timing_file import STORE, save_run, write_run
    from core.progress import Progress

    settings = _settings(options)
    if options.output and not options.output.parent.is_dir():  # said before the work, not after it
        raise ValueError(f"--output {options.output}: there is no folder {options.output.parent}")
    with Progress("flow timing", "ms") as report:
        run = measure(settings, report)
    if options.output:
        write_run(options.output, run)
    return {"file": str(save_run(run)), **STORE.as_dict(run)}


def _settings(options: argparse.Namespace) -> FlowTimingSettings:
    """What the command line asks for; what it leaves out is as usual, or as in the run of --more."""
    from core.flow_timing_file import find_run, read_run

    names = [field.name for field in fields(FlowTimingSettings)]
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    if options.more is None:
        return replace(FlowTimingSettings(), **given)
    if other := sorted(set(given) - {"repeats"}):
        raise ValueError(f"--more takes the settings of a run as they are; leave out --{other[0]}")
    return replace(read_run(find_run(options.more)).settings, **given)


def _show(result: dict[str, Any]) -> str:
    """A table for people: one line for each flow, task and method, one column for each dimension."""
    from core.flow_timing_file import read_run

    run = read_run(Path(result["file"]))
    dims, s, where = run.settings.dims, run.settings, run.machine
    series: dict[tuple[str, str, str], list[FlowTiming]] = {}
    for timing in run.timings:
        series.setdefault((timing.flow, timing.task, timing.method), []).append(timing)
    lines = [f"{'median ms of a batch':34}" + "".join(f"{f'd = {dim}':>10}" for dim in dims) + "  slope [95 %]"]
    lines += [f"{' '.join(filter(None, key)):34}" + _line(found, dims) for key, found in series.items()]
    lines.append(_errors(run))
    lines += [f"left out: {reason}" for reason in run.left_out]
    widths = "-".join(map(str, s.hidden))
    lines.append(
        f"batch {s.batch:,}, {s.layers} layers of {widths} in MAF and IAF, parameters equal within "
        f"{run.parameter_gap:.1%}, {s.repeats} repeats in turns, seed {s.seed}"
    )
    load = "load not known" if where.load is None else f"load {where.load:.2f} at the start"
    lines.append(
        f"{where.gpu or where.cpu}, {s.threads} thread(s), {s.dtype}, torch {where.torch}, {load}, {run.stamp}"
    )
    return "\n".join([*lines, result["file"]])


def _line(series: Sequence[FlowTiming], dims: Sequence[int]) -> str:
    from core.flow_timing_summary import slope

    found = {timing.dim: timing for timing in series}
    cells = [f"{1e3 * found[dim].median:10.4g}" if dim in found else f"{'-':>10}" for dim in dims]
    fitted = slope(series)
    return "".join(cells) + (f"  {fitted.value:.2f} [{fitted.low:.2f}, {fitted.high:.2f}]" if fitted else "")


def _errors(run: FlowRun) -> str:
    log_det = [check.log_det for check in run.checks if check.log_det is not None]
    parts = [
        f"round trip {max((check.round_trip for check in run.checks), default=0):.1e}",
        f"against the naive loop in float64 {max((check.reference for check in run.checks), default=0):.1e}",
    ]
    if log_det:
        parts.append(f"log-determinant against autograd {max(log_det):.1e} nats")
    return "largest errors: " + ", ".join(parts)
