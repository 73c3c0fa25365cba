"""The subcommands that train: ``train`` for one model, ``zoo`` for all that a recipe file names."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.config import TrainConfig
from core.posteriors import POSTERIORS
from core.priors import PRIORS
from core.training_file import curve_file, state_file

LIBRARIES = ("torch", "numpy", "torchvision", "scikit-learn", "safetensors")
THERE = "already there"


def add_train(subcommands: Any) -> argparse.ArgumentParser:
    """``train``: one model, resumable, then evaluated and stored as a checkpoint."""
    command = subcommands.add_parser("train", help="train one model; an interrupted run continues where it was")
    command.add_argument(
        "--name", help="checkpoint name; default DATASET-Dd-PRIOR, with -POSTERIOR where it is no Gaussian"
    )
    command.add_argument("--dataset", default="digits", help="digits, mnist, ... or npz:PATH")
    command.add_argument("--data", type=Path, default=None, help="folder of the data sets")
    command.add_argument("--prior", default="standard", help=", ".join(PRIORS))
    command.add_argument("--prior-option", action="append", default=[], metavar="NAME=VALUE", help="as often as needed")
    command.add_argument("--posterior", default="gaussian", help=", ".join(POSTERIORS))
    command.add_argument(
        "--posterior-option", action="append", default=[], metavar="NAME=VALUE", help="as for the prior"
    )
    command.add_argument("--latent-dim", type=int, default=2)
    command.add_argument("--hidden", type=int, nargs="+", default=[300, 300], help="widths of the gated layers")
    defaults = TrainConfig.model_validate({})
    for name, field in TrainConfig.model_fields.items():
        flag, default = "--" + name.replace("_", "-"), getattr(defaults, name)
        if isinstance(default, bool):
            command.add_argument(flag, action="store_true")
        else:
            command.add_argument(flag, type=type(default), default=default, help=f"default {field.default}")
    command.add_argument("--samples", type=int, default=1000, help="importance samples of the final evaluation")
    command.add_argument("--half", action="store_true", help="store, and evaluate, weights rounded to half precision")
    command.add_argument("--restart", action="store_true", help="discard an interrupted run of this name")
    command.add_argument("--replace", action="store_true", help="replace a checkpoint of this name")
    command.set_defaults(run=train, show=show_training)
    return command


def add_zoo(subcommands: Any) -> argparse.ArgumentParser:
    """``zoo``: train, one after another, every model of a recipe file that is not there yet."""
    command = subcommands.add_parser("zoo", help="train every model of checkpoints/zoo.toml that is missing")
    command.add_argument(
        "--recipes", type=Path, default=None, help="default: zoo.toml in the folder of the checkpoints"
    )
    command.add_argument("--data", type=Path, default=None, help="folder of the data sets")
    command.set_defaults(run=zoo, show=lambda result: "\n".join(f"{k:24} {v}" for k, v in result["models"].items()))
    return command


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train, evaluate on the test split, store. Ctrl-C saves the state and stops; the same command goes on later."""
    from core.checkpoint import NAME
    from core.datasets import load

    name = options.name or _default_name(options)
    target = options.root / name
    if not NAME.fullmatch(name):
        raise ValueError(f"checkpoint name {name!r}: use letters, digits, '.', '_' and '-'; give one with --name")
    if target.exists() and not options.replace:
        raise ValueError(f"checkpoint {name!r} is already there; use another --name, or --replace")
    if options.restart:
        state_file(options.root, name).unlink(missing_ok=True)
    data = load(options.dataset, root=options.data)
    return _train_and_store(options, _run_config(options, data), data, target)


def _default_name(options: argparse.Namespace) -> str:
    """DATASET-Dd-PRIOR, and the posterior where it is no Gaussian."""
    posterior = "" if options.posterior == "gaussian" else f"-{options.posterior}"
    return f"{options.dataset.replace('_', '-')}-{options.latent_dim}d-{options.prior}{posterior}"


def _train_and_store(options: argparse.Namespace, config: Any, data: Any, target: Path) -> dict:
    from dataclasses import asdict

    from core.build import resolved
    from core.checkpoint import round_to_half, save
    from core.cli_evaluate import evaluate_with_progress
    from core.latents import cloud
    from core.train import Run
    from core.train_progress import train_with_progress

    state, told = state_file(options.root, target.name), curve_file(options.root, target.name)
    run = Run(config, data, state)
    vae = train_with_progress(run, told)
    if not run.finished:
        print(f"stopped in epoch {run.position.epoch + 1}; the same command continues from there", file=sys.stderr)
        return {"name": target.name, "interrupted": True, "epoch": run.position.epoch}
    if options.half:
        round_to_half(vae)
    test = evaluate_with_progress(vae, data, "test", options.samples, 0)
    curve = [asdict(record) for record in run.position.curve]
    training = {
        "epochs": run.position.epoch,
        "best_epoch": run.position.best_epoch,
        "seconds": sum(record["seconds"] for record in curve),
        "parameters": sum(parameter.numel() for parameter in vae.parameters()),
        "curve": curve,
    }
    images = data.fixed("test")
    save(
        vae,
        config.model_copy(update={"model": resolved(config.model, vae)}),
        target,
        metrics={"training": training, "evaluations": {"test": test.as_dict()}},
        per_image=test.per_image,
        latents=cloud(vae, images.images, images.labels, "test"),
        snapshots=run.snapshots(),
        half=options.half,
        replace=options.replace,
    )
    for left in (state, told):
        left.unlink(missing_ok=True)
    return {"name": target.name, "epochs": training["epochs"], "seconds": training["seconds"], "test": test.as_dict()}


