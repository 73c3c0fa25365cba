"""What is measured of a model with a flow posterior, against quadrature and closed forms."""

from __future__ import annotations

import copy
import math
from functools import lru_cache

import pytest
import torch
from torch import Tensor

from core.datasets import Split
from core.distributions import DiagonalNormal
from core.gap_records import MOST_GAPS
from core.metrics import flow_surgery as module
from core.metrics.evaluate import evaluate
from core.metrics.extent import extent_of, local_widths
from core.metrics.flow_surgery import flow_surgery, log_conditionals
from core.metrics.gaps import worst_gaps
from core.metrics.likelihood import log_marginal
from core.metrics.per_image import image_kl
from core.metrics.quadrature import LogLikelihood, log_likelihood_2d
from core.metrics.surgery import elbo_surgery
from core.posteriors import POSTERIORS, FlowedNormal
from core.vae import VAE
from tests.contracts import perturbed, seeded
from tests.oracle import exact_log_marginal, images_of, linear_gaussian, standard_prior

FLOWED = [kind for kind in POSTERIORS if not POSTERIORS[kind].gaussian]
N = 30


@lru_cache
def _fitted(kind: str, dim: int) -> VAE:
    exact = linear_gaussian(dim)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        options = {"layers": 3, "hidden": 16, "context": 4}
        posterior = POSTERIORS[kind].from_config(options, 7, dim, (8,)).double()
    vae, x, generator = VAE(posterior, exact.prior, exact.decoder), images_of(exact, 500, seed=30), seeded(4)
    optimizer = torch.optim.Adam(posterior.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        (-vae.elbo(x, generator=generator).elbo.mean()).backward()
        optimizer.step()
    perturbed(posterior.flow, 0.08)
    return vae.eval().requires_grad_(False)


def bent(kind: str = "iaf", dim: int = 2) -> VAE:
    """A linear-Gaussian model, whose log p(x) is known, with a trained flow posterior that was bent a little."""
    return copy.deepcopy(_fitted(kind, dim))


def by_quadrature(q: FlowedNormal, half_width: float = 9.0, cells: int = 400) -> dict[str, float]:
    """Mutual information and marginal KL to N(0, I) of posteriors over two dimensions, on a grid."""
    axis = (torch.arange(cells, dtype=torch.float64) + 0.5) * (2 * half_width / cells) - half_width
    grid, cell = torch.cartesian_prod(axis, axis), (2 * half_width / cells) ** 2
    each = torch.cat([log_conditionals(q, part) for part in grid.split(20_000)])
    mass = each.exp().sum(0) * cell
    assert (mass - 1).abs().max() < 5e-3, f"the grid holds {mass.min():.4f} of a posterior"
    aggregated = each.logsumexp(1) - math.log(each.shape[1])
    log_prior = -0.5 * grid.square().sum(1) - math.log(2 * math.pi)
    entropy = -(each.exp() * each).sum(0).mul(cell).mean()
    return {
        "mutual_information": float(-(aggregated.exp() * aggregated).sum() * cell - entropy),
        "marginal_kl": float((aggregated.exp() * (aggregated - log_prior)).sum() * cell),
    }


def average_of(q: FlowedNormal, seed: int = 5, draws: int = 200) -> Tensor:
    z, log_q = q.rsample_and_log_prob(draws, generator=seeded(seed))
    return log_q - standard_prior(2).double().log_prob(z.flatten(0, 1)).view(log_q.shape)


@pytest.mark.parametrize("kind", FLOWED)
def test_the_surgery_of_flow_posteriors_is_that_of_quadrature(kind: str) -> None:
    vae = bent(kind)
    q = vae.posterior(images_of(vae, N))
    truth = by_quadrature(q)
    found = flow_surgery(q, vae.prior, average_of(q), n_samples=200, generator=seeded(6))
    assert found is not None and found.log_n == pytest.approx(math.log(N))
    assert truth["mutual_information"] > 0.2 and truth["marginal_kl"] > 0.05, "a case that tells something"
    noise = found.identity_residual.se
    assert found.mutual_information.value == pytest.approx(truth["mutual_information"], abs=4 * noise + 2e-3)
    assert found.marginal_kl.value == pytest.approx(truth["marginal_kl"], abs=4 * noise + 2e-3)
    assert abs(found.identity_residual.value) < 4 * noise < 0.1


def test_at_the_identity_it_is_the_surgery_of_gaussians() -> None:
    """Two ways to the same numbers: a flow that does nothing, and the mixture of Gaussians that it leaves."""
    vae = bent()
    x = images_of(vae, N)
    for parameter in vae.posterior.flow.parameters():
        parameter.zero_()
    q = vae.posterior(x)
    order = [1, 0]  # three layers reverse the coordinates
    flowed = flow_surgery(q, vae.prior, average_of(q), n_samples=400, generator=seeded(7))
    mean, log_var = q.base.mean[:, order], q.base.log_var[:, order]
    gaussian = elbo_surgery(mean, log_var, vae.prior, n_samples=400, generator=seeded(8))
    assert flowed is not None
    for name in ("mutual_information", "marginal_kl", "average_kl"):
        one, other = getattr(flowed, name).value, getattr(gaussian, name).value
        assert one == pytest.approx(other, abs=4 * flowed.identity_residual.se), name
    nulls = (flowed.marginal_kl_null, gaussian.marginal_kl_null)
    assert (nulls[0] is None) == (nulls[1] is None)
    z = torch.randn(9, 2, generator=seeded(9), dtype=torch.float64)
    assert torch.allclose(log_conditionals(q, z), DiagonalNormal(mean, log_var).log_prob(z[:, None]), atol=1e-9)


def test_tiles_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vae = bent()
    q, z = vae.posterior(images_of(vae, N)), torch.randn(17, 2, generator=seeded(1), dtype=torch.float64)
    whole = log_conditionals(q, z)
    monkeypatch.setattr(module, "PAIRS", 5 * N)
    assert whole.shape == (17, N) and torch.allclose(log_conditionals(q, z), whole, atol=1e-12)


def test_for_too_many_images_there_is_no_surgery(monkeypatch: pytest.MonkeyPatch) -> None:
    vae = bent()
    q = vae.posterior(images_of(vae, N))
    monkeypatch.setattr(module, "MOST", N - 1)
    assert flow_surgery(q, vae.prior, average_of(q), generator=seeded(1)) is None
    monkeypatch.setattr(module, "MOST", N)
    assert flow_surgery(q, vae.prior, average_of(q), generator=seeded(1)) is not None
    with pytest.raises(ValueError, match="at least 2"):
        flow_surgery(q, vae.prior, average_of(q), n_samples=1)


@pytest.mark.parametrize("kind", FLOWED)
def test_log_p_by_quadrature_is_exact_whatever_the_flow_says(kind: str) -> None:
    vae = bent(kind)
    x = images_of(vae, N)
    found = log_likelihood_2d(vae, x)
    assert (found.value - exact_log_marginal(vae, x)).abs().max() < 1e-4 and found.error < 1e-3


@pytest.mark.parametrize("kind", FLOWED)
def test_elbo_importance_bound_and_log_p_are_in_order(kind: str) -> None:
    vae = bent(kind)
    x = images_of(vae, N)
    truth = exact_log_marginal(vae, x)
    bound = vae.elbo(x, 500, generator=seeded(2)).elbo
    found = log_marginal(vae, x, 2000, generator=seeded(3))
    iwae, error = found.value, found.ess.rsqrt()  # of a mean of weights, relative to it
    draws = vae.terms(x, 500, generator=seeded(4)).elbo
    noise = draws.std(0) / 500**0.5
    assert (bound < iwae + 4 * (noise + error)).all() and (iwae < truth + 4 * error).all()
    assert -0.02 < float((truth - iwae).mean()) < 0.2 < float((truth - bound).mean())


def test_an_evaluation_of_a_flow_posterior_is_consistent() -> None:
    vae = bent()
    x = images_of(vae, 40)
    found = evaluate(vae, Split(x), "test", samples=500)
    value = {name: estimate.value for name, estimate in found.estimates.items()}
    assert value["elbo"] == pytest.approx(value["reconstruction"] - value["average_kl"])
    split = value["average_kl"] - value["mutual_information"] - value["marginal_kl"]
    assert split == pytest.approx(value["identity_residual"], abs=1e-9)
    assert abs(value["identity_residual"]) < 4 * found.estimates["identity_residual"].se
    assert value["elbo"] <= -value["nll"] <= value["log_likelihood"] + 0.05
    assert value["log_likelihood"] == pytest.approx(float(exact_log_marginal(vae, x).mean()), abs=1e-3)
    assert value["bound_gap"] == pytest.approx(value["log_likelihood"] - value["elbo"])
    assert "active_units" not in value, "it counts means, which a flow has none of in closed form"
    kept = found.as_dict()
    assert not {"distance", "information_curve", "per_dimension"} & set(kept) and "likelihood_curve" in kept


def test_an_evaluation_of_many_images_leaves_the_kl_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    vae = bent("realnvp", 3)
    found = evaluate(vae, Split(images_of(vae, 40)), "test", samples=50)
    assert set(found.estimates) == {"elbo", "reconstruction", "average_kl", "nll", "importance_gain"}
    assert found.worst_gaps is None, "three dimensions"


def test_the_extent_of_gaussians_is_exact_and_that_of_flows_covers_their_draws() -> None:
    mean, log_var = torch.tensor([[0.0, 1.0], [4.0, -1.0]]), torch.tensor([[0.0, -1.0], [-4.0, 0.5]])
    found = extent_of(DiagonalNormal(mean, log_var))
    assert torch.equal(found.mean, mean) and torch.equal(found.log_var, log_var)
    assert found.narrowest == pytest.approx(math.exp(-2)) and found.reached.tolist() == [[0.0, -1.0], [4.0, 1.0]]
    vae = bent()
    q = vae.posterior(images_of(vae, N))
    flowed, z = extent_of(q), q.sample(2000, generator=seeded(1))
    reach = 6 * (0.5 * flowed.log_var).exp()
    inside = (z > flowed.mean - reach) & (z < flowed.mean + reach)
    assert float(inside.all(-1).double().mean()) > 0.999
    assert (flowed.mean - z.mean(0)).abs().max() < 5 * float(z.std(0).max()) / 64**0.5


def test_the_local_width_is_that_of_the_jacobian() -> None:
    vae = bent()
    for parameter in vae.posterior.flow.parameters():
        parameter.zero_()
    q = vae.posterior(images_of(vae, 5))
    assert torch.allclose(local_widths(q), torch.exp(0.5 * q.base.log_var).amin(1), rtol=1e-6)
    bent_q = bent().posterior(images_of(vae, 5))
    u = bent_q.base.mean + torch.exp(0.5 * bent_q.base.log_var) * torch.randn(
        (8, 5, 2), generator=seeded(0), dtype=torch.float32
    )
    widths = torch.empty(8, 5, dtype=torch.float64)
    for draw in range(8):
        for image in range(5):
            one = bent_q.take(slice(image, image + 1))
            jacobian = torch.autograd.functional.jacobian(
                lambda v, one=one: one.push(v)[0][0], u[draw, image : image + 1]
            )
            scale = torch.exp(0.5 * bent_q.base.log_var[image])
            widths[draw, image] = torch.linalg.svdvals(jacobian[:, 0] * scale).min()
    assert torch.allclose(local_widths(bent_q), widths.median(0).values, rtol=0.05)


def test_the_worst_gaps_are_the_worst_and_their_values_are_not_chosen() -> None:
    """With a gap that is zero everywhere the found ones must be zero too: chosen and measured with the same draws
    they would be the largest of the noise."""
    exact = linear_gaussian(widen=0.3)
    x = images_of(exact, 400)
    truth = exact_log_marginal(exact, x)
    found = worst_gaps(exact, x, LogLikelihood(truth, 0.0, 0.0, 400, 0.1, 1.0, 0.0))
    assert len(found.images) == MOST_GAPS and found.draws > found.scouted >= 64
    gaps = [image.gap for image in found.images]
    assert gaps == sorted(gaps, key=lambda gap: -gap.value) and len({image.row for image in found.images}) == MOST_GAPS
    constant = 2 * 0.5 * (math.exp(0.3) - 1 - 0.3)  # KL(q || p(.|x)), the same for every image
    pooled = sum(gap.value for gap in gaps) / MOST_GAPS
    assert abs(pooled - constant) < 4 * math.sqrt(sum(gap.se**2 for gap in gaps)) / MOST_GAPS
    shifted = truth.clone()
    shifted[[7, 300]] += torch.tensor([5.0, 9.0], dtype=truth.dtype)
    found = worst_gaps(exact, x, LogLikelihood(shifted, 0.0, 0.0, 400, 0.1, 1.0, 0.0))
    assert [image.row for image in found.images[:2]] == [300, 7]
    assert found.images[0].gap.value == pytest.approx(9 + constant, abs=5 * found.images[0].gap.se)
    few = worst_gaps(exact, x[:5], LogLikelihood(truth[:5], 0.0, 0.0, 5, 0.1, 1.0, 0.0))
    assert sorted(image.row for image in few.images) == [0, 1, 2, 3, 4]


def test_the_kl_of_an_image_is_that_of_its_flow() -> None:
    vae = bent()
    q = vae.posterior(images_of(vae, 6))
    values, errors = image_kl(q, vae.prior, draws=4000)
    truth = average_of(q, seed=11, draws=20_000).mean(0)
    assert ((values - truth).abs() < 5 * errors).all() and (errors > 0).all()
