"""What holds of every data set: splits, binarisation drawn once and stored, shapes that fit."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from core.datasets import DataError, Split, binarise, load
from core.datasets.base import partition
from tests.datasets.values import generator


def test_binarise_is_a_bernoulli_draw_and_keeps_certain_pixels() -> None:
    intensities = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0]).expand(40_000, 5)
    drawn = binarise(intensities, generator())
    assert drawn.dtype == torch.float32 and set(drawn.unique().tolist()) == {0.0, 1.0}
    assert drawn[:, 0].sum() == 0 and drawn[:, 4].sum() == 40_000
    torch.testing.assert_close(drawn.mean(0), intensities[0], atol=4 * 0.0025, rtol=0)  # 4 standard errors
    assert torch.equal(drawn, binarise(intensities, generator())), "one seed, one draw"
    assert not torch.equal(drawn, binarise(intensities, generator(1)))


def test_binarise_leaves_the_global_seed_alone() -> None:
    before = torch.get_rng_state()
    load("digits").fixed("train")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("n,n_validation,n_test", [(1965, 200, 200), (30, 3, 3), (10, 4, 0)])
def test_partition_is_disjoint_and_complete(n: int, n_validation: int, n_test: int) -> None:
    parts = partition(n, n_validation, n_test)
    assert [len(part) for part in parts] == [n - n_validation - n_test, n_validation, n_test]
    assert sorted(torch.cat(parts).tolist()) == list(range(n))


def test_partition_never_changes() -> None:
    # Stored evaluations rest on this very shuffle; another one would put training images into the test split.
    train, validation, test = partition(1965, 200, 200)
    assert train[:5].tolist() == [439, 428, 344, 1536, 660]
    assert validation[:3].tolist() == [1522, 599, 995] and test[:3].tolist() == [1922, 569, 1543]


def test_dataset_refuses_shapes_that_do_not_fit() -> None:
    digits = load("digits")
    with pytest.raises(DataError, match="train images have shape"):
        replace(digits, image_shape=(1, 8, 9))
    with pytest.raises(DataError, match="300 test images but labels"):
        replace(digits, test=Split(digits.test.images, torch.zeros(299, dtype=torch.int64)))
    with pytest.raises(FrozenInstanceError):
        digits.seed = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_unknown_split_names_the_allowed_ones() -> None:
    digits = load("digits")
    for call in (digits.split, digits.fixed):
        with pytest.raises(ValueError, match="'val', expected one of train, validation, test"):
            call("val")
