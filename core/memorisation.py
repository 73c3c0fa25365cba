"""Has a pseudo-input memorised a training image? Its nearest ones, and how near images that were never seen come.

Two distances, each the same for a component and for a new image. In latent space: between the centres of the two codes,
every dimension in units of the posteriors' own standard deviation there (root mean square over the training images),
root mean square over the dimensions. In pixels it hangs on what a training image is:

binary      the expected share of pixels in which one draw of the pseudo-input differs from the image
grey        the root mean square difference of their pixels
dynamic     the same, to the image's intensities or to its stored binarisation, whichever is nearer: training draws its
            images from the intensities, and pseudo-inputs that begin at images begin at the stored binarisation. New
            images are compared by their intensities. A draw of an image's intensities is no nearer to the stored
            binarisation of the same image than to that of another one (digits), so that draws tell nothing here

In the last two a blurred average is near to many images, as it is to none of them alone: a copy is one that is near,
and whose nearest image stands out from the second nearest, as hardly any new image is and does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core import dense
from core.checkpoint import Checkpoint
from core.component_pictures import mixture_of
from core.component_records import Components
from core.datasets import Dataset
from core.generate import as_pictures
from core.intervals import wilson
from core.latents import encode
from core.nearest_records import GREY_UNIT, LATENT_UNIT, PIXEL_UNIT, Compared, Copies, Nearest
from core.posthoc import data_of
from core.priors.vamp import VampPrior
from core.shapes import Images

COMPARED = 1000
"""Test images that are compared, at most."""
KEPT = 8
"""Nearest training images of each component that are kept."""
FEWEST = 75
"""Test images of one class that are compared on their own: of fewer even none at all does not tell 5 % from 0."""
ROWS = 100
CLOSE = 0.05
"""A component is a copy where fewer of the test images than this come as near to a training image, and fewer than this
stand out to it as much."""


def compare(checkpoint: Checkpoint, root: Path | None = None, *, seed: int = 0) -> Compared:
    """Search all training images, for every component, if the data set is on this computer. Nothing is downloaded.

    Args:
        checkpoint: of a mixture prior and a Gaussian posterior.
        root: folder of the data sets.
        seed: of the choice of test images.

    Raises:
        ValueError: where the data set is not on this computer, or is another one now.
    """
    return compare_with(checkpoint, data_of(checkpoint.config, root, download=False), seed=seed)


@torch.no_grad()
def compare_with(checkpoint: Checkpoint, data: Dataset, *, seed: int = 0) -> Compared:
    """Search all training images of a data set; in pixels a component is its pseudo-input, or what its mean decodes to.

    Args:
        checkpoint: of a mixture prior and a Gaussian posterior.
        data: that it was trained on.
        seed: of the choice of test images.

    Raises:
        ValueError: for fewer than two training images.
    """
    train, test = data.fixed("train"), data.fixed("test")
    if len(train) < 2:
        raise ValueError(f"two training images or more are needed to compare distances; got {len(train)}")
    codes, log_var = encode(checkpoint.vae, train.images)
    scale, to_train, count = typical_scale(log_var), _ToTraining(data), min(KEPT, len(train))
    chosen = torch.randperm(len(test), generator=torch.Generator().manual_seed(seed))[:COMPARED]
    new = test.take(chosen)

    def in_pixels(u: Tensor, count: int) -> tuple[np.ndarray, np.ndarray]:
        return _smallest((to_train.distances(part) for part in u.split(ROWS)), count)

    def in_latents(centres: Tensor, count: int) -> tuple[np.ndarray, np.ndarray]:
        return _smallest((latent_distances(part, codes, scale) for part in centres.split(ROWS)), count)

    latent, latent_rows = in_latents(mixture_of(checkpoint).components()[0], count)
    pixel, pixel_rows = in_pixels(_inputs(checkpoint), count)
    two_pixel, _ = in_pixels(new.images if data.test_intensities is None else data.test_intensities[chosen], 2)
    labels = None if train.labels is None else train.labels.numpy()
    return Compared(
        latent_rows=latent_rows,
        latent=latent,
        latent_labels=None if labels is None else labels[latent_rows],
        pixel_rows=pixel_rows,
        pixel=pixel,
        pixel_labels=None if labels is None else labels[pixel_rows],
        new_latent=in_latents(encode(checkpoint.vae, new.images)[0], 1)[0][:, 0],
        new_pixel=two_pixel[:, 0],
        new_ratio=_ratio(two_pixel),
        new_labels=None if new.labels is None else new.labels.numpy(),
        drawn=to_train.binary,
        train=len(train),
        seed=seed,
    )


def typical_scale(log_var: Tensor) -> Tensor:
    """Root mean square standard deviation of posteriors (n, d) in each dimension, (d,) float64."""
    return log_var.double().exp().mean(0).sqrt()


def latent_distances(centres: Tensor, codes: Tensor, scale: Tensor) -> Tensor:
    """Root mean square of (centre - code) / scale over the dimensions: (m, d), (n, d) to (m, n) float64."""
    return torch.cdist(centres.double() / scale, codes.double() / scale) / math.sqrt(centres.shape[1])


class _ToTraining:
    """How far images are from every training image of a data set, in pixels."""

    def __init__(self, data: Dataset) -> None:
        self.binary = data.binarisation == "fixed"
        stored = data.fixed("train").images
        self.references = [stored, data.train.images] if data.binarisation == "dynamic" else [stored]
        self.squares = [images.square().sum(1) for images in self.references]

    def distances(self, u: Tensor) -> Tensor:
        """Of (m, pixels) to (n, pixels), (m, n) in [0, 1]."""
        pairs = zip(self.references, self.squares, strict=True)
        first, *rest = [pixel_distances(u, images, squares, binary=self.binary) for images, squares in pairs]
        return torch.minimum(first, rest[0]) if rest else first


def pixel_distances(u: Tensor, images: Tensor, squares: Tensor, *, binary: bool) -> Tensor:
    """Share of pixels that differ between a draw of u and a binary image, expected over the draw; of grey ones the RMS.

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
    squared = dense.linear(-2 * u, images, squares).add_(own).clamp_(min=0).div_(u.shape[1])
    return squared if binary else squared.sqrt_()


