"""Priors over standardised codes: they obey the laws, and fits do not depend on the size of somebody else's codes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core import checkpoint, figures, prior_noise
from core.absent import AbsentEncoder
from core.build import build
from core.cli_ladder import _show
from core.config import ModelConfig, PriorConfig, RunConfig
from core.imported import LatentsFile, make
from core.ladder import climb_posteriors
from core.ladder_file import as_dict, read_ladder, write_ladder
from core.ladder_records import Ladder
from core.ladder_target import Target
from core.metrics.precise import exact_log_prior
from core.posteriors import GaussianPosterior
from core.priors import PRIORS, PriorContext
from core.priors.standardised import Standardised, standardised
from tests.contracts import PRIOR_LAWS, perturbed, seeded, small_options

KINDS = ("gaussian", "mog", "realnvp", "maf")
SHIFT, SCALE = (5.0, -0.3, 0.0, 1.0, 2.0), (0.7, 1.4, 1.0, 0.2, 7.0)


def placed(kind: str, dim: int) -> Standardised:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        prior = standardised(PRIORS[kind], small_options(kind), PriorContext(dim, 1, nn.Identity(), None, seeded(3)))
    prior.frame.place(torch.tensor(SHIFT[:dim]), torch.tensor(SCALE[:dim]))
    return prior


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("law", PRIOR_LAWS, ids=lambda law: law.__name__)
def test_they_obey_the_laws(law, kind: str) -> None:
    law(lambda dim: placed(kind, dim))


@pytest.mark.parametrize("kind", KINDS)
def test_its_gaussians_its_noise_and_its_exact_density_are_its_own(kind: str) -> None:
    prior = placed(kind, 3)
    perturbed(prior, 0.1)
    z = prior.sample(40, generator=seeded(2))
    found = exact_log_prior(prior, z)
    assert found.dtype == torch.float64 and (found - prior.log_prob(z)).abs().max() < 1e-4
    if (full := prior.gaussians()) is not None:
        truth = torch.distributions.MultivariateNormal(full[0][0], full[1][0]).log_prob(z)
        assert (truth - found).abs().max() < 1e-3
    assert prior_noise.why_not(prior) is None
    assert (prior_noise.from_noise(prior, prior_noise.to_noise(prior, z)) - z).abs().max() < 1e-3


# ---------------------------------------------------------------- the ladder on codes of any size


CENTRES = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


def clusters(scale: float, shift: float = 0.0, width: float = 0.3, n: int = 600) -> tuple[Tensor, Tensor]:
    """Four round clusters in two dimensions, half of their variance within the posteriors."""
    codes = CENTRES[torch.arange(n) % 4] + width * math.sqrt(0.5) * torch.randn(n, 2, generator=seeded(5))
    order = torch.randperm(n, generator=seeded(6))
    log_var = torch.full((n, 2), math.log(0.5 * width**2 * scale**2))
    return scale * codes[order] + shift, log_var


def climbed(mean: Tensor, log_var: Tensor, rungs: tuple, steps: int = 400) -> Ladder:
    third = len(mean) // 3
    names = ("train", "validation", "test")
    parts = zip(mean.split(third), log_var.split(third), strict=True)
    codes = {name: (lambda part=part: part) for name, part in zip(names, parts, strict=False)}
    context = PriorContext(mean.shape[1], 1, AbsentEncoder())
    return climb_posteriors(codes, third, context, digest="abc", rungs=rungs, steps=steps, batch=300)


def gains(ladder: Ladder) -> dict[tuple[str, int | None], float]:
    """Over the Gaussian, on the test images: what each wins that is no product of sizes."""
    base = next(rung.test.value for rung in ladder.rungs if rung.kind == "gaussian")
    return {(rung.kind, rung.components): base - rung.test.value for rung in ladder.rungs}


RUNGS = (("gaussian", None), ("mog", 1), ("mog", 4))


@pytest.fixture(scope="module")
def usual() -> Ladder:
    return climbed(*clusters(1.0), RUNGS)


@pytest.mark.parametrize(("scale", "shift"), [(20.0, 0.0), (300.0, 0.0), (0.02, 0.0), (1.0, 1000.0)])
def test_gains_over_the_gaussian_do_not_depend_on_the_size_of_the_codes(
    scale: float, shift: float, usual: Ladder
) -> None:
    other = climbed(*clusters(scale, shift), RUNGS)
    assert (usual.standardised, other.standardised) == (False, True)
    for key, gain in gains(usual).items():
        assert abs(gains(other)[key] - gain) < 0.03, key
    assert abs(gains(other)["mog", 1]) < 0.03, "round moments: one diagonal Gaussian is the Gaussian"
    assert gains(other)["mog", 4] > 0.5


def test_the_standard_rung_stays_what_it_is() -> None:
    mean, log_var = clusters(20.0)
    found = climbed(mean, log_var, (("standard", None), ("gaussian", None)))
    test_mean, test_log_var = mean[400:].double(), log_var[400:].double()
    exact = float(0.5 * (test_mean.square() + test_log_var.exp() + math.log(2 * math.pi)).sum(1).mean())
    log_p = float(found.rungs[1].test.value - found.rungs[0].test.value)
    variance = torch.cov(mean[:200].double().T, correction=0) + log_var[0].double().exp().diag()
    fitted = torch.distributions.MultivariateNormal(mean[:200].double().mean(0), variance)
    noise = torch.randn(16, 200, 2, generator=seeded(9)).double()
    at = test_mean + torch.exp(0.5 * test_log_var) * noise
    expected = -exact - float(fitted.log_prob(at).mean())
    assert abs(log_p - expected) < 4 * found.gain(1, "test").se


def test_clusters_a_hundredth_as_wide_as_they_lie_apart_are_found() -> None:
    """Their entropy is log 4 + the Gaussians'; the usual floor, 0.05 of the deviation, costs 3 nats here."""
    width = 0.01
    found = climbed(*clusters(50.0, width=width), (("gaussian", None), ("mog", 4)), steps=1500)
    best = 2 * math.log(math.sqrt(1 + width**2) / width) - math.log(4)
    assert abs(gains(found)["mog", 4] - best) < 0.1


