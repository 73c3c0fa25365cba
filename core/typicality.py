"""How ordinary a place in latent space is: a decoded image always looks plausible, so its place must say for itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from core import mixture
from core.latents import LatentCloud
from core.priors import Prior
from core.records import Place

DRAWS = 2000


@dataclass(frozen=True)
class Usual:
    """Log-densities of q and of p at draws of themselves, (DRAWS,) each: the same for every place that is asked about.

    Thousands of draws at ten thousand components take two tenths of a second, a place takes nothing: whoever asks about
    many places keeps this.
    """

    log_q: np.ndarray
    log_p: np.ndarray


@torch.inference_mode()
def usual(cloud: LatentCloud, prior: Prior, *, seed: int = 0) -> Usual:
    """What is usual for each distribution.

    Args:
        cloud: posteriors behind q(z); a draw's own component is left out.
        prior: p(z).
        seed: of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    draws, index = cloud.sample(DRAWS, generator=generator)
    log_q = mixture.log_prob(draws, *cloud.components(), exclude=index if len(cloud) > 1 else None)
    log_p = prior.log_prob(prior.sample(DRAWS, generator=generator))
    return Usual(log_q.double().numpy(), log_p.double().numpy())


@torch.inference_mode()
def place(
    z: tuple[float, ...], cloud: LatentCloud, prior: Prior, *, seed: int = 0, known: Usual | None = None
) -> Place:
    """Log-densities at z, and the share of each distribution's own draws that lie at a lower density than z.

    Args:
        z: d coordinates.
        cloud: posteriors behind q(z).
        prior: p(z).
        seed: of the draws.
        known: what ``usual`` gave for the same three; None calculates it.

    Raises:
        ValueError: when z has the wrong length or is not finite.
    """
    point = torch.tensor([z], dtype=torch.float64)
    if point.shape[1] != prior.dim or not torch.isfinite(point).all():
        raise ValueError(f"z must be {prior.dim} finite numbers; got {z}")
    known = usual(cloud, prior, seed=seed) if known is None else known
    log_q = float(mixture.log_prob(point, *cloud.components(), double=True))
    log_p = float(prior.log_prob(point.float()).double())
    return Place(
        z=tuple(float(value) for value in z),
        log_q=log_q,
        log_p=log_p,
        percentile_q=float((known.log_q < log_q).mean()),
        percentile_p=float((known.log_p < log_p).mean()),
        draws=DRAWS,
    )
