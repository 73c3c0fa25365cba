"""Recipe files: which models there should be, and how each is trained.

    [models]
    NAME = "arguments of python -m core train"

Every line is checked before the first model is trained: a misspelt flag in the last one is told at once, not next day.
"""

from __future__ import annotations

import argparse
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from core.checkpoint_folders import NAME
from core.cli_train import add_train_arguments, require_samples, settings_of
from core.config import TrainConfig
from core.training_request import TrainingRequest, require_possible

FILE = "zoo.toml"
OWN = ("--name", "--data", "--restart", "--replace")
"""Flags of ``train`` that the zoo sets, or that belong to one run and not to a recipe."""


@dataclass(frozen=True)
class Recipe:
    """One line of a recipe file.

    Attributes:
        name: of the checkpoint.
        words: arguments of ``python -m core train``.
        request: what they ask for.
        samples: importance samples of the evaluation.
    """

    name: str
    words: tuple[str, ...]
    request: TrainingRequest
    samples: int

    @property
    def command(self) -> str:
        """The command line that trains it."""
        return shlex.join(["python", "-m", "core", "train", "--name", self.name, *self.words])


class _Strict(argparse.ArgumentParser):
    """A parser that says what is wrong instead of ending the program."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def read_recipes(file: Path) -> dict[str, Recipe]:
    """The recipes of a file by name, in its order.

    Raises:
        ValueError: naming the file, the recipe and what is wrong with it.
        OSError: where the file cannot be read.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not TOML: {error}") from error
    models = content.get("models")
    if not isinstance(models, dict):
        raise ValueError(f'{file} needs a table [models] with lines NAME = "arguments of python -m core train"')
    if unknown := sorted(set(content) - {"models"}):
        raise ValueError(f"{file}: {unknown[0]} is not known here, expected the table [models] and nothing else")
    return {name: _checked(file, name, line) for name, line in models.items()}


def _checked(file: Path, name: str, line: Any) -> Recipe:
    if not isinstance(line, str):
        raise ValueError(f"{file}: {name} is {type(line).__name__}, expected a string of arguments")
    try:
        return recipe_of(name, shlex.split(line))
    except ValueError as error:
        raise ValueError(f"{file}: {name}: {error}") from error


def recipe_of(name: str, words: list[str]) -> Recipe:
    """The recipe of one model, checked as far as that can be without its images.

    Args:
        name: of the checkpoint.
        words: arguments of ``python -m core train``.

    Raises:
        ValueError: the first problem, without the name.
    """
    if not NAME.fullmatch(name):
        raise ValueError("a name has letters, digits, '.', '_' and '-', at most 64 of them")
    parser = _Strict(add_help=False, allow_abbrev=False)
    add_train_arguments(parser)
    if own := next((word for word in words if word.partition("=")[0] in OWN), None):
        raise ValueError(f"{own} is not a part of a recipe: the zoo sets it")
    options = parser.parse_args(words)
    require_samples(options.samples)
    request = TrainingRequest(
        name=name,
        dataset=options.dataset,
        prior=options.prior,
        posterior=options.posterior,
        prior_options=settings_of("--prior-option", options.prior_option),
        posterior_options=settings_of("--posterior-option", options.posterior_option),
        latent_dim=options.latent_dim,
        hidden=tuple(options.hidden),
        settings={key: getattr(options, key) for key in TrainConfig.model_fields},
    )
    require_possible(request)
    return Recipe(name, tuple(words), request, options.samples)
