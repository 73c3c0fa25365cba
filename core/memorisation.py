"""Has a pseudo-input memorised a training image? Its nearest ones, and how near images that were never seen come.

Two distances, each the same for a component and for a new image. In latent space: between the centres of the two codes,
every dimension in units of the posteriors' own standard deviation there (root mean square over the training images),
root mean square over the dimensions. In pixels: the expected squared difference of one draw of the pseudo-input from
the image; where pixels are 0 or 1 that is the share of pixels that differ, and a draw is what training saw, so that a
pseudo-input of greys is not near everything just because greys are an average.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.checkpoint import Checkpoint
from core.component_pictures import mixture_of
from core.component_records import Components, Copies, Nearest
from core.generate import as_pictures
from core.intervals import wilson
from core.latents import encode
from core.posthoc import data_of
from core.priors.vamp import VampPrior

COMPARED = 1000
"""Test images that are compared, at most."""
FEWEST = 75
"""Test images of one class that are compared on their own: of fewer even none at all does not tell 5 % from 0."""
ROWS = 100
LATENT_UNIT, PIXEL_UNIT, GREY_UNIT = "sd", "% of pixels", "% of the grey scale"
CLOSE = 0.05
"""A component is called a copy where fewer than this share of the test images come as near to a training image."""


@dataclass(frozen=True)
class Known:
    """The training images with their codes, and how near to one of them images are that were never seen.

    Attributes:
        images: (n, pixels) training images as an evaluation sees them.
        squares: (n,) sum of their squared pixels.
        codes: (n, d) centres of their posteriors.
        scale: (d,) root mean square standard deviation of their posteriors.
        labels: (n,) or None.
        latent: (m,) distance of each test image compared to its nearest training image in latent space.
        pixel: (m,) the same in pixels.
        ratio: (m,) that distance over the one to the second nearest.
        classes: (m,) classes of these test images, or None.
        binary: whether pixels are 0 or 1.
    """

    images: Tensor
    squares: Tensor
    codes: Tensor
    scale: Tensor
    labels: np.ndarray | None
    latent: np.ndarray
    pixel: np.ndarray
    ratio: np.ndarray
    classes: np.ndarray | None
    binary: bool


def known(checkpoint: Checkpoint, root: Path | None = None, *, seed: int = 0) -> Known:
    """The training images of a model, if its data set is on this computer. Nothing is downloaded for this.

    Args:
        checkpoint: of a model with a Gaussian posterior.
        root: folder of the data sets.
        seed: of the choice of test images.

    Raises:
        ValueError: where the data set is not on this computer, or is another one now.
    """
    data = data_of(checkpoint.config, root, download=False)
    train, test = data.fixed("train"), data.fixed("test")
    binary = data.likelihood == "bernoulli"
    codes, log_var = encode(checkpoint.vae, train.images)
    scale, squares = typical_scale(log_var), train.images.square().sum(1)
    unseen = test.take(torch.randperm(len(test), generator=torch.Generator().manual_seed(seed))[:COMPARED])
    centres, _ = encode(checkpoint.vae, unseen.images)
    pixel, ratio = _two_nearest(unseen.images, train.images, squares, binary=binary)
    return Known(
        train.images,
        squares,
        codes,
        scale,
        None if train.labels is None else train.labels.numpy(),
        torch.cat([latent_distances(part, codes, scale).amin(1) for part in centres.split(ROWS)]).numpy(),
        pixel,
        ratio,
        None if unseen.labels is None else unseen.labels.numpy(),
        binary,
    )


def typical_scale(log_var: Tensor) -> Tensor:
    """Root mean square standard deviation of posteriors (n, d) in each dimension, (d,) float64."""
    return log_var.double().exp().mean(0).sqrt()


def latent_distances(centres: Tensor, codes: Tensor, scale: Tensor) -> Tensor:
    """Root mean square of (centre - code) / scale over the dimensions: (m, d), (n, d) to (m, n) float64."""
    return torch.cdist(centres.double() / scale, codes.double() / scale) / math.sqrt(centres.shape[1])


def pixel_distances(u: Tensor, images: Tensor, squares: Tensor, *, binary: bool) -> Tensor:
    """Mean squared difference of pixels between one draw of u and an image, expected over the draw.

    sum_j E(b_j - x_j)^2 with b ~ Bernoulli(u) is sum_j u_j - 2 u_j x_j + x_j^2; with grey pixels b is u itself.

    Args:
        u: (m, pixels) in [0, 1].
        images: (n, pixels).
        squares: (n,) sum of the squared pixels of each image.
        binary: whether pixels are 0 or 1.

    Returns:
        (m, n), 0 to 1.
    """
    own = (u if binary else u.square()).sum(1, keepdim=True)
    return (own - 2 * u @ images.T + squares).clamp_(min=0).div_(u.shape[1])


@torch.no_grad()
def nearest(checkpoint: Checkpoint, found: Known, k: int, count: int, of_class: int | None) -> tuple[Nearest, Nearest]:
    """The training images nearest to a component, in latent space and in pixels.

    In pixels they are nearest to the pseudo-input, or where there is none to what the component's mean decodes to.

    Args:
        checkpoint: of a mixture prior.
        found: its training images.
        k: the component, from 0.
        count: how many.
        of_class: class of the test images to compare with, where there are enough; None takes all classes.
    """
    mean = mixture_of(checkpoint).components()[0][k : k + 1]
    distance = pixel_distances(_inputs(checkpoint)[k : k + 1], found.images, found.squares, binary=found.binary)[0]
    latent = latent_distances(mean, found.codes, found.scale)[0]
    some, of_class = _compared(found, of_class)
    unit = PIXEL_UNIT if found.binary else GREY_UNIT
    pixel = _nearest(distance, found, found.pixel[some], max(count, 2), of_class, unit)
    ratio = float(_ratio(pixel.distances[:1], pixel.distances[1:2])[0])
    apart = float((found.ratio[some] <= ratio).mean())
    ends = wilson(apart, int(some.sum()))
    return (
        _nearest(latent, found, found.latent[some], count, of_class, LATENT_UNIT),
        replace(pixel, ratio=ratio, apart=apart, apart_low=ends[0], apart_high=ends[1]),
    )


@torch.no_grad()
def copies(checkpoint: Checkpoint, found: Known, table: Components) -> Copies:
    """How many components come nearer to a training image, in pixels, than nearly all new images of their class do.

    Args:
        checkpoint: of a mixture prior.
        found: its training images.
        table: its components, for their main classes.
    """
    classes = table.main_class
    own, ratio = _two_nearest(_inputs(checkpoint), found.images, found.squares, binary=found.binary)
    closer, apart = np.empty(len(own)), np.empty(len(own))
    for k in range(len(own)):
        some, _ = _compared(found, None if classes is None else int(classes[k]))
        closer[k] = (found.pixel[some] <= own[k]).mean()
        apart[k] = (found.ratio[some] <= ratio[k]).mean()
    near, standing = ((share := float((one < CLOSE).mean()), *wilson(share, len(one))) for one in (closer, apart))
    return Copies(closer, apart, near, standing, CLOSE, len(found.pixel))


@torch.no_grad()
def nearest_stored(checkpoint: Checkpoint, k: int, count: int) -> Nearest:
    """The stored test images nearest to a component in latent space: what is left without the data set.

    Raises:
        ValueError: where the checkpoint stores no Gaussian posteriors.
    """
    cloud = checkpoint.latents
    if cloud is None:
        raise ValueError(f"checkpoint {checkpoint.name} holds no Gaussian latents")
    codes, log_var = cloud.components()
    mean = mixture_of(checkpoint).components()[0][k : k + 1]
    distance = latent_distances(mean, codes, typical_scale(log_var))[0]
    order = distance.argsort()[:count].numpy()
    labels = None if cloud.labels is None else cloud.labels[order]
    nothing = math.nan, math.nan, math.nan, 0, None
    return Nearest(cloud.split_rows()[order], distance.numpy()[order], labels, LATENT_UNIT, *nothing)


def pictures(checkpoint: Checkpoint, found: Known, rows: np.ndarray) -> np.ndarray:
    """Training images by row, (m, height, width[, channels]) in [0, 1]."""
    return as_pictures(found.images[torch.from_numpy(rows)], checkpoint.config.model.image_shape)


def _two_nearest(u: Tensor, images: Tensor, squares: Tensor, *, binary: bool) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each u to its nearest image, and that over the distance to the second nearest, (m,) each."""
    if len(images) < 2:
        raise ValueError(f"two training images or more are needed to compare distances; got {len(images)}")
    blocks = [
        pixel_distances(part, images, squares, binary=binary).topk(2, largest=False).values for part in u.split(ROWS)
    ]
    first, second = torch.cat(blocks).numpy().T
    return first, _ratio(first, second)


def _ratio(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Nearest over second nearest; 1 where both are at distance 0."""
    return np.where(second > 0, first / np.maximum(second, 1e-30), 1.0)


def _inputs(checkpoint: Checkpoint) -> Tensor:
    """The pseudo-inputs, or what the components' means decode to, (K, pixels)."""
    prior = mixture_of(checkpoint)
    return prior.pseudo_inputs if isinstance(prior, VampPrior) else checkpoint.vae.decode(prior.components()[0])


def _compared(found: Known, of_class: int | None) -> tuple[np.ndarray, int | None]:
    """Which test images to compare with, and their class where there are enough of it."""
    if found.classes is not None and of_class is not None:
        some = found.classes == of_class
        if some.sum() >= FEWEST:
            return some, of_class
    return np.ones(len(found.pixel), bool), None


def _nearest(
    distance: Tensor, found: Known, unseen: np.ndarray, count: int, of_class: int | None, unit: str
) -> Nearest:
    order = distance.argsort()[:count].numpy()
    closer = float((unseen <= float(distance[order[0]])).mean())
    low, high = wilson(closer, len(unseen))
    labels = None if found.labels is None else found.labels[order]
    return Nearest(order, distance.numpy()[order], labels, unit, closer, low, high, len(unseen), of_class)
