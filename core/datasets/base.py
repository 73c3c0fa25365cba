"""What a data set is: three splits, a shape, a likelihood, and one stored seed for everything that is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Likelihood = Literal["bernoulli", "logistic"]
Binarisation = Literal["dynamic", "fixed", "none"]

SPLIT_NAMES = ("train", "validation", "test")

DEFAULT_SEED = 777
"""Seed of the stored binarisation unless another is asked for."""

SPLIT_SEED = 777
"""Seed of every random partition into splits. A constant on purpose: were it the caller's seed, a model trained
under one seed and evaluated under another would meet its own training images in the test split."""


class DataError(ValueError):
    """A data set that is unknown, missing, damaged or not of the expected form. The message says what to do."""


@dataclass(frozen=True)
class Request:
    """What a loader is asked for.

    Attributes:
        root: folder that holds the data sets, one sub-folder each.
        download: whether a missing data set may be fetched.
        seed: seed of the stored binarisation.
    """

    root: Path
    download: bool = True
    seed: int = DEFAULT_SEED


@dataclass(frozen=True, eq=False)  # == on tensors has no single truth value
class Split:
    """Images and their labels.

    Attributes:
        images: (n, pixels) float32 in [0, 1]; pixels in channel, row, column order.
        labels: (n,) int64, indices into the data set's ``class_names``; None where the source has none.
    """

    images: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return self.images.shape[0]

    def take(self, index: Tensor) -> Split:
        """The rows at ``index`` (m,), in that order."""
        return Split(self.images[index], None if self.labels is None else self.labels[index])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits and what a model must know of them.

    Log-likelihoods are comparable only between models of the same data set, binarisation and seed.

    Attributes:
        name: the name that `core.datasets.load` takes.
        image_shape: (channels, height, width).
        likelihood: "bernoulli" for binary images, "logistic" for grey ones (256 levels, pixel = (k + 0.5) / 256).
        binarisation: "dynamic": ``train`` holds grey intensities, drawn afresh for every batch, while ``validation``
            and ``test`` were drawn once from ``seed``; "fixed": the source is binary; "none": the images stay grey.
        train, validation, test: the splits.
        seed: seed of the stored binarisation.
        class_names: what the labels stand for; empty where there are none.
        source: one line, where the images come from.
        test_intensities: (n, pixels) grey test images behind a dynamic binarisation, else None.
    """

    name: str
    image_shape: tuple[int, int, int]
    likelihood: Likelihood
    binarisation: Binarisation
    train: Split
    validation: Split
    test: Split
    seed: int
    class_names: tuple[str, ...]
    source: str
    test_intensities: Tensor | None = None

    def __post_init__(self) -> None:
        for name in SPLIT_NAMES:
            images, labels = self.split(name).images, self.split(name).labels
            least = 1 if name == "validation" else 2  # of one image nothing has an error
            if images.ndim != 2 or images.shape[0] < least or images.shape[1] != prod(self.image_shape):
                raise DataError(
                    f"{self.name}: the {name} images have shape {tuple(images.shape)}, expected (n, "
                    f"{prod(self.image_shape)}) with n of {least} or more for image_shape {self.image_shape}"
                )
            if labels is not None and labels.shape != (images.shape[0],):
                raise DataError(f"{self.name}: {images.shape[0]} {name} images but labels of {tuple(labels.shape)}")

    def split(self, name: str) -> Split:
        """The split called ``name``.

        Raises:
            ValueError: the name is none of "train", "validation", "test".
        """
        if name not in SPLIT_NAMES:
            raise ValueError(f"split is {name!r}, expected one of {', '.join(SPLIT_NAMES)}")
        return getattr(self, name)

    def fixed(self, name: str) -> Split:
        """The split called ``name`` as an evaluation sees it: the same images on every call and every machine.

        A dynamically binarised ``train`` is drawn once from the stored seed; everything else is returned as it is.

        Raises:
            ValueError: the name is none of "train", "validation", "test".
        """
        split = self.split(name)
        if name == "train" and self.binarisation == "dynamic":
            return binarise_once(split, name, self.seed)
        return split

    def training_batch(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Training images as a step of training sees them.

        Args:
            index: (m,) int64 rows of ``train``.
            generator: source of a fresh Bernoulli draw; unused unless the binarisation is "dynamic".

        Returns:
            (m, pixels) float32.
        """
        images = self.train.images[index]
        return binarise(images, generator) if self.binarisation == "dynamic" else images


Loader = Callable[[Request], Dataset]


def is_file(path: Path) -> bool:
    """Whether ``path`` is a regular file. Before Python 3.14 Path.is_file raises where it may not look."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder; as `is_file`, it never raises."""
    try:
        return path.is_dir()
    except OSError:
        return False


def binarise(images: Tensor, generator: torch.Generator) -> Tensor:
    """One Bernoulli draw for every pixel, with its intensity as the probability of a 1.

    Args:
        images: (n, pixels) intensities in [0, 1].
        generator: on the same device as ``images``.

    Returns:
        (n, pixels) of 0 and 1, same dtype. An intensity of 0 never gives a 1, an intensity of 1 always does.

    References:
        Salakhutdinov and Murray, 2008, "On the quantitative analysis of deep belief networks".
    """
    # rand < p rather than torch.bernoulli: bernoulli may hand over to a vendor's own random stream, and then the
    # stored validation and test images would differ between machines.
    uniform = torch.rand(images.shape, generator=generator, device=images.device, dtype=images.dtype)
    return (uniform < images).to(images.dtype)


def binarise_once(split: Split, name: str, seed: int) -> Split:
    """The split drawn from ``seed``, each split name from a random stream of its own.

    Args:
        split: intensities (n, pixels).
        name: "train", "validation" or "test"; picks the stream, so that no two splits share their noise.
        seed: the data set's stored seed.

    Returns:
        The same rows, binary.
    """
    stream = np.random.SeedSequence([seed, SPLIT_NAMES.index(name)]).generate_state(1, np.uint32)
    generator = torch.Generator().manual_seed(int(stream[0]))
    return Split(binarise(split.images, generator), split.labels)


def partition(n: int, n_validation: int, n_test: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of train, validation and test: a shuffle of 0 ... n - 1 by ``SPLIT_SEED``, cut in that order.

    Returns:
        Three int64 index vectors of lengths n - n_validation - n_test, n_validation and n_test; disjoint.
    """
    order = torch.from_numpy(np.random.default_rng(SPLIT_SEED).permutation(n))
    n_train = n - n_validation - n_test
    return order[:n_train], order[n_train : n_train + n_validation], order[n_train + n_validation :]


def dynamic(
    *,
    name: str,
    image_shape: tuple[int, int, int],
    train: Split,
    validation: Split,
    test: Split,
    seed: int,
    class_names: tuple[str, ...],
    source: str,
) -> Dataset:
    """A dynamically binarised data set from three splits of grey intensities (n, pixels)."""
    return Dataset(
        name=name,
        image_shape=image_shape,
        likelihood="bernoulli",
        binarisation="dynamic",
        train=train,
        validation=binarise_once(validation, "validation", seed),
        test=binarise_once(test, "test", seed),
        seed=seed,
        class_names=class_names,
        source=source,
        test_intensities=test.images,
    )
