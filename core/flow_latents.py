"""Where the encoder of a flow posterior puts a set of images: the base and the context of q(z|x_i).

A record of its own with names of its own, so that the base is nowhere taken for the posterior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core import latents_file
from core.distributions import DiagonalNormal
from core.flows import Flow
from core.latents_file import LOG_VAR_LIMIT, MEAN_LIMIT, Column, Stored, stored_rows
from core.posteriors import FlowedNormal


@dataclass(frozen=True)
class FlowCloud:
    """What the flow posteriors of n images are made of; with the model's flow they are the posteriors.

    Attributes:
        base_mean: (n, d) float32, mean of the Gaussian before the flow.
        base_log_var: (n, d) float32.
        context: (n, c) float32, what the flow depends on.
        labels: (n,) int64, or None where the data has none.
        split: the split the images come from.
        total: number of images of that split; n is smaller where only those of ``stored_rows`` are kept.
    """

    base_mean: np.ndarray
    base_log_var: np.ndarray
    context: np.ndarray
    labels: np.ndarray | None
    split: str
    total: int

    def __len__(self) -> int:
        return len(self.base_mean)

    def split_rows(self) -> np.ndarray:
        """Row of each image in its split, (n,)."""
        return stored_rows(len(self), self.total)

    def posteriors(self, flow: Flow) -> FlowedNormal:
        """q(z|x_i), one distribution of batch shape (n,), with the flow of the model they were stored with."""
        mean, log_var, context = map(torch.from_numpy, (self.base_mean, self.base_log_var, self.context))
        return FlowedNormal(DiagonalNormal(mean, log_var), context, flow)


def write_flow_latents(latents: FlowCloud, file: Path) -> None:
    """Store base and context in half precision."""
    numbers = {"base_mean": latents.base_mean, "base_log_var": latents.base_log_var, "context": latents.context}
    latents_file.write(file, Stored(numbers, latents.labels, latents.split, latents.total))


def read_flow_latents(file: Path, dim: int, context: int, class_names: Sequence[str] = ()) -> FlowCloud | None:
    """Read what ``write_flow_latents`` stored; None where there is no such file.

    Args:
        file: the file.
        dim: d of the model.
        context: numbers that its flow depends on.
        class_names: where not empty, every label must be the index of one.

    Raises:
        CheckpointError: naming what is wrong: truncated, wrong shapes or types, NaN, numbers out of range.
    """
    columns = (
        Column("base_mean", dim, MEAN_LIMIT),
        Column("base_log_var", dim, LOG_VAR_LIMIT),
        Column("context", context, MEAN_LIMIT),
    )
    stored = latents_file.read(file, columns, class_names)
    if stored is None:
        return None
    mean, log_var, numbers = (stored.numbers[column.name] for column in columns)
    return FlowCloud(mean, log_var, numbers, stored.labels, stored.split, stored.total)
