"""MNIST and Fashion-MNIST: the real files, and files that are damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.datasets import DataError, Dataset, data_root, load
from tests.datasets.files import write_idx
from tests.datasets.values import digest, labels_of


@pytest.mark.parametrize(
    "real,validation,test",
    [
        ("mnist", "381d16f66bf38fbd", "8924e80099d1c932"),
        ("fashion_mnist", "ee19ec5ec020dc72", "962b7930be619f49"),
    ],
    indirect=["real"],
)
def test_mnist_family(real: Dataset, validation: str, test: str) -> None:
    assert [len(split) for split in (real.train, real.validation, real.test)] == [50_000, 10_000, 10_000]
    assert (real.image_shape, real.likelihood, real.binarisation) == ((1, 28, 28), "bernoulli", "dynamic")
    assert real.train.images.min() == 0 and real.train.images.max() == 1 and len(real.class_names) == 10
    assert digest(real.validation.images) == validation and digest(real.test.images) == test
    folder = data_root() / ("MNIST" if real.name == "mnist" else "FashionMNIST") / "raw"
    pixels = np.fromfile(folder / "train-images-idx3-ubyte", dtype=np.uint8, offset=16).reshape(60_000, 784)
    labels = np.fromfile(folder / "train-labels-idx1-ubyte", dtype=np.uint8, offset=8)
    grey = torch.from_numpy(pixels).float() / 255
    assert torch.equal(real.train.images, grey[:50_000]), "train is the first 50,000"
    assert np.array_equal(labels_of(real.train).numpy(), labels[:50_000])
    assert np.array_equal(labels_of(real.validation).numpy(), labels[50_000:]), "validation is the last 10,000"
    assert not real.validation.images[grey[50_000:] == 0].any() and real.validation.images[grey[50_000:] == 1].all()
    assert abs(real.validation.images.mean() - grey[50_000:].mean()) < 1e-3


def test_small_mnist_reads_back(small_mnist: Path) -> None:
    data = load("mnist", root=small_mnist, download=False)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [50, 10, 10]
    assert data.train.images[49, 0].item() == pytest.approx(49 / 255)
    assert labels_of(data.validation).tolist() == list(range(10))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def web_page(path: Path) -> None:
    path.write_bytes(b"<html>not found</html>" * 10)


def fewer(path: Path) -> None:
    write_idx(path, np.zeros((30, 28, 28) if "idx3" in path.name else 30, dtype=np.uint8))


def misdeclare(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[7] += 1  # last byte of the first size
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("damage", [cut, lengthen, empty, web_page, fewer, misdeclare])
def test_damaged_idx_is_named_with_the_remedy(small_mnist: Path, file: str, damage: Callable[[Path], None]) -> None:
    damage(small_mnist / "MNIST" / "raw" / file)
    with pytest.raises(DataError, match=rf"{file} is damaged.*Delete it and run `python -m core data mnist`"):
        load("mnist", root=small_mnist, download=True)


def test_labels_beyond_nine_are_damage(small_mnist: Path) -> None:
    write_idx(small_mnist / "MNIST" / "raw" / "train-labels-idx1-ubyte", np.full(60, 10, dtype=np.uint8))
    with pytest.raises(DataError, match="label 10, expected 0 to 9"):
        load("mnist", root=small_mnist)
