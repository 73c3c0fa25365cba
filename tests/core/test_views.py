"""Planes of a latent space: densities in them are those of the projected draws, and regions count what they hold."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from core import density, mixture, projections, tables, views
from core.gallery import gallery
from core.latents import LatentCloud, stored_rows
from core.priors import PRIORS, MixturePrior, Prior, PriorContext
from core.records import HDR_SHARES, CurvePoint, DensityGrid, Draws, Estimate
from core.region import box
from tests.contracts import registered_prior, seeded

DIM = 5


def some_cloud(n: int = 400, dim: int = DIM, shift: float = 0.0) -> LatentCloud:
    """Correlated means in three clusters, standard deviations from 0.1 to 0.8."""
    g = seeded(3)
    centres = 1.5 * torch.randn(3, dim, generator=g)
    labels = torch.randint(3, (n,), generator=g)
    mean = centres[labels] + torch.randn(n, dim, generator=g) @ (0.3 * torch.randn(dim, dim, generator=g))
    mean[:, -1] += shift
    log_var = 2 * torch.log(0.1 + 0.7 * torch.rand(n, dim, generator=g))
    return LatentCloud(mean.numpy(), log_var.numpy(), labels.numpy(), "test", n)


def some_prior(kind: str = "standard", dim: int = DIM) -> Prior:
    options = {"mog": {"components": 7}, "maf": {"layers": 2, "hidden": 8}}.get(kind, {})
    context = PriorContext(dim, 4, nn.Identity(), None, seeded(1))
    prior = PRIORS[kind].from_config(options, context)
    for parameter in prior.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=seeded(2))
    return prior.eval().requires_grad_(False)


def share_above(grid: DensityGrid, places: np.ndarray) -> list[float]:
    """Share of draws in the cells above each level of the grid."""
    step = grid.x[1] - grid.x[0]
    column, row = (
        np.floor((places[:, k] - side[0]) / step + 0.5).astype(int) for k, side in ((0, grid.x), (1, grid.y))
    )
    seen = (column >= 0) & (column < len(grid.x)) & (row >= 0) & (row < len(grid.y))
    values = np.full(len(places), -np.inf)
    values[seen] = grid.log_density[row[seen], column[seen]]
    return [float((values >= level).mean()) for level in grid.levels]


def test_full_covariances_against_the_oracle() -> None:
    g = seeded(0)
    mean, root = torch.randn(6, 3, generator=g).double(), torch.randn(6, 3, 3, generator=g).double()
    covariance = root @ root.mT + 0.05 * torch.eye(3)
    log_weight = torch.randn(6, generator=g).double().log_softmax(0)
    z = 3 * torch.randn(50, 3, generator=g).double()
    truth = MixtureSameFamily(Categorical(logits=log_weight), MultivariateNormal(mean, covariance)).log_prob(z)
    assert torch.allclose(mixture.full_log_prob(z, mean, covariance, log_weight), truth, atol=1e-10)
    single = mixture.full_log_prob(z.float(), mean.float(), covariance, log_weight.float())
    assert torch.allclose(single.double(), truth, atol=1e-2)


@pytest.mark.parametrize("kind", ["pair", "pca", "different"])
@pytest.mark.parametrize("prior_kind", ["standard", "mog", "gaussian"])
def test_regions_hold_the_share_of_the_draws_that_they_claim(kind: str, prior_kind: str) -> None:
    cloud, prior = some_cloud(), some_prior(prior_kind)
    shown = views.view(kind, cloud, prior)
    part = views.window(shown, prior)
    n = 40_000
    places = views.draws(shown, prior, n, seed=5)
    p_grid = views.prior_grid(prior, shown.plane, part, 150)
    assert p_grid is not None
    for grid, drawn in ((views.cloud_grid(shown.cloud, shown.plane, part, 150), places.q), (p_grid, places.p)):
        assert 0.97 < grid.mass <= 1.0005
        for found, share in zip(share_above(grid, drawn), HDR_SHARES, strict=True):
            assert abs(found - share) < 4 * math.sqrt(share * (1 - share) / n) + 2e-3


def test_a_turned_plane_of_two_dimensions_shows_the_same_density() -> None:
    cloud, prior = some_cloud(dim=2), some_prior("mog", 2)
    assert isinstance(prior, MixturePrior)
    shown = views.view("pca", cloud, prior)
    part = views.window(shown, prior)
    grid = views.prior_grid(prior, shown.plane, part, 400)
    assert grid is not None
    x, y = np.meshgrid(grid.x, grid.y)
    in_plane = torch.from_numpy(np.stack([x.ravel(), y.ravel()], 1))
    z = in_plane @ torch.from_numpy(shown.plane.directions) + torch.from_numpy(shown.plane.centre)
    truth = prior.log_prob(z.float()).numpy().reshape(grid.log_density.shape)
    inside = truth > -8
    assert np.abs(grid.log_density - truth)[inside].max() < 0.05


def test_components_thinner_than_a_pixel_keep_their_mass() -> None:
    mean, g = torch.zeros(4, 2), seeded(4)
    root = 1e-4 * torch.randn(4, 2, 2, generator=g)
    part = density.Window((-4.0, 4.0), (-4.0, 4.0))
    grid = density.full_mixture_grid(mean, root @ root.mT, torch.full((4,), math.log(0.25)), part, 50)
    assert grid.mass == pytest.approx(1, abs=2e-3)


def test_a_plane_has_orthonormal_axes_and_never_mirrors_itself() -> None:
    cloud, prior = some_cloud(), some_prior("maf")
    for kind in ("pair", "pca", "different"):
        first, again = views.view(kind, cloud, prior).plane, views.view(kind, cloud, prior).plane
        assert np.allclose(first.directions @ first.directions.T, np.eye(2), atol=1e-9)
        assert np.array_equal(first.directions, again.directions)
        assert all(0 < share < 1 for share in first.explained) and sum(first.explained) <= 1
    pca, pair = (views.view(kind, cloud, prior).plane for kind in ("pca", "pair"))
    assert sum(pca.explained) >= sum(pair.explained)


def test_a_flow_in_a_plane_of_more_dimensions_has_no_density_but_draws() -> None:
    cloud, prior = some_cloud(), some_prior("maf")
    shown = views.view("pca", cloud, prior)
    assert views.prior_grid(prior, shown.plane, views.window(shown, prior), 20) is None
    assert views.draws(shown, prior, 10).p.shape == (10, 2)
    flat = views.view("plane", some_cloud(dim=2), some_prior("maf", 2))
    assert views.prior_grid(some_prior("maf", 2), flat.plane, views.window(flat, some_prior("maf", 2)), 20) is not None


def test_the_named_dimensions_are_shown_and_the_most_active_fill_up() -> None:
    cloud, prior = some_cloud(), some_prior()
    spread = cloud.mean.var(0)
    best, second = np.argsort(-spread)[:2]
    assert projections.active_pair(cloud) == (best, second)
    assert projections.active_pair(cloud, (int(best), None)) == (best, second)
    assert projections.active_pair(cloud, (None, int(best))) == (second, best)
    plane = views.view("pair", cloud, prior, dims=(4, 1)).plane
    assert plane.axes == ("z₅", "z₂") and projections.dimensions(plane) == (4, 1)
    for wrong in ((1, 1), (0, DIM)):
        with pytest.raises(ValueError, match="a pair is two different dimensions from 1 to 5"):
            views.view("pair", cloud, prior, dims=wrong)


def test_the_most_different_direction_is_where_they_differ_and_shows_unseen_images() -> None:
    cloud = some_cloud(shift=4.0)
    shown = views.view("different", cloud, some_prior())
    assert abs(shown.plane.directions[0, -1]) > 0.5
    rows = shown.cloud.split_rows()
    assert len(rows) == len(cloud) // 2 and len(set(rows.tolist())) == len(rows)
    assert np.array_equal(shown.cloud.mean, cloud.mean[rows])


@pytest.mark.parametrize(("kind", "dim"), [("plane", 3), ("pca", 1), ("nonsense", 3)])
def test_views_that_do_not_exist_are_refused(kind: str, dim: int) -> None:
    with pytest.raises(ValueError):
        views.view(kind, some_cloud(dim=dim), some_prior(dim=dim))


def test_rows_of_the_split_go_with_the_posteriors() -> None:
    cloud = some_cloud(40)
    taken = cloud.take(np.array([3, 7, 30]))
    assert taken.split_rows().tolist() == [3, 7, 30] and taken.take(np.array([2])).split_rows().tolist() == [30]
    assert stored_rows(5, 5).tolist() == [0, 1, 2, 3, 4]
    part = stored_rows(5, 50)
    assert len(set(part.tolist())) == 5 and (np.diff(part) > 0).all() and part.max() < 50


def two_blobs() -> tuple[LatentCloud, Prior]:
    """Images at (-2, 0) only; a prior with half its mass there and half at (2, 0)."""
    n = 200
    mean = np.tile(np.array([[-2.0, 0.0]], np.float32), (n, 1))
    cloud = LatentCloud(mean, np.full((n, 2), -2.0, np.float32), np.arange(n) % 2, "test", n)
    prior = PRIORS["mog"].from_config({"components": 2}, PriorContext(2, 4, nn.Identity(), None, seeded(0)))
    prior.mean.data = torch.tensor([[-2.0, 0.0], [2.0, 0.0]])  # type: ignore[union-attr]
    prior.raw_log_var.data.fill_(-2.0)  # type: ignore[union-attr]
    return cloud, prior.requires_grad_(False)


def test_a_region_counts_what_lies_in_it() -> None:
    cloud, prior = two_blobs()
    found = views.draws(views.view("plane", cloud, prior), prior, 1000)
    left, right = (gallery(found, box(x - 1.5, x + 1.5, -3.0, 3.0), cloud, prior) for x in (-2.0, 2.0))
    assert len(left.q_rows) > 990 and len(right.q_rows) == 0
    assert abs(len(left.p_rows) - 500) < 4 * math.sqrt(250)
    assert right.holes[0] > 0.99 and left.holes[0] < 0.1 and left.leaks[0] < 0.1 and math.isnan(right.leaks[0])
    assert left.holes[1] <= left.holes[0] <= left.holes[2] < 0.2
    assert sum(count for _, count, _ in left.classes) == len(left.q_rows)
    assert all(count <= of <= left.draws for _, count, of in left.classes)
    assert [label for label, _, _ in left.classes] in ([0, 1], [1, 0]) and right.classes == ()
    assert np.array_equal(found.labels, found.rows % 2)  # type: ignore[arg-type]


def test_a_place_without_codes_is_no_trouble_for_a_flow() -> None:
    cloud, _ = two_blobs()
    flow = registered_prior("realnvp")(2).requires_grad_(False)
    found = gallery(views.draws(views.view("plane", cloud, flow), flow, 300), box(1.0, 3.0, -3.0, 3.0), cloud, flow)
    assert not len(found.q_rows) and math.isnan(found.leaks[0])


def test_leaks_are_as_sure_as_there_are_images() -> None:
    """Twenty draws of one image are no twenty images."""
    cloud, prior = two_blobs()
    few = LatentCloud(cloud.mean[:5], cloud.log_var[:5], None, "test", 5)
    drawn = views.draws(views.view("plane", few, prior), prior, 1000)
    low, high = gallery(drawn, box(-4.0, 0.0, -3.0, 3.0), few, prior).leaks[1:]
    more = gallery(
        views.draws(views.view("plane", cloud, prior), prior, 1000), box(-4.0, 0.0, -3.0, 3.0), cloud, prior
    ).leaks
    assert high - low > 4 * (more[2] - more[1])


def test_tables_hold_the_drawn_numbers() -> None:
    cloud, prior = two_blobs()
    shown = views.view("plane", cloud, prior)
    found: Draws = views.draws(shown, prior, 20)
    lines = list(csv.reader(io.StringIO(tables.draws_csv(found, ("a", "b"), ("no, thing",)))))
    assert lines[0] == ["source", "row", "class", "a", "b", "z1", "z2"] and len(lines) == 41
    assert [line[0] for line in lines[1:]] == ["q"] * 20 + ["p"] * 20
    assert np.allclose(np.array([line[5:] for line in lines[1:21]], float), found.q_z)
    assert {line[2] for line in lines[1:21]} == {"no, thing", "1"} and {line[2] for line in lines[21:]} == {""}
    part = views.window(shown, prior)
    q, p = views.cloud_grid(cloud, shown.plane, part, 9), views.prior_grid(prior, shown.plane, part, 9)
    assert p is not None
    cells = np.array(list(csv.reader(io.StringIO(tables.grid_csv(q, p, ("a", "b")))))[1:], float)
    assert cells.shape == (81, 4) and np.allclose(cells[:, 2].reshape(9, 9), q.log_density, atol=1e-6)
    assert np.allclose(cells[:9, 0], q.x) and np.allclose(cells[::9, 1], q.y)


def test_tables_of_terms_curves_and_dimensions() -> None:
    metrics = {"elbo": {"value": -1.5, "se": 0.25}, "n": 3, "distance": {"kernel": {}}}
    assert tables.terms_csv([("a, b", metrics)]).splitlines()[1:] == ['"a, b",elbo,-1.5,0.25']
    points = [CurvePoint(10, Estimate(1.0, 0.5)), CurvePoint(20, Estimate(2.0, 0.25), 7.5)]
    assert tables.curves_csv([("m", points)]).splitlines()[1:] == ["m,10,1.0,0.5,", "m,20,2.0,0.25,7.5"]
    pairs, activity = np.array([[0.5, 0.25], [1.5, 0.125]]), np.array([0.75, 0.0])
    assert tables.dimensions_csv(pairs, activity).splitlines()[1:] == ["1,0.5,0.25,0.75", "2,1.5,0.125,0.0"]
    both = tables.dimensions_csv(pairs, activity, 2 * pairs).splitlines()
    assert "average KL, nats" in both[0] and both[1:] == ["1,0.5,0.25,1.0,0.5,0.75", "2,1.5,0.125,3.0,0.25,0.0"]


def test_no_image_is_in_two_blocks_of_draws() -> None:
    mean = np.stack([np.arange(70.0), np.zeros(70)], 1).astype(np.float32)
    still = LatentCloud(mean, np.full_like(mean, -30.0), None, "test", 70)
    shown, prior = views.View(projections.whole_plane(), still), some_prior(dim=2)
    blocks = [views.draws_of_block(shown, prior, 20, number, seed=5) for number in range(3)]
    images = np.concatenate([q[:, 0].round() for q, _ in blocks])
    assert len(set(images.tolist())) == 60 and not np.array_equal(images, np.sort(images))
    assert len({p.tobytes() for _, p in blocks}) == 3 and all(q.shape == p.shape == (20, 2) for q, p in blocks)
    assert np.array_equal(blocks[1][0], views.draws_of_block(shown, prior, 20, 1, seed=5)[0])
    for n, number in ((20, 3), (20, -1), (71, 0), (0, 0)):
        with pytest.raises(ValueError, match="blocks of"):
            views.draws_of_block(shown, prior, n, number)
