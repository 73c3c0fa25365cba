"""The values of the optimal-prior ladder that cross to figures and pages: frozen, numpy, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.records import Estimate

SplitName = Literal["train", "validation", "test"]


def reference_of(kinds: Sequence[str]) -> int:
    """Place of the rung that all are compared with: N(0, I) where it is among them, else the first."""
    return kinds.index("standard") if "standard" in kinds else 0


@dataclass(frozen=True)
class Rung:
    """One prior fitted to the aggregated posterior of a frozen encoder.

    Attributes:
        kind: family: "standard", "gaussian", "mog", "vamp", "subset", "aggregated", "realnvp", "maf".
        title: as shown to a person.
        components: K of a mixture, 1 for a Gaussian, None for a flow.
        parameters: numbers fitted.
        seconds: the fit took.
        train, validation, test: marginal KL(q(z) || p(z)) in nats on each split's own aggregated posterior. It grows
            with what log n cuts off the mutual information of that split, whatever p is: compare gains instead.
        train_gain, validation_gain, test_gain: marginal KL of the reference rung minus that of this one, the nats of
            ELBO won over it with the encoder as it is. log q(z) cancels; the standard error is paired by images.
    """

    kind: str
    title: str
    components: int | None
    parameters: int
    seconds: float
    train: Estimate
    validation: Estimate
    test: Estimate
    train_gain: Estimate
    validation_gain: Estimate
    test_gain: Estimate


@dataclass(frozen=True)
class LeftOut:
    """A prior that could not be fitted.

    Attributes:
        title: as shown to a person.
        reason: why, as shown to a person.
    """

    title: str
    reason: str


@dataclass(frozen=True)
class Ladder:
    """Priors fitted to one frozen encoder, from the simplest to the aggregated posterior itself.

    Attributes:
        rungs: in the order they were fitted.
        covariance: (R, R) float64, covariance over the test images of each image's mean log p(z); the standard error
            of the difference of two rungs a, b is sqrt((C_aa + C_bb - 2 C_ab) / n_test).
        train_null, validation_null, test_null: what the marginal KL of each split would be for a perfect prior; None
            where the posteriors overlap too little for that to be known.
        n_train, n_validation, n_test: number of images.
        steps: optimiser steps of each learned rung.
        seed: of every draw and fit.
        digest: of the checkpoint whose encoder was used.
        standardised: whether Gaussian, mixtures and flows were fitted over codes of mean 0 and deviation 1 in every
            dimension, since q(z) was of another size than they are made for.
        left_out: what could not be fitted.
    """

    rungs: tuple[Rung, ...]
    covariance: np.ndarray
    train_null: Estimate | None
    validation_null: Estimate | None
    test_null: Estimate | None
    n_train: int
    n_validation: int
    n_test: int
    steps: int
    seed: int
    digest: str
    standardised: bool = False
    left_out: tuple[LeftOut, ...] = ()

    @property
    def reference(self) -> int:
        """Place of the rung that gains are measured from: N(0, I), or the first where that is not on the ladder."""
        return reference_of([rung.kind for rung in self.rungs])

    def gain(self, rung: int, split: SplitName) -> Estimate:
        """Nats of ELBO that a rung wins over the reference on a split, with the paired standard error."""
        found = self.rungs[rung]
        return {"train": found.train_gain, "validation": found.validation_gain, "test": found.test_gain}[split]

    def difference(self, a: int, b: int) -> Estimate:
        """Test marginal KL of rung a minus that of rung b, nats, with the paired standard error over the images."""
        c = self.covariance
        variance = max(float(c[a, a] + c[b, b] - 2 * c[a, b]), 0.0)
        return Estimate(self.rungs[a].test.value - self.rungs[b].test.value, (variance / self.n_test) ** 0.5)
