"""From a configuration to a VAE. The only reader of the registries of priors, posteriors and decoders."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from core.absent import NONE, AbsentDecoder, AbsentEncoder
from core.config import ModelConfig, PosteriorConfig
from core.decoders import DECODERS
from core.posteriors import POSTERIORS, Posterior
from core.priors import PRIORS, PriorContext
from core.priors.standardised import standardised
from core.vae import VAE


def build(config: ModelConfig, *, images: Tensor | None = None, generator: torch.Generator | None = None) -> VAE:
    """A new VAE.

    Args:
        config: the shapes, the prior and the posterior.
        images: (n, pixels) training images as an evaluation sees them, from which some priors are initialised; None
            when trained weights are going to be loaded.
        generator: seeds the whole initialisation; None starts from torch's process-wide state, and leaves it as it was.

    Returns:
        the model, in training mode.

    Raises:
        ValueError: for an unknown prior or posterior, a setting it does not know, one out of range, or a prior that is
            made of posteriors where these are no Gaussians.
    """
    require_known(config.prior.kind, config.posterior.kind)
    with torch.random.fork_rng(devices=[]):  # layers initialise from the process-wide state: seed it here, then restore
        if generator is not None:
            torch.manual_seed(int(torch.randint(2**31 - 1, (), generator=generator)))
        return _assemble(config, images, generator)


def resolved(config: ModelConfig, vae: VAE) -> ModelConfig:
    """The configuration with every setting filled in, so that building from it gives the same model."""
    prior = config.prior.model_copy(update={"options": vae.prior.options.model_dump()})
    options = vae.posterior.options.model_dump() if isinstance(vae.posterior, Posterior) else {}
    posterior = PosteriorConfig(kind=config.posterior.kind, options=options)
    return config.model_copy(update={"prior": prior, "posterior": posterior})


def require_known(prior: str, posterior: str) -> None:
    """Refuse what is not in the registries, and a prior and a posterior that do not go together.

    Raises:
        ValueError: saying what is known, or what would go together.
    """
    if prior not in PRIORS:
        raise ValueError(f"unknown prior {prior!r}; known: {', '.join(PRIORS)}")
    if posterior not in POSTERIORS:
        raise ValueError(f"unknown posterior {posterior!r}; known: {', '.join(POSTERIORS)}")
    if PRIORS[prior].of_posteriors and not POSTERIORS[posterior].gaussian:
        others = ", ".join(name for name, kind in PRIORS.items() if not kind.of_posteriors)
        raise ValueError(
            f"prior {prior!r} is a mixture of posteriors q(z|u), whose density is known where these are Gaussian; "
            f"got posterior {posterior!r}. Use posterior 'gaussian', or one of the priors {others}"
        )


def _assemble(config: ModelConfig, images: Tensor | None, generator: torch.Generator | None) -> VAE:
    if config.likelihood == NONE:
        return _without_networks(config, generator)
    if config.prior.standardised:
        raise ValueError(
            "standardised is True, expected False: a prior that is trained with its encoder needs no frame"
        )
    kind = POSTERIORS[config.posterior.kind]
    posterior = kind.from_config(config.posterior.options, config.pixels, config.latent_dim, config.hidden)
    context = PriorContext(config.latent_dim, config.pixels, posterior, images, generator)
    prior = PRIORS[config.prior.kind].from_config(config.prior.options, context)
    return VAE(posterior, prior, DECODERS[config.likelihood](config.latent_dim, config.pixels, config.hidden))


def _without_networks(config: ModelConfig, generator: torch.Generator | None) -> VAE:
    """A prior over imported latents.

    Raises:
        ValueError: for a prior or a posterior that needs an encoder.
    """
    kind = PRIORS[config.prior.kind]
    if kind.of_posteriors or not POSTERIORS[config.posterior.kind].gaussian:
        raise ValueError(
            f"latents without networks have Gaussian posteriors and a prior that needs no encoder; got posterior "
            f"{config.posterior.kind!r} and prior {config.prior.kind!r}"
        )
    posterior = AbsentEncoder()
    context = PriorContext(config.latent_dim, config.pixels, posterior, None, generator)
    make = partial(standardised, kind) if config.prior.standardised else kind.from_config
    return VAE(posterior, make(config.prior.options, context), AbsentDecoder())
