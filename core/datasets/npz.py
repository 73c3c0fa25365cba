"""Own images from an .npz file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.datasets.archive import MAX_BYTES, read_arrays
from core.datasets.base import SPLIT_NAMES, DataError, Dataset, Split, dynamic, partition

PREFIX = "npz:"
MOST_CLASSES = 2000
"""Different labels: beyond it they are no classes, and tables of them take gigabytes."""
N_MIN = 30
DIMMEST = 128
"""Of uint8 images: where no pixel of any of them is as bright, they hardly count to 255."""
CHANNELS = (1, 3)
ARRAYS = (
    "images",
    "labels",
    "image_shape",
    *(f"{split}_images" for split in SPLIT_NAMES),
    *(f"{split}_labels" for split in SPLIT_NAMES),
)


@dataclass(frozen=True, eq=False)
class _Source:
    """All rows of the file, with the rows of each split.

    Attributes:
        images: (n, channels, height, width) as stored.
        labels: (n,) as stored, or None.
        rows: int64 rows of train, validation and test.
    """

    images: np.ndarray
    labels: np.ndarray | None
    rows: tuple[Tensor, Tensor, Tensor]


def load_npz(path: str | Path, *, seed: int, limit: int | None = None) -> Dataset:
    """Own images: grey ones are dynamically binarised, exactly binary ones taken as they are; always Bernoulli.

    The arrays of the file (numpy.savez_compressed writes it; Python objects are refused):

    - ``images``: (n, height, width), (n, height, width, c), (n, c, height, width) with c = 1 or 3, or (n, pixels)
      together with ``image_shape`` = (height, width) or (c, height, width). uint8 from 0 to 255, or floats or booleans
      from 0 to 1; uint8 images without a pixel of half the brightness are refused. At least 30 images in all.
    - ``labels``, optional: (n,) integers or strings; the classes are the distinct values in ascending order.
    - or, instead of ``images`` and ``labels``, ready-made splits: ``train_images``, ``validation_images``,
      ``test_images`` and, all three or none, ``train_labels``, ``validation_labels``, ``test_labels``.

    Without ready-made splits the images are shuffled by a fixed seed and cut into 80 / 10 / 10 %. uint8 images whose
    values are only {0, 1} or only {0, 255} count as binary; other uint8 values are divided by 255.

    Args:
        path: the file; ``~`` is expanded, a relative path starts at the working directory.
        seed: seed of the stored binarisation.
        limit: bytes that the arrays may take as float32; None stands for ``core.datasets.archive.MAX_BYTES``.

    Returns:
        The data set, named ``npz:PATH``; its source carries the start of the file's SHA-256.

    Raises:
        DataError: the file is missing, damaged, too large, or its arrays do not fit the above.
    """
    if not str(path):
        raise DataError("npz: is followed by no path, expected npz:PATH")
    file = Path(path).expanduser() if str(path).startswith("~/") else Path(path)
    arrays = read_arrays(file, ARRAYS, limit=MAX_BYTES if limit is None else limit)
    source = _gather(file, arrays)
    intensities, binary = _to_unit_interval(file, source.images)
    labels, class_names = to_classes(file, source.labels, len(intensities))
    whole = Split(intensities, labels)
    train, validation, test = (whole.take(rows) for rows in source.rows)
    channels, height, width = source.images.shape[1:]
    name, shape = f"{PREFIX}{path}", (int(channels), int(height), int(width))
    with file.open("rb") as content:
        origin = f"own images, {file.name} (SHA-256 {hashlib.file_digest(content, 'sha256').hexdigest()[:12]})"
    if not binary:
        return dynamic(
            name=name,
            image_shape=shape,
            train=train,
            validation=validation,
            test=test,
            seed=seed,
            class_names=class_names,
            source=origin,
        )
    return Dataset(name, shape, "bernoulli", "fixed", train, validation, test, seed, class_names, origin)


def pictures_of(path: Path, images: np.ndarray) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Images of any layout that ``load_npz`` takes, without being flat, as (n, pixels) in [0, 1], and their shape.

    Raises:
        DataError: naming what is wrong with them.
    """
    ordered = _channels_first(path, "images", images, None)
    channels, height, width = ordered.shape[1:]
    return _to_unit_interval(path, ordered)[0].numpy(), (int(channels), int(height), int(width))


def _gather(path: Path, arrays: dict[str, np.ndarray]) -> _Source:
    """Which of the two forms the file has, and its images as (n, c, h, w)."""
    shape = _declared_shape(path, arrays.get("image_shape"))
    ready_made = [f"{split}_images" for split in SPLIT_NAMES]
    given = [name for name in ready_made if name in arrays]
    if "images" in arrays and given:
        raise DataError(f"{path} has both images and {', '.join(given)}, expected either images or the three splits")
    if "images" in arrays:
        images = _channels_first(path, "images", arrays["images"], shape)
        _require_enough(path, len(images))
        tenth = len(images) // 10
        return _Source(images, arrays.get("labels"), partition(len(images), tenth, tenth))
    if len(given) < len(ready_made):
        lacking = "images" if not given else ", ".join(name for name in ready_made if name not in arrays)
        raise DataError(f"{path} lacks {lacking}, expected images, or all of {', '.join(ready_made)}")
    parts = [_channels_first(path, name, arrays[name], shape) for name in ready_made]
    if len({(part.shape[1:], part.dtype) for part in parts}) > 1 or not all(len(part) for part in parts):
        shapes = ", ".join(f"{part.dtype} {arrays[name].shape}" for name, part in zip(ready_made, parts, strict=True))
        raise DataError(f"{path}: the splits are {shapes}, expected one dtype, one image shape and none empty")
    images = np.concatenate(parts)
    _require_enough(path, len(images))
    train, validation, test = torch.arange(len(images)).split([len(part) for part in parts])
    return _Source(images, _joined_labels(path, arrays, parts), (train, validation, test))


