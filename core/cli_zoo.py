"""The subcommand ``zoo``: train, one after another, every model of a recipe file that is not there yet."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from core.zoo_recipes import FILE, Recipe, read_recipes
from core.zoo_status import ZooModel, status_table, zoo_status

THERE = "already there"


def add_zoo(subcommands: Any) -> argparse.ArgumentParser:
    """``zoo``: what is missing is trained in the order of the file, or only told (``--status``)."""
    command = subcommands.add_parser("zoo", help=f"train every model of checkpoints/{FILE} that is missing")
    command.add_argument("--recipes", type=Path, default=None, help=f"default: {FILE} in the folder of the checkpoints")
    command.add_argument("--status", action="store_true", help="only say what is there and what is not")
    command.add_argument("--device", default=None, help="cpu or cuda, for every model; default: what its recipe says")
    command.add_argument("--data", type=Path, default=None, help="folder of the data sets")
    command.set_defaults(run=zoo, show=_show)
    return command


def zoo(options: argparse.Namespace) -> dict[str, Any]:
    """Train what is missing; what is there is left alone.

    Returns:
        "models": what became of each; "status": how each stands now; "failed": those that are not there now, or are
        there and cannot be used.
    """
    recipes = read_recipes(options.recipes or options.root / FILE)
    found = zoo_status(list(recipes.values()), options.root)
    if options.status:
        return _answer({model.name: model.state for model in found}, found, [])
    missing = [model.name for model in found if not (options.root / model.name).exists()]
    _require_devices([recipes[name] for name in missing], options.device)
    states = {model.name: THERE if model.usable else model.state for model in found}
    failed = [model.name for model in found if not model.usable and model.name not in missing]
    for done, name in enumerate(missing):
        _tell(recipes, options.root, f"{len(missing) - done} to train, next: {name}")
        status = _train(recipes[name], options)
        states[name] = "trained" if status == 0 else f"failed with status {status}"
        if status == 130:
            return {**_answer(states, zoo_status(list(recipes.values()), options.root), failed), "interrupted": True}
        failed += [name] if status else []
    return _answer(states, zoo_status(list(recipes.values()), options.root), failed)


def _answer(states: dict[str, str], found: list[ZooModel], failed: list[str]) -> dict[str, Any]:
    return {"models": states, "status": [model.as_dict() for model in found], "failed": failed}


def _train(recipe: Recipe, options: argparse.Namespace) -> int:
    """Exit status of the training, in a process of its own."""
    data = ["--data", str(options.data)] if options.data else []
    device = ["--device", options.device] if options.device else []
    command = ["train", "--name", recipe.name, "--root", str(options.root), *data, *recipe.words, *device]
    print(f"python -m core {shlex.join(command)}", file=sys.stderr)
    # a process each: a failed model does not take the others with it, and standard output stays free for --json
    return subprocess.run([sys.executable, "-m", "core", *command], stdout=sys.stderr, check=False).returncode


def _require_devices(recipes: list[Recipe], device: str | None) -> None:
    """Refuse a device that is not there before anything is trained.

    Raises:
        ValueError: naming it.
    """
    import torch

    for recipe in recipes:
        asked = device or recipe.request.settings["device"]
        kind, _, number = asked.partition(":")
        if kind not in ("cpu", "cuda") or (number and not (kind == "cuda" and number.isdigit())):
            raise ValueError(f"device is {asked!r}, expected cpu, cuda or cuda:N")
        if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
            raise ValueError(
                f"{recipe.name}: device {asked!r} was asked for, but torch sees {torch.cuda.device_count()} CUDA "
                "devices; use --device cpu"
            )


def _tell(recipes: dict[str, Recipe], root: Path, what: str) -> None:
    """The table and what comes next, on standard error."""
    print(f"\n{status_table(zoo_status(list(recipes.values()), root))}\n{what}", file=sys.stderr)


def _show(result: dict[str, Any]) -> str:
    lines = [f"{name}: {state}" for name, state in result["models"].items() if name in result["failed"]]
    return "\n".join([status_table(models_of(result)), *lines])


def models_of(result: dict[str, Any]) -> list[ZooModel]:
    """The rows of an answer of ``zoo`` or ``sweep``."""
    from core.records import Estimate

    return [ZooModel(**{**one, "nll": one["nll"] and Estimate(**one["nll"])}) for one in result["status"]]
