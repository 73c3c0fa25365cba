"""Everything that is reported of a model on one split, in nats per image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch

from core.datasets import Split
from core.latents import LatentCloud, encode
from core.metrics.coverage import FEWEST
from core.metrics.curves import information_curve
from core.metrics.distance import distance
from core.metrics.estimate import over_examples
from core.metrics.latent import active_units
from core.metrics.likelihood import log_marginal
from core.metrics.per_dimension import PerDimension, per_dimension
from core.metrics.quadrature import log_likelihood_2d
from core.metrics.surgery import elbo_surgery
from core.records import CurvePoint, Distance, Estimate
from core.vae import VAE, ElboTerms

SURGERY_SAMPLES = 4


@dataclass(frozen=True)
class Evaluation:
    """A model on one split. Log-likelihoods are negative, nll is positive; elbo = reconstruction - average_kl.

    Attributes:
        estimates: by name, each with its standard error over the images. "importance_gain" is
            what importance sampling adds to the bound. "log_likelihood" (exact, by quadrature), "bound_gap" (what the
            bound lies below it) and "quadrature_error" (largest of any image) are there for two latent dimensions only,
            "marginal_kl_null" only where it is known.
        distance: how far the prior is from q(z), by draws of both; None with fewer than 30 images.
        information_curve: what the mutual information comes out as with minibatches of M posteriors.
        likelihood_curve: the importance-weighted bound against the number of samples.
        per_dimension: both KLs dimension by dimension; None where the prior is no product over dimensions.
        n: number of images.
        split, seed, samples: which images, the seed of every draw, importance samples behind nll.
        ess_median: median effective sample size of those samples.
    """

    estimates: dict[str, Estimate]
    distance: Distance | None
    information_curve: tuple[CurvePoint, ...]
    likelihood_curve: tuple[CurvePoint, ...]
    per_dimension: PerDimension | None
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
            "information_curve": [asdict(point) for point in self.information_curve],
            "likelihood_curve": [asdict(point) for point in self.likelihood_curve],
            "per_dimension": None if self.per_dimension is None else asdict(self.per_dimension),
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
    mean, log_var = encode(vae, images.images)
    cloud = LatentCloud(mean.numpy(), log_var.numpy(), None, split, len(mean))
    generator = torch.Generator().manual_seed(seed)
    terms = _terms(vae, images.images, generator)
    surgery = elbo_surgery(mean, log_var, vae.prior, n_samples=SURGERY_SAMPLES, generator=generator, average=terms.kl)
    likelihood = log_marginal(vae, images.images, samples, generator=generator, on_progress=on_progress)
    bound, nll = terms.elbo.double().mean(0), over_examples(-likelihood.value)
    estimates = {
        "elbo": over_examples(bound),
        "reconstruction": over_examples(terms.reconstruction.double().mean(0)),
        "average_kl": surgery.average_kl,
        "mutual_information": surgery.mutual_information,
        "marginal_kl": surgery.marginal_kl,
        "log_n": Estimate(surgery.log_n, 0.0),
        "identity_residual": surgery.identity_residual,
        "nll": nll,
        "importance_gain": over_examples(likelihood.value - bound),
        "active_units": active_units(mean),
    }
    if surgery.marginal_kl_null is not None:
        estimates["marginal_kl_null"] = surgery.marginal_kl_null
    if vae.prior.dim == 2:
        exact = log_likelihood_2d(vae, images.images, seed=seed)
        missed = -math.log1p(-exact.border)  # mass of the outermost blocks: more may lie beyond them
        estimates["log_likelihood"] = over_examples(exact.value)
        estimates["bound_gap"] = over_examples(exact.value - bound)
        estimates["quadrature_error"] = Estimate(exact.error + missed, 0.0)
    return Evaluation(
        estimates=estimates,
        distance=distance(cloud, vae.prior, seed=seed) if len(mean) >= FEWEST else None,
        information_curve=information_curve(mean, log_var, generator=generator),
        likelihood_curve=likelihood.curve,
        per_dimension=per_dimension(mean, log_var, vae.prior, generator=generator),
        n=len(mean),
        split=split,
        seed=seed,
        samples=samples,
        ess_median=float(likelihood.ess.median()),
    )


def _terms(vae: VAE, images: torch.Tensor, generator: torch.Generator, batch: int = 1000) -> ElboTerms:
    """The terms of the bound of all images, (S, n) each."""
    parts = [
        vae.terms(images[start : start + batch], SURGERY_SAMPLES, generator=generator)
        for start in range(0, len(images), batch)
    ]
    return ElboTerms(
        torch.cat([part.reconstruction for part in parts], 1),
        torch.cat([part.log_prior for part in parts], 1),
        torch.cat([part.log_posterior for part in parts], 1),
    )
