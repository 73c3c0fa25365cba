"""The subcommand ``sweep``: train every model of a grid on many workers, one task a model."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

from core.zoo_status import THERE, ZooModel, status_table, zoo_status

EVERY_S = 30.0
"""Time between two tables while models are trained, in seconds."""
ROWS = 30
"""A larger table is shown without what waits and what is there."""


def add_sweep(subcommands: Any) -> argparse.ArgumentParser:
    """``sweep``: finished models are left alone, failed ones tried again, interrupted ones gone on with."""
    command = subcommands.add_parser("sweep", help="train every combination of a grid file on a Ray cluster")
    command.add_argument("grid", type=Path, help="TOML: flags of train, each with a value or a list of values")
    command.add_argument("--status", action="store_true", help="check the grid and say what is there; train nothing")
    command.add_argument("--address", help="of a Ray cluster, or auto; default: one is started on this machine")
    command.add_argument("--cpus", type=int, default=1, help="processors a model takes, default 1")
    command.add_argument("--gpus", type=float, default=0.0, help="graphics cards a model takes; 0.5: two share one")
    command.add_argument("--workers", type=int, help="models at once without --address; default: as processors allow")
    command.add_argument("--retries", type=int, default=2, help="further attempts a model has, default 2")
    command.add_argument("--store", help="where finished models are put besides --root, such as s3://bucket/folder")
    command.add_argument("--data", type=Path, help="folder of the data sets on the workers")
    command.add_argument("--scratch", type=Path, help="folder of the workers for unfinished models")
    command.set_defaults(run=sweep, show=_show)
    return command


def sweep(options: argparse.Namespace) -> dict[str, Any]:
    """Train what is not there yet.

    Returns:
        "size" of the grid; "models": what became of each; "status": how each stands; "failed"; and "reasons", for
        which attempts failed.
    """
    from core.sweep_found import finished
    from core.sweep_grid import read_grid
    from core.sweep_transport import Store
    from core.training_request import require_writable

    _require_possible(options)
    grid = read_grid(options.grid, "cuda" if options.gpus else None)
    _require_fitting(options, grid.recipes)
    store = Store(options.store) if options.store else None
    _tell(grid.size)
    if options.status:
        finished(grid.recipes, options.root)  # refuses those that are others
        return _answer(grid, zoo_status(list(grid.recipes.values()), options.root), [], {})
    require_writable(options.root)
    if store is not None:
        store.require_writable()
    there = finished(grid.recipes, options.root, store)
    broken = [name for name in grid.recipes if name not in there and (options.root / name).exists()]
    missing = [name for name in grid.recipes if name not in there and name not in broken]
    _tell(f"{len(there):,} there, {len(missing):,} to train" + (f", {len(broken):,} broken" if broken else ""))
    return _trained(options, grid, missing, broken)


def _trained(options: argparse.Namespace, grid: Any, missing: list[str], broken: list[str]) -> dict[str, Any]:
    """Have the missing ones trained, if there are any."""
    if not missing:
        return _answer(grid, zoo_status(list(grid.recipes.values()), options.root), broken, {})
    from core.sweep import Sweep
    from core.sweep_order import Order
    from core.sweep_ray import ray_pool

    data, scratch = (str(path.absolute()) if path else "" for path in (options.data, options.scratch))
    orders = [
        Order(name, grid.recipes[name].words, options.cpus, data, scratch, options.store or "") for name in missing
    ]
    workers = options.workers or max(1, (os.cpu_count() or 1) // options.cpus)
    with ray_pool(options.address, options.cpus, options.gpus, workers) as pool:
        if not pool.has_room:
            _tell(f"no machine has {options.cpus} CPU and {options.gpus:g} GPU for a model: waiting for one that has")
        run = Sweep(grid.recipes, options.root, pool, options.retries, _Teller())
        try:
            run.run(orders)
        except KeyboardInterrupt:
            _tell("stopped; the same command goes on")
            return {**_answer(grid, run.table(), [*broken, *run.failed], run.reasons), "interrupted": True}
        pool.finish()
        return _answer(grid, run.table(), [*broken, *run.failed], run.reasons)


def _answer(grid: Any, found: list[ZooModel], failed: list[str], reasons: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "size": grid.size,
        "combinations": grid.combinations,
        "models": {model.name: model.state for model in found},
        "status": [model.as_dict() for model in found],
        "failed": failed,
        "reasons": reasons,
    }


def _require_possible(options: argparse.Namespace) -> None:
    """Refuse numbers that cannot be.

    Raises:
        ValueError: naming the flag.
    """
    for flag, value, least in (
        ("--cpus", options.cpus, 1),
        ("--gpus", options.gpus, 0),
        ("--retries", options.retries, 0),
        ("--workers", options.workers if options.workers is not None else 1, 1),
    ):
        if not least <= value < 10_000:
            raise ValueError(f"{flag} is {value:g}, expected {least} or more")
    if options.workers is not None and options.address is not None:
        raise ValueError("--workers is for a cluster that is started here; that of --address decides it itself")


def _require_fitting(options: argparse.Namespace, recipes: dict[str, Any]) -> None:
    """Refuse a device that tasks are not given, and own images that cannot be found.

    Raises:
        ValueError: naming the model.
    """
    from core.datasets.npz import PREFIX

    for name, recipe in recipes.items():
        device, data = recipe.request.settings["device"], recipe.request.dataset
        if (device == "cpu") == bool(options.gpus) or ":" in device:
            expected = "cuda" if options.gpus else "cpu, or --gpus 1"
            raise ValueError(f"{name}: device is {device} and --gpus is {options.gpus:g}, expected device {expected}")
        file = Path(data.removeprefix(PREFIX)).expanduser()
        if data.startswith(PREFIX) and options.address is not None and not file.is_absolute():
            raise ValueError(f"{name}: data set is {data}, expected an absolute path, which every worker can read")
        if data.startswith(PREFIX) and options.address is None and not file.is_file():
            raise ValueError(f"{name}: data set is {data}, but there is no such file")


class _Teller:
    """Events as lines, and the table from time to time, on standard error."""

    def __init__(self) -> None:
        self._shown = time.monotonic()
        self._before = ""

    def __call__(self, run: Any, event: str) -> None:
        if event:
            _tell(event)
        if time.monotonic() - self._shown < EVERY_S:
            return
        self._shown = time.monotonic()
        models = run.table()
        table = status_table(models) if len(models) <= ROWS else folded(models)
        if table != self._before:
            self._before = table
            _tell(f"\n{table}\n")


def folded(models: list[ZooModel]) -> str:
    """The table without what waits and what is there, which the last line counts."""
    from core.sweep import WAITING

    shown = [model for model in models if model.state not in (THERE, WAITING)]
    waiting = sum(model.state == WAITING for model in models)
    there = sum(model.usable for model in models)
    lines = status_table(shown).splitlines()[:-1]
    return "\n".join([*lines, f"{there:,} of {len(models):,} models are there, {waiting:,} wait"])


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _show(result: dict[str, Any]) -> str:
    from core.cli_zoo import models_of

    failed = [f"{name}: {(result['reasons'].get(name) or [result['models'][name]])[-1]}" for name in result["failed"]]
    return "\n".join([status_table(models_of(result)), *failed])
