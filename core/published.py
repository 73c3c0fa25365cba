"""Published test likelihoods that ours may be compared with: each was read in its source, none is from memory."""

from __future__ import annotations

from dataclasses import dataclass

from core.records import Estimate


@dataclass(frozen=True)
class Study:
    """Where numbers come from.

    Attributes:
        authors: who, and when.
        title: of the paper.
        address: of the paper.
        read: where the numbers were read.
        settings: how its models were trained and measured, as its code has it.
    """

    authors: str
    title: str
    address: str
    read: str
    settings: str


@dataclass(frozen=True)
class Published:
    """One number.

    Attributes:
        dataset, binarisation, latent_dim: what it may be compared with; the data set by its key.
        prior: key of the prior, or a word of the study's where there is no such prior here.
        title: what the study calls the model.
        nll: -log p(x) in nats with the error that is printed beside it.
        samples: importance samples behind it.
        study: where it comes from.
    """

    dataset: str
    binarisation: str
    latent_dim: int
    prior: str
    title: str
    nll: Estimate
    samples: int
    study: Study


EXEMPLAR = Study(
    authors="Norouzi, Fleet, Norouzi (2020)",
    title="Exemplar VAE: Linking Generative Models, Nearest Neighbor Retrieval, and Data Augmentation, NeurIPS 2020",
    address="https://arxiv.org/abs/2004.04795",
    read="the table in images/density_estimation.png of https://github.com/sajadn/Exemplar-VAE",
    settings="by the defaults of its code: gated layers 300-300, d = 40, at most 2,000 epochs in batches of 100, "
    "stopped 50 epochs after the best one, gradients normalised, learning rate 0.0005, warm-up over 100 epochs, "
    "S = 5,000",
)

PUBLISHED = tuple(
    Published(dataset, "dynamic", 40, prior, title, Estimate(nll, error), 5000, EXEMPLAR)
    for dataset, prior, title, nll, error in (
        ("mnist", "standard", "VAE, Gaussian prior", 84.45, 0.12),
        ("mnist", "vamp", "VAE, VampPrior", 82.43, 0.06),
        ("mnist", "exemplar", "Exemplar VAE", 82.09, 0.18),
        ("fashion_mnist", "standard", "VAE, Gaussian prior", 228.70, 0.15),
        ("fashion_mnist", "vamp", "VAE, VampPrior", 227.35, 0.05),
        ("fashion_mnist", "exemplar", "Exemplar VAE", 226.75, 0.07),
    )
)
"""Of models with one layer of latents and these networks. Its ± is printed without saying what it is of."""


def published_for(dataset: str, binarisation: str, latent_dim: int) -> tuple[Published, ...]:
    """The numbers that models of this data, binarised in this way, may stand beside; "": in whatever way it will be."""
    same = (one for one in PUBLISHED if (one.dataset, one.latent_dim) == (dataset, latent_dim))
    return tuple(one for one in same if binarisation in ("", one.binarisation))
