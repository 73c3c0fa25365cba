"""Estimators against closed forms and quadrature: likelihood, ELBO surgery, mismatch, active units."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from core.distributions import DiagonalNormal
from core.intervals import wilson
from core.metrics.coverage import mismatch
from core.metrics.estimate import monte_carlo_se, over_examples
from core.metrics.evaluate import evaluate
from core.metrics.latent import active_units
from core.metrics.likelihood import log_marginal
from core.metrics.surgery import Surgery, elbo_surgery
from tests.contracts import seeded
from tests.oracle import (
    FixedMixture,
    cloud_of,
    exact_log_marginal,
    exact_surgery,
    images_of,
    linear_gaussian,
    standard_prior,
)

# ---------------------------------------------------------------- likelihood


def test_the_exact_posterior_gives_the_exact_likelihood() -> None:
    vae = linear_gaussian()
    x = images_of(vae, 25)
    found = log_marginal(vae, x, 13, generator=seeded(1))
    assert (found.value - exact_log_marginal(vae, x)).abs().max() < 1e-9
    assert torch.allclose(found.ess, torch.full((25,), 13.0, dtype=torch.float64))


@pytest.mark.parametrize(("shift", "widen"), [(0.0, 0.9), (0.4, 0.9)])
def test_a_wrong_posterior_converges_to_the_likelihood_from_below(shift: float, widen: float) -> None:
    exact, wrong = linear_gaussian(), linear_gaussian(shift=shift, widen=widen)
    x = images_of(exact, 200)
    truth = exact_log_marginal(exact, x)
    few, some, many = (log_marginal(wrong, x, s, generator=seeded(2)) for s in (1, 5, 5000))
    gaps = [float((truth - found.value).mean()) for found in (few, some, many)]
    assert gaps[0] > gaps[1] > 0.02, "each bound is tighter"
    error = (1 / many.ess - 1 / 5000).sqrt()  # of log of a mean of weights, by the delta method
    assert ((truth - many.value).abs() < 4.5 * error).all()
    assert abs(gaps[2]) < 4 * float(error.square().sum().sqrt()) / 200 + float(error.square().mean())
    assert (many.ess > 1).all() and (many.ess < 5000).all()


def test_one_sample_is_the_bound() -> None:
    vae = linear_gaussian(shift=0.3)
    x = images_of(vae, 50)
    assert torch.equal(log_marginal(vae, x, 1, generator=seeded(3)).value, vae.terms(x, 1, generator=seeded(3)).elbo[0])


def test_chunks_of_samples_are_all_counted(monkeypatch) -> None:
    vae = linear_gaussian()
    x = images_of(vae, 5)
    done: list[int] = []
    monkeypatch.setattr("core.metrics.likelihood.DECODED_ROWS", 6)  # chunks of 6 samples, one image at a time
    found = log_marginal(vae, x, 20, generator=seeded(4), on_progress=done.append)
    assert (found.value - exact_log_marginal(vae, x)).abs().max() < 1e-9
    assert torch.allclose(found.ess, torch.full((5,), 20.0, dtype=torch.float64)) and done == [1] * 5


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="n_samples must be at least 1; got 0"):
        log_marginal(linear_gaussian(), torch.zeros(2, 7).double(), 0)


# ---------------------------------------------------------------- surgery


def posteriors(n: int, spread: float = 1.0, seed: int = 5) -> tuple[Tensor, Tensor]:
    generator = seeded(seed)
    return spread * torch.randn(n, 2, generator=generator), -2 * torch.rand(n, 2, generator=generator)


@pytest.mark.parametrize("n", [2, 6])
def test_surgery_agrees_with_quadrature(n: int) -> None:
    mean, log_var = posteriors(n)
    truth = exact_surgery(mean, log_var)
    assert abs(truth["average_kl"] - truth["mutual_information"] - truth["marginal_kl"]) < 1e-6, "the oracle itself"
    draws = 4000
    found = elbo_surgery(mean, log_var, standard_prior(2), n_samples=draws, generator=seeded(6))
    noise = found.identity_residual.se  # the largest of the three terms' noise is below that of their sum
    for name, value in truth.items():
        assert abs(getattr(found, name).value - value) < 3 * noise, name
    assert abs(found.identity_residual.value) < 3 * noise and noise < 0.05


def test_the_residual_keeps_its_stated_rate() -> None:
    mean, log_var = posteriors(40)
    residuals = [
        elbo_surgery(mean, log_var, standard_prior(2), n_samples=4, generator=seeded(seed)).identity_residual
        for seed in range(100, 150)
    ]
    scores = torch.tensor([residual.value / residual.se for residual in residuals])
    assert int((scores.abs() < 2.5).sum()) >= 45
    assert 0.6 < float(scores.std()) < 1.5, "the standard error is neither far too small nor far too large"


def test_the_terms_come_from_independent_draws() -> None:
    """From one set of draws the residual would be zero by arithmetic, and no check of anything."""
    generator, three_draws = seeded(7), seeded(7)
    found = elbo_surgery(*posteriors(40), standard_prior(2), n_samples=4, generator=generator)
    assert abs(found.identity_residual.value) > 1e-4
    for _ in range(3):
        torch.randn(4, 40, 2, generator=three_draws)
    assert torch.equal(generator.get_state(), three_draws.get_state())


def surgery_of(mean: Tensor, log_var: Tensor, **options) -> Surgery:
    return elbo_surgery(mean, log_var, standard_prior(mean.shape[1]), n_samples=50, generator=seeded(8), **options)


def test_well_separated_posteriors_have_all_the_information_there_is() -> None:
    mean = 100 * torch.arange(64.0)[:, None].expand(64, 2)
    found = surgery_of(mean, torch.zeros(64, 2))
    assert abs(found.mutual_information.value - math.log(64)) < 1e-4 and abs(found.log_n - math.log(64)) < 1e-12


def test_identical_posteriors_have_none() -> None:
    mean, log_var = torch.full((30, 2), 0.3), torch.full((30, 2), -0.5)
    found = surgery_of(mean, log_var)
    assert abs(found.mutual_information.value) < 1e-6
    same = elbo_surgery(mean, log_var, FixedMixture(mean[:1], log_var[:1]), n_samples=4, generator=seeded(9))
    assert abs(same.marginal_kl.value) < 1e-5 and abs(same.average_kl.value) < 1e-5


def test_the_aggregated_posterior_as_prior_leaves_no_marginal_kl() -> None:
    mean, log_var = posteriors(50)
    found = elbo_surgery(mean, log_var, FixedMixture(mean, log_var), n_samples=4, generator=seeded(10))
    assert abs(found.marginal_kl.value) < 1e-5


@pytest.mark.parametrize("spread", [0.01, 1.0, 10.0])
def test_the_information_stays_in_its_bounds(spread: float) -> None:
    found = surgery_of(*posteriors(100, spread)).mutual_information
    assert -3 * found.se - 0.01 <= found.value <= math.log(100) + 1e-4


def test_no_minibatch_caps_the_information() -> None:
    """More components than a tile holds and than any minibatch: log 5000, not log of a batch (pitfall 9)."""
    mean = 10 * torch.arange(5000.0)[:, None]
    found = elbo_surgery(mean, torch.full((5000, 1), -4.0), standard_prior(1), n_samples=2, generator=seeded(11))
    assert abs(found.mutual_information.value - math.log(5000)) < 1e-3


def test_the_average_kl_is_the_closed_form() -> None:
    mean, log_var = posteriors(400)
    found = surgery_of(mean, log_var).average_kl
    closed = DiagonalNormal(mean, log_var).kl_standard().double()
    assert abs(found.value - float(closed.mean())) < 0.02
    assert abs(found.se - float(closed.std()) / 20) < 0.1 * found.se


def test_one_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="n_samples must be at least 2"):
        elbo_surgery(*posteriors(5), standard_prior(2), n_samples=1)


# ---------------------------------------------------------------- estimates


def test_standard_errors_are_those_of_the_formulas() -> None:
    values = torch.tensor([1.0, 2.0, 3.0, 6.0])
    assert over_examples(values).value == 3.0
    assert abs(over_examples(values).se - math.sqrt((4 + 1 + 0 + 9) / 3) / 2) < 1e-12
    assert over_examples(values[:1]).se == 0.0
    draws = torch.tensor([[0.0, 10.0], [2.0, 10.0]])  # variances 2 and 0, S = 2, n = 2
    assert abs(monte_carlo_se(draws) - math.sqrt(2 / 2) / 2) < 1e-12


def test_the_monte_carlo_error_ignores_differences_between_examples() -> None:
    draws = torch.randn(50, 30, generator=seeded(12))
    assert abs(monte_carlo_se(draws + 1000 * torch.arange(30.0)) / monte_carlo_se(draws) - 1) < 1e-3


def test_wilson_s_interval() -> None:
    low, high = wilson(0.1, 100)  # textbook: 10 of 100
    assert abs(low - 0.0552) < 1e-4 and abs(high - 0.1744) < 1e-4
    assert wilson(0.0, 50)[0] == 0.0 and abs(wilson(0.0, 50)[1] - 0.0714) < 2e-4 and wilson(1.0, 50)[1] == 1.0


# ---------------------------------------------------------------- coverage, latent use


def test_a_prior_that_is_the_aggregated_posterior_has_neither_holes_nor_leaks() -> None:
    mean, log_var = posteriors(500, 1.0)
    found = mismatch(cloud_of(mean, log_var), FixedMixture(mean, log_var), n=4000, seed=13)
    for share in (found.holes, found.leaks):
        assert 0.005 < share.value < 0.016 and 0.005 < share.null < 0.016
        assert share.low <= share.value <= share.high and share.n == 500


def test_a_disjoint_prior_is_nothing_but_holes_and_leaks() -> None:
    mean, log_var = posteriors(100)
    found = mismatch(cloud_of(mean + 50, log_var), standard_prior(2), n=2000)
    assert found.holes.value > 0.999 and found.leaks.value > 0.999
    assert found.holes.null < 0.03 and found.leaks.null < 0.03


def test_a_prior_wider_than_the_posteriors_has_holes_but_no_leaks() -> None:
    mean, log_var = posteriors(300, 0.2)
    wide = FixedMixture(torch.zeros(1, 2), torch.full((1, 2), 3.0))
    found = mismatch(cloud_of(mean, log_var), wide, n=2000)
    assert found.holes.value > 0.5 and found.leaks.value < 0.001


def test_a_posterior_s_own_component_does_not_count() -> None:
    """Lonely narrow posteriors, strewn like draws of the prior: with its own component every draw would be near one."""
    mean, log_var = posteriors(60, 3.0)
    wide = FixedMixture(torch.zeros(1, 2), torch.full((1, 2), math.log(9.0)))
    assert mismatch(cloud_of(mean, log_var - 5), wide, n=2000).holes.value < 0.1


def test_mismatch_is_the_seed_s() -> None:
    cloud = cloud_of(*posteriors(40))
    first, again, other = (mismatch(cloud, standard_prior(2), n=500, seed=seed) for seed in (1, 1, 2))
    assert first == again and first != other and first.seed == 1


def test_too_few_images_for_a_quantile_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 30 images.*got 29"):
        mismatch(cloud_of(*posteriors(29)), standard_prior(2))


def test_active_units_are_those_that_vary() -> None:
    generator = seeded(14)
    scale = torch.tensor([1.0, 0.5, 0.02, 0.0])  # variances 1, 0.25, 0.0004 and 0 against the threshold of 0.01
    mean = scale * torch.randn(500, 4, generator=generator) + torch.tensor([0.0, 7.0, 0.0, 3.0])
    found = active_units(mean)
    assert found.value == 2 and found.se < 1e-6
    assert active_units(0.1 * torch.randn(200, 1, generator=generator)).se > 0.1, "on the threshold nothing is sure"


# ---------------------------------------------------------------- everything of a split


def test_an_evaluation_of_the_exact_model_is_exact() -> None:
    from core.datasets import Split

    vae = linear_gaussian()
    x = images_of(vae, 300)
    done: list[int] = []
    found = evaluate(vae, Split(x), "test", samples=5, seed=15, on_progress=done.append)
    truth = over_examples(exact_log_marginal(vae, x))
    record = found.as_dict()
    assert abs(found.estimates["elbo"].value - truth.value) < 1e-9 and abs(record["nll"]["value"] + truth.value) < 1e-9
    assert abs(record["elbo"]["value"] - record["reconstruction"]["value"] + record["average_kl"]["value"]) < 1e-9
    assert abs(record["elbo"]["se"] - truth.se) < 1e-9 and abs(record["ess_median"] - 5) < 1e-9
    assert (record["n"], record["split"], record["seed"], record["samples"]) == (300, "test", 15, 5)
    assert record["log_n"] == {"value": math.log(300), "se": 0.0} and sum(done) == 300
    assert record["active_units"]["value"] == 2
    again = evaluate(vae, Split(x), "test", samples=5, seed=15)
    assert again == found
