"""Omniglot, from drawings laid out as its source lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.datasets import DataError, load
from tests.datasets.values import labels_of


def test_omniglot_strokes_are_one_and_labels_are_alphabets(small_omniglot: Path) -> None:
    data = load("omniglot", root=small_omniglot, download=False)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [20, 4, 6]
    assert data.class_names == ("Early Aramaic", "Latin", "Tibetan")
    assert torch.cat([labels_of(data.train), labels_of(data.validation)]).bincount().tolist() == [12, 12]
    assert labels_of(data.test).tolist() == [2] * 6
    images = data.train.images.reshape(-1, 28, 28)
    assert (images[:, :, :9] == 1).all() and (images[:, :, 10:] == 0).all(), "ink is 1, paper 0"
    assert set(data.test.images.unique().tolist()) == {0.0, 1.0}


def test_omniglot_that_is_incomplete_or_broken(small_omniglot: Path) -> None:
    page = small_omniglot / "omniglot-py" / "images_background" / "Latin" / "character02" / "0002_01.png"
    page.write_bytes(page.read_bytes()[:60])
    with pytest.raises(DataError, match=r"0002_01\.png is damaged.*python -m core data omniglot"):
        load("omniglot", root=small_omniglot)
    page.unlink()
    with pytest.raises(DataError, match=r"images_background is damaged: it holds 23 drawings, expected 24"):
        load("omniglot", root=small_omniglot)
