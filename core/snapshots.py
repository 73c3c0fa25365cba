"""A few small records of a model in training: where its codes and its prior were, epoch by epoch.

Which epochs is decided before the first step, from the number of epochs alone: the initialisation, epochs in geometric
progression, since most happens early, and at the end the model that is kept. Nothing here draws a random number, so
that the trained weights are the same, bit for bit, with and without.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from core.config import ModelConfig, TrainConfig
from core.datasets import Dataset
from core.latents import MAX_STORED, encode
from core.latents_file import SUBSET_SEED, stored_rows
from core.priors import MixturePrior, Prior
from core.priors.vamp import VampPrior
from core.records import Estimate
from core.vae import VAE

MOST = 20
"""Snapshots of one training, at most."""
MOST_IMAGES = MAX_STORED
"""Images of the test split whose posteriors a snapshot holds; of a larger split a stratified sample. As many as a
checkpoint holds: the marginal KL of fewer posteriors is another number, and so is that of a perfect prior."""
PICTURE_BYTES = 20_000
"""Pseudo-inputs of a snapshot, one byte a pixel: all 50 of the digits, 25 of 500 of MNIST."""
MOST_BYTES = 8_000_000
"""All snapshots of a training together; what would be more is refused before it begins."""
DIM = 2
"""Latent dimensions: what snapshots are for is a picture of the latent plane."""
SPLIT = "test"


@dataclass(frozen=True)
class Snapshot:
    """A model after so many epochs.

    Attributes:
        epoch: whole epochs of training; 0 is the initialisation.
        beta: weight of the KL in the last of them, 0 before the first.
        validation_elbo: at beta = 1, one draw an image, in nats per image, with its error over the images.
        numbers: in half precision "mean" and "log_var", (n, 2) each, of the posteriors, and "prior.NAME"; in bytes
            "pseudo_inputs" (m, pixels), for a VampPrior.
    """

    epoch: int
    beta: float
    validation_elbo: Estimate
    numbers: dict[str, Tensor]


@dataclass(frozen=True)
class Snapshots:
    """All of one training, and what they are of.

    Attributes:
        taken: by epoch.
        kept: epoch of the model that the checkpoint holds, whose snapshot is of the stored weights; None until then.
        rows: (n,) rows of the images in their split.
        labels: (n,) their classes, or None.
        split, total: which split, and how many images it has.
        inputs: (m,) which pseudo-inputs are there, from 0; empty unless the prior is a VampPrior.
    """

    taken: tuple[Snapshot, ...]
    kept: int | None
    rows: np.ndarray
    labels: np.ndarray | None
    split: str
    total: int
    inputs: np.ndarray


def snapshot_epochs(most: int, epochs: int) -> tuple[int, ...]:
    """The epochs after which a snapshot is taken; one place is left for the model that is kept.

    0, then round(epochs ** (i / (most - 3))) for i = 0 .. most - 3, each at least one after the one before it.

    Args:
        most: snapshots in all.
        epochs: of the training.

    Example:
        >>> snapshot_epochs(8, 100)
        (0, 1, 3, 6, 16, 40, 100)
    """
    found = [0] if most > 1 else []
    for place in range(most - 2):
        share = place / (most - 3) if most > 3 else 1.0
        found.append(max(found[-1] + 1, round(epochs**share)))
    return tuple(epoch for epoch in found if epoch <= epochs)


def stratified_rows(labels: np.ndarray | None, total: int, most: int = MOST_IMAGES) -> np.ndarray:
    """The rows of a split to look at: all, or ``most`` with every class in its share, always the same ones."""
    if total <= most:
        return np.arange(total)
    order = torch.randperm(total, generator=torch.Generator().manual_seed(SUBSET_SEED)).numpy()
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    return np.sort(order[((np.arange(most) + 0.5) * total / most).astype(np.int64)])


def prior_numbers(prior: Prior) -> dict[str, Tensor]:
    """What tells a prior: a mixture's mean (K, d), log_var (K, d) and log_weight (K,), else its own parameters."""
    if isinstance(prior, MixturePrior):
        return dict(zip(("mean", "log_var", "log_weight"), prior.components(), strict=True))
    return {name: value for name, value in prior.state_dict().items() if value.is_floating_point()}


