"""What is known of a model along its training: values that cross to figures and pages, without torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.records import DensityGrid, Estimate


@dataclass(frozen=True)
class Moment:
    """A model after so many epochs, in nats.

    Attributes:
        epoch: whole epochs of training; 0 is the initialisation.
        beta: weight of the KL in the last of them, 0 before the first.
        validation_elbo: at beta = 1, per validation image.
        marginal_kl: KL(q(z) || p(z)) of the stored images, its error over them.
        marginal_kl_null: what a perfect prior would give with this many images; None where that is not known.
    """

    epoch: int
    beta: float
    validation_elbo: Estimate
    marginal_kl: Estimate
    marginal_kl_null: Estimate | None


@dataclass(frozen=True)
class Course:
    """A training from its first snapshot to its last.

    Attributes:
        moments: by epoch.
        kept: epoch of the model that the checkpoint holds; None where it has no snapshot.
        images: number of images behind q(z).
        split, total: the split they come from, and how many images it has.
        drawn: number of images that the draws behind each marginal KL are of; q(z) is of all.
        draws: of the posterior of each of these.
        validation: number of validation images.
        seed: of these draws, the same at every epoch.
    """

    moments: tuple[Moment, ...]
    kept: int | None
    images: int
    split: str
    total: int
    drawn: int
    draws: int
    validation: int
    seed: int

    def __len__(self) -> int:
        return len(self.moments)

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs, rising."""
        return tuple(moment.epoch for moment in self.moments)


@dataclass(frozen=True)
class Scene:
    """The latent plane after one epoch, on the window that all epochs of the training share.

    Attributes:
        q: aggregated posterior.
        p: prior.
        means: (K, 2) of the prior's components, where they are learned; None for another prior.
        inputs: (m, height, width[, channels]) pseudo-inputs in [0, 1], None unless the prior is a VampPrior.
        which: (m,) which of the K they are, from 0.
    """

    q: DensityGrid
    p: DensityGrid
    means: np.ndarray | None
    inputs: np.ndarray | None
    which: np.ndarray
