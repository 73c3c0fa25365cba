"""Grid files: each combination of lists of settings is a model.

    dataset = ["digits", "mnist"]           # a list: each of them
    prior = ["standard", "mog", "vamp"]
    prior-option.components = [50, 500]     # K, for the priors that have it
    seed = [0, 1, 2]
    latent-dim = 40                         # no list: the same for all
    half = true

Keys are the flags of ``python -m core train``. All combinations are checked before the first model is trained.
"""

from __future__ import annotations

import itertools
import re
import shlex
import tomllib
from dataclasses import dataclass
from math import prod
from pathlib import Path, PurePath
from typing import Any

from core.datasets.npz import PREFIX
from core.sweep_axes import PARTS, SWITCHES, Axis, read_axes
from core.zoo_recipes import Recipe, recipe_of

MOST = 10_000
"""Combinations of a grid at most."""
IN_EVERY_NAME = ("dataset", "latent-dim", "prior", "posterior", "seed")


@dataclass(frozen=True)
class Grid:
    """What a grid file asks for.

    Attributes:
        file: that was read.
        combinations: of its lists.
        recipes: the models by name; fewer where an option is none of some priors.
        left_out: what made them fewer, such as "standard has no components".
    """

    file: Path
    combinations: int
    recipes: dict[str, Recipe]
    left_out: tuple[str, ...]

    @property
    def size(self) -> str:
        """How many models there are, and why not as many as combinations."""
        n = len(self.recipes)
        told = f"{self.file.name}: {n:,} model{'' if n == 1 else 's'}"
        if n == self.combinations:
            return told
        return f"{told} of {self.combinations:,} combinations ({'; '.join(self.left_out)})"


def read_grid(file: Path, device: str | None = None) -> Grid:
    """The models of a grid file.

    Args:
        file: TOML.
        device: where the models are trained, unless the file says it; None leaves that to ``train``.

    Raises:
        ValueError: naming the file, the key or the model, and what is wrong with it.
        OSError: the file cannot be read.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not TOML: {error}") from error
    try:
        return _expanded(file, read_axes(content, device))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _expanded(file: Path, axes: list[Axis]) -> Grid:
    combinations = prod(len(axis.values) for axis in axes)
    if combinations > MOST:
        raise ValueError(f"{combinations:,} combinations, expected at most {MOST:,}; make it several grids")
    recipes: dict[str, Recipe] = {}
    held: dict[str, str] = {}  # as file systems see names that ignore case
    left_out: dict[str, None] = {}
    for values in itertools.product(*(axis.values for axis in axes)):
        setting, without = _applicable(axes, values)
        left_out |= dict.fromkeys(without)
        name, words = _name(setting), _words(setting)
        other = recipes.get(held.get(name.casefold(), ""))
        if other is None:
            recipes[name] = _checked(name, words)
            held[name.casefold()] = name
        elif other.words != tuple(words):
            raise ValueError(f"{name} would be the name of two models: {other.command}, and {shlex.join(words)}")
    return Grid(file, combinations, recipes, tuple(left_out))


def _applicable(axes: list[Axis], values: tuple[Any, ...]) -> tuple[list[tuple[Axis, Any]], list[str]]:
    """The settings of one combination, and what was left out since the prior or posterior does not have it."""
    chosen = {axis.key: value for axis, value in zip(axes, values, strict=True) if not axis.option}
    kept, without = [], []
    for axis, value in zip(axes, values, strict=True):
        if axis.option:
            part, default, known = PARTS[axis.key]
            kind = str(chosen.get(part, default))
            if kind in known and axis.option not in known[kind].options.model_fields:
                without.append(f"{kind} has no {axis.option}")
                continue
        kept.append((axis, value))
    return kept, without


def _name(setting: list[tuple[Axis, Any]]) -> str:
    """DATASET-Dd-PRIOR, K, whatever else the grid lists, and the seed: ``mnist-40d-vamp-k500-s1``."""
    of = {axis.key: value for axis, value in setting if not axis.option}
    data = str(of.get("dataset", "digits"))
    words = [PurePath(data).stem if data.startswith(PREFIX) else data, f"{of.get('latent-dim', 2)}d"]
    words.append(str(of.get("prior", "standard")))
    if of.get("posterior", "gaussian") != "gaussian":
        words.append(str(of["posterior"]))
    for axis, value in setting:
        if axis.title == "prior-option.components":
            words.append(f"k{value}")
        elif axis.varies and axis.key not in IN_EVERY_NAME:
            own = axis.option if axis.key == "prior-option" else axis.title.replace("-option.", "-")
            words += [_short(own, value)] if value is not False else []
    words.append(f"s{of.get('seed', 0)}")
    return re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(words)).strip("-.")


def _short(key: str, value: Any) -> str:
    """A setting in a name."""
    if value is True:
        return key
    if isinstance(value, list):
        return key + "-".join(map(str, value))
    return f"{key}{value:g}" if isinstance(value, float) else f"{key}{value}"


def _words(setting: list[tuple[Axis, Any]]) -> list[str]:
    """The arguments of ``python -m core train``."""
    words: list[str] = []
    for axis, value in setting:
        flag = f"--{axis.key}"
        if axis.option:
            words += [flag, f"{axis.option}={str(value).lower() if isinstance(value, bool) else value}"]
        elif axis.key in SWITCHES:
            words += [flag] if value else []
        elif axis.key == "hidden":
            words += [flag, *map(str, value)]
        else:
            words.append(f"{flag}={value}")
    return words


def _checked(name: str, words: list[str]) -> Recipe:
    try:
        return recipe_of(name, words)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