def test_a_flow_finds_codes_that_lie_far_off() -> None:
    rungs = (("gaussian", None), ("realnvp", None))
    usual, far = (climbed(*clusters(1.0, shift), rungs, steps=250) for shift in (0.0, 1000.0))
    assert gains(usual)["realnvp", None] > 0.2
    assert gains(far)["realnvp", None] > gains(usual)["realnvp", None] - 0.15


def test_what_is_shipped_is_of_the_usual_size() -> None:
    """Stored ladders would be other numbers were their codes standardised."""
    for name in ("digits-2d-standard", "mnist-2d-standard", "mnist-40d-standard"):
        loaded = checkpoint.load(name)
        assert loaded.latents is not None and not Target(*loaded.latents.components()).unusual, name
        stored = read_ladder(checkpoint.checkpoint_root() / name)
        assert stored is not None and not stored.standardised and stored.left_out == ()
        assert not {"standardised", "left_out"} & set(as_dict(stored)), "written again it is the same file"


# ---------------------------------------------------------------- dead dimensions


def with_dimension(values: Tensor, log_var: float) -> tuple[Tensor, Tensor]:
    mean, own = clusters(1.0)
    return torch.cat([mean, values[:, None]], 1), torch.cat([own, torch.full((len(mean), 1), log_var)], 1)


