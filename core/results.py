"""The test likelihood of every model, in groups that may be compared, beside what was published and what is missing.

Models stand in one group only where data set, binarisation, images and latent dimension are the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.absent import NONE
from core.checkpoint import list_checkpoints, read_config
from core.checkpoint_folders import place_of
from core.config import RunConfig
from core.datasets.titles import dataset_place
from core.metrics_file import read_metrics
from core.model_card import seeds_command
from core.posteriors import POSTERIORS
from core.priors import PRIORS
from core.published import Published, published_for
from core.records import CheckpointInfo, Estimate
from core.seed_spread import SeedSpread, over_seeds
from core.training_cost import TrainingCost, training_cost
from core.zoo_recipes import FILE, Recipe, read_recipes

SPLIT = "test"
NOT_TRAINED = "not trained"


@dataclass(frozen=True)
class ResultRow:
    """One model.

    Attributes:
        name: of the checkpoint.
        title: prior, and posterior where it is not the Gaussian one.
        prior: key of the prior.
        plain: whether the posterior is the Gaussian one.
        state: why nothing is known of its likelihood, "" where it is.
        test: its evaluation, {} where there is none.
        seeds: -log p(x) over the training seeds, in nats; None where it was not measured.
        cost: of the training.
        epochs, batch_size: that its recipe allows, and uses.
        pixels: of an image.
        commands: that make its numbers again.
    """

    name: str
    title: str
    prior: str
    plain: bool
    state: str
    test: Mapping[str, Any]
    seeds: SeedSpread | None
    cost: TrainingCost
    epochs: int
    batch_size: int
    pixels: int
    commands: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether log p(x) is known by quadrature; else it is a bound, by importance sampling."""
        return "log_likelihood" in self.test

    @property
    def nll(self) -> Estimate | None:
        """-log p(x) of the stored weights in nats, with its standard error over the images."""
        if self.exact:
            return Estimate(-self.test["log_likelihood"]["value"], self.test["log_likelihood"]["se"])
        return Estimate(self.test["nll"]["value"], self.test["nll"]["se"]) if "nll" in self.test else None

    def per_dimension(self, nats: Estimate) -> Estimate:
        """Nats of an image in bits per dimension."""
        return Estimate(*(value / (self.pixels * math.log(2)) for value in (nats.value, nats.se)))


@dataclass(frozen=True)
class ResultGroup:
    """Models that may be compared.

    Attributes:
        dataset, binarisation, likelihood, latent_dim: that they share; "" where no model is there yet.
        n: test images, 0 where no model is there yet.
        seed: of the evaluations' draws, None where they differ.
        rows: the simplest prior first.
        published: beside them.
    """

    dataset: str
    binarisation: str
    likelihood: str
    latent_dim: int
    n: int
    seed: int | None
    rows: tuple[ResultRow, ...]
    published: tuple[Published, ...]

    @property
    def measured(self) -> tuple[ResultRow, ...]:
        """The rows whose likelihood is known."""
        return tuple(row for row in self.rows if row.nll is not None)

    @property
    def in_bits(self) -> bool:
        """Whether the field reports bits per dimension for such images."""
        return self.likelihood == "logistic"

    def published_of(self, row: ResultRow) -> Published | None:
        """The published model with the same prior and posterior."""
        return next((one for one in self.published if row.plain and one.prior == row.prior), None)


def results(root: Path, *, recipes: bool = True) -> list[ResultGroup]:
    """Every group of a folder of checkpoints.

    Args:
        root: the folder.
        recipes: whether models of its recipe file that are not trained have a row.

    Raises:
        ValueError: where the recipe file cannot be used.
    """
    infos = {info.name: info for info in list_checkpoints(root)}
    asked = read_recipes(root / FILE) if recipes and (root / FILE).is_file() else {}
    groups: dict[tuple[Any, ...], list[ResultRow]] = {}
    for info in infos.values():
        if not info.error and info.likelihood != NONE:
            config, metrics = read_config(place_of(root / info.name)), read_metrics(place_of(root / info.name))
            row = _row(info, config, training_cost(metrics))
            groups.setdefault(_key(info, row.test), []).append(row)
    _into_measured(groups)
    for recipe in asked.values():
        info = infos.get(recipe.name)
        if info is None or info.error:
            state = NOT_TRAINED if info is None else f"cannot be used: {info.error}"
            groups.setdefault(_key_of_recipe(recipe, groups), []).append(_missing(recipe, state))
    found = [_group(key, rows) for key, rows in groups.items()]
    return sorted(found, key=lambda group: (dataset_place(group.dataset), -group.latent_dim, group.binarisation))


def stamp(root: Path) -> tuple[tuple[str, int], ...]:
    """Changes whenever a file that the results come from is written, appears or goes."""
    files = [root / FILE, *root.glob("*/metrics.json"), *root.glob("*/config.json"), *root.glob("*/*.safetensors")]
    found = []
    for file in files:
        with suppress(OSError):  # gone since it was listed
            found.append((str(file), file.stat().st_mtime_ns))
    return tuple(sorted(found))


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
