"""Which models of a sweep are finished: a checkpoint of that name is there, made by the same settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.checkpoint import read_config
from core.checkpoint_folders import place_of
from core.checkpoint_list import list_checkpoints
from core.config import RunConfig, TrainConfig, validated
from core.posteriors import POSTERIORS
from core.priors import PRIORS
from core.sweep_transport import Store, files_of, land
from core.zoo_recipes import Recipe

ELSEWHERE = {"device"}
"""Settings that say where a model is trained, not which it is."""
FILLED_IN = {"size"}
"""Options that building fills in where they are left out: the aggregated prior's number of images."""


def finished(recipes: dict[str, Recipe], root: Path, store: Store | None = None) -> set[str]:
    """Names of the models that can be used in the folder; what only one of folder and store has, the other gets.

    Args:
        recipes: by name.
        root: folder of the checkpoints.
        store: where they are kept besides, None for nowhere.

    Raises:
        ValueError: a checkpoint of such a name is there with other settings: neither can take the other's place.
        OSError: something cannot be read or written.
    """
    usable = {info.name for info in list_checkpoints(root) if info.error is None}
    there = set(recipes) & usable
    for name in there:
        _require_same(recipes[name], read_config(place_of(root / name)), str(root))
    for name, recipe in recipes.items() if store is not None else ():
        assert store is not None  # the loop is empty without one
        config = store.config(name)
        if config is not None:
            _require_same(recipe, config, store.url)
            if not (root / name).exists():
                land(store.read(name), root / name)
                there.add(name)
        elif name in there:
            store.put(name, files_of(place_of(root / name)))
    return there


def _require_same(recipe: Recipe, config: RunConfig, where: str) -> None:
    if told := difference(recipe, config):
        raise ValueError(
            f"{recipe.name} is in {where} already, made by other settings: {told}. Delete it, or use another folder "
            "(--root)"
        )


def difference(recipe: Recipe, config: RunConfig) -> str | None:
    """The first setting in which a checkpoint is not what a recipe asks for; None where there is none."""
    request, model = recipe.request, config.model
    plain: dict[str, tuple[Any, Any]] = {
        "dataset": (request.dataset, config.data.name),
        "prior": (request.prior, model.prior.kind),
        "posterior": (request.posterior, model.posterior.kind),
        "latent-dim": (request.latent_dim, model.latent_dim),
        "hidden": (list(request.hidden), list(model.hidden)),
    }
    train = TrainConfig.model_validate(dict(request.settings)).model_dump()
    stored = config.train.model_dump()
    plain |= {name.replace("_", "-"): (train[name], stored[name]) for name in train if name not in ELSEWHERE}
    if config.command:
        made = config.command.split()
        plain["half"] = ("--half" in recipe.words, "--half" in made)
        plain["samples"] = (_samples(recipe.words), _samples(made))
    found = next((f"{key} is {is_!r}, expected {asked!r}" for key, (asked, is_) in plain.items() if asked != is_), None)
    return found or _other_options(recipe, config)


def _samples(words: Sequence[str]) -> str | None:
    """Importance samples that a command asks for; None for the usual number."""
    after = words[words.index("--samples") + 1] if "--samples" in words[:-1] else None
    return next((word.partition("=")[2] for word in words if word.startswith("--samples=")), after)


def _other_options(recipe: Recipe, config: RunConfig) -> str | None:
    request, model = recipe.request, config.model
    for part, kind, given, stored in (
        ("prior", PRIORS[request.prior], request.prior_options, model.prior.options),
        ("posterior", POSTERIORS[request.posterior], request.posterior_options, model.posterior.options),
    ):
        for name, asked in validated(kind.options, dict(given), part).model_dump().items():
            if name in FILLED_IN and name not in given:
                continue
            if name in stored and stored[name] != asked:
                return f"{part}-option.{name} is {stored[name]!r}, expected {asked!r}"
    return None
