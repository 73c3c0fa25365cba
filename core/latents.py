"""Where the encoder puts a set of images: the parameters of q(z|x_i), stored so that pages open without the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file
from torch import Tensor

from core.distributions import DiagonalNormal
from core.errors import CheckpointError
from core.vae import VAE

MAX_STORED = 10_000
SUBSET_SEED = 0
"""Which images of a larger split are stored, so that the same split gives the same ones."""

MEAN_LIMIT, LOG_VAR_LIMIT, LABEL_LIMIT = 1e4, 30.0, 100_000
"""What a file may hold: far beyond any trained model, and small enough for every calculation that follows."""

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


def stored_rows(n: int, total: int) -> np.ndarray:
    """Which n images of a split of ``total`` a checkpoint keeps: drawn at random, as splits may be sorted, in order."""
    if n == total:
        return np.arange(total)
    return torch.randperm(total, generator=torch.Generator().manual_seed(SUBSET_SEED))[:n].sort().values.numpy()


@torch.inference_mode()
def encode(vae: VAE, images: Tensor, *, batch: int = 2000) -> tuple[Tensor, Tensor]:
    """Posterior mean and log-variance of (n, pixels) images, (n, d) each, in batches on the model's device."""
    device = next(vae.parameters()).device
    parts = [vae.posterior(images[start : start + batch].to(device)) for start in range(0, len(images), batch)]
    return torch.cat([q.mean for q in parts]).cpu(), torch.cat([q.log_var for q in parts]).cpu()


def cloud(vae: VAE, images: Tensor, labels: Tensor | None, split: str, limit: int = MAX_STORED) -> LatentCloud:
    """Encode a split, or ``limit`` images of a larger one, those of ``stored_rows``."""
    total = len(images)
    if total > limit:
        drawn = torch.from_numpy(stored_rows(limit, total))
        images, labels = images[drawn], None if labels is None else labels[drawn]
    mean, log_var = encode(vae, images)
    kept = None if labels is None else labels.numpy().astype(np.int64)
    return LatentCloud(mean.numpy(), log_var.numpy(), kept, split, total)


def write_latents(latents: LatentCloud, file: Path) -> None:
    """Store means and log-variances in half precision."""
    tensors: dict[str, np.ndarray] = {
        "mean": latents.mean.astype(np.float16),
        "log_var": latents.log_var.astype(np.float16),
    }
    if latents.labels is not None:
        tensors["labels"] = latents.labels.astype(np.int32)
    save_file(tensors, file, metadata={"split": latents.split, "total": str(latents.total)})


def read_latents(file: Path, dim: int, class_names: Sequence[str] = ()) -> LatentCloud | None:
    """Read what ``write_latents`` stored; None where there is no such file.

    Args:
        file: the file.
        dim: d of the model.
        class_names: where not empty, every label must be the index of one.

    Raises:
        CheckpointError: naming what is wrong: truncated, wrong shapes or types, NaN, numbers out of range.
    """
    if not file.is_file():
        return None
    try:
        with safe_open(file, framework="numpy") as handle:
            metadata = handle.metadata() or {}
            shapes = {name: tuple(handle.get_slice(name).get_shape()) for name in handle.keys()}  # noqa: SIM118
        n = shapes.get("mean", (0,))[0]
        expected = {"mean": (n, dim), "log_var": (n, dim), "labels": (n,)}
        if any(shapes.get(name) != expected[name] for name in ("mean", "log_var")) or not n:
            raise CheckpointError(f"latents.safetensors: mean and log_var must be (n, {dim}); got {shapes}")
        if shapes.get("labels", (n,)) != (n,) or set(shapes) - set(expected):
            raise CheckpointError(f"latents.safetensors holds {shapes}; expected {expected}")
        tensors = load_file(file)
        mean = _checked_numbers("mean", tensors["mean"], MEAN_LIMIT)
        log_var = _checked_numbers("log_var", tensors["log_var"], LOG_VAR_LIMIT)
        labels = _checked_labels(tensors["labels"], len(class_names)) if "labels" in tensors else None
        total = int(metadata.get("total", n))
        if not n <= total < 2**53:
            raise CheckpointError(f"latents.safetensors: {n} images of a split of {str(total)[:30]}")
        return LatentCloud(mean, log_var, labels, metadata.get("split", "test"), total)
    except CheckpointError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError) as error:  # TypeError: a dtype that numpy lacks
        raise CheckpointError(f"latents.safetensors cannot be used: {error}") from error


def _checked_numbers(name: str, values: np.ndarray, limit: float) -> np.ndarray:
    if not np.issubdtype(values.dtype, np.floating):
        raise CheckpointError(f"latents.safetensors: {name} is {values.dtype}, expected floats")
    if not np.isfinite(values).all():
        raise CheckpointError(f"latents.safetensors holds NaN or infinity in {name}")
    largest = max(float(values.max()), -float(values.min()))
    if largest > limit:
        raise CheckpointError(f"latents.safetensors: {name} reaches {largest:g} in size, at most {limit:g} is possible")
    return values.astype(np.float32)


def _checked_labels(labels: np.ndarray, classes: int) -> np.ndarray:
    if not np.issubdtype(labels.dtype, np.integer):
        raise CheckpointError(f"latents.safetensors: labels are {labels.dtype}, expected integers")
    end = min(classes, LABEL_LIMIT) if classes else LABEL_LIMIT
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= end:
        raise CheckpointError(f"latents.safetensors: labels run from {low} to {high}, expected 0 to {end - 1}")
    return labels.astype(np.int64)
