"""Digits, which are always there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from core.datasets import Split, load
from tests.datasets.values import digest, generator, labels_of


def test_digits_counts_classes_and_ranges() -> None:
    digits = load("digits")
    assert [len(digits.split(name)) for name in ("train", "validation", "test")] == [1297, 200, 300]
    assert (digits.image_shape, digits.likelihood, digits.binarisation) == ((1, 8, 8), "bernoulli", "dynamic")
    assert (digits.name, digits.seed, digits.class_names) == ("digits", 777, tuple("0123456789"))
    levels = digits.train.images * 16
    assert torch.equal(levels, levels.round()) and levels.max() == 16 and len(levels.unique()) == 17
    for split in (digits.validation, digits.test):
        assert split.images.dtype == torch.float32 and labels_of(split).dtype == torch.int64
        assert set(split.images.unique().tolist()) == {0.0, 1.0}
        shares = labels_of(split).bincount() / len(split)
        assert (shares - 0.1).abs().max() < 0.01, "the split is stratified"


def test_digits_are_the_source_cut_into_three() -> None:
    from sklearn.datasets import load_digits

    bunch = load_digits(return_X_y=True)
    pixels, labels = np.asarray(bunch[0]), np.asarray(bunch[1])
    digits = load("digits")
    source = sorted(map(tuple, (pixels / 16).astype(np.float32).tolist()))
    train = sorted(map(tuple, digits.train.images.tolist()))
    assert set(train) <= set(source) and len(train) == 1297
    together = torch.cat([labels_of(split) for split in (digits.train, digits.validation, digits.test)])
    assert sorted(together.tolist()) == sorted(labels.tolist())
    # An ink pixel of a drawn image needs ink at the same place of some source image of its class.
    for image, label in zip(digits.test.images, labels_of(digits.test), strict=True):
        assert not (image.bool() & torch.from_numpy(pixels[labels == int(label)].max(0) == 0)).any()


def test_stored_binarisation_never_changes() -> None:
    digits = load("digits")
    assert digest(digits.validation.images) == "b6f27f76cfc63e0e", "stored evaluations were made with other images"
    assert digest(digits.test.images) == "cc06bfdda74c2780", "stored evaluations were made with other images"


def test_seed_changes_the_binarisation_and_not_the_split() -> None:
    one, same, other = load("digits"), load("digits", seed=777), load("digits", seed=778)
    for name in ("train", "validation", "test"):
        assert torch.equal(one.fixed(name).images, same.fixed(name).images)
        assert not torch.equal(one.fixed(name).images, other.fixed(name).images)
        assert torch.equal(labels_of(one.split(name)), labels_of(other.split(name)))
    assert torch.equal(one.train.images, other.train.images)


def test_every_split_has_a_random_stream_of_its_own() -> None:
    digits = load("digits")
    half = Split(torch.full((300, 64), 0.5))
    from core.datasets.base import binarise_once

    drawn = [binarise_once(half, name, digits.seed).images for name in ("train", "validation", "test")]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        agreement = (drawn[first] == drawn[second]).float().mean()
        assert abs(agreement - 0.5) < 0.02, "shared noise would make the splits agree"


def test_fixed_train_is_one_binary_draw_of_train() -> None:
    digits = load("digits")
    fixed = digits.fixed("train")
    assert set(fixed.images.unique().tolist()) == {0.0, 1.0}
    assert not fixed.images[digits.train.images == 0].any() and fixed.images[digits.train.images == 1].all()
    assert abs(fixed.images.mean() - digits.train.images.mean()) < 0.005
    assert fixed.labels is labels_of(digits.train)
    assert digits.fixed("test") is digits.test


def test_training_batch_is_fresh_for_dynamic_and_plain_otherwise() -> None:
    digits, index = load("digits"), torch.tensor([5, 0, 5])
    stream = generator()
    first, second = digits.training_batch(index, stream), digits.training_batch(index, stream)
    assert first.shape == (3, 64) and set(first.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(first, second), "each step has its own draw"
    assert torch.equal(first, digits.training_batch(index, generator())), "and the generator decides it"
    mean = torch.stack([digits.training_batch(index, stream) for _ in range(4000)]).mean(0)
    torch.testing.assert_close(mean, digits.train.images[index], atol=0.04, rtol=0)
    grey = replace(digits, binarisation="none", likelihood="logistic")
    assert torch.equal(grey.training_batch(index, stream), digits.train.images[index])
