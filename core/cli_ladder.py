"""The subcommand ``ladder``: priors of growing richness fitted to the frozen encoder of a checkpoint."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def add_ladder(subcommands: Any) -> argparse.ArgumentParser:
    """``ladder``: fit, measure, store ladder.json beside the checkpoint."""
    command = subcommands.add_parser("ladder", help="how near priors of growing richness come to the optimal one")
    command.add_argument("name", help="checkpoint name")
    command.add_argument("--steps", type=int, default=2000, help="optimiser steps of each learned prior")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--components", type=int, nargs="+", metavar="K", help="numbers of components; default: many")
    command.add_argument("--kinds", nargs="+", metavar="KIND", help="families of priors; default: all")
    command.add_argument("--digest", default=None, help="refuse a checkpoint whose content has another digest")
    command.add_argument("--output", type=Path, help="file to write; default: ladder.json of the checkpoint")
    command.add_argument("--data", type=Path, default=None, help="folder of the data sets")
    command.set_defaults(run=_ladder, show=_show)
    return command


def _ladder(options: argparse.Namespace) -> dict[str, Any]:
    from core.checkpoint import load
    from core.ladder import KINDS, climb, plan
    from core.ladder_file import NAME, as_dict, write_ladder
    from core.ladder_latents import climb_latents
    from core.posthoc import data_of
    from core.progress import Progress

    rungs = plan(options.kinds or KINDS, options.components)
    checkpoint = load(options.name, options.root)
    if options.digest not in (None, checkpoint.digest):
        raise ValueError(f"checkpoint {options.name!r} has the digest {checkpoint.digest}, not {options.digest}")
    file = options.output or options.root / options.name / NAME
    if not file.parent.is_dir():  # said before the work, not after it
        raise ValueError(f"--output {file}: there is no folder {file.parent}")
    settings: dict[str, Any] = {"rungs": rungs, "steps": options.steps, "seed": options.seed}
    if checkpoint.config.model.decodes:
        data = data_of(checkpoint.config, options.data)
        with Progress("ladder") as report:
            ladder = climb(checkpoint.vae, data, digest=checkpoint.digest, **settings, on_progress=report)
    else:
        with Progress("ladder") as report:
            ladder = climb_latents(checkpoint, **settings, on_progress=report)
    write_ladder(file, ladder)
    return {"name": options.name, "file": str(file), **as_dict(ladder)}


def _show(result: dict[str, Any]) -> str:
    """A table for people: what each prior wins, and the marginal KL that this is counted from."""
    from core.ladder_records import reference_of

    rungs = result["rungs"]
    base = rungs[reference_of([rung["kind"] for rung in rungs])]
    splits = ("train", "validation", "test")
    head = f"{'prior':34} {'numbers':>9} {'seconds':>8}  " + "  ".join(f"{split:>16}" for split in splits)
    rows = [
        f"{rung['title']:34} {rung['parameters']:9,} {rung['seconds']:8.1f}  "
        + _estimates(rung[f"{split}_gain"] for split in splits)
        for rung in rungs
    ]
    sizes = ", ".join(f"{result[f'n_{split}']:,} {split}" for split in splits)
    nulls = [result[f"{split}_null"] for split in splits]
    foot = [
        f"ELBO won over {base['title']}, nats ± paired standard error over the images; images: {sizes}",
        f"{'marginal KL of ' + base['title']:53}  " + _estimates(base[split] for split in splits),
        f"{'marginal KL of a perfect prior (null)':53}  " + _estimates(nulls),
    ]
    if None in nulls:
        foot.append("not known: the posteriors hardly overlap")
    foot += [f"left out: {one['title']}: {one['reason']}" for one in result.get("left_out", ())]
    if result.get("standardised"):
        foot.append("q(z) is of an unusual size: Gaussian, mixtures and flows were fitted over standardised codes")
    return "\n".join([head, *rows, *foot, f"{result['steps']:,} steps, seed {result['seed']}; {result['file']}"])


def _estimates(values: Iterable[dict[str, float] | None]) -> str:
    """Three decimals each; a rounding error under zero is zero."""
    return "  ".join(
        f"{'not known':>16}" if value is None else f"{round(value['value'], 3) + 0.0:8.3f} ± {value['se']:.3f}"
        for value in values
    )
