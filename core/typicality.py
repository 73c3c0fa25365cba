"""How ordinary a place in latent space is: decoded images often look plausible anywhere, so the place must say it."""

from __future__ import annotations

import math

import torch

from core import mixture
from core.browser_records import Place, Reference
from core.latents import LatentCloud
from core.prepared import Prepared
from core.priors import Prior

DRAWS = 2000


@torch.inference_mode()
def reference(cloud: LatentCloud | None, prior: Prior, *, seed: int = 0) -> Reference:
    """The log-densities that draws of q(z) and of p(z) themselves have: what a place is compared with.

    Args:
        cloud: posteriors behind q(z); None where its density is not known.
        prior: p(z).
        seed: of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    log_q = None
    if cloud is not None:
        draws, index = cloud.sample(DRAWS, generator=generator)
        log_q = mixture.log_prob(draws, *cloud.components(), exclude=index if len(cloud) > 1 else None).double()
    log_p = prior.log_prob(prior.sample(DRAWS, generator=generator)).double()
    return Reference(None if log_q is None else log_q.sort().values.numpy(), log_p.sort().values.numpy(), DRAWS, seed)


@torch.inference_mode()
def place(z: tuple[float, ...], q: Prepared | None, prior: Prior, compared: Reference) -> Place:
    """Log-densities at z, and the share of each distribution's own draws that lie at a lower density than z.

    Draws of q(z) are counted without the posterior that each came from. So is a place that is a draw of a posterior,
    as far as can be told (``Prepared.own``), or every stored image's code would be denser than all of them.

    Args:
        z: d coordinates.
        q: q(z); None where its density is not known: what is said of q is nan then.
        prior: p(z).
        compared: what ``reference`` gives for both.

    Raises:
        ValueError: when z has the wrong length or is not finite.
    """
    point = torch.tensor([z], dtype=torch.float64)
    if point.shape[1] != prior.dim or not torch.isfinite(point).all():
        raise ValueError(f"z must be {prior.dim} finite numbers; got {z}")
    log_q = others = math.nan
    own = None
    if q is not None:
        log_q, found = float(q.log_prob(point)), q.own(point)
        own = None if found < 0 else int(found)
        others = log_q if own is None else float(q.log_prob(point, exclude=found))
    log_p = float(prior.log_prob(point.float()).double())
    return Place(
        z=tuple(float(value) for value in z),
        log_q=log_q,
        log_p=log_p,
        log_q_others=others,
        own=own,
        percentile_q=math.nan if compared.log_q is None else float((compared.log_q < others).mean()),
        percentile_p=float((compared.log_p < log_p).mean()),
        draws=compared.draws,
    )
