"""The subcommand ``train``, and what other subcommands that train share with it."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.config import TrainConfig
from core.posteriors import POSTERIORS
from core.priors import PRIORS
from core.training_file import curve_file, state_file, thinned

LIBRARIES = ("torch", "numpy", "torchvision", "scikit-learn", "safetensors")


def add_train(subcommands: Any) -> argparse.ArgumentParser:
    """``train``: one model, resumable, then evaluated and stored as a checkpoint."""
    command = subcommands.add_parser("train", help="train one model; an interrupted run continues where it was")
    add_train_arguments(command)
    command.set_defaults(run=train, show=show_training)
    return command


def add_train_arguments(command: argparse.ArgumentParser) -> None:
    """Everything that ``train`` can be asked for; a recipe of the zoo is a line of these."""
    command.add_argument(
        "--name", help="checkpoint name; default DATASET-Dd-PRIOR, or FILE-..., with -POSTERIOR where it is no Gaussian"
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


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train, evaluate on the test split, store. Ctrl-C saves the state and stops; the same command goes on later."""
    from core.checkpoint import NAME
    from core.datasets import load
    from core.training_request import base_name, require_parts

    name = options.name or base_name(options.dataset, options.latent_dim, options.prior, options.posterior)
    target = options.root / name
    if not NAME.fullmatch(name):
        raise ValueError(f"checkpoint name {name!r}: use letters, digits, '.', '_' and '-'; give one with --name")
    if target.exists() and not options.replace:
        raise ValueError(f"checkpoint {name!r} is already there; use another --name, or --replace")
    require_samples(options.samples)
    data = load(options.dataset, root=options.data)
    config = _run_config(options, data)
    parts = config.model
    require_parts(parts.prior.kind, parts.prior.options, parts.posterior.kind, parts.posterior.options)
    if options.restart:  # only now: a command that cannot be followed discards nothing
        state_file(options.root, name).unlink(missing_ok=True)
    return _train_and_store(options, config, data, target)


def require_samples(samples: int) -> None:
    """Refuse an impossible number of importance samples before the training that it would come after.

    Raises:
        ValueError: with the number.
    """
    if samples < 1:
        raise ValueError(f"--samples is {samples}, expected 1 or more")


def _train_and_store(options: argparse.Namespace, config: Any, data: Any, target: Path) -> dict:
    from core.build import resolved
    from core.checkpoint import save
    from core.cli_evaluate import add_measures, evaluate_with_progress
    from core.latents import cloud

    finished = finish_training(config, data, options.root, target.name, half=options.half)
    if isinstance(finished, int):
        return {"name": target.name, "interrupted": True, "epoch": finished}
    run, vae = finished
    test = evaluate_with_progress(vae, data, "test", options.samples, 0)
    training = training_record(run, vae)
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
    forget_training(options.root, target.name)
    add_measures(target.name, target.parent, data)
    return {"name": target.name, "epochs": training["epochs"], "seconds": training["seconds"], "test": test.as_dict()}


def finish_training(config: Any, data: Any, root: Path, name: str, *, half: bool) -> tuple[Any, Any] | int:
    """Train to the end, or on from where a training of this name was.

    Returns:
        The finished run and its model, as it is going to be stored; or the whole epochs that were done when it was
        interrupted.
    """
    from core.checkpoint import round_to_half
    from core.train import Run
    from core.train_progress import train_with_progress

    run = Run(config, data, state_file(root, name))
    vae = train_with_progress(run, curve_file(root, name))
    if not run.finished:
        print(f"stopped in epoch {run.position.epoch + 1}; the same command continues from there", file=sys.stderr)
        return run.position.epoch
    if half:
        round_to_half(vae)
    return run, vae


def forget_training(root: Path, name: str) -> None:
    """Delete the state and the curve of a training whose outcome is stored."""
    for left in (state_file(root, name), curve_file(root, name)):
        left.unlink(missing_ok=True)


def training_record(run: Any, vae: Any) -> dict[str, Any]:
    """Course and cost of a finished training, as metrics.json holds them: the course to a millionth of a nat.

    Of a very long one every so many epochs, with the best.
    """
    from dataclasses import asdict

    position = run.position
    curve = [
        {key: round(value, 6) for key, value in asdict(record).items()}
        for record in thinned(position.curve, position.best_epoch)
    ]
    return {
        "epochs": position.epoch,
        "best_epoch": position.best_epoch,
        "seconds": round(sum(record.seconds for record in position.curve), 6),
        "parameters": sum(parameter.numel() for parameter in vae.parameters()),
        "curve": curve,
    }


def show_training(result: dict[str, Any]) -> str:
    """What a finished training prints."""
    from core.cli_evaluate import show_evaluation

    if result.get("interrupted"):
        return f"{result['name']}: interrupted after {result['epoch']} epochs"
    head = f"{result['name']}: {result['epochs']} epochs in {result['seconds']:.0f} s"
    return head + "\n" + show_evaluation(result["test"])


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
