"""The bound of every image of a split and what it is made of: the first half of an evaluation, without likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from core.datasets import Split
from core.distributions import DiagonalNormal
from core.latents import posteriors
from core.metrics.flow_surgery import flow_surgery
from core.metrics.quadrature import log_likelihood_2d
from core.metrics.surgery import Surgery, elbo_surgery
from core.per_image import PerImage, fingerprint
from core.posteriors import FlowedNormal
from core.vae import VAE, ElboTerms

SURGERY_SAMPLES = 4


@dataclass(frozen=True)
class Bound:
    """The bound of n images.

    Attributes:
        q: the posteriors, of batch shape (n,).
        terms: (S, n) each, nats.
        surgery: what the average KL consists of; None for too many flow posteriors.
    """

    q: DiagonalNormal | FlowedNormal
    terms: ElboTerms
    surgery: Surgery | None

    def by_image(self) -> dict[str, Tensor]:
        """(n,) float64 nats by measure; the elbo is reconstruction - average_kl."""
        found = {
            "reconstruction": self.terms.reconstruction.double().mean(0),
            "average_kl": self.terms.kl.double().mean(0),
        }
        if self.surgery is not None:
            found["mutual_information"] = self.surgery.information_by_image
            found["marginal_kl"] = self.surgery.marginal_by_image
        return found


@torch.inference_mode()
def bound(vae: VAE, images: Tensor, *, generator: Generator) -> Bound:
    """The terms of the bound and its surgery, for (n, pixels) images as an evaluation sees them.

    Args:
        vae: in evaluation mode.
        images: n of them.
        generator: of the draws, which are those of ``evaluate``: its numbers are these.
    """
    q, terms = posteriors(vae, images), _terms(vae, images, generator)
    if isinstance(q, FlowedNormal):
        surgery = flow_surgery(q, vae.prior, terms.kl, n_samples=SURGERY_SAMPLES, generator=generator)
    else:
        mean, log_var = q.mean.cpu(), q.log_var.cpu()
        surgery = elbo_surgery(
            mean, log_var, vae.prior, n_samples=SURGERY_SAMPLES, generator=generator, average=terms.kl
        )
    return Bound(q, terms, surgery)


def measure_images(vae: VAE, images: Split, split: str, *, seed: int, samples: int) -> PerImage:
    """What each image gives to the bound, its parts and, in two dimensions, the exact likelihood.

    It costs a small part of an evaluation, which spends its time on the importance-weighted likelihood; that one is
    not measured here.

    Args:
        vae: in evaluation mode.
        images: as an evaluation sees them.
        split: its name.
        seed: of the evaluation that these numbers belong to.
        samples: importance samples of that evaluation.
    """
    found = bound(vae, images.images, generator=torch.Generator().manual_seed(seed)).by_image()
    if vae.prior.dim == 2:
        found["log_likelihood"] = log_likelihood_2d(vae, images.images, seed=seed).value
    return as_record(found, images, split, seed, samples)


def as_record(by_image: dict[str, Tensor], images: Split, split: str, seed: int, samples: int) -> PerImage:
    """The measures of each image as they are stored."""
    values = {name: measure.float().cpu().numpy() for name, measure in by_image.items()}
    return PerImage(values, split, seed, samples, fingerprint(images.images.numpy()))


def _terms(vae: VAE, images: Tensor, generator: Generator, batch: int = 1000) -> ElboTerms:
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
