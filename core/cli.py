"""The command line: ``python -m core SUBCOMMAND``; ``python -m core --help`` lists them.

With ``--json`` exactly one JSON object goes to standard output; progress and messages go to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.checkpoint import checkpoint_root
from core.checkpoint_folders import recover
from core.errors import first_problem


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; the exit status is 0, 1 where something failed (it says what), 2 for a wrong command line."""
    options = parsed(arguments if arguments is not None else sys.argv[1:])
    try:
        recover(options.root)
        result = options.run(options)
    except (ValueError, OSError) as error:
        reason = first_problem(error) if isinstance(error, ValidationError) else str(error)
        print(f"error: {' '.join(reason.split())}", file=sys.stderr)
        return 1
    try:
        print(json.dumps(result, allow_nan=False) if options.json else options.show(result), flush=True)
    except BrokenPipeError:  # whoever reads, such as ``head``, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 130 if result.get("interrupted") else int(bool(result.get("failed")))


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command line; ``options.run(options)`` does what it says."""
    options = _parser().parse_args(arguments)
    options.command_line = _recorded(arguments)
    return options


def _recorded(arguments: Sequence[str]) -> str:
    """The command as a checkpoint keeps it: what decides the model, not where on a disk things lay."""
    kept: list[str] = []
    following = iter(arguments)
    for word in following:
        if word in ("--root", "--data"):
            next(following, None)
        elif word != "--json" and not word.startswith(("--root=", "--data=")):
            kept.append(word)
    return shlex.join(["python", "-m", "core", *kept])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core", description="Train, list and evaluate VAEs with any prior.")
    parser.set_defaults(json=False)
    subcommands = parser.add_subparsers(required=True, metavar="SUBCOMMAND")
    from core.cli_embed import add_embed
    from core.cli_evaluate import add_evaluate
    from core.cli_flow_timing import add_flow_timing
    from core.cli_import import add_import
    from core.cli_ladder import add_ladder
    from core.cli_measures import add_measures
    from core.cli_posthoc import add_aggregate
    from core.cli_prior_bill import add_prior_bill
    from core.cli_results import add_results
    from core.cli_seeds import add_seeds
    from core.cli_sweep import add_sweep
    from core.cli_train import add_train
    from core.cli_zoo import add_zoo

    measures = (add_evaluate, add_embed, add_aggregate, add_ladder, add_flow_timing, add_prior_bill)
    makes = (_add_list, add_train, add_seeds, add_measures, add_zoo, add_sweep, add_import)
    for add in (*makes, *measures, add_results, _add_data):
        command = add(subcommands)
        command.add_argument("--json", action="store_true", help="print one JSON object")
        command.add_argument("--root", type=Path, default=checkpoint_root(), help="folder of the checkpoints")
    return parser


def _add_list(subcommands: Any) -> argparse.ArgumentParser:
    command = subcommands.add_parser("list", help="the checkpoints, broken ones with their reason")
    command.set_defaults(run=_list, show=_show_list)
    return command


def _list(options: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    from core.checkpoint_list import list_checkpoints

    return {"checkpoints": [asdict(info) for info in list_checkpoints(options.root)]}


def _show_list(result: dict[str, Any]) -> str:
    lines = []
    for info in result["checkpoints"]:
        if info["error"]:
            lines.append(f"{info['name']:24} BROKEN: {info['error']}")
            continue
        elbo = _test_elbo(info["metrics"])
        text = "not evaluated" if elbo is None else f"ELBO {elbo:9.2f} nats"
        text = "latents only" if info.get("likelihood") == "none" else text
        if info.get("posterior", "gaussian") != "gaussian":
            text += f", {info['posterior']} posterior"
        lines.append(f"{info['name']:28} {info['dataset']:16} {info['prior']:12} d = {info['latent_dim']:<4} {text}")
    return "\n".join(lines) or "no checkpoints yet; train one with: python -m core train --dataset digits --prior vamp"


def _test_elbo(metrics: Any) -> float | None:
    """The number behind test, elbo, value; None where any of it is missing: metrics.json may come from anywhere."""
    for key in ("test", "elbo", "value"):
        metrics = metrics.get(key) if isinstance(metrics, dict) else None
    return metrics if isinstance(metrics, int | float) else None


def _add_data(subcommands: Any) -> argparse.ArgumentParser:
    command = subcommands.add_parser("data", help="fetch and check a data set; without a name, say which there are")
    command.add_argument("name", nargs="?", help="data set, or npz:PATH")
    command.add_argument("--data", type=Path, default=None, help="folder of the data sets")
    command.set_defaults(run=_data, show=_show_data)
    return command


def _data(options: argparse.Namespace) -> dict[str, Any]:
    from core.datasets import DATASETS, data_root, load

    if options.name is None:
        return {"datasets": list(DATASETS), "root": str(data_root(options.data))}
    data = load(options.name, root=options.data)
    sizes = {split: len(data.split(split).images) for split in ("train", "validation", "test")}
    return {
        "name": data.name,
        "image_shape": list(data.image_shape),
        "likelihood": data.likelihood,
        "binarisation": data.binarisation,
        "seed": data.seed,
        "source": data.source,
        **sizes,
    }


def _show_data(result: dict[str, Any]) -> str:
    return "\n".join(f"{key:14} {value}" for key, value in result.items())
