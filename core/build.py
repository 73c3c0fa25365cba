"""From a configuration to a VAE. The only reader of the registries of priors and decoders."""

from __future__ import annotations

import torch
from torch import Tensor

from core.config import ModelConfig, PriorConfig
from core.decoders import DECODERS
from core.posteriors import GaussianPosterior
from core.priors import PRIORS, PriorContext
from core.vae import VAE


def build(config: ModelConfig, *, images: Tensor | None = None, generator: torch.Generator | None = None) -> VAE:
    """A new VAE.

    Args:
        config: the shapes and the prior.
        images: (n, pixels) training images as an evaluation sees them, from which some priors are initialised; None
            when trained weights are going to be loaded.
        generator: seeds the whole initialisation; None starts from torch's process-wide state, and leaves it as it was.

    Returns:
        the model, in training mode.

    Raises:
        ValueError: for an unknown prior, a setting it does not know, or one out of range.
    """
    if config.prior.kind not in PRIORS:
        raise ValueError(f"unknown prior {config.prior.kind!r}; known: {', '.join(PRIORS)}")
    with torch.random.fork_rng(devices=[]):  # layers initialise from the process-wide state: seed it here, then restore
        if generator is not None:
            torch.manual_seed(int(torch.randint(2**31 - 1, (), generator=generator)))
        return _assemble(config, images, generator)


def resolved(config: ModelConfig, vae: VAE) -> ModelConfig:
    """The configuration with every setting of the prior filled in, so that building from it gives the same model."""
    options = vae.prior.options.model_dump()
    return config.model_copy(update={"prior": PriorConfig(kind=config.prior.kind, options=options)})


def _assemble(config: ModelConfig, images: Tensor | None, generator: torch.Generator | None) -> VAE:
    posterior = GaussianPosterior(config.pixels, config.latent_dim, config.hidden)
    context = PriorContext(config.latent_dim, config.pixels, posterior, images, generator)
    prior = PRIORS[config.prior.kind].from_config(config.prior.options, context)
    return VAE(posterior, prior, DECODERS[config.likelihood](config.latent_dim, config.pixels, config.hidden))