def test_a_dead_dimension_aborts_nothing(usual: Ladder) -> None:
    rungs = (("standard", None), ("gaussian", None), ("mog", 4))
    dead = climbed(*with_dimension(torch.full((600,), 0.3), -18.0), rungs)
    assert dead.left_out == () and [rung.kind for rung in dead.rungs] == ["standard", "gaussian", "mog"]
    assert abs(gains(dead)["mog", 4] - gains(usual)["mog", 4]) < 0.03, "it tells nothing"
    made = make(as_file(*with_dimension(torch.full((600,), 0.3), -18.0)), "gaussian")
    assert torch.isfinite(made.vae.prior.log_prob(torch.from_numpy(made.cloud.mean))).all()


@pytest.fixture(scope="module")
def told() -> Ladder:
    """One dimension is a multiple of another: no Gaussian can be calculated with, and mixtures can."""
    mean, _ = clusters(1.0)
    doubled = torch.cat([mean, 2 * mean[:, :1]], 1)
    return climbed(doubled, torch.full_like(doubled, -30.0), (("standard", None), ("gaussian", None), ("mog", 4)), 30)


def test_a_rung_that_cannot_be_fitted_is_left_out_with_its_reason(told: Ladder, tmp_path: Path) -> None:
    assert [rung.kind for rung in told.rungs] == ["standard", "mog"] and told.standardised
    assert [one.title for one in told.left_out] == ["Gaussian, full covariance"]
    assert "conditional variance" in told.left_out[0].reason
    write_ladder(tmp_path / "ladder.json", told)
    found = read_ladder(tmp_path)
    assert found is not None and found.left_out == told.left_out and found.standardised
    shown = _show({"name": "x", "file": "y", **as_dict(told)})
    assert "left out: Gaussian, full covariance: covariance has a conditional variance" in shown
    assert "standardised codes" in shown
    assert figures.left_out_words(told).startswith("Gaussian, full covariance is left out: covariance has")
    assert "deviation 1 in every dimension" in figures.standardised_words(told)
    usual = replace(told, standardised=False, left_out=())
    assert figures.left_out_words(usual) == figures.standardised_words(usual) == ""


# ---------------------------------------------------------------- imports


def as_file(mean: Tensor, log_var: Tensor) -> LatentsFile:
    return LatentsFile("big", mean.numpy(), log_var.numpy(), None, (), None, (1, 1, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_an_import_of_large_codes_is_saved_with_its_frame(kind: str, tmp_path: Path) -> None:
    options = {"mog": {"components": 4}}.get(kind, {})
    made = make(as_file(*clusters(30.0, 100.0)), kind, options, steps=150)
    assert made.model.prior.standardised and "mean 0 and deviation 1" in made.data.source
    checkpoint.save(made.vae, RunConfig(data=made.data, model=made.model), tmp_path / "big", latents=made.cloud)
    back = checkpoint.load(tmp_path / "big")
    z = torch.from_numpy(made.cloud.mean)
    assert torch.equal(back.vae.prior.log_prob(z), made.vae.prior.log_prob(z))
    small = make(as_file(*clusters(1.0)), kind, options, steps=150)
    assert not small.model.prior.standardised
    fits = [float(each.vae.prior.log_prob(torch.from_numpy(each.cloud.mean)).mean()) for each in (small, made)]
    assert abs(fits[0] - fits[1] - 2 * math.log(30.0)) < 0.2, "the same density, stretched"
    drawn = back.vae.prior.sample(2000, generator=seeded(1))
    assert np.allclose(drawn.mean(0), 100.0, atol=6.0) and np.allclose(drawn.std(0) / 30, 1.04, atol=0.12)


def test_a_trained_prior_has_no_frame() -> None:
    model = {"image_shape": (1, 4, 4), "likelihood": "bernoulli", "latent_dim": 2, "hidden": (4,)}
    with pytest.raises(ValueError, match="needs no frame"):
        build(ModelConfig(**model, prior=PriorConfig(kind="mog", standardised=True)))
    assert isinstance(build(ModelConfig(**model, prior=PriorConfig(kind="mog"))).posterior, GaussianPosterior)
