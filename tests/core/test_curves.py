"""Curves over an effort: information against the size of a minibatch, likelihood against the number of draws."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from core.metrics.curves import default_sizes, information_curve
from core.metrics.likelihood import log_marginal
from core.metrics.surgery import elbo_surgery, log_aggregated
from tests.contracts import seeded
from tests.oracle import exact_log_marginal, exact_surgery, images_of, linear_gaussian, standard_prior

# ---------------------------------------------------------------- information over the size of a batch


def posteriors(n: int, seed: int = 5) -> tuple[Tensor, Tensor]:
    generator = seeded(seed)
    return torch.randn(n, 2, generator=generator), -2 * torch.rand(n, 2, generator=generator)


def test_all_posteriors_give_the_information_of_quadrature() -> None:
    mean, log_var = posteriors(6)
    truth = exact_surgery(mean, log_var, cells=400)["mutual_information"]
    (found,) = information_curve(mean, log_var, n_samples=20_000, generator=seeded(1))
    assert found.at == 6 and abs(found.estimate.value - truth) < 0.01


def test_a_batch_of_two_gives_the_mean_information_of_all_pairs() -> None:
    mean, log_var = posteriors(4)
    pairs = [list(pair) for pair in itertools.combinations(range(4), 2)]
    truth = sum(exact_surgery(mean[p], log_var[p], cells=200)["mutual_information"] for p in pairs) / len(pairs)
    found = torch.tensor(
        [
            information_curve(mean, log_var, sizes=[2], n_samples=100, generator=seeded(seed))[0].estimate.value
            for seed in range(400)
        ]
    )
    error = float(found.std()) / 20
    assert error < 0.01 and abs(float(found.mean()) - truth) < 3.5 * error


def test_posteriors_that_tell_everything_read_log_m_whatever_m_is() -> None:
    """7 is no multiple of most sizes: whoever is left over must be measured too, in a batch of M as well."""
    mean = 100 * torch.arange(7.0)[:, None].expand(7, 2)
    for point in information_curve(mean, torch.zeros(7, 2), sizes=range(1, 8), generator=seeded(2)):
        assert abs(point.estimate.value - math.log(point.at)) < 1e-9, point.at


def test_the_curve_rises_under_its_ceiling_to_elbo_surgery() -> None:
    mean, log_var = posteriors(700)
    mean = 4 * mean
    points = information_curve(mean, log_var - 2, n_samples=4, generator=seeded(3))
    values = [point.estimate.value for point in points]
    assert [point.at for point in points] == [10, 30, 100, 300, 700] and values == sorted(values)
    assert all(point.estimate.value <= math.log(point.at) + 1e-9 for point in points)
    assert points[0].estimate.value > 0.9 * math.log(10) and points[-1].estimate.value < 0.9 * math.log(700)
    surgery = elbo_surgery(mean, log_var - 2, standard_prior(2), n_samples=4, generator=seeded(4))
    noise = math.hypot(surgery.mutual_information.se, points[-1].estimate.se)
    assert abs(points[-1].estimate.value - surgery.mutual_information.value) < 3 * noise


def test_default_sizes() -> None:
    assert default_sizes(5) == (5,) and default_sizes(10) == (10,) and default_sizes(31) == (10, 30, 31)
    assert default_sizes(10_000) == (10, 30, 100, 300, 1000, 3000, 10_000)


def test_a_curve_is_the_generator_s_and_leaves_the_global_seed_alone() -> None:
    before = torch.get_rng_state()
    one, same, other = (information_curve(*posteriors(40), generator=seeded(seed)) for seed in (1, 1, 2))
    assert one == same != other and torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("options", [{"n_samples": 0}, {"sizes": [0]}, {"sizes": [10, 41]}])
def test_impossible_efforts_are_refused(options) -> None:
    with pytest.raises(ValueError, match=r"n_samples must be at least 1|sizes must lie in 1\.\.40"):
        information_curve(*posteriors(40), **options)


def test_log_q_at_a_posterior_that_stands_alone_is_its_own() -> None:
    mean = torch.tensor([[0.0], [100.0], [101.0]])
    log_q = log_aggregated(torch.zeros(1, 1, 1), mean, torch.zeros(3, 1), own=torch.tensor([0]))
    assert abs(float(log_q) + 0.5 * math.log(2 * math.pi) + math.log(3)) < 1e-12


# ---------------------------------------------------------------- likelihood over the number of draws


def test_one_draw_is_the_bound_and_many_are_the_likelihood() -> None:
    shift, widen = 0.3, 0.8
    vae = linear_gaussian(shift=shift, widen=widen)
    x = images_of(vae, 60)
    truth = float(exact_log_marginal(vae, x).mean())
    variance = 1 / (1 + vae.decoder.weight.square().sum(0) / math.exp(vae.decoder.log_var))
    gap = float(0.5 * (math.exp(widen) - 1 - widen + shift**2 / variance).sum())  # KL(q(z|x) || p(z|x))
    found = log_marginal(vae, x, 2000, generator=seeded(6))
    values = [point.estimate.value for point in found.curve]
    assert [point.at for point in found.curve] == [1, 10, 100, 1000, 2000] and values == sorted(values)
    assert abs(values[0] - truth + gap) < 0.01 and abs(values[-1] - truth) < 0.01
    assert values[-1] == float(found.value.mean()) and found.curve[-1].ess == float(found.ess.median())
    effective = [point.ess for point in found.curve]
    assert effective[0] == pytest.approx(1) and effective == sorted(effective) and effective[-1] < 2000


def test_a_point_is_the_mean_over_disjoint_blocks() -> None:
    vae = linear_gaussian(shift=0.3)
    x = images_of(vae, 4)
    found = log_marginal(vae, x, 25, generator=seeded(7)).curve
    weight = vae.terms(x, 25, generator=seeded(7)).elbo
    blocks = torch.stack([weight[:10], weight[10:20]])  # five draws fill no block
    bound = (blocks.logsumexp(1) - math.log(10)).mean(0)
    effective = (blocks.exp().sum(1).square() / (2 * blocks).exp().sum(1)).mean(0)
    assert [point.at for point in found] == [1, 10, 25]
    assert found[1].estimate.value == pytest.approx(float(bound.mean()), abs=1e-12)
    assert found[1].estimate.se == pytest.approx(float(bound.std()) / 2, abs=1e-12)
    assert found[1].ess == pytest.approx(float(effective.median()), abs=1e-9)


def test_blocks_have_less_noise_than_one_block() -> None:
    vae = linear_gaussian(widen=0.9)
    x = images_of(vae, 5)
    tens = torch.tensor([log_marginal(vae, x, 10, generator=seeded(s)).curve[-1].estimate.value for s in range(40)])
    means = torch.tensor([log_marginal(vae, x, 500, generator=seeded(s)).curve[1].estimate.value for s in range(40)])
    assert float(means.std()) < 0.3 * float(tens.std())
    assert abs(float(means.mean() - tens.mean())) < 4 * float(tens.std()) / math.sqrt(40)


def test_one_draw_alone_has_a_curve_of_one_point() -> None:
    vae = linear_gaussian()
    assert [point.at for point in log_marginal(vae, images_of(vae, 3), 1).curve] == [1]
