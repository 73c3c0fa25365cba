"""The records of the results: one model, and a group of models that may be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.comparison import Difference
from core.published import Published
from core.records import Estimate
from core.seed_spread import SeedSpread
from core.training_cost import TrainingCost


def nll_of(test: Mapping[str, Any]) -> Estimate | None:
    """-log p(x) in nats as far as it is known: by quadrature, else by importance sampling, else not at all.

    Args:
        test: the measures of a split, as metrics.json holds them.
    """
    if "log_likelihood" in test:
        return Estimate(-test["log_likelihood"]["value"], test["log_likelihood"]["se"])
    return Estimate(test["nll"]["value"], test["nll"]["se"]) if "nll" in test else None


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
        gains: over N(0, I) with the Gaussian posterior, of the same images and latent dimension, as
            ``core.comparison.gains`` gives them; {} where there is no such model, this is it, or both prior and
            posterior are others.
        seed_gains: nats of ELBO gained over N(0, I) under each other training seed that both were trained with.
        weights: whether they are here too; else only the measures are.
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
    gains: Mapping[str, Difference] = field(default_factory=dict)
    seed_gains: Mapping[int, float] = field(default_factory=dict)
    weights: bool = True

    @property
    def exact(self) -> bool:
        """Whether log p(x) is known by quadrature; else it is a bound, by importance sampling."""
        return "log_likelihood" in self.test

    @property
    def nll(self) -> Estimate | None:
        """-log p(x) of the stored weights in nats, with its standard error over the images."""
        return nll_of(self.test)

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
