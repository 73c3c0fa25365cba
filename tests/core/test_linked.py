"""The same images in several latent spaces."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core import linked
from core.latents import LatentCloud

RANDOM = np.random.default_rng(0)


def cloud(n: int = 50, dim: int = 2, rows: np.ndarray | None = None, log_var: float = -1.0) -> LatentCloud:
    mean = RANDOM.normal(size=(n, dim)).astype(np.float32)
    return LatentCloud(mean, np.full((n, dim), log_var, np.float32), None, "test", 100, rows)


def test_rows_that_every_model_keeps() -> None:
    first, second = cloud(50, rows=np.arange(0, 100, 2)), cloud(34, rows=np.arange(0, 100, 3))
    rows = linked.common_rows([first, second])
    assert rows.tolist() == list(range(0, 100, 6))
    some = linked.some_rows(rows, 5, seed=3)
    assert len(set(some.tolist())) == 5 and set(some) <= set(rows) and len(linked.some_rows(rows, 1000)) == len(rows)
    assert (some == linked.some_rows(rows, 5, seed=3)).all() and (some != linked.some_rows(rows, 5, seed=4)).any()


def test_equal_seeds_give_two_models_the_same_noise() -> None:
    first, second = cloud(rows=np.arange(50)), cloud(rows=np.arange(50), log_var=0.5)
    rows = np.array([7, 3, 20])
    noise = [
        (linked.codes(one, rows, means=False, seed=4) - linked.codes(one, rows, means=True))
        / np.exp(one.log_var[0, 0] / 2)
        for one in (first, second)
    ]
    assert np.abs(noise[0] - noise[1]).max() < 1e-5 and np.abs(noise[0]).max() > 0.1
    assert (linked.codes(first, rows, means=True) == first.mean[rows]).all()
    with pytest.raises(ValueError, match="not stored"):
        linked.codes(first, np.array([60]), means=True)


def test_neighbours_of_one_space_are_all_shared_and_of_unrelated_ones_by_chance() -> None:
    z = RANDOM.normal(size=(600, 3))
    turned = z @ np.linalg.qr(RANDOM.normal(size=(3, 3)))[0] * 7 + 2
    near = linked.nearest(z)
    assert near.shape == (600, 10) and (near != np.arange(600)[:, None]).all()
    same, chance = linked.shared_neighbours(near, linked.nearest(turned))
    assert same.value > 0.999 and chance == pytest.approx(10 / 599)
    unrelated, _ = linked.shared_neighbours(near, linked.nearest(RANDOM.normal(size=(600, 40))))
    assert abs(unrelated.value - chance) < 4 * unrelated.se
    with pytest.raises(ValueError, match="the same images"):
        linked.shared_neighbours(near, near[:-1])
    with pytest.raises(ValueError, match="more than 10"):
        linked.nearest(z[:10])


def test_nothing_global_is_touched() -> None:
    before = torch.random.get_rng_state()
    linked.codes(cloud(rows=np.arange(50)), np.arange(5), means=False, seed=1)
    assert torch.equal(before, torch.random.get_rng_state())
