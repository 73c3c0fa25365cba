"""Frey faces: the real file, and files of another form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.datasets import DataError, Dataset, data_root, load
from tests.datasets.values import GREY, generator


@pytest.mark.parametrize("real", ["freyfaces"], indirect=True)
def test_freyfaces(real: Dataset) -> None:
    assert [len(split) for split in (real.train, real.validation, real.test)] == [1565, 200, 200]
    assert (real.image_shape, real.likelihood, real.binarisation) == ((1, 28, 20), "logistic", "none")
    levels = torch.cat([real.train.images, real.validation.images, real.test.images]) * 256 - 0.5
    assert torch.equal(levels, levels.round()) and levels.min() == 8 and levels.max() == 238
    with np.load(data_root() / "freyfaces" / "freyfaces.npz") as file:
        frames = file["images"].reshape(1965, -1)
    together = np.sort(np.array([row.tobytes() for row in levels.to(torch.uint8).numpy()]))
    assert np.array_equal(together, np.sort(np.array([row.tobytes() for row in frames]))), "every frame once"
    assert torch.equal(levels[0].to(torch.uint8), torch.from_numpy(frames[439])), "shuffled, not in order of time"
    assert real.train.labels is None and real.class_names == ()
    assert torch.equal(real.training_batch(torch.tensor([3]), generator()), real.train.images[[3]])
    assert torch.equal(real.test.images, load("freyfaces", seed=1, download=False).test.images)


def test_freyfaces_of_another_form(tmp_path: Path) -> None:
    (tmp_path / "freyfaces").mkdir()
    for name, message in (("faces", "lacks the array images"), ("images", r"\(40, 6, 5\)")):
        np.savez(tmp_path / "freyfaces" / "freyfaces.npz", **{name: GREY})  # pyright: ignore[reportArgumentType]
        with pytest.raises(DataError, match=message):
            load("freyfaces", root=tmp_path)
    (tmp_path / "freyfaces" / "freyfaces.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(DataError, match=r"freyfaces\.npz is not an \.npz file, or it is cut short"):
        load("freyfaces", root=tmp_path)
