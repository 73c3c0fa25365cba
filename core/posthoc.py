"""What can be done with a trained model afterwards: find its data again, give it the prior that suits it best."""

from __future__ import annotations

from pathlib import Path

import torch

from core.config import RunConfig
from core.datasets import SPLIT_NAMES, Dataset, load
from core.latents import encode
from core.priors import PRIORS, PriorContext
from core.shapes import Images
from core.vae import VAE

OPTIMAL = "aggregated"
"""Key in PRIORS of the aggregated posterior."""


def data_of(config: RunConfig, root: Path | None = None, *, download: bool = True) -> Dataset:
    """The data set that a model was trained on.

    Args:
        config: of the model.
        root: folder of the data sets.
        download: whether a data set that is missing may be fetched.

    Raises:
        ValueError: if the data set of that name is another one now, naming what differs.
    """
    stored = config.data
    if not config.model.decodes:
        raise ValueError(f"{stored.name} are imported latents: the images and the encoder stayed where they came from")
    data = load(stored.name, root=root, download=download, seed=stored.seed)
    now = {"image_shape": tuple(data.image_shape), "likelihood": data.likelihood, "binarisation": data.binarisation}
    then = {
        "image_shape": config.model.image_shape,
        "likelihood": config.model.likelihood,
        "binarisation": stored.binarisation,
    }
    for split in SPLIT_NAMES:
        now[f"{split} images"], then[f"{split} images"] = len(data.split(split)), getattr(stored, split)
    if stored.source:
        now["source"], then["source"] = data.source, stored.source
    differing = [f"{key} is {now[key]!r}, was {then[key]!r}" for key in now if now[key] != then[key]]
    if differing:
        raise ValueError(f"{stored.name} is not the data this model was trained on: {'; '.join(differing)}")
    return data


@torch.no_grad()
def with_aggregated_posterior(vae: VAE, images: Images) -> VAE:
    """The same encoder and decoder with the aggregated posterior of the images, p(z) = (1/n) sum_i q(z|x_i), as prior.

    It is the prior that maximises the mean bound of these very images; on others it shows how far that carries.

    Args:
        vae: a trained model; its encoder and decoder are shared, not copied.
        images: (n, pixels) training images as an evaluation sees them.

    Returns:
        a model in evaluation mode, on the device of ``vae``. It keeps the n components, not the images.
    """
    mean, log_var = encode(vae, images)
    context = PriorContext(mean.shape[1], images.shape[1], vae.posterior)
    prior = PRIORS[OPTIMAL].from_config({"size": len(images)}, context)
    prior.load_state_dict({"mean": mean, "log_var": log_var})
    return VAE(vae.posterior, prior.to(next(vae.parameters()).device), vae.decoder).eval()
