"""Places in a plane stand for codes and back; neighbours, traversals and densities are those of the stored codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core import browse, mixture, projections
from core.checkpoint import Checkpoint, load
from core.codes import FlowedCodes, codes_of
from core.records import Plane
from core.views import draws_of, plane_of, prior_grid, window_of
from tests.pages.zoo import tiny_data, trained


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    root: Path = tmp_path_factory.mktemp("browse")
    made = [
        trained(root, "vamp", "vamp", tiny_data(), dim=5),
        trained(root, "flowed", "standard", tiny_data(), dim=3, posterior="iaf"),
        trained(root, "bare", "standard", tiny_data(), latents=False),
    ]
    return {folder.name: load(folder.name, root) for folder in made}


@pytest.fixture
def plane(loaded: dict[str, Checkpoint]) -> Plane:
    vamp = loaded["vamp"]
    return plane_of("pca", browse.require_codes(vamp), vamp.vae.prior)


def test_a_place_and_its_code(loaded: dict[str, Checkpoint], plane: Plane) -> None:
    base = browse.base_of(browse.require_codes(loaded["vamp"]), 7)
    at = np.random.default_rng(0).normal(scale=3, size=(20, 2))
    z = browse.lift(plane, base, at)
    np.testing.assert_allclose(browse.project(plane, z), at, atol=1e-6)
    hidden = np.eye(5) - plane.directions.T @ plane.directions  # what the plane does not show stays the base's
    np.testing.assert_allclose((z - base) @ hidden, 0, atol=1e-6)
    np.testing.assert_allclose(browse.lift(plane, base, browse.project(plane, base[None]))[0], base, atol=1e-6)
    whole = projections.whole_plane()
    np.testing.assert_allclose(browse.lift(whole, np.array([5.0, -3.0]), at), at, atol=1e-12)


def test_the_base_is_an_image_or_the_middle(loaded: dict[str, Checkpoint]) -> None:
    codes = browse.require_codes(loaded["vamp"])
    np.testing.assert_allclose(browse.base_of(codes, None), codes.mean.mean(0), atol=1e-6)
    np.testing.assert_array_equal(browse.base_of(codes, 7), codes.mean[np.flatnonzero(codes.split_rows() == 7)[0]])
    with pytest.raises(ValueError, match="no stored code of an image 4000"):
        browse.base_of(codes, 4000)
    with pytest.raises(ValueError, match="bare holds no latents"):
        browse.require_codes(loaded["bare"])


@pytest.mark.parametrize("name", ["vamp", "flowed"])
def test_an_image_is_its_own_neighbour(loaded: dict[str, Checkpoint], name: str) -> None:
    codes = browse.require_codes(loaded[name])
    usual = browse.spacing(loaded[name])
    found = browse.neighbours(loaded[name], tuple(codes.mean[3].tolist()), 6, usual)
    assert found.rows[0] == codes.split_rows()[3] and found.distances[0] < 1e-3
    assert (np.diff(found.distances) >= 0).all() and len(set(found.rows.tolist())) == 6
    assert found.labels is not None and found.labels[0] == codes.labels[3] and usual.compared == 40
    low, middle, high = usual.nearest
    assert found.usual is usual and 0 <= low <= middle <= high and high > 0


def test_distances_are_in_standard_deviations(loaded: dict[str, Checkpoint]) -> None:
    vamp = loaded["vamp"]
    assert vamp.latents is not None
    z = tuple((vamp.latents.mean[0] + 0.3).tolist())
    found = browse.neighbours(vamp, z, 40, browse.spacing(vamp))
    scale = np.sqrt(np.exp(vamp.latents.log_var.astype(np.float64)).mean(0))
    own = np.sqrt((((np.array(z) - vamp.latents.mean) / scale) ** 2).mean(1))
    np.testing.assert_allclose(np.sort(own), found.distances, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(vamp.latents.split_rows()[own.argsort()[:1]], found.rows[:1])


@pytest.mark.parametrize("name", ["vamp", "flowed"])
def test_traversals_change_one_dimension_each(loaded: dict[str, Checkpoint], name: str) -> None:
    one, codes = loaded[name], browse.require_codes(loaded[name])
    z = tuple(codes.mean[0].tolist())
    known = browse.ranges(codes)
    found = browse.traversals(one, z, 2, 7, known)
    activity = codes.mean.astype(np.float64).var(0)
    assert [row.dimension for row in found] == np.argsort(-activity)[:2].tolist()
    drawn = codes.sample(5000, generator=torch.Generator().manual_seed(0))[0].numpy()
    for row in found:
        share = (drawn[:, row.dimension, None] < row.values[[0, -1]]).mean(0)
        np.testing.assert_allclose(share, [0.01, 0.99], atol=0.002)
        at = np.array(z)
        at[row.dimension] = row.values[3]
        with torch.no_grad():
            expected = one.vae.decode(torch.tensor(at[None], dtype=torch.float32))[0].reshape(4, 4)
        np.testing.assert_allclose(row.images[3], expected, atol=1e-5)
    with pytest.raises(ValueError, match="z must be"):
        browse.traversals(one, (0.0,), 1, 3, known)


def test_densities_at_the_draws(loaded: dict[str, Checkpoint], plane: Plane) -> None:
    vamp = loaded["vamp"]
    codes = browse.require_codes(vamp)
    draws = draws_of(plane, codes, vamp.vae.prior, 80, seed=2)
    q_q, q_p, p_q, p_p = browse.densities_at(vamp, draws)
    assert vamp.latents is not None and q_q is not None and q_p is not None
    z, (mean, log_var) = torch.from_numpy(draws.q_z), vamp.latents.components()
    k = 11  # without the component it came from
    others = torch.from_numpy(vamp.latents.split_rows() != draws.rows[k])
    expected = mixture.log_prob(z[k : k + 1], mean[others], log_var[others])
    np.testing.assert_allclose(q_q[k], expected[0], atol=1e-4)
    np.testing.assert_allclose(q_p, mixture.log_prob(torch.from_numpy(draws.p_z), mean, log_var), atol=1e-4)
    np.testing.assert_allclose(p_q, vamp.vae.prior.log_prob(z).detach(), atol=1e-4)
    assert len(p_p) == 80


def test_a_flow_posterior_has_codes_and_no_density(loaded: dict[str, Checkpoint]) -> None:
    flowed = loaded["flowed"]
    codes = codes_of(flowed)
    assert isinstance(codes, FlowedCodes) and codes.mean.shape == (40, 3) and len(codes) == 40
    z, rows = codes.sample(90, generator=torch.Generator().manual_seed(0))
    assert sorted(np.bincount(rows, minlength=40).tolist()) == [2] * 30 + [3] * 10  # spread evenly
    again, _ = codes.sample(90, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(z, again)
    within = (z - torch.from_numpy(codes.mean)[rows]).square().mean().sqrt()
    assert 0.05 < within < z.std() * 3  # around the code of its own image
    shown = plane_of("pair", codes, flowed.vae.prior)
    draws = draws_of(shown, codes, flowed.vae.prior, 60)
    q_q, q_p, p_q, _ = browse.densities_at(flowed, draws)
    assert q_q is None and q_p is None and np.isfinite(p_q).all()
    part = window_of(shown, codes, flowed.vae.prior)
    grid = prior_grid(flowed.vae.prior, shown, part, 40)
    assert grid is not None and np.isfinite(grid.log_density).all()
    with pytest.raises(ValueError, match="no Gaussian latents"):
        browse.posterior_ellipses(flowed, shown, np.array([0]))
    assert codes_of(loaded["bare"]) is None


def test_ellipses_are_the_posteriors_of_the_chosen_images(loaded: dict[str, Checkpoint], plane: Plane) -> None:
    vamp = loaded["vamp"]
    assert vamp.latents is not None
    rows = vamp.latents.split_rows()[[4, 9]]
    means, covariances = browse.posterior_ellipses(vamp, plane, np.array([*rows, 99_999]))
    np.testing.assert_allclose(means, browse.project(plane, vamp.latents.mean[[4, 9]]), atol=1e-4)
    spread = plane.directions @ np.diag(np.exp(vamp.latents.log_var[9].astype(np.float64))) @ plane.directions.T
    np.testing.assert_allclose(covariances[1], spread, rtol=1e-4)
    one, alone = browse.posterior_in(plane, vamp.latents.mean[9], vamp.latents.log_var[9])
    np.testing.assert_allclose(one, means[1], atol=1e-6)
    np.testing.assert_allclose(alone, covariances[1], atol=1e-6)


def test_the_nearest_draw_of_a_map(loaded: dict[str, Checkpoint], plane: Plane) -> None:
    vamp = loaded["vamp"]
    draws = draws_of(plane, browse.require_codes(vamp), vamp.vae.prior, 30)
    for of, codes in ((draws.q, draws.q_z), (draws.p, draws.p_z)):
        z, place = browse.nearest_draw(draws, (float(of[5, 0]), float(of[5, 1])))
        np.testing.assert_array_equal(z, codes[5].astype(np.float64))
        np.testing.assert_array_equal(place, of[5].astype(np.float64))
