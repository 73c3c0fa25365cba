"""The best Gaussian of one image's posterior is found from wherever the encoder has put its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core.checkpoint import load
from core.gallery import split_images
from core.metrics.best_gaussian import _Plane
from core.metrics.posterior_gap import image_posterior
from tests.oracle import images_of, linear_gaussian

SIDE = 0.1
HILL = np.array([0.3, -0.2, math.log(0.4), math.log(0.25)])
"""Mean and log standard deviations of the density that the squares hold."""
PLACES = {
    "the hill itself": HILL,
    "beside it": HILL + np.array([0.3, -0.2, 0.5, -0.4]),
    "at the border": np.array([1.9, -1.8, -1.0, -1.2]),
    "beyond the squares": np.array([9.0, -7.0, -1.5, -2.0]),
    "thinner than a square": np.array([0.31, -0.17, -5.0, -5.0]),
    "between the centres": np.array([0.3, -0.2, -4.0, -4.0]),
}


@pytest.fixture
def hill() -> _Plane:
    """N(HILL) on squares around it."""
    steps = np.arange(-20, 20) * SIDE + SIDE / 2
    centres = np.stack(np.meshgrid(steps, steps), 2).reshape(-1, 2)
    offset = (centres - HILL[:2]) / np.exp(HILL[2:])
    log_joint = -0.5 * (offset**2).sum(1) - HILL[2:].sum() - math.log(2 * math.pi)
    return _Plane(centres, 2 * math.log(SIDE), log_joint)


@pytest.mark.parametrize("place", PLACES)
def test_no_gaussian_costs_less_than_the_best_one(hill: _Plane, place: str) -> None:
    """Where it lies beyond the squares, a sum over them without its whole mass falls without end."""
    assert abs(hill.kl(HILL)[0]) < 1e-4
    assert hill.kl(PLACES[place])[0] > hill.kl(HILL)[0] - 1e-4


@pytest.mark.parametrize("place", PLACES)
def test_the_gradient_is_that_of_the_cost(hill: _Plane, place: str) -> None:
    at, step = PLACES[place], 1e-6
    own = hill.kl(at)[1]
    for axis in range(4):
        by = np.eye(4)[axis] * step
        slope = (hill.kl(at + by)[0] - hill.kl(at - by)[0]) / (2 * step)
        assert abs(own[axis] - slope) < 1e-4 * max(1.0, abs(slope))


@pytest.mark.parametrize("widen", [-2.0, 0.0, 2.0])
@pytest.mark.parametrize("shift", [3.0, 10.0, 30.0])
def test_the_best_one_is_found_however_far_the_encoder_is_off(shift: float, widen: float) -> None:
    vae = linear_gaussian(shift=shift, widen=widen)
    found = image_posterior(vae, images_of(linear_gaussian(), 1))
    assert abs(found.family.value) < 1e-3, "the true posterior is a diagonal Gaussian"


@pytest.mark.parametrize(("row", "most"), [(226, 1.0), (247, 1.0), (204, 1.0)])
def test_images_of_a_shipped_model_whose_search_had_ended_nowhere(row: int, most: float) -> None:
    """It told that the best Gaussian was as far away as the encoder's, so that nothing was lost to the encoder."""
    loaded = load("digits-2d-standard")
    found = image_posterior(loaded.vae, split_images(loaded.config, "test")[row][None])
    assert 0 < found.family.value < most < found.kl
    assert torch.isfinite(torch.tensor(found.best)).all()
