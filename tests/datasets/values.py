"""Small values that the tests of several data sets share."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor

from core.datasets import Split

GREY = np.linspace(0, 255, 40 * 6 * 5).astype(np.uint8).reshape(40, 6, 5)
SMALL_MNIST = {
    "train-images-idx3-ubyte": (60, 28, 28),
    "train-labels-idx1-ubyte": (60,),
    "t10k-images-idx3-ubyte": (10, 28, 28),
    "t10k-labels-idx1-ubyte": (10,),
}


def digest(images: Tensor) -> str:
    return hashlib.sha256(images.numpy().tobytes()).hexdigest()[:16]


def labels_of(split: Split) -> Tensor:
    assert split.labels is not None
    return split.labels


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
