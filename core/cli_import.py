"""The subcommand ``import-latents``: posteriors without a model become a checkpoint under a prior."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_import(subcommands: Any) -> argparse.ArgumentParser:
    """``import-latents``: read, fit the prior where it has anything to fit, measure, store."""
    command = subcommands.add_parser("import-latents", help="an npz of mean and log_var as a checkpoint without model")
    command.add_argument("file", type=Path, help=".npz with mean and log_var (n, d), perhaps labels, images")
    command.add_argument("--name", default=None, help="checkpoint name; default: that of the file")
    command.add_argument("--prior", default="standard", help="standard; fitted: gaussian, mog, realnvp, maf")
    command.add_argument("--prior-option", action="append", default=[], metavar="NAME=VALUE", help="as often as needed")
    command.add_argument("--steps", type=int, default=2000, help="optimiser steps of a prior that is fitted")
    command.add_argument("--seed", type=int, default=0, help="of the fit and of every draw")
    command.set_defaults(run=_import, show=_show)
    return command


def _import(options: argparse.Namespace) -> dict[str, Any]:
    from core.checkpoint import save
    from core.cli_train import provenance, settings_of
    from core.config import RunConfig
    from core.imported import make, read_latents_file
    from core.metrics.evaluate_latents import evaluate_latents
    from core.progress import Progress
    from core.training_request import require_free

    if not 1 <= options.steps <= 100_000 or not 0 <= options.seed < 2**31:
        raise ValueError(f"--steps {options.steps} and --seed {options.seed}: expected 1 to 100,000 and 0 to 2**31 - 1")
    file = read_latents_file(options.file)
    name = options.name or file.title
    require_free(name, options.root)
    chosen = settings_of("--prior-option", options.prior_option)
    with Progress("import", unit="part") as report:
        made = make(file, options.prior, chosen, steps=options.steps, seed=options.seed, on_progress=report)
        test = evaluate_latents(made.cloud, made.vae.prior, seed=options.seed, on_progress=report)
    config = RunConfig(data=made.data, model=made.model, **provenance(options))
    metrics = {"evaluations": {"test": test}}
    save(made.vae, config, options.root / name, metrics=metrics, latents=made.cloud, images=made.images)
    return {"name": name, "images": len(file), "stored": len(made.cloud), "source": made.data.source, "test": test}


def _show(result: dict[str, Any]) -> str:
    from core.cli_evaluate import show_evaluation

    head = f"{result['name']}: {result['source']}; {result['stored']:,} are stored"
    return f"{head}\n{show_evaluation(result['test'])}"
