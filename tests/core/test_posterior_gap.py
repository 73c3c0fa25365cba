"""One image's true posterior against a closed form, and its gap read in two ways."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core.checkpoint import load
from core.distributions import DiagonalNormal
from core.gallery import split_images
from core.metrics.latent_map import LatentMap
from core.metrics.posterior_gap import image_posterior
from core.posterior_records import ImagePosterior
from core.posteriors.flow import FlowOptions, FlowPosterior
from core.records import DensityGrid
from core.vae import VAE
from tests.contracts import seeded
from tests.core.test_quadrature import Folded, OneMode
from tests.oracle import exact_log_marginal, images_of, linear_gaussian, standard_prior


def kl(q: DiagonalNormal, p: DiagonalNormal) -> float:
    """KL of two diagonal Gaussians in closed form, nats."""
    ratio = (q.log_var - p.log_var).exp()
    shift = (q.mean - p.mean).square() / p.log_var.exp()
    return float(0.5 * (ratio + shift - 1 - (q.log_var - p.log_var)).sum())


def total_variation(grid: DensityGrid, density: DiagonalNormal) -> float:
    """Half the L1 distance of a drawn density from a Gaussian at the cells' centres."""
    across, up = np.meshgrid(grid.x, grid.y)
    places = torch.from_numpy(np.stack([across.ravel(), up.ravel()], 1))
    exact = density.log_prob(places).exp().numpy().reshape(across.shape)
    area = (grid.x[1] - grid.x[0]) * (grid.y[1] - grid.y[0])
    return float(0.5 * np.abs(np.exp(grid.log_density.astype(float)) - exact).sum() * area)


@pytest.mark.parametrize(("shift", "widen"), [(0.0, 0.0), (0.4, 0.0), (0.0, 1.0), (1.5, -1.0)])
def test_every_part_is_that_of_the_closed_form(shift: float, widen: float) -> None:
    exact, vae = linear_gaussian(), linear_gaussian(shift=shift, widen=widen)
    x = images_of(exact, 1)
    truth, q = exact.posterior(x), vae.posterior(x)
    found = image_posterior(vae, x, draws=1024)
    right = kl(DiagonalNormal(q.mean[0], q.log_var[0]), DiagonalNormal(truth.mean[0], truth.log_var[0]))
    assert abs(found.log_likelihood - float(exact_log_marginal(exact, x))) < 1e-4
    assert abs(found.kl - right) < 1e-3 and abs(found.mass - 1) < 1e-4
    assert abs(found.gap.value - right) < 4 * found.gap.se + 1e-6
    assert abs(found.residual.value) < 4 * found.residual.se + 1e-3
    assert abs(found.family.value) < 1e-3, "the true posterior is a diagonal Gaussian"
    assert np.allclose(found.best[0], truth.mean[0].numpy(), atol=0.01)
    assert np.allclose(found.best[1], torch.exp(0.5 * truth.log_var[0]).numpy(), rtol=0.02)
    for grid, density in ((found.true, truth), (found.approximate, q)):
        assert abs(grid.mass - 1) < 0.01
        assert total_variation(grid, DiagonalNormal(density.mean[0], density.log_var[0])) < 0.02


def test_a_posterior_that_is_right_reads_nothing() -> None:
    vae = linear_gaussian()
    found = image_posterior(vae, images_of(vae, 1), draws=256)
    assert abs(found.kl) < 1e-6 and abs(found.gap.value) < 1e-4 and found.gap.se < 1e-6


def test_a_mode_that_the_encoder_does_not_know_is_drawn_and_counted() -> None:
    vae = VAE(OneMode(), standard_prior(2).double(), Folded(0.2)).requires_grad_(False)
    x = torch.tensor([[1.2, 0.3]], dtype=torch.float64)
    found = image_posterior(vae, x)
    assert found.true.x[0] < -1.2 and found.true.x[-1] > 1.2, "both modes are in the picture"
    left = np.exp(found.true.log_density.astype(float))[:, found.true.x < 0].sum()
    assert abs(left / np.exp(found.true.log_density.astype(float)).sum() - 0.5) < 0.01
    # A Gaussian can sit on one of two equal modes alone, which costs log 2.
    assert abs(found.family.value - math.log(2)) < 0.03


def test_a_flow_posterior_sums_to_one_and_both_readings_agree() -> None:
    torch.manual_seed(0)
    vae = linear_gaussian().float()
    vae.posterior = FlowPosterior("iaf", FlowOptions(layers=2, hidden=16, context=4), 7, 2, (16,)).eval()
    for parameter in vae.posterior.flow.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=seeded(3))
    vae.requires_grad_(False)
    found = image_posterior(vae, images_of(vae, 1))
    assert abs(found.mass - 1) < 2e-3 and abs(found.approximate.mass - 1) < 0.01
    assert found.kl > 0.05 and abs(found.residual.value) < 4 * found.residual.se + 5e-3


@pytest.mark.parametrize("name", ["digits-2d-standard", "digits-2d-standard-iaf", "digits-2d-standard-realnvp"])
def test_the_loosest_images_of_shipped_models_are_as_loose_as_was_stored(name: str) -> None:
    loaded = load(name)
    images = split_images(loaded.config, "test")
    for stored in loaded.metrics["evaluations"]["test"]["worst_gaps"]["images"][:2]:
        found = image_posterior(loaded.vae, images[stored["row"]][None])
        noise = math.hypot(found.gap.se, stored["gap"]["se"])
        assert abs(found.gap.value - stored["gap"]["value"]) < 4 * noise
        assert abs(found.residual.value) < 4 * found.residual.se and abs(found.mass - 1) < 2e-3


