"""The test likelihood of every model, in groups that may be compared, beside what was published and what is missing.

Models stand in one group only where data set, binarisation, images and latent dimension are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.absent import NONE
from core.checkpoint import read_config
from core.checkpoint_folders import signatures
from core.checkpoint_list import list_checkpoints
from core.comparison import Measured, gains
from core.config import RunConfig
from core.datasets.titles import dataset_place
from core.errors import CheckpointError
from core.measures_only import FOLDER, folder_of, list_measured
from core.metrics_file import read_metrics
from core.model_card import seeds_command
from core.per_image import read_per_image
from core.posteriors import POSTERIORS
from core.priors import PRIORS
from core.published import published_for
from core.records import CheckpointInfo
from core.results_records import ResultGroup, ResultRow
from core.seed_spread import SeedSpread, over_seeds
from core.training_cost import TrainingCost, training_cost
from core.zoo_recipes import FILE as RECIPES
from core.zoo_recipes import Recipe, read_recipes

SPLIT = "test"
NOT_TRAINED = "not trained yet"


def results(root: Path, *, recipes: bool = True) -> list[ResultGroup]:
    """Every group of a folder of checkpoints.

    Args:
        root: the folder.
        recipes: whether models of its recipe file that are not trained have a row.

    Raises:
        ValueError: where the recipe file cannot be used.
    """
    infos = {info.name: info for info in list_checkpoints(root)}
    infos |= {info.name: info for info in list_measured(root)}
    asked = read_recipes(root / RECIPES) if recipes and (root / RECIPES).is_file() else {}
    groups: dict[tuple[Any, ...], list[ResultRow]] = {}
    for info in infos.values():
        if not info.error and info.likelihood != NONE:
            place = folder_of(root, info.name)
            row = _row(info, read_config(place), training_cost(read_metrics(place)))
            row = replace(row, weights=place.parent.name != FOLDER)
            groups.setdefault(_key(info, row.test), []).append(row)
    _into_measured(groups)
    for key, rows in groups.items():
        groups[key] = _with_gains(rows, infos, root)
    for recipe in asked.values():
        info = infos.get(recipe.name)
        if info is None or info.error:
            state = NOT_TRAINED if info is None else f"cannot be used: {info.error}"
            groups.setdefault(_key_of_recipe(recipe, groups), []).append(_missing(recipe, state))
    found = [_group(key, rows) for key, rows in groups.items()]
    return sorted(found, key=lambda group: (dataset_place(group.dataset), -group.latent_dim, group.binarisation))


def stamp(root: Path) -> str:
    """Changes whenever a file that the results come from is written, appears or goes."""
    recipes = None
    with suppress(OSError):  # there need not be any
        recipes = (root / RECIPES).stat().st_mtime_ns
    written = signatures(root), signatures(root / FOLDER)
    return hashlib.sha256(repr((str(root), recipes, written)).encode()).hexdigest()


def _key(info: CheckpointInfo, test: Mapping[str, Any]) -> tuple[Any, ...]:
    images = (info.image_shape, info.data_seed, test.get("n", 0))
    return info.dataset, info.latent_dim, info.binarisation, info.likelihood, images


def _into_measured(groups: dict[tuple[Any, ...], list[ResultRow]]) -> None:
    """Models that were not measured stand with those that were, on the same data, where there are any."""
    for key in [key for key in groups if key[4][2] == 0]:
        same = next((other for other in groups if other[:4] == key[:4] and other[4][2]), None)
        if same is not None:
            groups[same] += groups.pop(key)


def _key_of_recipe(recipe: Recipe, groups: Mapping[tuple[Any, ...], Any]) -> tuple[Any, ...]:
    """The group of a model that is not there: the largest of its data set and dimension, else one of its own."""
    wanted = (recipe.request.dataset, recipe.request.latent_dim)
    same = [key for key in groups if key[:2] == wanted]
    return max(same, key=lambda key: len(groups[key])) if same else (*wanted, "", "", ((), 0, 0))


def _row(info: CheckpointInfo, config: RunConfig, cost: TrainingCost) -> ResultRow:
    test = info.metrics.get(SPLIT, {})
    measured = "nll" in test or "log_likelihood" in test
    commands = tuple(filter(None, (config.command, seeds_command(info.name, info.seeds[1:]) if info.seeds[1:] else "")))
    return ResultRow(
        name=info.name,
        title=_title(info.prior, info.posterior),
        prior=info.prior,
        plain=info.of_gaussians,
        state="" if measured else f"not measured: python -m core evaluate {info.name} --save",
        test=test,
        seeds=_seeds(info, test),
        cost=cost,
        epochs=config.train.epochs,
        batch_size=config.train.batch_size,
        pixels=config.model.pixels,
        commands=commands,
    )


def _seeds(info: CheckpointInfo, test: Mapping[str, Any]) -> SeedSpread | None:
    """-log p(x) by training seed."""
    if "log_likelihood" not in test:
        return over_seeds(info, "nll", SPLIT)
    found = over_seeds(info, "log_likelihood", SPLIT)
    return None if found is None else SeedSpread({seed: -value for seed, value in found.values.items()})


def _with_gains(rows: list[ResultRow], infos: Mapping[str, CheckpointInfo], root: Path) -> list[ResultRow]:
    """The rows of one group with what another prior, or another posterior, gains over N(0, I) and Gaussians q(z|x)."""
    base = next((row for row in rows if row.prior == "standard" and row.plain and row.nll is not None), None)
    if base is None:
        return rows
    against, bounds = _measured(base, root), over_seeds(infos[base.name], "elbo", SPLIT)
    found = []
    for row in rows:
        if row.nll is not None and row is not base and (row.plain or row.prior == "standard"):
            own = over_seeds(infos[row.name], "elbo", SPLIT)
            by_seed = {} if own is None or bounds is None else own.minus(bounds)
            others = {seed: value for seed, value in by_seed.items() if seed != infos[row.name].seeds[0]}
            found.append(replace(row, gains=gains(_measured(row, root), against), seed_gains=others))
        else:
            found.append(row)
    return found


def _measured(row: ResultRow, root: Path) -> Measured:
    """A row for comparison; where the file of its images cannot be used, its differences are not paired."""
    try:
        per_image = read_per_image(folder_of(root, row.name), SPLIT, row.test)
    except CheckpointError:
        per_image = None
    return Measured(row.name, row.title, row.test, per_image)


def _missing(recipe: Recipe, state: str) -> ResultRow:
    asked = recipe.request
    epochs, batch = (int(asked.settings[key]) for key in ("epochs", "batch_size"))
    title, plain = _title(asked.prior, asked.posterior), POSTERIORS[asked.posterior].gaussian
    return ResultRow(
        recipe.name, title, asked.prior, plain, state, {}, None, TrainingCost(), epochs, batch, 1, (recipe.command,)
    )


def _title(prior: str, posterior: str) -> str:
    beside = "" if POSTERIORS[posterior].gaussian else f", {POSTERIORS[posterior].title} posterior"
    return PRIORS[prior].title + beside


def _group(key: tuple[Any, ...], rows: list[ResultRow]) -> ResultGroup:
    dataset, latent_dim, binarisation, likelihood, (_, _, n) = key
    order = list(PRIORS)
    seeds = {row.test["seed"] for row in rows if "seed" in row.test}
    return ResultGroup(
        dataset=dataset,
        binarisation=binarisation,
        likelihood=likelihood,
        latent_dim=latent_dim,
        n=n,
        seed=seeds.pop() if len(seeds) == 1 else None,
        rows=tuple(sorted(rows, key=lambda row: (bool(row.state), not row.plain, order.index(row.prior), row.name))),
        published=published_for(dataset, binarisation, latent_dim),
    )
