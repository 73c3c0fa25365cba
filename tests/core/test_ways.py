"""Ways between two codes keep to their ends, and the noise of a prior is what the prior makes its draws of."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core import prior_noise
from core.checkpoint import load
from core.distributions import standard_normal
from core.prepared import Prepared
from core.ways import default_ends, spherical, ways

EXACT = ("digits-2d-standard", "digits-2d-gaussian", "digits-2d-maf", "digits-2d-iaf", "digits-2d-realnvp")
MIXTURES = ("digits-2d-mog", "digits-2d-vamp", "digits-2d-aggregated")


@pytest.mark.parametrize("name", EXACT + MIXTURES)
def test_noise_and_back(name: str) -> None:
    prior = load(name).vae.prior
    z = prior.sample(300, generator=torch.Generator().manual_seed(0))
    u = prior_noise.to_noise(prior, z)
    np.testing.assert_allclose(prior_noise.from_noise(prior, u), z, atol=2e-4)


@pytest.mark.parametrize("name", EXACT + MIXTURES)
def test_the_noise_of_draws_is_standard_normal(name: str) -> None:
    n, prior = 4000, load(name).vae.prior
    u = prior_noise.to_noise(prior, prior.sample(n, generator=torch.Generator().manual_seed(0))).numpy()
    assert np.abs(u.mean(0)).max() < 4.5 / n**0.5
    assert np.abs(np.cov(u.T) - np.eye(2)).max() < 4.5 * (2 / n) ** 0.5
    inside = float((np.linalg.norm(u, axis=1) < 1).mean())  # of N(0, I) in the plane: 1 - exp(-1/2)
    share = 1 - math.exp(-0.5)
    assert abs(inside - share) < 4.5 * (share * (1 - share) / n) ** 0.5


@pytest.mark.parametrize("name", EXACT)
def test_the_noise_is_the_one_that_the_prior_draws_first(name: str) -> None:
    prior = load(name).vae.prior
    noise = standard_normal((50, 2), torch.zeros(1), torch.Generator().manual_seed(4))
    drawn = prior.sample(50, generator=torch.Generator().manual_seed(4))
    np.testing.assert_allclose(prior_noise.from_noise(prior, noise), drawn, atol=1e-5)


def test_a_far_place_has_finite_noise() -> None:
    prior = load("digits-2d-vamp").vae.prior
    z = torch.tensor([[80.0, -80.0], [-300.0, 300.0]])
    assert torch.isfinite(prior_noise.to_noise(prior, z)).all()


@pytest.mark.parametrize("name", ["digits-2d-vamp", "digits-2d-maf", "frey-40d-vamp", "digits-2d-standard-iaf"])
def test_ways_begin_and_end_where_they_should(name: str) -> None:
    loaded = load(name)
    d = loaded.vae.prior.dim
    start, end = (tuple(one.tolist()) for one in loaded.vae.prior.sample(2, generator=torch.Generator().manual_seed(1)))
    q = None if loaded.latents is None else Prepared(*loaded.latents.components())
    found = ways(loaded, q, start, end).named()
    assert [word for word, _ in found] == ["linear", "spherical", "along the prior"]
    for _, one in found:
        np.testing.assert_allclose(one.z[[0, -1]], [start, end], atol=1e-4)
        assert one.z.shape[1] == d and np.isfinite(one.z).all() and np.isfinite(one.log_p).all()
        assert np.isfinite(one.log_q).all() == (loaded.latents is not None)


def test_along_the_standard_prior_is_the_great_circle() -> None:
    found = ways(load("digits-2d-standard"), None, (2.0, 0.1), (-0.3, 1.5))
    assert found.along is not None
    np.testing.assert_allclose(found.along.z, found.spherical.z, atol=1e-5)
    assert np.abs(found.spherical.z - found.linear.z).max() > 0.3


def test_the_great_circle_changes_its_length_evenly() -> None:
    a, b = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, -1.0])
    t = torch.linspace(0, 1, 11)
    torch.testing.assert_close(spherical(a, b, t).norm(dim=1), 3 - 2 * t)
    torch.testing.assert_close(spherical(a, -a, t), torch.lerp(a, -a, t[:, None]))
    torch.testing.assert_close(spherical(a, 0 * a, t), torch.lerp(a, 0 * a, t[:, None]))


@pytest.mark.parametrize("end", [(1.0,), (1.0, math.nan), (1.0, 2.0, 3.0)])
def test_ends_of_another_length_are_refused(end: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be 2 finite numbers|expected sequence of length"):
        ways(load("digits-2d-vamp"), None, (0.0, 0.0), end)


def test_the_first_way_joins_two_classes() -> None:
    assert default_ends(5, np.array([3, 3, 1, 3, 0])) == (0, 2)
    assert (
        default_ends(5, None) == (0, 1) and default_ends(5, np.zeros(5)) == (0, 1) and default_ends(1, None) == (0, 0)
    )