@dataclass
class Recorder:
    """Takes the snapshots of one training.

    Attributes:
        schedule: epochs after which one is due, in order.
        images: (n, pixels) whose posteriors are looked at.
        about: what the snapshots are of; nothing taken yet.
        taken: those that there are, by epoch.
    """

    schedule: tuple[int, ...]
    images: Tensor
    about: Snapshots
    taken: list[Snapshot] = field(default_factory=list)

    @classmethod
    def begin(cls, settings: TrainConfig, model: ModelConfig, data: Dataset, vae: VAE) -> Recorder:
        """The recorder of a training that has not begun.

        Args:
            settings: of the training: how many snapshots, how many epochs.
            model: its settings.
            data: its images.
            vae: as it is initialised.

        Raises:
            ValueError: for a model whose latent plane cannot be drawn, or whose snapshots would be too large.
        """
        if model.latent_dim != DIM or model.posterior.kind != "gaussian":
            raise ValueError(
                f"snapshots are for {DIM} latent dimensions and a Gaussian posterior; this model has "
                f"{model.latent_dim} and the {model.posterior.kind} one: leave out --snapshots"
            )
        split = data.fixed(SPLIT)
        labels = None if split.labels is None else split.labels.numpy().astype(np.int64)
        rows = stratified_rows(labels, len(split))
        inputs = np.arange(0)
        if isinstance(vae.prior, VampPrior):
            count = len(vae.prior.logits)
            inputs = stored_rows(min(count, max(1, PICTURE_BYTES // model.pixels)), count)
        about = Snapshots((), None, rows, None if labels is None else labels[rows], SPLIT, len(split), inputs)
        most = settings.snapshots
        found = cls(snapshot_epochs(most, settings.epochs), split.images[torch.from_numpy(rows)], about)
        sizes = {name: shape.numel() for name, shape in found.shapes(vae).items()}
        size = most * (2 * sum(sizes.values()) - sizes.get("pseudo_inputs", 0))
        if size > MOST_BYTES:
            raise ValueError(
                f"{most} snapshots of this model would take {size / 1e6:.1f} MB, at most {MOST_BYTES / 1e6:.0f} MB are "
                "kept: lower --snapshots, or leave it out"
            )
        return found

    @torch.no_grad()
    def shapes(self, vae: VAE) -> dict[str, torch.Size]:
        """Shapes of the numbers of every snapshot of this model, by name."""
        found = {name: torch.Size((len(self.images), DIM)) for name in ("mean", "log_var")}
        found |= {f"prior.{name}": value.shape for name, value in prior_numbers(vae.prior).items()}
        if isinstance(vae.prior, VampPrior):
            found["pseudo_inputs"] = torch.Size((len(self.about.inputs), self.images.shape[1]))
        return found

    def due(self, epoch: int) -> bool:
        """Whether a snapshot is to be taken after this epoch, and is not there."""
        return epoch in self.schedule and all(one.epoch != epoch for one in self.taken)

    @torch.no_grad()
    def take(self, vae: VAE, epoch: int, beta: float, validation_elbo: Estimate) -> None:
        """Take a snapshot, in the place of one of the same epoch. The model is in evaluation mode.

        Numbers that half precision cannot hold (a code beyond 65,504) make it one snapshot less.
        """
        mean, log_var = encode(vae, self.images)
        numbers = {"mean": mean, "log_var": log_var}
        numbers |= {f"prior.{name}": value for name, value in prior_numbers(vae.prior).items()}
        halves = {name: value.detach().cpu().half().contiguous() for name, value in numbers.items()}
        if not all(torch.isfinite(value).all() for value in halves.values()):
            return
        if isinstance(vae.prior, VampPrior):
            pixels = vae.prior.pseudo_inputs[torch.from_numpy(self.about.inputs).to(vae.prior.logits.device)]
            halves["pseudo_inputs"] = (pixels * 255).round().to(torch.uint8).cpu()
        others = [one for one in self.taken if one.epoch != epoch]
        self.taken = sorted([*others, Snapshot(epoch, beta, validation_elbo, halves)], key=lambda one: one.epoch)

    def finished(self, kept: int) -> Snapshots:
        """All snapshots, the one of epoch ``kept`` being of the model that is stored."""
        there = kept if any(one.epoch == kept for one in self.taken) else None
        return replace(self.about, taken=tuple(self.taken), kept=there)
