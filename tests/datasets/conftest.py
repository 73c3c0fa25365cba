"""Roots with few images, the real files where they are, and a way to save own arrays."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.datasets import Dataset, data_root, load, mnist, omniglot
from tests.datasets.files import write_mnist, write_omniglot
from tests.datasets.values import SMALL_MNIST


@pytest.fixture
def real(request: pytest.FixtureRequest) -> Dataset:
    """A data set from PRIORSCOPE_DATA; skips where that is unset or lacks the files."""
    if not os.environ.get("PRIORSCOPE_DATA"):
        pytest.skip("PRIORSCOPE_DATA is unset")
    folder = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}.get(request.param) or str(request.param)
    if not (data_root() / folder).is_dir():
        pytest.skip(f"PRIORSCOPE_DATA has no {folder}")
    return load(request.param, download=False)


@pytest.fixture
def small_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A root whose MNIST has 60 + 10 images, and a loader that expects so many."""
    monkeypatch.setattr(mnist, "SHAPES", SMALL_MNIST)
    monkeypatch.setattr(mnist, "N_TRAIN", 50)
    write_mnist(tmp_path / "MNIST" / "raw", SMALL_MNIST)
    return tmp_path


@pytest.fixture
def small_omniglot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(omniglot, "COUNTS", {omniglot.BACKGROUND: 24, omniglot.EVALUATION: 6})
    monkeypatch.setattr(omniglot, "N_VALIDATION", 4)
    write_omniglot(tmp_path / "omniglot-py" / "images_background", ["Latin", "Early_Aramaic"], 3, 4)
    write_omniglot(tmp_path / "omniglot-py" / "images_evaluation", ["Tibetan"], 2, 3)
    return tmp_path


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., str]:
    """Writes arrays to an .npz file and returns the name that `load` takes."""

    def write(**arrays: object) -> str:
        np.savez(tmp_path / "own.npz", **arrays)  # pyright: ignore[reportArgumentType]
        return f"npz:{tmp_path / 'own.npz'}"

    return write
