"""A flow prior is a flow posterior, if the decoder absorbs the flow.

Let p(z) be N(0, I) pushed through a flow g, and f = g^-1. With u = f(z),

    log p(x|z) + log p(z) - log q(z|x) = log p(x|g(u)) + log N(u; 0, I) - log q~(u|x),

where q~ is q(z|x) pushed through f: the log-determinant that the prior gives is the one that the posterior takes. So
the model with the flow in its prior and the model with prior N(0, I), posterior f(q(z|x)) and decoder p(x|g(u)) have
the same bound for every image. A flow posterior alone, with a decoder that does not contain g, is another model.

References:
    Rezende, Mohamed (2015), Variational inference with normalizing flows, arXiv:1505.05770.
    Chen, Kingma, Salimans, Duan, Dhariwal, Schulman, Sutskever, Abbeel (2017), Variational lossy autoencoder,
    arXiv:1611.02731.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from core.distributions import DiagonalNormal
from core.flows import Flow
from core.metrics.estimate import over_examples
from core.posterior_records import Absorption
from core.posteriors import FlowedNormal, FlowPosterior
from core.priors.flow import FlowPrior
from core.priors.standard import StandardOptions, StandardPrior
from core.shapes import Context, Images, Latents, LogProb
from core.vae import VAE

DRAWS = 4
MOST_IMAGES = 500
"""Images whose bounds are compared: the theorem holds for each of them."""
ROWS = 1000
"""Images at a time."""


class Pulled(Flow):
    """f = g^-1 as a flow from codes z to noise u; a flow of a prior knows no context."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow

    def forward_and_log_det(self, u: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:  # noqa: ARG002
        """The prior's flow from data to noise."""
        return self.flow.inverse_and_log_det(u)

    def inverse_and_log_det(self, z: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:  # noqa: ARG002
        """The prior's flow from noise to data."""
        return self.flow.forward_and_log_det(z)


class PulledPosterior(nn.Module):
    """q(z|x) pushed through f: a flow posterior over u whose flow is the same for every image."""

    def __init__(self, posterior: nn.Module, flow: Flow) -> None:
        super().__init__()
        self.posterior, self.flow = posterior, Pulled(flow)

    def forward(self, x: Images) -> FlowedNormal:
        """(n, pixels) -> n distributions over u."""
        base: DiagonalNormal = self.posterior(x)
        return FlowedNormal(base, base.mean.new_zeros((*base.mean.shape[:-1], 0)), self.flow)


class PushedDecoder(nn.Module):
    """p(x|g(u)): the flow put before the decoder."""

    def __init__(self, decoder: nn.Module, flow: Flow) -> None:
        super().__init__()
        self.decoder, self.flow = decoder, flow

    def forward(self, u: Latents) -> Any:
        """(n, d) noise -> p(x|z) at z = g(u)."""
        return self.decoder(self.flow.forward_and_log_det(u)[0])


def why_not(vae: VAE) -> str | None:
    """Why a model has no flow that could be absorbed, None where it has one."""
    if not isinstance(vae.prior, FlowPrior):
        return "its prior is no flow, so that there is none to absorb"
    if isinstance(vae.posterior, FlowPosterior):
        return "its posterior is a flow already"
    return None


def absorbed(vae: VAE, *, decoder: bool = True) -> VAE:
    """The same model with prior N(0, I), the flow moved into the posterior and, unless told otherwise, the decoder.

    Args:
        vae: with a flow prior and Gaussian posteriors.
        decoder: whether the decoder absorbs the flow.

    Raises:
        ValueError: where the prior is no flow, or the posterior is one.
    """
    if reason := why_not(vae):
        raise ValueError(f"nothing can be absorbed: {reason}; take a realnvp, maf or iaf prior and Gaussian posteriors")
    flow: Flow = vae.prior.flow  # type: ignore[assignment]
    standard = StandardPrior(vae.prior.dim, StandardOptions()).to(next(flow.parameters()))
    moved = PushedDecoder(vae.decoder, flow) if decoder else vae.decoder
    return VAE(PulledPosterior(vae.posterior, flow), standard, moved)


@torch.inference_mode()
def absorption(vae: VAE, x: Images, *, draws: int = DRAWS, seed: int = 0, most: int = MOST_IMAGES) -> Absorption:
    """The bounds of the three models on the same images with the same draws.

    Args:
        vae: in evaluation mode, with a flow prior and Gaussian posteriors.
        x: (n, pixels).
        draws: of each posterior.
        seed: of the draws.
        most: images that are taken, evenly spread, where there are more.

    Raises:
        ValueError: where the prior is no flow, the posterior is one, or there are fewer than two images.
    """
    if len(x) < 2:
        raise ValueError(f"standard errors need two images or more; got {len(x)}")
    total = len(x)
    x = x[torch.linspace(0, total - 1, min(most, total)).long()]
    double = copy.deepcopy(vae).double()
    first = _bound(double, x.double(), draws, seed)
    second = _bound(absorbed(double), x.double(), draws, seed)
    single = _bound(vae, x, draws, seed) - _bound(absorbed(vae), x, draws, seed)
    return Absorption(
        elbo=over_examples(first),
        absorbed=over_examples(second),
        kept_decoder=over_examples(_bound(absorbed(double, decoder=False), x.double(), draws, seed)),
        difference=float((first - second).abs().max()),
        difference_single=float(single.abs().max()),
        n=len(x),
        total=total,
        draws=draws,
        seed=seed,
    )


def _bound(vae: VAE, x: Tensor, draws: int, seed: int) -> Tensor:
    """The bound of every image, (n,) float64 nats."""
    generator = torch.Generator().manual_seed(seed)
    return torch.cat([vae.elbo(part, draws, generator=generator).elbo.double() for part in x.split(ROWS)])
