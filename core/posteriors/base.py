"""What a posterior is: a network that turns images into distributions over the latent space."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import nn

from core.config import Frozen, validated
from core.distributions import Reparameterised
from core.shapes import Images


class Posterior(nn.Module):
    """q(z|x).

    Args:
        options: its settings, kept for the checkpoint: building from them again gives the same networks.
    """

    def __init__(self, options: Frozen) -> None:
        super().__init__()
        self.options = options

    @abstractmethod
    def forward(self, x: Images) -> Reparameterised:
        """(n, pixels) -> n distributions over (d,)."""


OptionsT = TypeVar("OptionsT", bound=Frozen)


@dataclass(frozen=True)
class PosteriorKind(Generic[OptionsT]):
    """An entry of ``POSTERIORS``.

    Attributes:
        title: name as shown to a person.
        options: class of its settings.
        build: makes the posterior from its settings, the length of a flat image, d and the widths of the encoder.
        gaussian: whether q(z|x) is a diagonal Gaussian, so that q(z) is a mixture of them, of known density.
    """

    title: str
    options: type[OptionsT]
    build: Callable[[OptionsT, int, int, Sequence[int]], Posterior]
    gaussian: bool = False

    def from_config(self, options: dict[str, Any], pixels: int, dim: int, hidden: Sequence[int]) -> Posterior:
        """Validate the settings and build.

        Raises:
            ValueError: naming the setting that is unknown or out of range.
        """
        return self.build(validated(self.options, options, f"{self.title}, posterior"), pixels, dim, hidden)
