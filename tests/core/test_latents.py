"""Stored posteriors: which images of a split are kept, and what a file of them may hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.build import build
from core.errors import CheckpointError
from core.latents import LatentCloud, cloud, read_latents, write_latents
from core.vae import VAE
from tests.contracts import seeded
from tests.core.test_config_build import model_config

N = 1000
IMAGES = torch.rand(N, 12, generator=seeded(5))
SORTED = torch.arange(N)


@pytest.fixture(scope="module")
def vae() -> VAE:
    return build(model_config(), generator=seeded(1)).eval()


def test_a_split_within_the_limit_is_kept_whole_and_in_order(vae: VAE) -> None:
    for limit in (N, N + 1):
        kept = cloud(vae, IMAGES, SORTED, "test", limit=limit)
        assert kept.labels is not None and kept.labels.tolist() == list(range(N)) and kept.total == N


def test_of_a_larger_split_a_fair_part_is_kept(vae: VAE) -> None:
    kept = cloud(vae, IMAGES, SORTED, "test", limit=200)
    index = kept.labels
    assert index is not None and len(kept) == 200 and kept.total == N
    assert (np.diff(index) > 0).all(), "each at most once, in the order of the split"
    quarters = np.bincount(index // 250, minlength=4)
    assert (abs(quarters - 50) < 4 * (200 * 0.25 * 0.75 * 0.8) ** 0.5).all(), "a sorted split is not cut off"
    with torch.no_grad():
        assert np.allclose(kept.mean, vae.posterior(IMAGES[index]).mean, atol=1e-6), "labels stay with their images"


def test_the_part_is_always_the_same_and_touches_no_global_state(vae: VAE) -> None:
    before = torch.random.get_rng_state()
    first, again = (cloud(vae, IMAGES, SORTED, "test", limit=50) for _ in range(2))
    assert np.array_equal(first.labels, again.labels) and np.array_equal(first.mean, again.mean)
    assert torch.equal(before, torch.random.get_rng_state())
    unlabelled = cloud(vae, IMAGES, None, "test", limit=50)
    assert unlabelled.labels is None and np.array_equal(unlabelled.mean, first.mean)


def stored(file: Path, mean: float = 0.0, log_var: float = 0.0, label: int = 0) -> Path:
    numbers = [np.full((3, 2), value, np.float32) for value in (mean, log_var)]
    write_latents(LatentCloud(*numbers, np.full(3, label), "test", 3), file)
    return file


@pytest.mark.parametrize(
    "values", [{"mean": 1e4}, {"mean": -1e4}, {"log_var": 30}, {"log_var": -30}, {"label": 99_999}]
)
def test_the_limits_themselves_are_allowed(values: dict, tmp_path: Path) -> None:
    assert len(read_latents(stored(tmp_path / "latents.safetensors", **values), 2)) == 3


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"mean": 10_008}, "mean"),
        ({"mean": -10_008}, "mean"),
        ({"log_var": 30.5}, "log_var"),
        ({"log_var": -30.5}, "log_var"),
        ({"label": 100_000}, "labels"),
        ({"label": -1}, "labels"),
    ],
)
def test_beyond_the_limits_is_refused_by_name(values: dict, named: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=rf"latents\.safetensors: {named}"):
        read_latents(stored(tmp_path / "latents.safetensors", **values), 2)


def test_no_mean_moves_by_a_notable_part_of_its_width(tmp_path: Path) -> None:
    """Half precision has steps of 1 near 1,500: all codes would lie on a few of them."""
    rng = np.random.default_rng(0)
    for middle, log_var, precise in ((0.0, -4.6, False), (10.0, -10.0, True), (1500.0, -4.6, True)):
        mean = (middle + rng.normal(size=(50, 3))).astype(np.float32)
        file = tmp_path / "latents.safetensors"
        write_latents(LatentCloud(mean, np.full((50, 3), log_var, np.float32), None, "test", 50), file)
        found = read_latents(file, 3)
        assert found is not None
        assert np.abs(found.mean - mean).max() < 0.1 * np.exp(log_var / 2)
        assert np.array_equal(found.mean, mean) is precise


def test_a_label_needs_a_name_where_there_are_names(tmp_path: Path) -> None:
    file = stored(tmp_path / "latents.safetensors", label=2)
    assert read_latents(file, 2, ("a", "b", "c")).labels.tolist() == [2, 2, 2]
    assert read_latents(file, 2, ()).labels.tolist() == [2, 2, 2], "no names, no limit"
    with pytest.raises(CheckpointError, match="labels run from 2 to 2, expected 0 to 1"):
        read_latents(file, 2, ("a", "b"))
