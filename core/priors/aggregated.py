"""The aggregated posterior of the training images as the prior: optimal for them, over-fitting and expensive."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor

from core.priors.base import MixturePrior, Options, PriorContext, PriorKind
from core.shapes import ComponentLogVars, ComponentMeans, LogWeights


class AggregatedOptions(Options):
    """Settings of the aggregated posterior.

    Attributes:
        size: number of training images n; 0 means all of them, and the built prior says how many that were.
    """

    size: int = Field(0, ge=0, le=1_000_000)


class AggregatedPosterior(MixturePrior):
    """p(z) = q(z) = (1/n) sum_i q(z|x_i) over the training images; the encoder is shared, nothing is its own to learn.

    While training, the components are recomputed from the images at every call, with gradients into the encoder. In
    evaluation mode the components of the last switch to it are used: they are what a checkpoint stores, never the
    images.

    References:
        Hoffman, Johnson (2016), ELBO surgery: yet another way to carve up the variational evidence lower bound.
    """

    mean: Tensor
    log_var: Tensor

    def __init__(self, options: AggregatedOptions, context: PriorContext) -> None:
        images = context.images
        if images is not None and options.size not in (0, len(images)):
            raise ValueError(
                f"size={options.size}, but there are {len(images)} training images; leave it out or fit it"
            )
        size = options.size if images is None else len(images)
        if not size:
            raise ValueError("the aggregated posterior needs the training images, or size= to load a trained one")
        super().__init__(context.dim, AggregatedOptions(size=size))
        self._encoder = [context.posterior]  # in a list: the encoder's weights are the VAE's, not the prior's
        self.register_buffer("images", images, persistent=False)
        self.register_buffer("mean", torch.zeros(size, context.dim))
        self.register_buffer("log_var", torch.zeros(size, context.dim))
        self.refresh()

    def components(self) -> tuple[ComponentMeans, ComponentLogVars, LogWeights]:
        """q(z|x_i) for every training image, equal weights."""
        mean, log_var = self._encode() if self.training and self.images is not None else (self.mean, self.log_var)
        return mean, log_var, mean.new_full((mean.shape[0],), -math.log(mean.shape[0]))

    def train(self, mode: bool = True) -> AggregatedPosterior:
        """Switching to evaluation freezes the components at the encoder's present state."""
        if not mode:
            self.refresh()
        return super().train(mode)

    @torch.no_grad()
    def refresh(self) -> None:
        """Recompute the stored components; without images (a loaded model) they stay as they are."""
        if self.images is not None:
            mean, log_var = self._encode()
            self.mean.copy_(mean)
            self.log_var.copy_(log_var)

    def _encode(self) -> tuple[Tensor, Tensor]:
        q = self._encoder[0](self.images)
        return q.mean, q.log_var


KIND = PriorKind("Aggregated posterior", AggregatedOptions, AggregatedPosterior, of_posteriors=True)
