"""The subcommand ``seeds``: the recipe of a checkpoint under other training seeds, of which only the measures stay."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

THERE = "already there"


def add_seeds(subcommands: Any) -> argparse.ArgumentParser:
    """``seeds``: train again and measure, or take the measures from a finished checkpoint."""
    command = subcommands.add_parser(
        "seeds", help="train the recipe of a checkpoint under other seeds and keep their measures, not their weights"
    )
    command.add_argument("name", help="checkpoint name")
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--seeds", type=int, nargs="+", metavar="SEED", help="training seeds other than its own")
    what.add_argument(
        "--from", dest="source", type=Path, metavar="FOLDER", help="a finished checkpoint that differs in its seed only"
    )
    command.add_argument("--data", type=Path, default=None, help="folder of the data sets")
    command.add_argument("--replace", action="store_true", help="do again what is already there")
    command.set_defaults(run=_seeds, show=_show)
    return command


def _seeds(options: argparse.Namespace) -> dict[str, Any]:
    from core.checkpoint import load, write_metrics
    from core.seeds import require_evaluated, stored_seeds, taken_from, with_entry

    own = load(options.name, options.root)
    require_evaluated(own)
    if options.source is None:
        return _train_each(options, own)
    folder = options.root / options.name
    new = taken_from(own, folder, options.source)
    if new["seed"] in stored_seeds(own.metrics) and not options.replace:
        raise ValueError(f"seed {new['seed']} of {own.name} is already there; use --replace to put this in its place")
    write_metrics(folder, with_entry(own.metrics, new))
    return {"name": own.name, "seeds": {new["seed"]: "taken over"}, **_spread(options)}


def _train_each(options: argparse.Namespace, own: Any) -> dict[str, Any]:
    """One seed after another; what is finished is stored at once, so that the same command goes on later."""
    from core.checkpoint import load, write_metrics
    from core.cli_train import forget_training
    from core.posthoc import data_of
    from core.seeds import require_other, stored_seeds, with_entry

    for seed in options.seeds:
        require_other(own.config, seed)
    states: dict[int, str] = {}
    data = data_of(own.config, options.data)
    for seed in options.seeds:
        if seed in stored_seeds(load(options.name, options.root).metrics) and not options.replace:
            states[seed] = THERE
            continue
        print(f"{own.name}, seed {seed}", file=sys.stderr)
        new = _trained(options, own, data, seed)
        if new is None:
            return {"name": own.name, "seeds": {**states, seed: "interrupted"}, "interrupted": True}
        latest = load(options.name, options.root).metrics  # as it is by now: a training takes its time
        write_metrics(options.root / options.name, with_entry(latest, new))
        forget_training(options.root, _run_name(own.name, seed))
        states[seed] = "trained"
    return {"name": own.name, "seeds": states, **_spread(options)}


def _trained(options: argparse.Namespace, own: Any, data: Any, seed: int) -> dict[str, Any] | None:
    """The entry of one seed; None where the training was interrupted."""
    from core.cli_evaluate import evaluate_with_progress
    from core.cli_train import finish_training, provenance, training_record
    from core.seeds import entry, in_half, with_seed

    command = f"python -m core seeds {own.name} --seeds {seed}"
    made = provenance(argparse.Namespace(**{**vars(options), "command_line": command}))
    config = with_seed(own.config, seed).model_copy(update=made)
    finished = finish_training(
        config, data, options.root, _run_name(own.name, seed), half=in_half(options.root / own.name)
    )
    if isinstance(finished, int):
        return None
    run, vae = finished
    measured = {
        split: evaluate_with_progress(vae, data, split, stored["samples"], stored["seed"]).as_dict()
        for split, stored in own.metrics["evaluations"].items()
    }
    return entry(seed, training_record(run, vae), measured, config)


def _run_name(name: str, seed: int) -> str:
    """Under which the state of an unfinished training is kept."""
    return f"{name}.seed-{seed}"


def _spread(options: argparse.Namespace) -> dict[str, Any]:
    """What the seeds now say of the test likelihood, {} where it is not measured."""
    from core.checkpoint_list import list_checkpoints
    from core.seed_spread import over_seeds

    info = next(info for info in list_checkpoints(options.root) if info.name == options.name)
    found = over_seeds(info, "nll")
    return {} if found is None else {"nll": {"mean": found.mean, "sd": found.sd, "n": found.n}}


def _show(result: dict[str, Any]) -> str:
    lines = [f"{result['name']}, seed {seed}: {state}" for seed, state in result["seeds"].items()]
    if nll := result.get("nll"):
        spread = "" if nll["sd"] is None else f" ± {nll['sd']:.3f} (standard deviation)"
        lines.append(f"nll over {nll['n']} training seeds: {nll['mean']:.3f}{spread} nats per image")
    return "\n".join(lines)
