"""Draws and densities where float32 is too coarse: posteriors that are points, mixtures far from their centre."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from core import checkpoint
from core.config import RunConfig
from core.distributions import DiagonalNormal
from core.imported import make, read_latents_file
from core.latents import LatentCloud
from core.metrics.evaluate_latents import evaluate_latents
from core.metrics.points import are_points
from core.metrics.precise import TOLERATED, draws, exact_log_prior, log_prior, too_narrow, worst_error
from core.metrics.surgery import elbo_surgery
from core.priors import PRIORS, MixturePrior, PriorContext
from tests.contracts import seeded
from tests.oracle import FixedMixture, standard_prior


def points(n: int = 400, d: int = 16, log_var: float = -30.0) -> tuple[torch.Tensor, torch.Tensor]:
    """What somebody with a deterministic autoencoder would write: means about 5, and the least variance there is."""
    return 5 + torch.randn(n, d, generator=seeded(1)), torch.full((n, d), log_var)


def test_the_surgery_of_points_is_the_closed_form() -> None:
    mean, log_var = points()
    found = elbo_surgery(mean, log_var, standard_prior(16), n_samples=8, generator=seeded(2))
    assert abs(found.identity_residual.value) < 4 * found.identity_residual.se < 0.4
    exact = float(DiagonalNormal(mean.double(), log_var.double()).kl_standard().mean())
    noise = math.sqrt(16 / 2 / (8 * 400))  # of the draws: each noise squared over two
    assert abs(found.average_kl.value - exact) < 5 * noise
    assert found.mutual_information.value == pytest.approx(math.log(400), abs=1e-9), "no two overlap"
    assert abs(found.marginal_kl.value - (exact - math.log(400))) < 5 * noise


@pytest.mark.parametrize("kind", ["gaussian", "mog", "maf"])
def test_so_it_is_under_fitted_priors(kind: str, tmp_path: Path) -> None:
    mean, log_var = points(200, 4)
    np.savez_compressed(tmp_path / "auto.npz", mean=mean.numpy(), log_var=log_var.numpy())
    made = make(read_latents_file(tmp_path / "auto.npz"), kind, {"components": 3} if kind == "mog" else {}, steps=20)
    assert "only differences between priors mean something" in made.data.source
    checkpoint.save(made.vae, RunConfig(data=made.data, model=made.model), tmp_path / "auto", latents=made.cloud)
    back = checkpoint.load(tmp_path / "auto")
    assert isinstance(back.latents, LatentCloud)
    found = evaluate_latents(back.latents, back.vae.prior)
    assert abs(found["identity_residual"]["value"]) < 4 * found["identity_residual"]["se"]


def test_what_is_a_point_beside_q() -> None:
    mean, log_var = (part.numpy() for part in points())
    assert are_points(mean, log_var) and not are_points(mean, np.full_like(log_var, -6.0))
    dead = np.where(np.arange(16) < 4, 0.3, mean).astype(np.float32)
    assert are_points(dead, log_var), "units that are dead as well"
    assert not are_points(1e-5 * mean, np.full_like(log_var, -30.0)), "a matter of their width beside q(z)"


def test_draws_are_those_of_before_where_float32_is_enough() -> None:
    mean, log_var = points(log_var=-6.0)
    z, log_q = draws(mean, log_var, 3, generator=seeded(4))
    expected, expected_log_q = DiagonalNormal(mean, log_var).rsample_and_log_prob(3, generator=seeded(4))
    assert torch.equal(z, expected) and torch.equal(log_q, expected_log_q) and not too_narrow(mean, log_var)
    narrow = torch.full_like(log_var, -30.0)
    fine, _ = draws(mean, narrow, 3, generator=seeded(4))
    noise = (fine - mean.double()) * math.exp(15)
    assert fine.dtype == torch.float64 and too_narrow(mean, narrow)
    assert (noise - (expected.double() - mean) * math.exp(3)).abs().max() < 1e-3, "the same noise"


def test_a_mixture_of_far_components_is_measured_in_double() -> None:
    """q(z) as its own prior: KL(q || p) = 0. In float32 each log p(z) is off by up to 1 nat and more."""
    mean = 300 * torch.randn(200, 4, generator=seeded(5))
    log_var = torch.full((200, 4), -6.0)
    prior = FixedMixture(mean, log_var)
    z = draws(mean, log_var, 2, generator=seeded(6))[0].flatten(0, 1)
    truth = exact_log_prior(prior, z)
    assert (prior.log_prob(z) - truth).abs().max() > 0.5 and worst_error(prior, z) > TOLERATED
    assert torch.equal(log_prior(prior, z), truth)
    found = elbo_surgery(mean, log_var, prior, n_samples=2, generator=seeded(7))
    assert abs(found.marginal_kl.value) < 1e-6 and found.marginal_kl.se < 1e-6


def test_no_model_that_is_shipped_pays_for_it() -> None:
    for name in ("digits-2d-aggregated", "frey-40d-vamp", "mnist-2d-vamp", "mnist-40d-mog"):
        loaded = checkpoint.load(name)
        assert isinstance(loaded.latents, LatentCloud) and isinstance(loaded.vae.prior, MixturePrior)
        mean, log_var = loaded.latents.components()
        with torch.no_grad():
            z = draws(mean, log_var, 1, generator=seeded(8))[0][0]
            assert z.dtype == torch.float32 and worst_error(loaded.vae.prior, z) < TOLERATED
            assert torch.equal(log_prior(loaded.vae.prior, z), loaded.vae.prior.log_prob(z))


@pytest.mark.parametrize("kind", ["standard", "gaussian", "mog", "realnvp", "maf"])
def test_points_in_double_are_measured_in_double(kind: str) -> None:
    """Within inference mode too, where an evaluation runs."""
    prior = PRIORS[kind].from_config({}, PriorContext(3, 1, torch.nn.Identity(), None, seeded(9))).eval()
    z = torch.randn(2, 5, 3, generator=seeded(10))
    with torch.inference_mode():
        found = log_prior(prior, z.double())
        assert found.shape == (2, 5) and found.dtype == torch.float64
        assert (found - log_prior(prior, z)).abs().max() < 1e-4
    assert all(parameter.dtype == torch.float32 for parameter in prior.parameters())