def _require_enough(path: Path, n: int) -> None:
    if n < N_MIN:
        raise DataError(f"{path} has {n} images, expected at least {N_MIN}")


def _declared_shape(path: Path, array: np.ndarray | None) -> tuple[int, int, int] | None:
    """image_shape as (channels, height, width), or None where the file has none."""
    if array is None:
        return None
    sizes = [int(size) for size in array.tolist()] if array.ndim == 1 and array.dtype.kind in "iu" else []
    if len(sizes) == 2:
        sizes = [1, *sizes]
    if len(sizes) != 3 or min(sizes) < 1 or sizes[0] not in CHANNELS:
        raise DataError(
            f"{path}: image_shape is {array.tolist()!r:.80}, expected (height, width) or (channels, height, width) "
            "with 1 or 3 channels"
        )
    return sizes[0], sizes[1], sizes[2]


def _channels_first(path: Path, name: str, array: np.ndarray, shape: tuple[int, int, int] | None) -> np.ndarray:
    """One array of images as (n, channels, height, width), whichever of the four layouts it has."""
    if array.ndim == 2 and shape is None:
        raise DataError(f"{path}: {name} is flat, {array.shape}; add image_shape = (height, width)")
    if array.ndim == 2 and shape is not None and array.shape[1] == prod(shape):
        return array.reshape(len(array), *shape)
    if array.ndim == 3 and array.size and shape in (None, (1, *array.shape[1:])):
        return array[:, None]
    if array.ndim == 4 and array.size:
        first = array.shape[1] in CHANNELS and shape in (None, array.shape[1:])
        last_shape = (array.shape[3], array.shape[1], array.shape[2])
        last = array.shape[3] in CHANNELS and shape in (None, last_shape)
        if first and last and array.shape[1:] != last_shape:
            raise DataError(f"{path}: {name} {array.shape} can have its channels first or last; add image_shape")
        if first or last:
            return array if first else array.transpose(0, 3, 1, 2)
    raise DataError(
        f"{path}: {name} has shape {array.shape}" + (f" and image_shape is {shape}" if shape else "") + ", expected "
        "(n, height, width), (n, height, width, c), (n, c, height, width) with c = 1 or 3, or (n, pixels) with "
        "image_shape"
    )


def _to_unit_interval(path: Path, images: np.ndarray) -> tuple[Tensor, bool]:
    """(n, c, h, w) as stored to (n, pixels) float32 in [0, 1], and whether every value is exactly 0 or 1."""
    if images.dtype != np.uint8 and images.dtype.kind not in "fb":
        raise DataError(
            f"{path}: the images are {images.dtype}, expected uint8 from 0 to 255 or floats from 0 to 1; "
            'convert them, as in images.astype("uint8")'
        )
    low, high = images.min(), images.max()  # NaN wherever there is one
    if not np.isfinite(low) or not np.isfinite(high):
        raise DataError(f"{path}: the images contain NaN or infinite values")
    if low == high:
        raise DataError(f"{path}: every pixel of every image is {low}, there is nothing to learn")
    if images.dtype.kind == "f" and (low < 0 or high > 1):
        raise DataError(
            f"{path}: the images are floats from {low:.9g} to {high:.9g}, expected 0 to 1; divide by the brightest "
            "possible value"
        )
    if images.dtype == np.uint8 and 1 < high < DIMMEST:
        raise DataError(
            f"{path}: the brightest of all pixels is {high} of 255, as in images that count to {high}: taken as they "
            "are they would be nearly black; divide by the brightest possible value and store floats"
        )
    values = torch.from_numpy(images.reshape(len(images), -1).astype(np.float32))
    if images.dtype == np.uint8 and high > 1:
        values /= 255
    return values, bool(((values == 0) | (values == 1)).all())


def _joined_labels(path: Path, arrays: dict[str, np.ndarray], parts: list[np.ndarray]) -> np.ndarray | None:
    """The labels of ready-made splits, end to end; each is checked against its own split."""
    names = [f"{split}_labels" for split in SPLIT_NAMES]
    given = [name for name in names if name in arrays]
    if not given:
        return None
    if len(given) < len(names):
        raise DataError(f"{path} has {', '.join(given)} only, expected all of {', '.join(names)} or none")
    for name, part in zip(names, parts, strict=True):
        if arrays[name].shape != (len(part),):
            raise DataError(f"{path}: {name} has shape {arrays[name].shape}, expected ({len(part)},)")
    if len({arrays[name].dtype.kind for name in names}) > 1:
        raise DataError(f"{path}: {', '.join(names)} differ in kind, expected all integers or all strings")
    return np.concatenate([arrays[name] for name in names])


def to_classes(path: Path, labels: np.ndarray | None, n: int) -> tuple[Tensor | None, tuple[str, ...]]:
    """Labels as (n,) int64 indices of the distinct values, and those values as names."""
    if labels is None:
        return None, ()
    if labels.shape != (n,):
        raise DataError(f"{path}: labels has shape {labels.shape}, expected ({n},): one for each image")
    if labels.dtype.kind not in "biuU":
        raise DataError(f"{path}: the labels are {labels.dtype}, expected integers or strings")
    values, index = np.unique(labels, return_inverse=True)
    if len(values) > MOST_CLASSES:
        raise DataError(
            f"{path}: the labels have {len(values):,} different values, expected at most {MOST_CLASSES:,} classes; "
            "leave labels out where each image has its own"
        )
    return torch.from_numpy(index.astype(np.int64)), tuple(str(value) for value in values)
