"""What a mixture prior generates, component by component: pseudo-inputs, draws with both steps, ways between two."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from core.browser_records import Reference
from core.checkpoint import Checkpoint
from core.component_records import Interpolation, Path, Steps, Usual
from core.distributions import DiagonalNormal, standard_normal
from core.generate import as_pictures
from core.latents import LatentCloud
from core.prepared import Prepared
from core.priors import MixturePrior
from core.priors.vamp import VampPrior

STEPS = 33
"""Places along a way between two components; every fourth is shown."""
EVERY = 4
BLANK = 8
"""Side of a tile without a picture."""


def mixture_of(checkpoint: Checkpoint) -> MixturePrior:
    """The prior of a model.

    Raises:
        ValueError: where it is no mixture.
    """
    prior = checkpoint.vae.prior
    if not isinstance(prior, MixturePrior):
        raise ValueError(f"the prior of {checkpoint.name} is no mixture, so it has no components")
    return prior


@torch.no_grad()
def pseudo_inputs(checkpoint: Checkpoint) -> np.ndarray | None:
    """u_1..u_K of a VampPrior, (K, height, width[, channels]) in [0, 1]; None for any other prior."""
    prior = checkpoint.vae.prior
    if not isinstance(prior, VampPrior):
        return None
    return as_pictures(prior.pseudo_inputs, checkpoint.config.model.image_shape)


@torch.no_grad()
def decoded_means(checkpoint: Checkpoint) -> np.ndarray:
    """Means of p(x|z) at the mean of each component, (K, height, width[, channels]) in [0, 1]."""
    return _decoded(checkpoint, mixture_of(checkpoint).components()[0], None)


@torch.no_grad()
def stand_ins(checkpoint: Checkpoint) -> np.ndarray:
    """Where nothing can be decoded: for each component the stored image whose code's centre is nearest to its mean.

    Returns:
        (K, height, width[, channels]) in [0, 1]; grey tiles where no images came along with the latents.
    """
    mean = mixture_of(checkpoint).components()[0]
    if checkpoint.images is None:
        return np.full((len(mean), BLANK, BLANK), 0.5, np.float32)
    nearest = torch.cdist(mean, torch.from_numpy(_cloud(checkpoint).mean)).argmin(1)
    return as_pictures(torch.from_numpy(checkpoint.images[nearest.numpy()]), checkpoint.config.model.image_shape)


@torch.no_grad()
def samples(checkpoint: Checkpoint, k: int, n: int, *, seed: int = 0, drawn: bool = False) -> np.ndarray:
    """What is decoded at n draws z of component k, (n, height, width[, channels]) in [0, 1].

    Args:
        checkpoint: of a mixture prior.
        k: the component, from 0.
        n: draws.
        seed: of the draws.
        drawn: one draw of p(x|z) each instead of its mean.
    """
    mean, log_var, _ = mixture_of(checkpoint).components()
    generator = torch.Generator().manual_seed(seed)
    z = DiagonalNormal(mean[k], log_var[k]).sample(n, generator=generator)
    return _decoded(checkpoint, z, generator if drawn else None)


@torch.no_grad()
def two_steps(checkpoint: Checkpoint, n: int, *, seed: int = 0, drawn: bool = False) -> Steps:
    """n independent draws of the prior with both steps: k ~ Categorical(w), z ~ component k; never the first n.

    The z are those of ``prior.sample(n, generator=...)`` with the same seed.

    Args:
        checkpoint: of a mixture prior.
        n: draws.
        seed: of the draws.
        drawn: one draw of p(x|z) each instead of its mean.
    """
    mean, log_var, log_weight = mixture_of(checkpoint).components()
    generator = torch.Generator().manual_seed(seed)
    noise = standard_normal((n, mean.shape[1]), mean, generator)  # first, as every prior takes it
    chosen = torch.multinomial(log_weight.exp(), n, replacement=True, generator=generator)
    z = mean[chosen] + torch.exp(0.5 * log_var[chosen]) * noise
    return Steps(chosen.numpy(), z.numpy(), _decoded(checkpoint, z, generator if drawn else None))


@torch.no_grad()
def interpolation(checkpoint: Checkpoint, q: Prepared | None, first: int, second: int) -> Interpolation:
    """From one component to another: straight between their means, and by the codes of mixed pseudo-inputs.

    Args:
        checkpoint: of a mixture prior.
        q: q(z) of this checkpoint; None where its density is not known.
        first: the component at the start, from 0.
        second: the component at the end.
    """
    prior = mixture_of(checkpoint)
    t = torch.linspace(0, 1, STEPS)
    mean = prior.components()[0]
    in_z = path(checkpoint, q, t, _mixed(mean, first, second, t))
    in_u = None
    if isinstance(prior, VampPrior):
        u = _mixed(prior.pseudo_inputs, first, second, t)
        in_u = path(checkpoint, q, t, checkpoint.vae.posterior(u).mean, u)
    return Interpolation(in_z, in_u)


def usual(compared: Reference) -> Usual:
    """The log-densities that draws of q(z) and of p(z) themselves usually have; nan for a q of unknown density."""
    of_q = (math.nan, math.nan, math.nan) if compared.log_q is None else _quantiles(compared.log_q)
    return Usual(of_q, _quantiles(compared.log_p), compared.draws, compared.seed)


@torch.no_grad()
def path(checkpoint: Checkpoint, q: Prepared | None, t: Tensor, z: Tensor, u: Tensor | None = None) -> Path:
    """What the model says along a way.

    Args:
        checkpoint: the model; without a decoder there are no images.
        q: q(z) of this checkpoint; where it is None log q is nan.
        t: (m,) share of the way.
        z: (m, d) the codes.
        u: (m, pixels) pseudo-inputs that the codes belong to.
    """
    shape, shown = checkpoint.config.model.image_shape, torch.arange(0, len(t), EVERY)
    log_q = torch.full((len(t),), math.nan) if q is None else q.log_prob(z)
    decodes = checkpoint.config.model.decodes
    return Path(
        t=t.numpy(),
        z=z.numpy(),
        log_q=log_q.numpy(),
        log_p=checkpoint.vae.prior.log_prob(z).double().numpy(),
        images=_decoded(checkpoint, z[shown], None) if decodes else np.empty((0, 1, 1), np.float32),
        shown=shown.numpy(),
        inputs=None if u is None else as_pictures(u[shown], shape),
    )


def _cloud(checkpoint: Checkpoint) -> LatentCloud:
    if checkpoint.latents is None:
        raise ValueError(f"checkpoint {checkpoint.name} holds no Gaussian latents")
    return checkpoint.latents


def _mixed(values: Tensor, first: int, second: int, t: Tensor) -> Tensor:
    """(m, ...) from row ``first`` to row ``second``; lerp's ends are the rows themselves."""
    return torch.lerp(values[first].expand(len(t), -1), values[second].expand(len(t), -1), t[:, None])


def _quantiles(values: np.ndarray) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    return low, middle, high


def _decoded(checkpoint: Checkpoint, z: Tensor, generator: torch.Generator | None) -> np.ndarray:
    """Means of p(x|z), or with a generator one draw of each."""
    likelihood = checkpoint.vae.decoder(z)
    images = likelihood.mean if generator is None else likelihood.sample(1, generator=generator)[0]
    return as_pictures(images, checkpoint.config.model.image_shape)
