"""The subcommand ``prior-bill``: what a flow prior costs a VAE in a training step and in generating."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from core.prior_bill_records import BillSettings, Cost


def add_prior_bill(subcommands: Any) -> argparse.ArgumentParser:
    """``prior-bill``: measure, keep the run."""
    command = subcommands.add_parser("prior-bill", help="time a training step and generating with each flow prior")
    usual = BillSettings()
    command.add_argument("--dims", type=int, nargs="+", metavar="D", default=list(usual.dims), help="ascending")
    command.add_argument("--priors", nargs="+", metavar="PRIOR", default=list(usual.priors), help="also: standard")
    command.add_argument("--batch", type=int, default=usual.batch, help="images of a training step")
    command.add_argument("--samples", type=int, default=usual.samples, help="codes that are generated")
    command.add_argument("--repeats", type=int, default=usual.repeats, help="of each case; slow ones get fewer")
    command.add_argument("--threads", type=int, default=usual.threads, help="of torch")
    command.add_argument("--seed", type=int, default=usual.seed)
    command.add_argument("--output", type=Path, help="file to write as well")
    command.set_defaults(run=_measure, show=_show)
    return command


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    from core.prior_bill import measure_bill
    from core.prior_bill_file import STORE, save_bill, write_bill
    from core.progress import Progress

    given = {field.name: getattr(options, field.name) for field in fields(BillSettings) if hasattr(options, field.name)}
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    if options.output and not options.output.parent.is_dir():  # said before the work, not after it
        raise ValueError(f"--output {options.output}: there is no folder {options.output.parent}")
    with Progress("prior bill", "ms") as report:
        run = measure_bill(replace(BillSettings(), **given), report)
    if options.output:
        write_bill(options.output, run)
    return {"file": str(save_bill(run)), **STORE.as_dict(run)}


def _show(result: dict[str, Any]) -> str:
    """A table for people: one line for each prior, method and dimension."""
    from core.prior_bill_file import read_bill

    run = read_bill(Path(result["file"]))
    s, where = run.settings, run.machine
    titles = ("training step", "log p(z), gradients", f"{s.samples:,} z", f"{s.samples:,} images")
    head = f"{'prior':10} {'inversion':10} {'d':>4}  " + "".join(f"{title:>28}" for title in titles)
    rows = [
        f"{bill.prior:10} {bill.method or '-':10} {bill.dim:4}  "
        + "".join(f"{_cost(cost):>28}" for cost in (bill.step, bill.density, bill.sampling, bill.generating))
        for bill in run.bills
    ]
    load = "load not known" if where.load is None else f"load {where.load:.2f} at the start"
    foot = [
        f"median ms [quartiles]; batch {s.batch:,}, {s.pixels} pixels, {s.repeats} repeats in turns, seed {s.seed}",
        f"{where.cpu}, {s.threads} thread(s), float32, torch {where.torch}, {load}, {run.stamp}",
    ]
    return "\n".join([head, *rows, *(f"left out: {reason}" for reason in run.left_out), *foot, result["file"]])


def _cost(cost: Cost) -> str:
    return f"{1e3 * cost.median:.3g} [{1e3 * cost.low:.3g}, {1e3 * cost.high:.3g}]"
