"""Own images in an .npz file: layouts and kinds that mean the same, splits made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.datasets import DataError, load
from core.datasets.base import partition
from tests.datasets.values import GREY, labels_of


def test_npz_grey_is_dynamic(save: Callable[..., str]) -> None:
    data = load(save(images=GREY, labels=np.arange(40) % 3 + 7), seed=5)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [32, 4, 4]
    assert (data.image_shape, data.likelihood, data.binarisation) == ((1, 6, 5), "bernoulli", "dynamic")
    assert data.class_names == ("7", "8", "9") and data.seed == 5 and data.name.startswith("npz:")
    rows = partition(40, 4, 4)
    assert torch.equal(data.train.images, torch.from_numpy(GREY.reshape(40, 30)[rows[0].numpy()]).float() / 255)
    assert labels_of(data.test).tolist() == (rows[2] % 3).tolist()
    assert set(data.test.images.unique().tolist()) == {0.0, 1.0}
    assert "own.npz" in data.source and str(Path(data.name[4:]).parent) not in data.source


@pytest.mark.parametrize(
    "images",
    [GREY > 99, (GREY > 99).astype(np.uint8), (GREY > 99).astype(np.uint8) * 255, (GREY > 99).astype(np.float64)],
)
def test_npz_binary_is_fixed(save: Callable[..., str], images: np.ndarray) -> None:
    data = load(save(images=images))
    assert (data.likelihood, data.binarisation) == ("bernoulli", "fixed")
    rows = partition(40, 4, 4)[2].numpy()
    assert torch.equal(data.test.images, torch.from_numpy((GREY > 99).reshape(40, 30)[rows]).float())


def test_npz_layouts_agree(save: Callable[..., str]) -> None:
    colour = np.stack([GREY, GREY // 2, GREY // 3], axis=1)
    first = load(save(images=colour))
    assert first.image_shape == (3, 6, 5)
    flat = colour.reshape(40, 90)
    for arrays in (
        {"images": colour.transpose(0, 2, 3, 1)},
        {"images": np.asfortranarray(colour)},
        {"images": flat, "image_shape": np.array([3, 6, 5])},
        {"images": colour.astype(">f8") / 255},
    ):
        other = load(save(**arrays))
        assert other.image_shape == (3, 6, 5)
        torch.testing.assert_close(other.train.images, first.train.images, atol=1e-7, rtol=0)
    assert load(save(images=GREY.reshape(40, 30), image_shape=(6, 5))).image_shape == (1, 6, 5)
    narrow = GREY.reshape(40, 3, 10, 1).repeat(3, axis=3)
    with pytest.raises(DataError, match="channels first or last"):
        load(save(images=narrow))
    assert load(save(images=narrow, image_shape=(3, 10, 3))).image_shape == (3, 10, 3)
    assert load(save(images=narrow, image_shape=(3, 3, 10))).image_shape == (3, 3, 10)


def test_npz_ready_made_splits(save: Callable[..., str]) -> None:
    parts = {"train_images": GREY[:25], "validation_images": GREY[25:30], "test_images": GREY[30:]}
    labels = {"train_labels": ["a"] * 25, "validation_labels": ["cc"] * 5, "test_labels": ["b"] * 10}
    data = load(save(**parts, **labels))
    assert [len(split) for split in (data.train, data.validation, data.test)] == [25, 5, 10]
    assert torch.equal(data.train.images, torch.from_numpy(GREY[:25].reshape(25, 30)).float() / 255), "in their order"
    assert data.class_names == ("a", "b", "cc")
    assert labels_of(data.validation).tolist() == [2] * 5
    assert load(save(**parts)).train.labels is None
    for arrays, message in (
        ({"train_images": GREY}, "lacks validation_images, test_images"),
        ({**parts, "images": GREY}, "both images and train_images"),
        ({**parts, "test_images": GREY[30:, :5]}, "one image shape"),
        ({**parts, "test_images": GREY[30:] / 255}, "one dtype"),
        ({**parts, "test_images": GREY[:0]}, "test_images has shape"),
        ({**parts, **labels, "test_labels": ["b"] * 9}, r"test_labels has shape \(9,\), expected \(10,\)"),
        ({**parts, **labels, "test_labels": [1] * 10}, "differ in kind"),
        ({**parts, "test_labels": ["b"] * 10}, "expected all of"),
        ({name: images[:5] for name, images in parts.items()}, "15 images, expected at least 30"),
    ):
        with pytest.raises(DataError, match=message):
            load(save(**arrays))


def test_npz_ignores_what_it_does_not_read(save: Callable[..., str]) -> None:
    assert len(load(save(images=GREY, notes=np.array([{}], dtype=object))).train) == 32


def test_npz_paths(tmp_path: Path) -> None:
    np.save(tmp_path / "own.npy", GREY)
    for path, message in (
        ("", "followed by no path"),
        ("a\0b", "NUL"),
        (str(tmp_path), "is a folder"),
        (str(tmp_path / "none.npz"), "does not exist"),
        (str(tmp_path / "own.npy"), "is not an .npz file"),
        ("x" * 5000, "does not exist"),
    ):
        with pytest.raises(DataError, match=message):
            load(f"npz:{path}")
