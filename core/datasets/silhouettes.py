"""Caltech-101 Silhouettes: filled outlines of objects, binary at the source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from core.datasets.archive import read_arrays
from core.datasets.base import DataError, Dataset, Request, Split, is_file

FILE = Path("caltech101_silhouettes", "caltech101_silhouettes_28_split1.npz")
PARTS = ("train", "val", "test")
ARRAYS = ("class_names", *PARTS, *(f"{part}_labels" for part in PARTS))
EXPECTED = (
    "train, val, test: (n, 28, 28) uint8, upright, 255 or 1 inside the silhouette and 0 outside, with n = 4,100, 2,264 "
    "and 2,307; train_labels, val_labels, test_labels: (n,) integers from 0; class_names: 101 strings"
)


def load_silhouettes(request: Request) -> Dataset:
    """Caltech-101 Silhouettes at 28x28, split 1 as published: 4,100 / 2,264 / 2,307; binary, nothing is drawn.

    Inside the silhouette is 1, outside 0, upright. Published code gets there from the original .mat file by 1 - x
    and a column-major reshape; the .npz file read here has had both done, so neither is repeated.

    Args:
        request: the file is ``root/caltech101_silhouettes/caltech101_silhouettes_28_split1.npz``; no download.

    Returns:
        The data set; labels index 101 categories.

    Raises:
        DataError: the file is missing, damaged, or its arrays are not those expected.

    References:
        Marlin, Swersky, Chen and de Freitas, 2010, "Inductive principles for restricted Boltzmann machine learning".
    """
    path = request.root / FILE
    if not is_file(path):
        raise DataError(
            f"caltech101_silhouettes: {path} is missing and has no download. Put it there, or set PRIORSCOPE_DATA to "
            f"the folder that holds {FILE}. Expected arrays: {EXPECTED}."
        )
    arrays = read_arrays(path, ARRAYS)
    absent = [name for name in ARRAYS if name not in arrays]
    if absent:
        raise DataError(f"{path} lacks the arrays {', '.join(absent)}. Expected: {EXPECTED}.")
    names = tuple(str(name) for name in arrays["class_names"].reshape(-1))
    train, validation, test = (_split(path, part, arrays, len(names)) for part in PARTS)
    return Dataset(
        name="caltech101_silhouettes",
        image_shape=(1, 28, 28),
        likelihood="bernoulli",
        binarisation="fixed",
        train=train,
        validation=validation,
        test=test,
        seed=request.seed,
        class_names=names,
        source="Caltech-101 Silhouettes (Marlin et al., 2010), 28x28, published split 1",
    )


def _split(path: Path, part: str, arrays: dict[str, np.ndarray], n_classes: int) -> Split:
    images, labels = arrays[part], arrays[f"{part}_labels"]
    if images.ndim != 3 or images.shape[1:] != (28, 28) or len(images) == 0 or images.dtype.kind not in "bu":
        raise DataError(f"{path}: {part} is {images.dtype} of shape {images.shape}. Expected: {EXPECTED}.")
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise DataError(f"{path}: {part}_labels is {labels.dtype} of shape {labels.shape}. Expected: {EXPECTED}.")
    if labels.min() < 0 or labels.max() >= n_classes:
        raise DataError(f"{path}: {part}_labels run from {labels.min()} to {labels.max()} for {n_classes} class_names")
    inside = images != 0
    if not np.array_equal(images, inside * images.max()):
        raise DataError(f"{path}: {part} has more than two values. Expected: {EXPECTED}.")
    # The outer frame is almost always outside the object: mostly 1 there means that 1 - x has yet to be applied.
    frame = np.concatenate([inside[:, 0], inside[:, -1], inside[:, :, 0], inside[:, :, -1]], axis=1)
    if frame.mean() > 0.5:
        raise DataError(f"{path}: {part} is inverted, silhouettes are 0. Expected: {EXPECTED}.")
    return Split(torch.from_numpy(inside.reshape(len(images), -1)).float(), torch.from_numpy(labels.astype(np.int64)))
