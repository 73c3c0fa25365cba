"""Everything that is reported of a model on one split, in nats per image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from core.datasets import Split
from core.distributions import DiagonalNormal
from core.gap_records import WorstGaps
from core.latents import LatentCloud
from core.metrics.bound import as_record, bound
from core.metrics.coverage import FEWEST
from core.metrics.curves import information_curve
from core.metrics.distance import distance
from core.metrics.estimate import over_examples
from core.metrics.gaps import worst_gaps
from core.metrics.latent import active_units
from core.metrics.likelihood import log_marginal
from core.metrics.per_dimension import PerDimension, per_dimension
from core.metrics.quadrature import log_likelihood_2d, total_error
from core.metrics.surgery import Surgery
from core.per_image import PerImage
from core.records import CurvePoint, Distance, Estimate
from core.vae import VAE

NO_MIXTURE_PARTS: dict[str, Any] = {"distance": None, "information_curve": None, "per_dimension": None}


@dataclass(frozen=True)
class Evaluation:
    """A model on one split. Log-likelihoods are negative, nll is positive; elbo = reconstruction - average_kl.

    Attributes:
        estimates: by name, each with its standard error over the images. "importance_gain" is
            what importance sampling adds to the bound. "log_likelihood" (exact, by quadrature), "bound_gap" (what the
            bound lies below it) and "quadrature_error" (of the grid, the largest of the images checked, with what lies
            at its border) are there for two latent dimensions only, "marginal_kl_null" only where it is known,
            "active_units", which counts means of q(z|x), not for flows.
        distance: how far the prior is from q(z), by draws of both; None with fewer than 30 images.
        information_curve: what the mutual information comes out as with minibatches of M posteriors. This, ``distance``
            and ``per_dimension`` are None where q(z|x) is a flow.
        likelihood_curve: the importance-weighted bound against the number of samples.
        per_dimension: both KLs dimension by dimension; None where the prior is no product over dimensions.
        worst_gaps: the images on which the bound is loosest; None unless there are two latent dimensions.
        per_image: what each image gives to the estimates; not part of ``as_dict``.
        n: number of images.
        split, seed, samples: which images, the seed of every draw, importance samples behind nll.
        ess_median: median effective sample size of those samples.
    """

    estimates: dict[str, Estimate]
    distance: Distance | None
    information_curve: tuple[CurvePoint, ...] | None
    likelihood_curve: tuple[CurvePoint, ...]
    per_dimension: PerDimension | None
    worst_gaps: WorstGaps | None
    per_image: PerImage = field(compare=False)
    n: int
    split: str
    seed: int
    samples: int
    ess_median: float

    def as_dict(self) -> dict[str, object]:
        """One JSON object: estimates and sizes side by side, each record under its name where there is one."""
        head = {name: estimate.as_dict() for name, estimate in self.estimates.items()}
        tail = {"n": self.n, "split": self.split, "seed": self.seed, "samples": self.samples}
        records = {
            "distance": None if self.distance is None else asdict(self.distance),
            "information_curve": self.information_curve and [asdict(point) for point in self.information_curve],
            "likelihood_curve": [asdict(point) for point in self.likelihood_curve],
            "per_dimension": None if self.per_dimension is None else asdict(self.per_dimension),
            "worst_gaps": None if self.worst_gaps is None else asdict(self.worst_gaps),
        }
        kept = {name: value for name, value in records.items() if value is not None}
        return {**head, **tail, "ess_median": self.ess_median, **kept}


@torch.inference_mode()
def evaluate(
    vae: VAE,
    images: Split,
    split: str,
    *,
    samples: int,
    seed: int = 0,
    on_progress: Callable[[int], object] | None = None,
) -> Evaluation:
    """Bound, its surgery, likelihood, and the prior's distance from q(z), of all images of a split.

    Where q(z|x) is a flow, q(z) is no mixture of Gaussians: the surgery is there for ``flow_surgery.MOST`` images at
    most, and what needs the density of q(z) at many other places is not.

    Args:
        vae: in evaluation mode.
        images: as an evaluation sees them (binarised where the data is).
        split: its name.
        samples: importance samples for nll.
        seed: of every draw.
        on_progress: told the number of images whose likelihood is done.
    """
    if len(images) < 2:
        raise ValueError(f"an evaluation needs two images or more; the {split} split has {len(images)}")
    generator = torch.Generator().manual_seed(seed)
    found = bound(vae, images.images, generator=generator)
    q, surgery = found.q, found.surgery
    gaussian = isinstance(q, DiagonalNormal)
    likelihood = log_marginal(vae, images.images, samples, generator=generator, on_progress=on_progress)
    elbo = found.terms.elbo.double().mean(0)
    by_image = {**found.by_image(), "nll": -likelihood.value}
    estimates = {
        "elbo": over_examples(elbo),
        **{name: over_examples(by_image[name]) for name in ("reconstruction", "average_kl", "nll")},
        **({} if surgery is None else _of_surgery(surgery)),
        "importance_gain": over_examples(likelihood.value - elbo),
    }
    if gaussian:
        estimates["active_units"] = active_units(q.mean.cpu())
    gaps = None
    if vae.prior.dim == 2:
        exact = log_likelihood_2d(vae, images.images, seed=seed)
        by_image["log_likelihood"] = exact.value
        estimates["log_likelihood"] = over_examples(exact.value)
        estimates["bound_gap"] = over_examples(exact.value - elbo)
        estimates["quadrature_error"] = Estimate(total_error(exact), 0.0)
        gaps = worst_gaps(vae, images.images, exact, seed=seed)
    return Evaluation(
        estimates=estimates,
        likelihood_curve=likelihood.curve,
        worst_gaps=gaps,
        per_image=as_record(by_image, images, split, seed, samples),
        **(_of_mixture(q, vae, split, generator, seed) if gaussian else NO_MIXTURE_PARTS),
        n=len(images),
        split=split,
        seed=seed,
        samples=samples,
        ess_median=float(likelihood.ess.median()),
    )


def _of_surgery(surgery: Surgery) -> dict[str, Estimate]:
    """What the average KL consists of; the null where it is known."""
    known = {} if surgery.marginal_kl_null is None else {"marginal_kl_null": surgery.marginal_kl_null}
    return {
        "mutual_information": surgery.mutual_information,
        "marginal_kl": surgery.marginal_kl,
        "log_n": Estimate(surgery.log_n, 0.0),
        "identity_residual": surgery.identity_residual,
        **known,
    }


def _of_mixture(q: DiagonalNormal, vae: VAE, split: str, generator: torch.Generator, seed: int) -> dict[str, Any]:
    """What needs the density of q(z) as a mixture of Gaussians."""
    mean, log_var = q.mean.cpu(), q.log_var.cpu()
    cloud = LatentCloud(mean.numpy(), log_var.numpy(), None, split, len(mean))
    return {
        "distance": distance(cloud, vae.prior, seed=seed) if len(mean) >= FEWEST else None,
        "information_curve": information_curve(mean, log_var, generator=generator),
        "per_dimension": per_dimension(mean, log_var, vae.prior, generator=generator),
    }
