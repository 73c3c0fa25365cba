"""What is known of the components of a mixture prior, as it crosses to figures and pages: frozen, numpy, no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.records import Estimate

DEAD_SHARE = 0.1
"""A component is dead where its usage is under this share of 1/K."""
DUPLICATE = 0.1
"""Bhattacharyya distance under which two components are duplicates: whoever is told which of the two a draw may come
from, and knows both, names the right one at most 71 % of the time (half of 1 + sqrt(1 - exp(-2 * 0.1)))."""
SATURATED = 0.01
"""A pixel of a pseudo-input is saturated where it is closer than this to 0 or to 1."""


@dataclass(frozen=True)
class Effective:
    """How many components of equal usage would have the entropy of the usage, exp(H(r)).

    Attributes:
        value: exp(H(r)), between 1 and K; H is the mean over sets of one draw of q(z) from every image.
        low, high: ends of the 95 % interval, from the standard error of H over the images.
        null: mean of the same number for as many draws of the prior as there are images, where every component is used
            by its weight: under that weight's own number because draws are finite.
        entropy: H(r) in nats.
        entropy_null: log of ``null``.
    """

    value: float
    low: float
    high: float
    null: float
    entropy: Estimate
    entropy_null: float


@dataclass(frozen=True)
class ComponentSummary:
    """The components of a mixture prior all together: numbers of `Components` that are not one for each.

    Attributes:
        count: K.
        effective, dead_range, dead_null, duplicate_pairs, pairs_null, purity, purity_null, images, draws, seed: as in
            `Components`.
        dead: number of dead ones.
    """

    count: int
    effective: Effective
    dead: int
    dead_range: tuple[int, int]
    dead_null: float
    duplicate_pairs: int
    pairs_null: float
    purity: float | None
    purity_null: float | None
    images: int
    draws: int
    seed: int


@dataclass(frozen=True)
class Components:
    """The K components of a mixture prior, as the draws of q(z) use them.

    Attributes:
        weight: (K,) the prior's own weights.
        usage: (K,) r_k = E_q(z)[p(k|z)], sums to 1.
        usage_se: (K,) standard error of each over the images.
        effective: see `Effective`.
        dead: (K,) bool, usage under ``DEAD_SHARE`` / K.
        dead_range: how many are so for certain and at most: with two standard errors of the usage added and taken off;
            and the
            chance taken off that no image uses one that is not dead.
        dead_null: mean number of dead components among as many draws of the prior as there are images.
        neighbour: (K,) the component nearest to each by Bhattacharyya distance; itself where it is the only one.
        neighbour_distance: (K,) that distance, inf where it is the only one.
        duplicate_pairs: pairs closer than ``DUPLICATE``.
        pairs_null: how many such pairs as many posteriors of random test images make, mean over draws of them.
        spread: (K,) geometric mean of the d standard deviations.
        class_mix: (K, C) share of each class in what a component is responsible for, nan where that is nothing; None
            without labels.
        images_behind: (K,) effective number of images behind the class mix, (sum r)^2 / sum r^2.
        purity: usage-weighted mean share of the largest class; None without labels.
        purity_null: the same with the labels shuffled.
        saturated: (K,) share of saturated pixels of each pseudo-input; None for a mixture that has none.
        images: n behind q(z).
        draws: of q(z), spread evenly over the images.
        seed: of draws and shuffles.
    """

    weight: np.ndarray
    usage: np.ndarray
    usage_se: np.ndarray
    effective: Effective
    dead: np.ndarray
    dead_range: tuple[int, int]
    dead_null: float
    neighbour: np.ndarray
    neighbour_distance: np.ndarray
    duplicate_pairs: int
    pairs_null: float
    spread: np.ndarray
    class_mix: np.ndarray | None
    images_behind: np.ndarray
    purity: float | None
    purity_null: float | None
    saturated: np.ndarray | None
    images: int
    draws: int
    seed: int

    def __len__(self) -> int:
        return len(self.usage)

    def summary(self) -> ComponentSummary:
        """What is told of all of them together."""
        return ComponentSummary(
            count=len(self),
            effective=self.effective,
            dead=int(self.dead.sum()),
            dead_range=self.dead_range,
            dead_null=self.dead_null,
            duplicate_pairs=self.duplicate_pairs,
            pairs_null=self.pairs_null,
            purity=self.purity,
            purity_null=self.purity_null,
            images=self.images,
            draws=self.draws,
            seed=self.seed,
        )

    @property
    def main_class(self) -> np.ndarray | None:
        """(K,) the class with the largest share, -1 where a component is responsible for nothing."""
        if self.class_mix is None:
            return None
        known = np.isfinite(self.class_mix).all(1)
        return np.where(known, np.nan_to_num(self.class_mix).argmax(1), -1)

    @property
    def duplicated(self) -> np.ndarray:
        """(K,) bool, whether a component has a duplicate."""
        return self.neighbour_distance < DUPLICATE


ORDERS = ("usage", "class", "spread", "neighbour")


def order(found: Components, by: str) -> np.ndarray:
    """The components in an order, (K,) indices.

    usage: most used first; class: by main class, within it by usage; spread: widest first; neighbour: those with the
    nearest neighbour first.

    Raises:
        ValueError: for an order that there is not.
    """
    if by == "usage" or (by == "class" and found.main_class is None):
        return np.argsort(-found.usage, kind="stable")
    if by == "class":
        classes = found.main_class
        assert classes is not None  # else the branch above
        return np.lexsort((-found.usage, np.where(classes < 0, np.iinfo(np.int64).max, classes)))
    if by == "spread":
        return np.argsort(-found.spread, kind="stable")
    if by == "neighbour":
        return np.argsort(found.neighbour_distance, kind="stable")
    raise ValueError(f"order is {by!r}, expected one of {', '.join(ORDERS)}")


@dataclass(frozen=True)
class Steps:
    """Draws of a mixture prior with both of their steps.

    Attributes:
        component: (n,) the k of each, from 0.
        z: (n, d) a draw of that component.
        images: (n, height, width[, channels]) what is decoded there, in [0, 1].
    """

    component: np.ndarray
    z: np.ndarray
    images: np.ndarray


@dataclass(frozen=True)
class Path:
    """A way from one code to another, such as from one component's mean to another's.

    Attributes:
        t: (m,) share of the way, 0 to 1.
        z: (m, d) the codes.
        log_q, log_p: (m,) log-densities there, in nats; nan where that of q is not known.
        images: (s, height, width[, channels]) what is decoded at ``shown``; none where nothing can be decoded.
        shown: (s,) places in ``t`` of the images.
        inputs: (s, height, width[, channels]) the mixed pseudo-inputs, None for the straight line.
    """

    t: np.ndarray
    z: np.ndarray
    log_q: np.ndarray
    log_p: np.ndarray
    images: np.ndarray
    shown: np.ndarray
    inputs: np.ndarray | None


@dataclass(frozen=True)
class Interpolation:
    """Two ways between two components.

    Attributes:
        in_z: the straight line between the means.
        in_u: the codes of the mixed pseudo-inputs; None for a mixture that has none.
    """

    in_z: Path
    in_u: Path | None

    def named(self) -> list[tuple[str, Path]]:
        """Those there are, with their names."""
        return [("straight in z", self.in_z)] + ([] if self.in_u is None else [("through pseudo-inputs", self.in_u)])


@dataclass(frozen=True)
class Usual:
    """The log-densities that are usual in a model, in nats.

    Attributes:
        log_q: what 5, 50 and 95 % of the draws of q(z) lie under (their own component left out); nan where the density
            of q is not known.
        log_p: the same of p(z).
        draws: of each.
        seed: of the draws.
    """

    log_q: tuple[float, float, float]
    log_p: tuple[float, float, float]
    draws: int
    seed: int
