"""Where the encoder puts a set of images: the parameters of q(z|x_i), stored so that pages open without the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core import latents_file
from core.distributions import DiagonalNormal
from core.flow_latents import FlowCloud
from core.latents_file import LOG_VAR_LIMIT, MEAN_LIMIT, Column, Stored, stored_rows
from core.posteriors import FlowedNormal
from core.posteriors.flowed_normal import joined
from core.vae import VAE

MAX_STORED = 10_000
NO_MIXTURE = "q(z|x) of this model is a flow, so q(z) is no mixture of Gaussians"
"""Why much that is known of q(z) with Gaussian posteriors is not known here."""

PointKind = Literal["samples", "means"]


@dataclass(frozen=True)
class LatentCloud:
    """The posteriors of n images: components of the aggregated posterior q(z) = (1/n) sum_i q(z|x_i).

    Attributes:
        mean: (n, d) float32.
        log_var: (n, d) float32.
        labels: (n,) int64, or None where the data has none.
        split: the split the images come from.
        total: number of images of that split; n is smaller where only a random subset is kept.
        rows: (n,) row of each image in the split; None takes what ``stored_rows`` says.
    """

    mean: np.ndarray
    log_var: np.ndarray
    labels: np.ndarray | None
    split: str
    total: int
    rows: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.mean)

    def components(self) -> tuple[Tensor, Tensor]:
        """mean and log_var as tensors, (n, d) each."""
        return torch.from_numpy(self.mean), torch.from_numpy(self.log_var)

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """n draws of q(z), spread evenly over the images (stratified), and the image each came from.

        Returns:
            z (n, d) and index (n,).
        """
        mean, log_var = self.components()
        rounds = [torch.randperm(len(mean), generator=generator) for _ in range(-(-n // len(mean)))]
        index = torch.cat(rounds)[:n]
        return DiagonalNormal(mean[index], log_var[index]).sample(1, generator=generator)[0], index

    def points(self, n: int, kind: PointKind, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray | None]:
        """n points to draw, spread evenly over the images: samples of q(z|x), or its means (at most one each).

        Returns:
            (n, d) float32 and the class of each, (n,) or None.
        """
        generator = torch.Generator().manual_seed(seed)
        if kind == "samples":
            z, index = self.sample(n, generator=generator)
        else:
            index = torch.randperm(len(self), generator=generator)[:n]
            z = self.components()[0][index]
        return z.numpy(), None if self.labels is None else self.labels[index.numpy()]

    def split_rows(self) -> np.ndarray:
        """Row of each image in its split, (n,)."""
        return stored_rows(len(self), self.total) if self.rows is None else self.rows

    def take(self, index: np.ndarray) -> LatentCloud:
        """The posteriors of some of the images."""
        labels = None if self.labels is None else self.labels[index]
        return replace(
            self, mean=self.mean[index], log_var=self.log_var[index], labels=labels, rows=self.split_rows()[index]
        )

    def halves(self) -> tuple[LatentCloud, LatentCloud]:
        """Two clouds of every second image each: two samples of one distribution."""
        everyone = np.arange(len(self))
        return self.take(everyone[0::2]), self.take(everyone[1::2])


@torch.no_grad()
def posteriors(vae: VAE, images: Tensor, *, batch: int = 2000) -> DiagonalNormal | FlowedNormal:
    """q(z|x) of (n, pixels) images as one distribution of batch shape (n,), on the model's device."""
    device = next(vae.parameters()).device
    parts = [vae.posterior(images[start : start + batch].to(device)) for start in range(0, len(images), batch)]
    flowed = [q for q in parts if isinstance(q, FlowedNormal)]
    if flowed:
        return joined(flowed)
    return DiagonalNormal(torch.cat([q.mean for q in parts]), torch.cat([q.log_var for q in parts]))


def encode(vae: VAE, images: Tensor, *, batch: int = 2000) -> tuple[Tensor, Tensor]:
    """Posterior mean and log-variance of (n, pixels) images, (n, d) each on the CPU, where q(z|x) is Gaussian.

    Raises:
        ValueError: where it is a flow, which no mean and variance describe.
    """
    q = posteriors(vae, images, batch=batch)
    if not isinstance(q, DiagonalNormal):
        raise ValueError(f"{NO_MIXTURE}; use a model with a Gaussian posterior for this")
    return q.mean.cpu(), q.log_var.cpu()


def cloud(
    vae: VAE, images: Tensor, labels: Tensor | None, split: str, limit: int = MAX_STORED
) -> LatentCloud | FlowCloud:
    """The posteriors of a split, or of ``limit`` images of a larger one, those of ``stored_rows``."""
    total = len(images)
    if total > limit:
        drawn = torch.from_numpy(stored_rows(limit, total))
        images, labels = images[drawn], None if labels is None else labels[drawn]
    kept = None if labels is None else labels.numpy().astype(np.int64)
    q = posteriors(vae, images)
    if isinstance(q, FlowedNormal):
        mean, log_var, context = (part.cpu().numpy() for part in (q.base.mean, q.base.log_var, q.context))
        return FlowCloud(mean, log_var, context, kept, split, total)
    return LatentCloud(q.mean.cpu().numpy(), q.log_var.cpu().numpy(), kept, split, total)


def write_latents(latents: LatentCloud, file: Path) -> None:
    """Store means and log-variances in half precision."""
    numbers = {"mean": latents.mean, "log_var": latents.log_var}
    latents_file.write(file, Stored(numbers, latents.labels, latents.split, latents.total))


def read_latents(file: Path, dim: int, class_names: Sequence[str] = ()) -> LatentCloud | None:
    """Read what ``write_latents`` stored; None where there is no such file.

    Args:
        file: the file.
        dim: d of the model.
        class_names: where not empty, every label must be the index of one.

    Raises:
        CheckpointError: naming what is wrong: truncated, wrong shapes or types, NaN, numbers out of range.
    """
    columns = (Column("mean", dim, MEAN_LIMIT), Column("log_var", dim, LOG_VAR_LIMIT))
    stored = latents_file.read(file, columns, class_names)
    if stored is None:
        return None
    return LatentCloud(stored.numbers["mean"], stored.numbers["log_var"], stored.labels, stored.split, stored.total)