def test_a_posterior_far_thinner_than_a_cell_keeps_its_mass_in_the_picture() -> None:
    """The encoder is sure of a place far from the right one: 1e-4 wide in a picture 10 across."""
    vae = linear_gaussian(shift=8.0, widen=-16.0)
    found = image_posterior(vae, images_of(vae, 1), draws=256)
    assert found.true.x[-1] - found.true.x[0] > 5 and abs(found.mass - 1) < 2e-3
    assert abs(found.approximate.mass - 1) < 0.01 and abs(found.true.mass - 1) < 0.01
    assert abs(found.residual.value) < 4 * found.residual.se + 1e-3 * found.kl


class Overflowing(torch.nn.Module):
    """A network whose numbers are none."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = torch.nn.Parameter(torch.full((size,), torch.nan, dtype=torch.float64))

    def forward(self, z: torch.Tensor) -> DiagonalNormal:
        mean = self.size.expand(len(z), -1)
        return DiagonalNormal(mean, torch.zeros_like(mean))


def test_numbers_that_are_none_are_refused_and_cut_nothing_for_ever() -> None:
    vae = linear_gaussian()
    x = images_of(vae, 1)
    encoder = VAE(Overflowing(2), standard_prior(2).double(), vae.decoder).requires_grad_(False)
    with pytest.raises(FloatingPointError, match="the encoder gives"):
        image_posterior(encoder, x, draws=64)
    decoder = VAE(OneMode(), standard_prior(2).double(), Overflowing(2)).requires_grad_(False)
    with pytest.raises(FloatingPointError, match="the decoder gives"):
        image_posterior(decoder, x[:, :2], draws=64)


def test_the_same_seed_gives_the_same_numbers() -> None:
    vae = linear_gaussian(shift=0.4)
    x = images_of(vae, 1)
    first, second, other = (image_posterior(vae, x, draws=64, cells=20, seed=seed) for seed in (1, 1, 2))
    assert first.elbo == second.elbo and first.kl == second.kl and first.elbo != other.elbo


@pytest.mark.parametrize(("dim", "n"), [(3, 1), (2, 2), (2, 0)])
def test_other_dimensions_and_numbers_of_images_are_refused(dim: int, n: int) -> None:
    vae = linear_gaussian(dim=dim)
    with pytest.raises(ValueError, match=f"got {n} images and d = {dim}"):
        image_posterior(vae, images_of(vae, 3)[:n])


@pytest.mark.parametrize("name", ["digits-2d-standard", "digits-2d-standard-iaf", "digits-2d-vamp"])
def test_a_map_of_the_model_gives_what_a_map_of_the_image_gives(name: str) -> None:
    loaded = load(name)
    images = split_images(loaded.config, "test")
    around = LatentMap(loaded.vae, images)
    for row in (0, 5, 17):
        alone, mapped = (image_posterior(loaded.vae, images[row : row + 1], around=given) for given in (None, around))
        assert abs(alone.log_likelihood - mapped.log_likelihood) < 1e-3, "nats"
        assert abs(alone.kl - mapped.kl) < 5e-3 and abs(alone.mass - 1) < 2e-3 and abs(mapped.mass - 1) < 2e-3
        assert alone.elbo == mapped.elbo, "draws do not depend on where was looked"


def test_an_image_that_a_map_does_not_cover_is_given_its_own() -> None:
    vae = linear_gaussian(shift=0.4)
    x = images_of(vae, 1)
    elsewhere = LatentMap(vae, x)
    far = x + 40 * vae.decoder.weight.sum(1)  # its posterior lies beyond
    assert not elsewhere.holds(vae.posterior(far).sample(8)[:, 0]) and elsewhere.holds(vae.posterior(x).sample(8)[:, 0])
    assert abs(image_posterior(vae, far, around=elsewhere).kl - image_posterior(vae, far).kl) < 1e-9


def picture_of(vae: VAE, x: torch.Tensor, grid: DensityGrid, log_likelihood: float) -> np.ndarray:
    """p(z|x) from the decoder itself at the cells' centres."""
    across, up = np.meshgrid(grid.x, grid.y)
    z = torch.from_numpy(np.stack([across.ravel(), up.ravel()], 1)).float()
    with torch.inference_mode():
        values = vae.decoder(z).log_prob(x) + vae.prior.log_prob(z) - log_likelihood
    return values.double().exp().numpy().reshape(across.shape)


def test_what_is_read_between_the_centres_is_what_the_decoder_says() -> None:
    loaded = load("digits-2d-standard")
    images = split_images(loaded.config, "test")
    around = LatentMap(loaded.vae, images)
    for row in range(0, 60, 6):
        x = images[row : row + 1]
        found = image_posterior(loaded.vae, x, around=around)
        exact = picture_of(loaded.vae, x, found.true, found.log_likelihood)
        area = (found.true.x[1] - found.true.x[0]) ** 2
        assert 0.5 * np.abs(np.exp(found.true.log_density.astype(float)) - exact).sum() * area < 2e-3
        assert abs(found.approximate.mass - 1) < 1e-3, "nothing is added where the squares end"


def test_gap_and_residual_follow_from_the_parts() -> None:
    vae = linear_gaussian(shift=0.4)
    found: ImagePosterior = image_posterior(vae, images_of(vae, 1), draws=64, cells=20)
    assert found.gap.value == found.log_likelihood - found.elbo.value
    assert found.residual.value == found.gap.value - found.kl
