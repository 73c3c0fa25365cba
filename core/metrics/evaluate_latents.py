"""What can be told of posteriors and a prior without a decoder: the KL and its parts, never the bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch

from core.latents import LatentCloud
from core.metrics.bound import SURGERY_SAMPLES
from core.metrics.coverage import FEWEST
from core.metrics.curves import information_curve
from core.metrics.distance import distance
from core.metrics.latent import active_units
from core.metrics.per_dimension import per_dimension
from core.metrics.surgery import elbo_surgery
from core.priors import Prior
from core.records import Estimate


@torch.inference_mode()
def evaluate_latents(
    cloud: LatentCloud,
    prior: Prior,
    *,
    seed: int = 0,
    on_progress: Callable[[int, int, str], object] = lambda *_: None,
) -> dict[str, Any]:
    """An evaluation as metrics.json holds it, in nats per image, without reconstruction, bound and likelihood.

    Args:
        cloud: Gaussian posteriors of n images.
        prior: in evaluation mode.
        seed: of every draw.
        on_progress: told parts done, parts in all and the next part.

    Raises:
        ValueError: for fewer than two images.
    """
    if len(cloud) < 2:
        raise ValueError(f"an evaluation needs the latents of two images or more; got {len(cloud)}")
    mean, log_var = cloud.components()
    generator = torch.Generator().manual_seed(seed)
    on_progress(0, 4, "KL and its parts")
    surgery = elbo_surgery(mean, log_var, prior, n_samples=SURGERY_SAMPLES, generator=generator)
    estimates = {
        "average_kl": surgery.average_kl,
        "mutual_information": surgery.mutual_information,
        "marginal_kl": surgery.marginal_kl,
        "log_n": Estimate(surgery.log_n, 0.0),
        "identity_residual": surgery.identity_residual,
        "active_units": active_units(mean),
    }
    if surgery.marginal_kl_null is not None:
        estimates["marginal_kl_null"] = surgery.marginal_kl_null
    on_progress(1, 4, "distance of prior and q(z)")
    apart = _distance(cloud, prior, seed)
    on_progress(2, 4, "information by minibatch")
    curve = information_curve(mean, log_var, generator=generator)
    on_progress(3, 4, "dimension by dimension")
    single = per_dimension(mean, log_var, prior, generator=generator)
    on_progress(4, 4, "done")
    records = {
        "distance": None if apart is None else asdict(apart),
        "information_curve": [asdict(point) for point in curve],
        "per_dimension": None if single is None else asdict(single),
    }
    head = {name: estimate.as_dict() for name, estimate in estimates.items()}
    kept = {name: value for name, value in records.items() if value is not None}
    return {**head, "n": len(cloud), "split": cloud.split, "seed": seed, **kept}


def _distance(cloud: LatentCloud, prior: Prior, seed: int) -> Any:
    """Holes, leaks and two-sample tests; None with too few images for them."""
    with torch.inference_mode(False):  # the classifiers are trained
        return distance(cloud, prior, seed=seed) if len(cloud) >= FEWEST else None
