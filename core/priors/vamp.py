"""The variational mixture of posteriors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from core.distributions import standard_normal
from core.priors.base import MixturePrior, Options, PriorContext, PriorKind
from core.shapes import ComponentLogVars, ComponentMeans, Images, LogWeights

EDGE = 0.02
"""Pixels start inside [EDGE, 1 - EDGE]: on the border of [0, 1] a pseudo-input would have no gradient."""


class VampOptions(Options):
    """Settings of the VampPrior.

    Attributes:
        components: K, the number of pseudo-inputs.
        init: "mean": the mean training image with noise on its logits; "data": random training images.
        init_noise: standard deviation of the noise on the logits.
        rate_scale: learning rate of the pseudo-inputs, as a multiple of the networks'. Adam moves every number at about
            the same pace, and a pixel near 0 or 1 follows its logit fifty times more slowly (docs/decisions/0010).
    """

    components: int = Field(500, ge=1, le=20_000)
    init: Literal["mean", "data"] = "mean"
    init_noise: float = Field(0.3, ge=0, le=10)
    rate_scale: float = Field(10.0, gt=0, le=1000)


class VampPrior(MixturePrior):
    """p(z) = (1/K) sum_k q(z|u_k) with trainable pseudo-inputs u_k inside the range of the data.

    The pseudo-inputs are stored as logits, u = sigmoid(logits), so that they stay in (0, 1) with a gradient everywhere.

    References:
        Tomczak, Welling (2018), VAE with a VampPrior, arXiv:1705.07120.
    """

    def __init__(self, options: VampOptions, context: PriorContext) -> None:
        super().__init__(context.dim, options)
        self._encoder = [context.posterior]  # in a list: the encoder's weights are the VAE's, not the prior's
        self.rate_scale = options.rate_scale
        self.logits = nn.Parameter(_initial_logits(options, context))
        self._kept: tuple[Any, tuple[ComponentMeans, ComponentLogVars, LogWeights]] | None = None

    @property
    def pseudo_inputs(self) -> Images:
        """u_1..u_K, (K, pixels), strictly inside (0, 1)."""
        return torch.sigmoid(self.logits)

    def components(self) -> tuple[ComponentMeans, ComponentLogVars, LogWeights]:
        """The posterior at each pseudo-input, equal weights; not to be changed in place.

        Where no weight is trained they are kept: on a page K pseudo-inputs would be encoded anew at every click. A
        trained weight may change unseen, since optimisers do not count it as a new version.
        """
        weights = [self.logits, *self._encoder[0].parameters()]
        if self.training or any(weight.requires_grad or weight.is_inference() for weight in weights):
            return self._encoded()
        lowered = torch.is_autocast_enabled(self.logits.device.type)  # the numbers are those of its precision
        state = lowered, *((weight.data_ptr(), weight._version) for weight in weights)
        if self._kept is None or self._kept[0] != state:
            with torch.inference_mode(mode=False), torch.no_grad():
                self._kept = state, self._encoded()
        return self._kept[1]

    def _encoded(self) -> tuple[ComponentMeans, ComponentLogVars, LogWeights]:
        q = self._encoder[0](self.pseudo_inputs)
        return q.mean, q.log_var, q.mean.new_full((q.mean.shape[0],), -math.log(q.mean.shape[0]))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> VampPrior:
        """Another dtype or device: what is kept is of the old one."""
        self._kept = None
        return super()._apply(fn, recurse)


def _initial_logits(options: VampOptions, context: PriorContext) -> Tensor:
    shape = (options.components, context.pixels)
    noise = options.init_noise * standard_normal(shape, torch.empty(()), context.generator)
    if context.images is None:
        return noise  # a trained model is being loaded; its own logits follow
    images = context.images.cpu()
    if options.init == "mean":
        start = images.mean(0).expand(shape)
    else:
        start = images[torch.randint(len(images), (options.components,), generator=context.generator)]
    return torch.logit(start.clamp(EDGE, 1 - EDGE)) + noise


KIND = PriorKind("VampPrior", VampOptions, VampPrior, of_posteriors=True)