def nearest(found: Compared, k: int, count: int, of_class: int | None) -> tuple[Nearest, Nearest]:
    """The training images nearest to a component, in latent space and in pixels, beside how near new images come.

    Args:
        found: all components.
        k: the component, from 0.
        count: how many, at most ``KEPT``.
        of_class: class of the test images to compare with, where there are enough; None takes all classes.
    """
    some, of_class = _compared(found, of_class)
    ratio = float(_ratio(found.pixel[k : k + 1])[0])
    apart = float((found.new_ratio[some] <= ratio).mean())
    ends, size = wilson(apart, int(some.sum())), min(count, found.pixel.shape[1])
    kept = [None if labels is None else labels[k, :size] for labels in (found.latent_labels, found.pixel_labels)]
    latent = (found.latent_rows[k, :size], found.latent[k, :size], kept[0], LATENT_UNIT)
    pixel = (found.pixel_rows[k, :size], found.pixel[k, :size], kept[1], PIXEL_UNIT if found.drawn else GREY_UNIT)
    return (
        Nearest(*latent, *_as_near(found.new_latent[some], float(latent[1][0])), of_class),
        Nearest(*pixel, *_as_near(found.new_pixel[some], float(pixel[1][0])), of_class, ratio, apart, *ends),
    )


def copies(found: Compared, table: Components) -> Copies:
    """How many components are copies of a training image: near to it in pixels and to no other, as few new images are.

    Args:
        found: all components.
        table: what else is known of them, for their main classes.
    """
    classes, ratio = table.main_class, _ratio(found.pixel)
    closer, apart = np.empty(len(table)), np.empty(len(table))
    for k in range(len(table)):
        some, _ = _compared(found, None if classes is None else int(classes[k]))
        closer[k] = (found.new_pixel[some] <= found.pixel[k, 0]).mean()
        apart[k] = (found.new_ratio[some] <= ratio[k]).mean()
    near, standing = closer < CLOSE, apart < CLOSE
    told = [(float(one.mean()), *wilson(float(one.mean()), len(one))) for one in (near & standing, near, standing)]
    return Copies(closer, apart, told[0], told[1], told[2], CLOSE, _taken_for_copies(found), len(found.new_pixel))


def _taken_for_copies(found: Compared) -> float:
    """Share of the new images that would be called copies, each compared with those of its class as a component is."""
    labels, taken = found.new_labels, []
    for i, (pixel, ratio) in enumerate(zip(found.new_pixel, found.new_ratio, strict=True)):
        some, _ = _compared(found, None if labels is None else int(labels[i]))
        near, standing = (found.new_pixel[some] <= pixel).mean(), (found.new_ratio[some] <= ratio).mean()
        taken.append(near < CLOSE and standing < CLOSE)
    return float(np.mean(taken))


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


def training_images(checkpoint: Checkpoint, root: Path | None = None) -> Images:
    """(n, pixels) training images as an evaluation sees them, if the data set is on this computer.

    Raises:
        ValueError: where it is not, or is another one now.
    """
    return data_of(checkpoint.config, root, download=False).fixed("train").images


def pictures(checkpoint: Checkpoint, images: Images, rows: np.ndarray) -> np.ndarray:
    """Training images by row, (m, height, width[, channels]) in [0, 1]."""
    return as_pictures(images[torch.from_numpy(rows)], checkpoint.config.model.image_shape)


def _smallest(blocks: Iterable[Tensor], count: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``count`` smallest of each row, ascending, (m, count) float32, and their columns."""
    found = [block.topk(count, largest=False) for block in blocks]
    return torch.cat([one.values for one in found]).float().numpy(), torch.cat([one.indices for one in found]).numpy()


def _ratio(distances: np.ndarray) -> np.ndarray:
    """Nearest over second nearest of (m, 2 or more); 1 where both are at distance 0."""
    first, second = distances[:, 0], distances[:, 1]
    return np.where(second > 0, first / np.maximum(second, 1e-30), 1.0).astype(np.float32)


def _inputs(checkpoint: Checkpoint) -> Tensor:
    """The pseudo-inputs, or what the components' means decode to, (K, pixels)."""
    prior = mixture_of(checkpoint)
    return prior.pseudo_inputs if isinstance(prior, VampPrior) else checkpoint.vae.decode(prior.components()[0])


def _compared(found: Compared, of_class: int | None) -> tuple[np.ndarray, int | None]:
    """Which test images to compare with, and their class where there are enough of it."""
    if found.new_labels is not None and of_class is not None:
        some = found.new_labels == of_class
        if some.sum() >= FEWEST:
            return some, of_class
    return np.ones(len(found.new_pixel), bool), None


def _as_near(new: np.ndarray, distance: float) -> tuple[float, float, float, int]:
    """Share of new images that come as near, the ends of its interval, and how many were compared."""
    closer = float((new <= distance).mean())
    return closer, *wilson(closer, len(new)), len(new)