def show_training(result: dict[str, Any]) -> str:
    """What a finished training prints."""
    from core.cli_evaluate import show_evaluation

    if result.get("interrupted"):
        return f"{result['name']}: interrupted after {result['epoch']} epochs"
    head = f"{result['name']}: {result['epochs']} epochs in {result['seconds']:.0f} s"
    return head + "\n" + show_evaluation(result["test"])


def zoo(options: argparse.Namespace) -> dict[str, Any]:
    """Train what is missing, in the order of the file; what is there is left alone.

    Returns:
        "models": what became of each; "failed": those that are not there now, or are there and cannot be used.
    """
    states: dict[str, str] = {}
    failed: list[str] = []
    for name, arguments in _recipes(options.recipes or options.root / "zoo.toml").items():
        if (options.root / name).exists():
            states[name] = _state(name, options.root)
            failed += [name] if states[name] != THERE else []
            continue
        data = ["--data", str(options.data)] if options.data else []
        command = ["train", "--name", name, "--root", str(options.root), *data, *arguments]
        print(f"python -m core {shlex.join(command)}", file=sys.stderr)
        # a process each: a failed model does not take the others with it, and standard output stays free for --json
        status = subprocess.run([sys.executable, "-m", "core", *command], stdout=sys.stderr, check=False).returncode
        states[name] = "trained" if status == 0 else f"failed with status {status}"
        if status == 130:
            return {"models": states, "failed": failed, "interrupted": True}
        failed += [name] if status else []
    return {"models": states, "failed": failed}


def _state(name: str, root: Path) -> str:
    """``THERE``, or why the folder cannot be used."""
    from core.checkpoint import load
    from core.errors import CheckpointError

    try:
        load(name, root)
    except CheckpointError as error:
        return f"broken: {error}"
    return THERE


def _recipes(file: Path) -> dict[str, list[str]]:
    """The arguments of each model of a recipe file, checked before the first is trained.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    try:
        models = tomllib.loads(file.read_text(encoding="utf-8")).get("models")
    except ValueError as error:
        raise ValueError(f"{file} is not TOML: {error}") from error
    if not isinstance(models, dict):
        raise ValueError(f'{file} needs a table [models] with lines NAME = "arguments of python -m core train"')
    recipes: dict[str, list[str]] = {}
    for name, arguments in models.items():
        if not isinstance(arguments, str):
            raise ValueError(f"{file}: {name} is {type(arguments).__name__}, expected a string of arguments")
        try:
            recipes[name] = shlex.split(arguments)
        except ValueError as error:
            raise ValueError(f"{file}: {name}: {error}") from error
    return recipes


def _run_config(options: argparse.Namespace, data: Any) -> Any:
    from core.config import DataConfig, ModelConfig, PosteriorConfig, PriorConfig, RunConfig

    settings = {name: getattr(options, name) for name in TrainConfig.model_fields}
    return RunConfig(
        data=DataConfig(
            name=data.name,
            seed=data.seed,
            binarisation=data.binarisation,
            train=len(data.train.images),
            validation=len(data.validation.images),
            test=len(data.test.images),
            class_names=data.class_names,
            source=data.source,
        ),
        model=ModelConfig(
            image_shape=data.image_shape,
            likelihood=data.likelihood,
            latent_dim=options.latent_dim,
            hidden=tuple(options.hidden),
            prior=PriorConfig(kind=options.prior, options=settings_of("--prior-option", options.prior_option)),
            posterior=PosteriorConfig(
                kind=options.posterior, options=settings_of("--posterior-option", options.posterior_option)
            ),
        ),
        train=TrainConfig(**settings),
        **provenance(options),
    )


def provenance(options: argparse.Namespace) -> dict[str, Any]:
    """What a configuration tells of the program that made it: versions, commit and command line."""
    return {
        "versions": {"python": sys.version.split()[0], **{name: version(name) for name in LIBRARIES}},
        "commit": _commit(),
        "command": options.command_line,
    }


def settings_of(flag: str, pairs: list[str]) -> dict[str, Any]:
    """NAME=VALUE pairs of a flag, with values read as TOML and, failing that, as text."""
    parsed: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"{flag} takes NAME=VALUE; got {pair!r}")
        try:
            parsed[name] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            parsed[name] = text
    return parsed


def _commit() -> str:
    """The commit of this checkout, with "-dirty" where a tracked file differs from it; "" where it is not one."""
    commit = _git("rev-parse", "HEAD")
    return f"{commit}-dirty" if commit and _git("status", "--porcelain", "--untracked-files=no") else commit


def _git(*arguments: str) -> str:
    """What git says of this folder, "" where it cannot."""
    here = Path(__file__).resolve().parent
    try:
        answer = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
