"""Quadrature over two latent dimensions against closed forms, brute force and ELBO surgery by sampling."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from core.checkpoint import load
from core.datasets import Split
from core.decoders import DECODERS
from core.distributions import DiagonalNormal
from core.metrics import quadrature
from core.metrics.evaluate import evaluate
from core.metrics.likelihood import log_marginal
from core.metrics.quadrature import log_likelihood_2d
from core.metrics.quadrature_surgery import surgery_2d
from core.metrics.surgery import elbo_surgery
from core.vae import VAE
from tests.contracts import seeded
from tests.oracle import (
    ExactPosterior,
    FixedMixture,
    GaussianDecoder,
    exact_log_marginal,
    exact_surgery,
    gaussian_posterior,
    images_of,
    linear_gaussian,
    standard_prior,
)

# ---------------------------------------------------------------- log p(x)


@pytest.mark.parametrize(("shift", "widen"), [(0.0, 0.0), (0.5, 0.8), (3.0, -1.0)])
def test_the_likelihood_is_exact_whatever_the_encoder_says(shift: float, widen: float) -> None:
    exact, vae = linear_gaussian(), linear_gaussian(shift=shift, widen=widen)
    x = images_of(exact, 30)
    found = log_likelihood_2d(vae, x)
    assert found.value.dtype == torch.float64 and found.checked == 30
    assert (found.value - exact_log_marginal(exact, x)).abs().max() < 1e-5
    assert found.error < 1e-4 and abs(found.prior_mass - 1) < 1e-3


def narrow(widen: float = 0.0) -> VAE:
    """True posteriors 0.02 and 0.04 wide, in a plane 8 across."""
    weight = torch.linalg.qr(torch.randn(7, 2, generator=seeded(1), dtype=torch.float64))[0] * torch.tensor([2.0, 1.0])
    decoder = GaussianDecoder(weight.double(), torch.zeros(7, dtype=torch.float64), 2 * math.log(0.04))
    return VAE(ExactPosterior(decoder, widen=widen), standard_prior(2).double(), decoder).requires_grad_(False)


def test_a_posterior_much_narrower_than_the_encoder_says_is_noticed_and_refined() -> None:
    exact, vae = narrow(), narrow(widen=2 * math.log(3))
    x = images_of(exact, 20)
    truth = exact_log_marginal(exact, x)
    found = log_likelihood_2d(vae, x, tolerance=1e-3)
    assert (found.value - truth).abs().max() < 1e-3 and found.error < 1e-3 and found.spacing < 0.03
    careless = log_likelihood_2d(vae, x, tolerance=1e9)
    wrong = float((careless.value - truth).abs().max())
    assert wrong > 3e-3, "the first spacing is too wide for these"
    assert wrong < careless.error < 4 * wrong, "and the record says so"


class Folded(nn.Module):
    """x given |z_1| and z_2: every posterior has two modes, of which a Gaussian encoder knows one."""

    def __init__(self, noise: float) -> None:
        super().__init__()
        self.log_var = nn.Parameter(torch.full((2,), 2 * math.log(noise), dtype=torch.float64))

    def forward(self, z: Tensor) -> DiagonalNormal:
        mean = torch.stack([z[:, 0].abs(), z[:, 1]], 1)
        return DiagonalNormal(mean, self.log_var.expand_as(mean))


class OneMode(nn.Module):
    def forward(self, x: Tensor) -> DiagonalNormal:
        return DiagonalNormal(x, torch.full_like(x, 2 * math.log(0.1)))


def test_a_mode_that_the_encoder_does_not_know_is_found() -> None:
    noise, x = 0.1, torch.rand(20, 2, generator=seeded(2), dtype=torch.float64) + 0.5
    vae = VAE(OneMode(), standard_prior(2).double(), Folded(noise)).requires_grad_(False)
    marginal = DiagonalNormal(torch.zeros(2), torch.full((2,), math.log1p(noise**2))).log_prob(x)
    upper = x[:, 0] / (1 + noise**2) / (noise / math.sqrt(1 + noise**2))
    truth = marginal + math.log(2) + torch.special.log_ndtr(upper)
    found = log_likelihood_2d(vae, x)
    assert (found.value - truth).abs().max() < 1e-4
    sampled = log_marginal(vae, x, 2000, generator=seeded(3)).value  # it draws from the one mode: half is lost
    assert abs(float((found.value - sampled).mean()) - math.log(2)) < 0.02


def test_mass_beyond_the_plane_widens_it_or_is_announced(monkeypatch) -> None:
    """The encoder is sure of a wrong place, and the prior's draws do not reach the right one."""
    exact, vae = linear_gaussian(), linear_gaussian(widen=-3.0)
    x = images_of(exact, 30)
    assert log_likelihood_2d(exact, x).border < 1e-6
    prior = vae.prior
    monkeypatch.setattr(
        prior, "sample", lambda n, generator=None: 0.01 * torch.randn(n, 2, generator=generator).double()
    )
    x = x[:1]
    truth = exact_log_marginal(exact, x)
    widened = log_likelihood_2d(vae, x)
    assert widened.border < 1e-3 and abs(float(widened.value - truth)) < 1e-3
    monkeypatch.setattr(quadrature, "RINGS", (1,))
    found = log_likelihood_2d(vae, x)
    assert found.border > 1e-3 and found.prior_mass < widened.prior_mass and float(found.value - truth) < -1e-3


