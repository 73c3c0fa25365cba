"""What a prior is, and what every Gaussian-mixture prior shares."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Generator, Tensor, nn

from core import mixture
from core.config import Frozen, validated
from core.distributions import standard_normal
from core.shapes import ComponentLogVars, ComponentMeans, Covariances, Latents, LogProb, LogWeights


class Options(Frozen):
    """Settings of one prior: JSON scalars."""


@dataclass(frozen=True)
class PriorContext:
    """What a prior may need to know of the model it serves.

    Attributes:
        dim: latent dimension d.
        pixels: length of a flat image.
        posterior: the encoder; the VampPrior and the aggregated posterior are mixtures of its outputs.
        images: (n, pixels) training images as an evaluation sees them, or None where a trained model is being loaded.
        generator: source of every random number of the initialisation.
        standardised: whether the codes have mean 0 and deviation 1 (``core.priors.standardised``).
    """

    dim: int
    pixels: int
    posterior: nn.Module
    images: Tensor | None = None
    generator: Generator | None = None
    standardised: bool = False


class Prior(nn.Module):
    """p(z). A Distribution whose parameters can be trained.

    A new prior implements ``log_prob`` and ``sample`` (or, for a mixture, ``components``), and names itself in
    ``PRIORS``.

    Args:
        dim: latent dimension d.
        options: its settings, kept for the checkpoint: building from them again gives the same prior.
    """

    rate_scale: float = 1.0
    """Learning rate of the prior's own parameters, as a multiple of the networks'."""

    def __init__(self, dim: int, options: Options) -> None:
        super().__init__()
        self.dim = dim
        self.options = options

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(d,)."""
        return (self.dim,)

    @abstractmethod
    def log_prob(self, z: Latents) -> LogProb:
        """log p(z), (n,) in nats, all constants included."""

    @abstractmethod
    def sample(self, n: int, *, generator: Generator | None = None) -> Latents:
        """n independent draws, (n, d), without gradients.

        A prior that is made of N(0, I) noise takes noise of that shape from the generator before anything else: equal
        seeds then give priors of one dimension the same noise, and what they make of it can be compared draw by draw.
        """

    def gaussians(self) -> tuple[ComponentMeans, Covariances, LogWeights] | None:
        """The prior as Gaussians with full covariance: mean (K, d), covariance (K, d, d), log_weight (K,).

        None where it is no such thing. A mixture of diagonal Gaussians gives its ``components`` instead.
        """
        return None

    def extra_repr(self) -> str:
        """What ``print`` shows."""
        settings = ", ".join(f"{name}={value}" for name, value in self.options.model_dump().items())
        return f"dim={self.dim}" + (f", {settings}" if settings else "")


class MixturePrior(Prior):
    """A mixture of diagonal Gaussians: density and projections are exact for all of them."""

    @abstractmethod
    def components(self) -> tuple[ComponentMeans, ComponentLogVars, LogWeights]:
        """mean (K, d), log_var (K, d) and normalised log_weight (K,)."""

    def log_prob(self, z: Latents) -> LogProb:
        """log sum_k w_k N(z; mean_k, exp(log_var_k)), (n,) in nats."""
        return mixture.log_prob(z, *self.components())

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None) -> Latents:
        """Two steps: k ~ Categorical(w), then z ~ component k. Never the components in their order."""
        mean, log_var, log_weight = self.components()
        noise = standard_normal((n, self.dim), mean, generator)
        device = mean.device if generator is None else generator.device
        chosen = torch.multinomial(log_weight.exp().to(device), n, replacement=True, generator=generator).to(
            mean.device
        )
        return mean[chosen] + torch.exp(0.5 * log_var[chosen]) * noise


OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True)
class PriorKind(Generic[OptionsT]):
    """An entry of ``PRIORS``.

    Attributes:
        title: name as shown to a person.
        options: class of its settings.
        build: makes the prior from its settings and the context.
        of_posteriors: whether it is a mixture of the encoder's q(z|u), which must be Gaussian for that.
    """

    title: str
    options: type[OptionsT]
    build: Callable[[OptionsT, PriorContext], Prior]
    of_posteriors: bool = False

    def from_config(self, options: dict[str, Any], context: PriorContext) -> Prior:
        """Validate the settings and build.

        Raises:
            ValueError: naming the setting that is unknown or out of range.
        """
        return self.build(validated(self.options, options, f"{self.title}, prior"), context)
