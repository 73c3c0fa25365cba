"""How a model came to be what it is: from the snapshots of a training to densities and marginal KL, epoch by epoch.

Every epoch is treated as the finished model is: q(z) is the exact mixture of its posteriors, p(z) its exact density.
Decoders are not stored, so what a place decoded to is not known any more.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from core import density, projections, views
from core.checkpoint import Checkpoint
from core.density import CELLS, Window
from core.distributions import DiagonalNormal
from core.generate import as_pictures
from core.history_records import Course, Moment, Scene
from core.latents import LatentCloud
from core.metrics.estimate import over_examples
from core.metrics.marginal_null import log_aggregated_and_null
from core.priors import MixturePrior, Prior
from core.priors.base import Options
from core.priors.mog import MixtureOfGaussians
from core.priors.vamp import VampPrior
from core.shapes import ComponentLogVars, ComponentMeans, LogWeights
from core.snapshots import Snapshots

WINDOW_DRAWS = 2000
SAMPLES = 4
"""Draws of each posterior behind a marginal KL, as in an evaluation."""
PAIRS = 20_000_000
"""Draws times posteriors an epoch may cost: with more images each gives fewer draws, then fewer images give one."""


class StoredMixture(MixturePrior):
    """A mixture whose components are given: a mixture prior as a snapshot keeps it."""

    def __init__(self, mean: Tensor, log_var: Tensor, log_weight: Tensor) -> None:
        super().__init__(mean.shape[1], Options())
        self._components = mean, log_var, log_weight - log_weight.logsumexp(0)  # half precision misses a sum of 1

    def components(self) -> tuple[ComponentMeans, ComponentLogVars, LogWeights]:
        """As they were given, the weights normalised."""
        return self._components


def cloud_at(found: Snapshots, index: int) -> LatentCloud:
    """The posteriors of the stored images in one snapshot."""
    mean, log_var = (found.taken[index].numbers[name].float().numpy() for name in ("mean", "log_var"))
    return LatentCloud(mean, log_var, found.labels, found.split, found.total, found.rows)


def prior_at(found: Snapshots, index: int, trained: Prior) -> Prior:
    """The prior of one snapshot.

    Args:
        found: the snapshots.
        index: which, from 0.
        trained: the prior of the finished model, which tells its kind; it is left as it is.
    """
    numbers = found.taken[index].numbers
    own = {name.removeprefix("prior."): value.float() for name, value in numbers.items() if name.startswith("prior.")}
    if isinstance(trained, MixturePrior):
        return StoredMixture(own["mean"], own["log_var"], own["log_weight"])
    prior = copy.deepcopy(trained)
    prior.load_state_dict(prior.state_dict() | own)
    return prior.eval()


@torch.inference_mode()
def window(found: Snapshots, trained: Prior, *, seed: int = 0) -> Window:
    """The part of the plane that holds nearly all of q and of p at every epoch: on one window, what moves has moved."""
    clouds = []
    for index in range(len(found.taken)):
        generator = torch.Generator().manual_seed(seed)
        clouds += [
            cloud_at(found, index).sample(WINDOW_DRAWS, generator=generator)[0],
            prior_at(found, index, trained).sample(WINDOW_DRAWS, generator=generator),
        ]
    return density.window(clouds)


@torch.inference_mode()
def scene(found: Snapshots, checkpoint: Checkpoint, index: int, part: Window, cells: int = CELLS) -> Scene:
    """Densities, components and pseudo-inputs of one snapshot.

    Args:
        found: the snapshots.
        checkpoint: the finished model.
        index: which snapshot, from 0.
        part: of the plane.
        cells: along each axis.
    """
    trained = checkpoint.vae.prior
    prior, plane = prior_at(found, index, trained), projections.whole_plane()
    p = views.prior_grid(prior, plane, part, cells)
    assert p is not None  # in two dimensions every prior has a density
    means = None
    if isinstance(prior, MixturePrior) and isinstance(trained, VampPrior | MixtureOfGaussians):
        means = prior.components()[0].numpy()
    pixels = found.taken[index].numbers.get("pseudo_inputs")
    pictures = None if pixels is None else as_pictures(pixels / 255, checkpoint.config.model.image_shape)
    return Scene(views.cloud_grid(cloud_at(found, index), plane, part, cells), p, means, pictures, found.inputs)


@torch.inference_mode()
def course(found: Snapshots, checkpoint: Checkpoint, *, seed: int = 0) -> Course:
    """KL(q(z) || p(z)) = E_q[log q(z) - log p(z)] after every snapshot, and what a perfect prior would give.

    Args:
        found: the snapshots.
        checkpoint: the finished model.
        seed: of the draws, the same at every epoch.
    """
    n = len(found.rows)
    affordable = max(1, PAIRS // n)
    drawn, draws = min(n, affordable), max(1, min(SAMPLES, affordable // n))
    moments = []
    for index, one in enumerate(found.taken):
        prior, generator = prior_at(found, index, checkpoint.vae.prior), torch.Generator().manual_seed(seed)
        mean, log_var = cloud_at(found, index).components()
        own = torch.randperm(n, generator=generator)[:drawn]
        z = DiagonalNormal(mean[own], log_var[own]).sample(draws, generator=generator)
        log_q, null = log_aggregated_and_null(z, mean, log_var, own)
        log_p = prior.log_prob(z.flatten(0, 1)).double().view(log_q.shape)
        kl = over_examples((log_q - log_p).mean(0))
        moments.append(Moment(one.epoch, one.beta, one.validation_elbo, kl, null))
    size = (n, found.split, found.total, drawn, draws, checkpoint.config.data.validation)
    return Course(tuple(moments), found.kept, *size, seed)
