"""What is known of places in latent space and of ways between them, as it crosses to figures and pages: no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.component_records import Path


@dataclass(frozen=True)
class Reference:
    """The log-densities at draws of the two distributions themselves, in nats, ascending.

    Attributes:
        log_q: (draws,) log q at draws of q(z), its own component left out; None where q has no known density.
        log_p: (draws,) log p at draws of p(z).
        draws: of each.
        seed: of the draws.
    """

    log_q: np.ndarray | None
    log_p: np.ndarray
    draws: int
    seed: int


@dataclass(frozen=True)
class Place:
    """A point of latent space and how typical it is.

    Attributes:
        z: its coordinates.
        log_q, log_p: log-densities there, in nats; nan where q has no known density.
        log_q_others: log q without the posterior that the place is a draw of; ``log_q`` where it is none's.
        own: number of that posterior among those of q, or None.
        percentile_q: share of posterior draws (own component left out) that lie at a log q under ``log_q_others``.
        percentile_p: share of prior draws that lie at a lower log p.
        draws: number of draws behind each share.
    """

    z: tuple[float, ...]
    log_q: float
    log_p: float
    log_q_others: float
    own: int | None
    percentile_q: float
    percentile_p: float
    draws: int


@dataclass(frozen=True)
class Ways:
    """Ways between two codes.

    Attributes:
        linear: straight.
        spherical: on a great circle around the origin, the length of the code changing evenly.
        along: spherical in the prior's own noise, and back; None where the prior has no such noise.
    """

    linear: Path
    spherical: Path
    along: Path | None

    def named(self) -> list[tuple[str, Path]]:
        """Those there are, with their names."""
        found = [("linear", self.linear), ("spherical", self.spherical)]
        return found + ([] if self.along is None else [("along the prior", self.along)])


@dataclass(frozen=True)
class Spacing:
    """How near the codes of a model's images are to each other.

    Attributes:
        scale: (d,) typical standard deviation of a posterior, float64.
        nearest: (3,) what 5, 50 and 95 % of the images compared have to the nearest other one, in these, root mean
            square over d.
        compared: number of images behind it.
    """

    scale: np.ndarray
    nearest: tuple[float, float, float]
    compared: int


@dataclass(frozen=True)
class Neighbours:
    """The stored images whose codes lie nearest to a place.

    Attributes:
        rows: (m,) of their split, nearest first.
        distances: (m,) from the centre of the code, in standard deviations of the posteriors, root mean square over d.
        usual: how near they are to each other.
        labels: (m,) their classes, or None.
    """

    rows: np.ndarray
    distances: np.ndarray
    usual: Spacing
    labels: np.ndarray | None


@dataclass(frozen=True)
class Ranges:
    """What the codes of a model's images do in each dimension, (d,) float64 each.

    Attributes:
        activity: Var_x E[z_j | x], the variance over the images of the centre of their code.
        low, high: 1 % and 99 % quantile of q(z).
    """

    activity: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Traversal:
    """One dimension gone through, the others kept.

    Attributes:
        dimension: counted from 0.
        activity: variance over the images of the centre of their code in it.
        values: (m,) of the coordinate.
        images: (m, height, width[, channels]) means of p(x|z).
    """

    dimension: int
    activity: float
    values: np.ndarray
    images: np.ndarray
