"""What stands where a model has no networks: latents were imported, and what made them stayed elsewhere."""

from __future__ import annotations

from typing import NoReturn

from torch import nn

from core.posteriors.base import Posterior
from core.posteriors.gaussian import GaussianOptions
from core.shapes import Images, Latents

NONE = "none"
"""Likelihood of a model that has no decoder."""


class AbsentEncoder(Posterior):
    """Its codes are stored; a new image cannot be encoded."""

    def __init__(self) -> None:
        super().__init__(GaussianOptions())

    def forward(self, x: Images) -> NoReturn:  # noqa: ARG002
        """Refuses.

        Raises:
            ValueError: always.
        """
        raise ValueError("this checkpoint holds latents only, without an encoder: no image can be encoded with it")


class AbsentDecoder(nn.Module):
    """Nothing can be decoded."""

    def forward(self, z: Latents) -> NoReturn:  # noqa: ARG002
        """Refuses.

        Raises:
            ValueError: always.
        """
        raise ValueError("this checkpoint holds latents only, without a decoder: no code can be decoded with it")
