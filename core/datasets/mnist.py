"""MNIST and Fashion-MNIST: torchvision downloads them, in its own layout; the files are read and checked here."""

from __future__ import annotations

import struct
from functools import partial
from math import prod
from pathlib import Path

import numpy as np
import torch

from core.datasets.base import Dataset, Request, Split, dynamic, is_file
from core.datasets.fetch import damaged, fetch, missing

N_TRAIN = 50_000
SHAPES = {
    "train-images-idx3-ubyte": (60_000, 28, 28),
    "train-labels-idx1-ubyte": (60_000,),
    "t10k-images-idx3-ubyte": (10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (10_000,),
}
GARMENTS = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def load_mnist(request: Request) -> Dataset:
    """MNIST, 28x28, 50,000 / 10,000 / 10,000, dynamically binarised.

    Train is the first 50,000 images of the official training set, in their order, validation its last 10,000, test
    the official test set.

    Args:
        request: the files are sought in ``root/MNIST/raw``, where torchvision keeps them.

    Returns:
        The data set; labels are the digits 0 to 9.

    Raises:
        DataError: missing and not to be downloaded, or damaged.

    References:
        LeCun, Bottou, Bengio and Haffner, 1998, "Gradient-based learning applied to document recognition".
    """
    return _load(
        request,
        name="mnist",
        torchvision_class="MNIST",
        class_names=tuple(str(digit) for digit in range(10)),
        source="MNIST (LeCun et al., 1998); train is the first 50,000 of the official 60,000 training images, "
        "validation the other 10,000",
    )


def load_fashion_mnist(request: Request) -> Dataset:
    """Fashion-MNIST, 28x28, 50,000 / 10,000 / 10,000, dynamically binarised; split as `load_mnist` does.

    Args:
        request: the files are sought in ``root/FashionMNIST/raw``, where torchvision keeps them.

    Returns:
        The data set; labels are ten kinds of garment.

    Raises:
        DataError: missing and not to be downloaded, or damaged.

    References:
        Xiao, Rasul and Vollgraf, 2017, "Fashion-MNIST: a novel image dataset", arXiv 1708.07747.
    """
    return _load(
        request,
        name="fashion_mnist",
        torchvision_class="FashionMNIST",
        class_names=GARMENTS,
        source="Fashion-MNIST (Xiao et al., 2017); train is the first 50,000 of the official 60,000 training images, "
        "validation the other 10,000",
    )


def _load(request: Request, *, name: str, torchvision_class: str, class_names: tuple[str, ...], source: str) -> Dataset:
    folder = request.root / torchvision_class / "raw"
    absent = [folder / file for file in SHAPES if not is_file(folder / file)]
    if absent and not request.download:
        raise missing(name, absent[0])
    if absent:
        fetch(name, request.root, partial(_retrieve, torchvision_class))
    arrays = {file: _read_idx(name, folder / file, shape) for file, shape in SHAPES.items()}
    images, labels = arrays["train-images-idx3-ubyte"], arrays["train-labels-idx1-ubyte"]
    return dynamic(
        name=name,
        image_shape=(1, 28, 28),
        train=_split(images[:N_TRAIN], labels[:N_TRAIN]),
        validation=_split(images[N_TRAIN:], labels[N_TRAIN:]),
        test=_split(arrays["t10k-images-idx3-ubyte"], arrays["t10k-labels-idx1-ubyte"]),
        seed=request.seed,
        class_names=class_names,
        source=source,
    )


def _retrieve(torchvision_class: str, folder: str) -> None:
    from torchvision import datasets

    getattr(datasets, torchvision_class)(folder, train=True, download=True)


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    """(n, 28, 28) and (n,) bytes to a split with intensities k / 255."""
    return Split(
        torch.from_numpy(images.reshape(len(images), -1)).float().div_(255), torch.from_numpy(labels).to(torch.int64)
    )


def _read_idx(name: str, path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """An idx file of unsigned bytes: two zero bytes, 0x08, the rank, the big-endian sizes, then the data."""
    header = struct.Struct(f">4B{len(shape)}I")
    try:
        content = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise damaged(name, path, f"it cannot be read ({error})") from error
    if content.size < header.size:
        raise damaged(name, path, f"it has {content.size} bytes, fewer than its header of {header.size}")
    magic_and_sizes = header.unpack(content[: header.size].tobytes())
    magic, sizes = magic_and_sizes[:4], magic_and_sizes[4:]
    if magic != (0, 0, 8, len(shape)):
        raise damaged(name, path, f"it starts with the bytes {magic}, not with those of an idx file")
    if sizes != shape:
        raise damaged(name, path, f"it declares the sizes {sizes}, expected {shape}")
    if content.size != header.size + prod(shape):
        raise damaged(name, path, f"it has {content.size:,} bytes, expected {header.size + prod(shape):,}")
    data = content[header.size :].reshape(shape)
    if len(shape) == 1 and data.max() > 9:
        raise damaged(name, path, f"it has the label {data.max()}, expected 0 to 9")
    return data
