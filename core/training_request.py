"""A training that somebody asks for: checked before it is started, and written out as a command line."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.build import require_known
from core.checkpoint_folders import NAME
from core.config import ModelConfig, TrainConfig, validated
from core.datasets import DATASETS
from core.datasets.npz import PREFIX
from core.errors import first_problem
from core.flows import COUPLINGS
from core.posteriors import POSTERIORS
from core.priors import PRIORS
from core.training_file import state_file

LONGEST_DATA, LONGEST_BASE = 40, 56
"""Characters of a proposed name before its number."""


@dataclass(frozen=True)
class TrainingRequest:
    """What is to be trained.

    Attributes:
        name: of the checkpoint.
        dataset: key of ``DATASETS``, or ``npz:PATH``.
        prior, posterior: keys of their registries.
        prior_options, posterior_options: by name; those left out keep their defaults.
        latent_dim: d.
        hidden: widths of the gated layers.
        settings: of the training, by the names of ``TrainConfig``.
    """

    name: str
    dataset: str
    prior: str
    posterior: str = "gaussian"
    prior_options: Mapping[str, Any] = field(default_factory=dict)
    posterior_options: Mapping[str, Any] = field(default_factory=dict)
    latent_dim: int = 2
    hidden: tuple[int, ...] = (300, 300)
    settings: Mapping[str, Any] = field(default_factory=dict)


def check(request: TrainingRequest, root: Path, taken: Collection[str] = ()) -> None:
    """Refuse what would fail, as far as that can be known before the images are read.

    Args:
        request: what is asked for.
        root: folder of the checkpoints.
        taken: names that trainings in the queue will write.

    Raises:
        ValueError: the first problem, with what was expected.
    """
    require_free(request.name, root, taken)
    if state_file(root, request.name).exists():
        raise ValueError(
            f"a training of {request.name!r} was stopped and can go on: do that or discard it, or choose another name"
        )
    require_possible(request)


def require_possible(request: TrainingRequest) -> None:
    """Refuse settings that no training can have, whatever its name is and wherever it is stored.

    Raises:
        ValueError: the first problem, with what was expected.
    """
    if request.dataset not in DATASETS and not request.dataset.startswith(PREFIX):
        raise ValueError(f"data set is {request.dataset[:80]!r}, expected one of {', '.join(DATASETS)}, or npz:PATH")
    require_parts(request.prior, request.prior_options, request.posterior, request.posterior_options)
    for part in ("prior", "posterior"):
        if part_needs_two(getattr(request, part)) and request.latent_dim < 2:
            raise ValueError(f"{part} {getattr(request, part)!r} couples dimensions and needs two or more; got 1")
    try:
        TrainConfig.model_validate(dict(request.settings))
        shape = {"image_shape": (1, 1, 1), "likelihood": "bernoulli", "prior": {"kind": request.prior}}
        ModelConfig.model_validate({**shape, "latent_dim": request.latent_dim, "hidden": request.hidden})
    except ValidationError as error:
        raise ValueError(first_problem(error)) from error


def require_parts(
    prior: str, prior_options: Mapping[str, Any], posterior: str, posterior_options: Mapping[str, Any]
) -> None:
    """Refuse a prior or posterior that there is not, or a setting that it does not have.

    Raises:
        ValueError: the first problem, with what was expected.
    """
    require_known(prior, posterior)
    parts = (("prior", PRIORS[prior], prior_options), ("posterior", POSTERIORS[posterior], posterior_options))
    for part, kind, options in parts:
        validated(kind.options, dict(options), f"{kind.title}, {part}")


def part_needs_two(kind: str) -> bool:
    """Whether a prior or posterior is made of couplings, which split the dimensions in two."""
    return kind in COUPLINGS


def require_free(name: str, root: Path, taken: Collection[str] = ()) -> None:
    """A name that a new checkpoint can have, in a folder that can be written.

    Raises:
        ValueError: what is wrong with it.
    """
    if not NAME.fullmatch(name):
        raise ValueError(
            f"name is {name[:80]!r}, expected letters, digits, '.', '_' and '-', a letter or digit first, "
            "at most 64 of them"
        )
    if (root / name).exists():
        raise ValueError(f"checkpoint {name!r} is already there; choose another name")
    if name in taken:
        raise ValueError(f"a training of {name!r} is already waiting or running; choose another name")
    require_writable(root)


def require_writable(root: Path) -> None:
    """A folder of checkpoints that can be written, or be made.

    Raises:
        ValueError: it cannot.
    """
    there = next((folder for folder in (root, *root.parents) if folder.exists()), None)
    if there is None or not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f"{root} cannot be written; set PRIORSCOPE_CHECKPOINTS to a folder that can")


def base_name(data: str, latent_dim: int, prior: str, posterior: str) -> str:
    """DATASET-Dd-PRIOR, and the posterior where it is no Gaussian; own images are called as their file.

    Example:
        >>> base_name("npz:/some where/my Zähne_1.npz", 2, "vamp", "iaf")
        'my-Z-hne-1-2d-vamp-iaf'
    """
    name = Path(data.removeprefix(PREFIX)).stem if data.startswith(PREFIX) else data
    word = re.sub("[^A-Za-z0-9.]+", "-", name).strip("-.") or "images"
    return f"{word[:LONGEST_DATA]}-{latent_dim}d-{prior}" + ("" if posterior == "gaussian" else f"-{posterior}")


def proposed_name(base: str, root: Path, taken: Collection[str] = ()) -> str:
    """The first of BASE, BASE-2, BASE-3 ... that is free.

    Args:
        base: any text; what no name may hold becomes "-".
        root: folder of the checkpoints.
        taken: names that trainings in the queue will write.
    """
    words = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._") else "-" for letter in base)
    stem = words.strip("-._")[:LONGEST_BASE] or "model"
    number, name = 1, stem
    while name in taken or (root / name).exists() or state_file(root, name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def arguments(request: TrainingRequest) -> list[str]:
    """The words after ``python -m core`` that train it; settings at their defaults are left out."""
    words = ["train", "--dataset", request.dataset, "--name", request.name]
    for part, kind in (("prior", PRIORS[request.prior]), ("posterior", POSTERIORS[request.posterior])):
        if part == "prior" or request.posterior != "gaussian":
            words += [f"--{part}", getattr(request, part)]
        defaults = kind.options.model_validate({}).model_dump()
        for name, value in getattr(request, f"{part}_options").items():
            if value != defaults[name]:
                words += [f"--{part}-option", f"{name}={_toml(value)}"]
    words += ["--latent-dim", str(request.latent_dim)]
    if request.hidden != (300, 300):
        words += ["--hidden", *map(str, request.hidden)]
    usual = TrainConfig.model_validate({}).model_dump()
    for name, value in request.settings.items():
        if value == usual[name]:
            continue
        flag = f"--{name.replace('_', '-')}"
        words += [flag] if isinstance(value, bool) else [flag, str(value)]
    return words


def command_line(words: Collection[str]) -> str:
    """Words of a job as somebody types them, without the folder of the checkpoints."""
    kept = list(words)
    if "--root" in kept:
        place = kept.index("--root")
        del kept[place : place + 2]
    return shlex.join(["python", "-m", "core", *kept])


def _toml(value: Any) -> str:
    """A value as the command line reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
