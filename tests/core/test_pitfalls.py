"""Mistakes that were made elsewhere and that no other test would notice: initial values, bounds, counts, blocks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from core import mixture, pseudo_inputs
from core.build import build
from core.config import ModelConfig, PriorConfig
from core.latents import LatentCloud
from core.posteriors.gaussian import GaussianPosterior
from core.priors import PRIORS, PriorContext
from core.priors.vamp import EDGE
from core.typicality import reference
from tests.contracts import perturbed, registered_prior, seeded, small_options
from tests.core.test_distributions import Largest
from tests.oracle import gaussian_posterior, standard_prior

pytestmark = pytest.mark.usefixtures("seeded_layers")


@pytest.mark.parametrize("kind", PRIORS)
def test_a_density_does_not_depend_on_what_else_is_asked_for(kind: str) -> None:
    """Nor on whether the model is trained or evaluated: batch statistics or dropout would make it so."""
    prior = registered_prior(kind)(3)
    perturbed(prior)
    z = prior.sample(9, generator=seeded(8))
    with torch.no_grad():
        whole = prior.log_prob(z)
        assert prior.log_prob(z[:0]).shape == (0,), "a region of a picture may be empty"
        assert torch.allclose(whole[:2], prior.log_prob(z[:2]), atol=1e-5)
        assert torch.allclose(whole, prior.eval().log_prob(z), atol=1e-6)


@pytest.mark.parametrize("init", ["mean", "data"])
def test_every_pixel_of_a_pseudo_input_has_a_gradient(init: str) -> None:
    """Also where the images are black and white: behind a hard clamp half of the pixels would never move."""
    images = (torch.rand(50, 30, generator=seeded(6)) < 0.5).float()
    context = PriorContext(2, 30, GaussianPosterior(30, 2, (4,)), images, seeded(5))
    prior = PRIORS["vamp"].from_config({"components": 40, "init": init}, context)
    (slope,) = torch.autograd.grad(prior.pseudo_inputs.sum(), prior.logits)  # type: ignore[arg-type, operator]
    assert slope.min() > 1e-3
    prior.log_prob(torch.randn(50, 2, generator=seeded(1))).sum().backward()
    assert (prior.logits.grad != 0).double().mean() > 0.99  # type: ignore[union-attr]


@pytest.mark.parametrize("raw", [-1e6, -7.0, 4.0, 1e6])
def test_no_network_leaves_the_bounds_of_log_variances(raw: float) -> None:
    """Softly: at a moderate value there is still a gradient back."""
    prior = PRIORS["mog"].from_config({"components": 3}, PriorContext(2, 1, nn.Identity(), generator=seeded(1)))
    posterior = gaussian_posterior(6, 2)
    with torch.no_grad():
        prior.raw_log_var.fill_(raw)  # type: ignore[operator, union-attr]
        posterior.head.bias[2:] = raw
    for log_var, parameter in (
        (prior.components()[1], prior.raw_log_var),  # type: ignore[operator]
        (posterior(torch.rand(3, 6, generator=seeded(2))).log_var, posterior.head.bias),
    ):
        assert log_var.min() >= -6 and log_var.max() <= 2
        (slope,) = torch.autograd.grad(log_var.sum(), parameter)
        assert abs(raw) > 10 or slope[-1].abs().max() > 1e-3


def test_components_of_a_mixture_start_apart() -> None:
    """From one place they would have equal gradients and stay together for good."""
    for scale in (0.5, 2.0):
        context = PriorContext(3, 1, nn.Identity(), generator=seeded(1))
        prior = PRIORS["mog"].from_config({"components": 400, "init_scale": scale}, context)
        assert torch.allclose(prior.components()[0].std(0), torch.full((3,), scale), rtol=0.2)  # type: ignore[operator]


def model(kind: str, options: dict[str, object]) -> ModelConfig:
    return ModelConfig(image_shape=(1, 3, 4), likelihood="bernoulli", latent_dim=2, hidden=(8,),
                       prior=PriorConfig(kind=kind, options=options))  # fmt: skip


@pytest.mark.parametrize("kind", ["realnvp", "maf", "iaf"])
def test_a_built_model_keeps_the_flow_at_the_identity(kind: str) -> None:
    """An initialisation of all layers afterwards would overwrite the last layers, which are zero."""
    z = torch.randn(20, 2, generator=seeded(1))
    found = build(model(kind, small_options(kind)), generator=seeded(2)).prior.log_prob(z)
    assert torch.allclose(found, standard_prior(2).log_prob(z), atol=1e-5)


def test_a_built_model_keeps_the_start_of_the_pseudo_inputs() -> None:
    images = torch.rand(30, 12, generator=seeded(3))
    config = model("vamp", {"components": 7, "init": "mean", "init_noise": 0})
    u = build(config, images=images, generator=seeded(2)).prior.pseudo_inputs  # type: ignore[union-attr]
    assert torch.allclose(u, images.mean(0).clamp(EDGE, 1 - EDGE).expand(7, -1), atol=1e-5)  # type: ignore[operator]


def test_saturated_pixels_are_counted() -> None:
    prior = registered_prior("vamp")(2)
    count = prior.logits.shape[1]  # type: ignore[union-attr]
    with torch.no_grad():
        prior.logits.zero_()  # type: ignore[operator, union-attr]
        prior.logits[0, :3], prior.logits[1, :2] = 9.0, -9.0  # type: ignore[index]
    found = pseudo_inputs._saturated(prior)  # type: ignore[arg-type]
    assert found is not None and found[:3].tolist() == pytest.approx([3 / count, 2 / count, 0.0])


def test_a_mixture_never_holds_all_densities_at_once() -> None:
    generator = seeded(4)
    mean, log_var = torch.randn(4000, 2, generator=generator), torch.randn(4000, 2, generator=generator)
    points = torch.randn(3000, 2, generator=generator)
    with Largest() as largest, torch.no_grad():
        mixture.log_prob(points, mean, log_var, torch.full((4000,), -4000.0).log_softmax(0))
    assert largest.numel <= mixture.ROWS * mixture.COLUMNS < 4000 * 3000


def test_what_places_are_compared_with_leaves_the_own_component_out() -> None:
    """Each draw lies on its own posterior: with it every place of the data would look unusual."""
    mean = (100 * torch.arange(40.0))[:, None].expand(40, 2).numpy()
    far: Tensor = torch.from_numpy(
        reference(LatentCloud(mean, 0 * mean, None, "test", 40), standard_prior(2)).log_q  # type: ignore[arg-type]
    )
    assert far.max() < -1000
