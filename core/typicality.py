"""How ordinary a place in latent space is: a decoded image always looks plausible, so its place must say for itself."""

from __future__ import annotations

import torch

from core import mixture
from core.latents import LatentCloud
from core.priors import Prior
from core.records import Place

DRAWS = 2000


@torch.inference_mode()
def place(z: tuple[float, ...], cloud: LatentCloud, prior: Prior, *, seed: int = 0) -> Place:
    """Log-densities at z, and the share of each distribution's own draws that lie at a lower density than z.

    Args:
        z: d coordinates.
        cloud: posteriors behind q(z).
        prior: p(z).
        seed: of the draws.

    Raises:
        ValueError: when z has the wrong length or is not finite.
    """
    point = torch.tensor([z], dtype=torch.float64)
    if point.shape[1] != prior.dim or not torch.isfinite(point).all():
        raise ValueError(f"z must be {prior.dim} finite numbers; got {z}")
    generator = torch.Generator().manual_seed(seed)
    draws, index = cloud.sample(DRAWS, generator=generator)
    components = cloud.components()
    log_q = mixture.log_prob(point, *components, double=True)
    log_q_draws = mixture.log_prob(draws, *components, exclude=index if len(cloud) > 1 else None)
    log_p = prior.log_prob(point.float()).double()
    log_p_draws = prior.log_prob(prior.sample(DRAWS, generator=generator)).double()
    return Place(
        z=tuple(float(value) for value in z),
        log_q=float(log_q),
        log_p=float(log_p),
        percentile_q=float((log_q_draws < log_q).double().mean()),
        percentile_p=float((log_p_draws < log_p).double().mean()),
        draws=DRAWS,
    )
