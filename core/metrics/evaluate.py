"""Everything that is reported of a model on one split, in nats per image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from core.datasets import Split
from core.latents import encode
from core.metrics.estimate import over_examples
from core.metrics.latent import active_units
from core.metrics.likelihood import log_marginal
from core.metrics.surgery import elbo_surgery
from core.records import Estimate
from core.vae import VAE, ElboTerms

SURGERY_SAMPLES = 4


@dataclass(frozen=True)
class Evaluation:
    """A model on one split. Log-likelihoods are negative, nll is positive; elbo = reconstruction - average_kl.

    Attributes:
        estimates: by name, each with its standard error over the images.
        n: number of images.
        split, seed, samples: which images, the seed of every draw, importance samples behind nll.
        ess_median: median effective sample size of those samples.
    """

    estimates: dict[str, Estimate]
    n: int
    split: str
    seed: int
    samples: int
    ess_median: float

    def as_dict(self) -> dict[str, object]:
        """One flat JSON object."""
        head = {name: estimate.as_dict() for name, estimate in self.estimates.items()}
        tail = {"n": self.n, "split": self.split, "seed": self.seed, "samples": self.samples}
        return {**head, **tail, "ess_median": self.ess_median}


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
    """Bound, its surgery, importance-sampled likelihood and active units of all images of a split.

    Args:
        vae: in evaluation mode.
        images: as an evaluation sees them (binarised where the data is).
        split: its name.
        samples: importance samples for nll.
        seed: of every draw.
        on_progress: told the number of images whose likelihood is done.
    """
    mean, log_var = encode(vae, images.images)
    generator = torch.Generator().manual_seed(seed)
    terms = _terms(vae, images.images, generator)
    surgery = elbo_surgery(mean, log_var, vae.prior, n_samples=SURGERY_SAMPLES, generator=generator, average=terms.kl)
    likelihood = log_marginal(vae, images.images, samples, generator=generator, on_progress=on_progress)
    nll = over_examples(-likelihood.value)
    estimates = {
        "elbo": over_examples(terms.elbo.double().mean(0)),
        "reconstruction": over_examples(terms.reconstruction.double().mean(0)),
        "average_kl": surgery.average_kl,
        "mutual_information": surgery.mutual_information,
        "marginal_kl": surgery.marginal_kl,
        "marginal_kl_null": surgery.marginal_kl_null,
        "log_n": Estimate(surgery.log_n, 0.0),
        "identity_residual": surgery.identity_residual,
        "nll": nll,
        "active_units": active_units(mean),
    }
    return Evaluation(estimates, len(mean), split, seed, samples, float(likelihood.ess.median()))


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