@pytest.mark.parametrize("likelihood", ["bernoulli", "logistic"])
def test_a_network_s_likelihood_against_brute_force(likelihood: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        decoder = DECODERS[likelihood](2, 12, (16,))
    with torch.no_grad():
        decoder.head.weight *= 6
    prior = FixedMixture(torch.tensor([[-1.0, 0.5], [1.5, 0.0]]), torch.tensor([[-1.0, 0.0], [-2.0, -0.5]]))
    vae = VAE(gaussian_posterior(12, 2), prior, decoder).eval().requires_grad_(False)
    x = torch.rand(15, 12, generator=seeded(6))
    x = (x > 0.5).float() if likelihood == "bernoulli" else ((x * 255).round() + 0.5) / 256
    found = log_likelihood_2d(vae, x)
    axis = (torch.arange(300, dtype=torch.float64) + 0.5) * (14 / 300) - 7
    nodes = torch.cartesian_prod(axis, axis)
    vae.double()
    joint = torch.cat(
        [decoder(z).log_prob(x.double()[:, None]) + prior.log_prob(z) for z in nodes.split(5000)], 1
    )  # (15, nodes)
    truth = joint.logsumexp(1) + 2 * math.log(14 / 300)
    assert (found.value - truth).abs().max() < 2e-3 and found.error < 0.01


def test_images_and_nodes_in_small_pieces_give_the_same(monkeypatch) -> None:
    vae = linear_gaussian(shift=0.3)
    x = images_of(vae, 11)
    whole = log_likelihood_2d(vae, x)
    monkeypatch.setattr(quadrature, "NODES", 64)
    monkeypatch.setattr(quadrature, "PAIRS", 2000)
    done: list[int] = []
    pieces = log_likelihood_2d(vae, x, on_progress=done.append)
    assert (pieces.value - whole.value).abs().max() < 1e-12 and abs(pieces.error - whole.error) < 1e-9
    assert done == sorted(done) and done[-1] == 100


def test_the_gap_of_the_bound_is_the_kl_to_the_true_posterior() -> None:
    exact = linear_gaussian()
    x = images_of(exact, 50)
    none = evaluate(exact, Split(x), "test", samples=2, seed=7).estimates
    assert abs(none["bound_gap"].value) < 1e-5 and none["bound_gap"].se < 1e-5
    assert none["quadrature_error"].value < 0.02
    vae = linear_gaussian(shift=0.3, widen=0.8)
    variance = 1 / (1 + vae.decoder.weight.square().sum(0) / math.exp(vae.decoder.log_var))
    truth = float(0.5 * (math.exp(0.8) - 1 - 0.8 + 0.3**2 / variance).sum())
    found = evaluate(vae, Split(images_of(vae, 2000)), "test", samples=2, seed=8).estimates
    gap = found["bound_gap"]
    assert abs(gap.value - truth) < 4 * gap.se and gap.se < 0.05
    assert abs(gap.value - (found["log_likelihood"].value - found["elbo"].value)) < 1e-9, "of the same draws"


def test_other_dimensions_and_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="two latent dimensions and an image; got d = 3"):
        log_likelihood_2d(linear_gaussian(3), torch.zeros(2, 7).double())
    with pytest.raises(ValueError, match="0 images"):
        log_likelihood_2d(linear_gaussian(), torch.zeros(0, 7).double())
    with pytest.raises(ValueError, match=r"\(n, 2\) posteriors; got \(5, 3\)"):
        surgery_2d(torch.zeros(5, 3), torch.zeros(5, 3), standard_prior(3))


# ---------------------------------------------------------------- surgery


def posteriors(n: int) -> tuple[Tensor, Tensor]:
    generator = seeded(9)
    return torch.randn(n, 2, generator=generator), -2 * torch.rand(n, 2, generator=generator)


def test_surgery_is_that_of_the_oracle() -> None:
    mean, log_var = posteriors(6)
    found, truth = surgery_2d(mean, log_var, standard_prior(2)), exact_surgery(mean, log_var)
    for name, value in truth.items():  # the average KL of the oracle is the closed form
        assert abs(getattr(found, name) - value) < 1e-5, name
    assert found.error < 1e-4 and abs(found.mass - 1) < 1e-6


def test_one_posterior_has_no_information_and_the_closed_kl() -> None:
    mean, log_var = torch.tensor([[3.0, -1.0]]), torch.tensor([[-3.0, -6.0]])
    found = surgery_2d(mean, log_var, standard_prior(2))
    assert abs(found.mutual_information) < 1e-6
    assert abs(found.marginal_kl - float(DiagonalNormal(mean, log_var).kl_standard())) < 1e-4


def test_too_wide_a_grid_says_so() -> None:
    mean, log_var = posteriors(6)
    truth = exact_surgery(mean, log_var)["mutual_information"]
    found = surgery_2d(mean, log_var, standard_prior(2), spacing=2.0)
    assert abs(found.mutual_information - truth) > 1e-3 and found.error > 1e-2


@pytest.mark.parametrize("kind", ["standard", "mog", "vamp", "aggregated", "maf", "realnvp"])
def test_elbo_surgery_of_the_shipped_models(kind: str) -> None:
    checkpoint = load(f"digits-2d-{kind}")
    assert checkpoint.latents is not None
    components, prior = checkpoint.latents.components(), checkpoint.vae.prior
    exact = surgery_2d(*components, prior)
    assert exact.error < 1e-3 and abs(exact.mass - 1) < 1e-4
    sampled = elbo_surgery(*components, prior, n_samples=30, generator=seeded(10))
    noise = sampled.identity_residual.se  # of the draws alone: the images are the same on both sides
    assert noise < 0.03
    for name in ("average_kl", "mutual_information", "marginal_kl"):
        assert abs(getattr(sampled, name).value - getattr(exact, name)) < 3 * noise, name
