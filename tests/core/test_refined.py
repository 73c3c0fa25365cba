"""Squares, the polynomials between their centres, and the plane cut where one image's posteriors lie."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.distributions import DiagonalNormal
from core.interpolation import lagrange
from core.metrics import refined as module
from core.metrics.best_gaussian import best_gaussian
from core.metrics.latent_map import LatentMap
from core.metrics.refined import refined
from core.metrics.squares import whole
from core.vae import VAE
from tests.contracts import seeded
from tests.core.test_quadrature import Folded, OneMode, narrow
from tests.oracle import exact_log_marginal, images_of, linear_gaussian, standard_prior

LOW = torch.tensor([-1.0, 2.0], dtype=torch.float64)


def test_places_are_found_in_their_squares() -> None:
    squares = whole(LOW, 0.5, (3, 2))
    assert len(squares) == 6 and squares.find(squares.place).tolist() == list(range(6))
    assert squares.centres().dtype == torch.float64 and (whole(LOW, 1 / 3, (1, 1)).centres() * 6).sum() == 8
    assert squares.centres()[0].tolist() == [-0.75, 2.25] and squares.centres()[-1].tolist() == [0.25, 2.75]
    places = torch.tensor([[0, 1], [2, 0], [3, 0], [0, -1], [-1, 1], [1, 2]])
    assert squares.find(places).tolist() == [1, 4, -1, -1, -1, -1]
    points = torch.tensor([[-0.6, 2.6], [0.4, 2.1], [7.0, 2.0]])
    assert squares.holding(points).nonzero().squeeze(1).tolist() == [1, 4]


def test_quarters_cover_what_was_cut_and_neighbours_are_neighbours() -> None:
    squares = whole(LOW, 0.5, (3, 3))
    middle = torch.zeros(9, dtype=torch.bool)
    middle[4] = True
    assert squares.spread(middle).all() and not squares.spread(torch.zeros(9, dtype=torch.bool)).any()
    corner = torch.zeros(9, dtype=torch.bool)
    corner[0] = True
    assert squares.spread(corner).nonzero().squeeze(1).tolist() == [0, 1, 3, 4]
    quarters = squares.quarters(middle)
    assert quarters.side == 0.25 and torch.equal(quarters.centres().mean(0), squares.centres()[4])
    assert sorted(quarters.parity().tolist()) == [0, 1, 2, 3]
    again = quarters.quarters(torch.ones(4, dtype=torch.bool))
    assert again.find(again.place).tolist() == list(range(16)), "in order, or nothing would be found"


@pytest.mark.parametrize("count", [4, 6, 11])
def test_polynomials_are_read_exactly_between_the_points(count: int) -> None:
    at = np.linspace(0, count - 1, 37)
    weights = lagrange(at, count)
    assert weights.shape == (37, count) and np.allclose(weights.sum(1), 1)
    for degree in range(min(6, count)):
        assert np.allclose(weights @ np.arange(count) ** degree, at**degree, atol=1e-9)
    if count > 6:
        assert not np.allclose(weights @ np.arange(count) ** 6, at**6), "and no more than degree 5"


def known_of(vae: VAE, x: Tensor, draws: int = 500) -> module.Refined:
    q = vae.posterior(x)
    return refined(vae, x, q, q.sample(draws, generator=seeded(4))[:, 0], LatentMap(vae, x))


def test_log_p_x_is_that_of_the_closed_form_and_its_error_says_more_than_it_is() -> None:
    exact, vae = narrow(), narrow(widen=2 * math.log(3))
    x = images_of(exact, 20)
    truth = exact_log_marginal(exact, x)
    for row in range(20):
        found = known_of(vae, x[row : row + 1])
        assert abs(found.log_likelihood - float(truth[row])) < 1e-5
        assert abs(found.log_likelihood - float(truth[row])) <= found.error
        assert abs(float((found.of_q.log_q + found.of_q.log_area).exp().sum()) - 1) < 1e-4


def test_where_no_more_squares_are_allowed_the_error_tells(monkeypatch) -> None:
    vae = narrow(widen=2 * math.log(8))  # the encoder is so unsure that its squares are wider than p(z|x)
    x = images_of(vae, 1)
    monkeypatch.setattr(module, "MOST", 4)
    few = known_of(vae, x)
    wrong = abs(few.log_likelihood - float(exact_log_marginal(vae, x)))
    assert wrong > 1e-4 and few.error > wrong and few.settled == 1


def test_a_posterior_between_all_centres_is_found_by_its_draws() -> None:
    """q(z|x) a hundredth as wide as a square of the map."""
    vae = linear_gaussian()
    x = images_of(vae, 1)
    around = LatentMap(vae, x)
    middle = around.squares.centres()[len(around.squares) // 2] + 0.4 * around.squares.side
    q = DiagonalNormal(middle[None], torch.full((1, 2), 2 * math.log(around.squares.side / 100), dtype=torch.float64))
    found = refined(vae, x, q, q.sample(500, generator=seeded(5))[:, 0], around)
    assert abs(float((found.of_q.log_q + found.of_q.log_area).exp().sum()) - 1) < 2e-3
    assert found.whole > found.settled and abs(found.log_likelihood - float(exact_log_marginal(vae, x))) < 1e-5


class Nowhere(nn.Module):
    def forward(self, z: Tensor) -> DiagonalNormal:
        raise AssertionError("the map is not asked again")


def test_the_best_gaussian_is_that_of_the_closed_form_and_needs_no_decoder() -> None:
    vae = linear_gaussian(shift=1.0, widen=1.0)
    x = images_of(vae, 1)
    truth, q, known = linear_gaussian().posterior(x), vae.posterior(x), known_of(vae, x)
    vae.decoder = Nowhere()
    best = best_gaussian(known, DiagonalNormal(q.mean[0], q.log_var[0]))
    assert torch.allclose(best.mean, truth.mean[0], atol=1e-4)
    assert torch.allclose(best.log_var, truth.log_var[0], atol=1e-3)


def test_the_best_gaussian_of_two_equal_modes_sits_on_one() -> None:
    vae = VAE(OneMode(), standard_prior(2).double(), Folded(0.2)).requires_grad_(False)
    x = torch.tensor([[1.2, 0.3]], dtype=torch.float64)
    best = best_gaussian(known_of(vae, x), DiagonalNormal(torch.zeros(2), torch.zeros(2)))
    width = 0.2 / math.sqrt(1 + 0.2**2)
    assert abs(abs(float(best.mean[0])) - 1.2 / (1 + 0.2**2)) < 0.01
    assert torch.allclose(torch.exp(0.5 * best.log_var), torch.tensor(width), rtol=0.02)


def test_a_search_that_starts_nowhere_ends_somewhere() -> None:
    vae = linear_gaussian()
    x = images_of(vae, 1)
    nowhere = DiagonalNormal(torch.full((2,), torch.nan), torch.zeros(2))
    truth = vae.posterior(x)
    assert torch.allclose(best_gaussian(known_of(vae, x), nowhere).mean.double(), truth.mean[0].double(), atol=1e-3)
