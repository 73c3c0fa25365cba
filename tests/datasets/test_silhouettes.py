"""Caltech-101 Silhouettes: the real file, and files of another form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.datasets import DataError, Dataset, load
from tests.datasets.values import generator, labels_of


@pytest.mark.parametrize("real", ["caltech101_silhouettes"], indirect=True)
def test_silhouettes(real: Dataset) -> None:
    assert [len(split) for split in (real.train, real.validation, real.test)] == [4100, 2264, 2307]
    assert (real.image_shape, real.likelihood, real.binarisation) == ((1, 28, 28), "bernoulli", "fixed")
    assert len(real.class_names) == 101
    for name in ("train", "validation", "test"):
        split = real.fixed(name)
        images = split.images.reshape(-1, 28, 28)
        assert split is real.split(name) and int(labels_of(split).max()) == 100
        assert set(split.images.unique().tolist()) == {0.0, 1.0}
        assert images[:, 10:18, 10:18].mean() > 0.8 and images[:, 0].mean() < 0.1, "silhouettes are 1, not inverted"
    # Pyramids are narrow above, wide below, and left like right. Upside down or transposed they are not.
    pyramids = real.train.images[labels_of(real.train) == real.class_names.index("pyramid")].reshape(-1, 28, 28)
    assert pyramids[:, :9].mean() < 0.6 * pyramids[:, -9:].mean()
    assert abs(pyramids[:, :, :9].mean() - pyramids[:, :, -9:].mean()) < 0.1
    index = torch.arange(7)
    assert torch.equal(real.training_batch(index, generator()), real.train.images[:7])


def write_silhouettes(root: Path, **changes: np.ndarray) -> None:
    image = np.zeros((28, 28), dtype=np.uint8)
    image[6:22, 6:22] = 255
    arrays: dict[str, np.ndarray] = {"class_names": np.array(["lamp", "cup"])}
    for part, n in (("train", 4), ("val", 2), ("test", 3)):
        arrays[part] = np.repeat(image[None], n, axis=0)
        arrays[f"{part}_labels"] = np.arange(n, dtype=np.uint8) % 2
    (root / "caltech101_silhouettes").mkdir()
    np.savez(
        root / "caltech101_silhouettes" / "caltech101_silhouettes_28_split1.npz",
        **{**arrays, **changes},  # pyright: ignore[reportArgumentType]
    )


def test_silhouettes_keep_their_splits(tmp_path: Path) -> None:
    write_silhouettes(tmp_path)
    data = load("caltech101_silhouettes", root=tmp_path)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [4, 2, 3]
    assert data.train.images.sum() == 4 * 256 and data.class_names == ("lamp", "cup")


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"val": np.zeros((2, 28, 20), np.uint8)}, "val is uint8 of shape"),
        ({"test_labels": np.zeros(2, np.uint8)}, "test_labels is uint8 of shape"),
        ({"test_labels": np.full(3, 2, np.uint8)}, "for 2 class_names"),
        ({"train": np.arange(4 * 784, dtype=np.uint32).astype(np.uint8).reshape(4, 28, 28)}, "more than two values"),
        ({"train": np.ones((4, 28, 28), np.uint8)}, "train is inverted"),
    ],
)
def test_silhouettes_of_another_form(tmp_path: Path, changes: dict[str, np.ndarray], message: str) -> None:
    write_silhouettes(tmp_path, **changes)
    with pytest.raises(DataError, match=message):
        load("caltech101_silhouettes", root=tmp_path)
