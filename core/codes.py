"""The codes of a set of images, whatever q(z|x) is: what is needed to draw them in a plane.

A ``LatentCloud`` is such a set, and knows the density of q(z) too. Of a flow posterior the draws are known and the
density is not.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from core.checkpoint import Checkpoint
from core.flow_latents import FlowCloud
from core.posteriors import FlowedNormal, FlowPosterior


@runtime_checkable
class Codes(Protocol):
    """Posteriors of n images that can be drawn from."""

    @property
    def labels(self) -> np.ndarray | None:
        """(n,) int64, or None where the data has none."""
        ...

    @property
    def mean(self) -> np.ndarray:
        """(n, d) the code of each image: the posterior's centre."""
        ...

    def __len__(self) -> int:
        """Number of images."""
        ...

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """n draws of q(z), (n, d), spread evenly over the images, and the image each came from, (n,)."""
        ...

    def split_rows(self) -> np.ndarray:
        """Row of each image in its split, (n,)."""
        ...


class FlowedCodes:
    """The codes of images whose posteriors are flows.

    Args:
        stored: base and context of each posterior.
        posteriors: the distributions they make with the model's flow.
    """

    def __init__(self, stored: FlowCloud, posteriors: FlowedNormal) -> None:
        self._stored, self._posteriors = stored, posteriors
        with torch.no_grad():
            self._mean = posteriors.centre.numpy()

    @property
    def labels(self) -> np.ndarray | None:
        """(n,) int64, or None where the data has none."""
        return self._stored.labels

    @property
    def mean(self) -> np.ndarray:
        """(n, d) what the flow makes of the middle of its base: the mean is not known."""
        return self._mean

    def __len__(self) -> int:
        """Number of images."""
        return len(self._stored)

    def split_rows(self) -> np.ndarray:
        """Row of each image in its split, (n,)."""
        return self._stored.split_rows()

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """n draws of q(z), (n, d), spread evenly over the images, and the image each came from, (n,)."""
        rounds = [torch.randperm(len(self), generator=generator) for _ in range(-(-n // len(self)))]
        index = torch.cat(rounds)[:n]
        return self._posteriors.take(index).sample(1, generator=generator)[0], index


def codes_of(checkpoint: Checkpoint) -> Codes | None:
    """The stored codes of a model, None where it stores none."""
    if checkpoint.latents is not None:
        return checkpoint.latents
    if checkpoint.flow_latents is None or not isinstance(checkpoint.vae.posterior, FlowPosterior):
        return None
    return FlowedCodes(checkpoint.flow_latents, checkpoint.flow_latents.posteriors(checkpoint.vae.posterior.flow))
