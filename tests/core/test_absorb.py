"""A flow prior is a flow posterior where the decoder absorbs the flow, and another model where it does not."""

from __future__ import annotations

import pytest
import torch

from core.absorb import absorbed, absorption
from core.checkpoint import load
from core.gallery import split_images
from core.posteriors import FlowedNormal

FLOWS = ("digits-2d-realnvp", "digits-2d-maf", "digits-2d-iaf")


@pytest.mark.parametrize("name", FLOWS)
def test_the_bound_of_every_image_is_the_same_to_rounding(name: str) -> None:
    loaded = load(name)
    found = absorption(loaded.vae, split_images(loaded.config, "test"), seed=3)
    assert found.n == found.total == 300
    assert found.difference < 1e-11 and found.difference_single < 1e-3
    assert abs(found.elbo.value - found.absorbed.value) < 1e-11
    assert found.kept_decoder.value < found.elbo.value - 5, "the decoder does not know the flow: another model"


def test_draws_and_their_densities_go_through_the_flow() -> None:
    loaded = load("digits-2d-maf")
    vae, x = loaded.vae.double().requires_grad_(False), split_images(loaded.config, "test")[:5].double()
    moved = absorbed(vae)
    q = moved.posterior(x)
    assert isinstance(q, FlowedNormal)
    u, log_q = q.rsample_and_log_prob(7, generator=torch.Generator().manual_seed(0))
    z, log_base = vae.posterior(x).rsample_and_log_prob(7, generator=torch.Generator().manual_seed(0))
    pushed, log_det = vae.prior.flow.forward_and_log_det(u.flatten(0, 1))
    assert torch.allclose(pushed.view_as(z), z, atol=1e-10)
    assert torch.allclose(log_q - log_det.view_as(log_q), log_base, atol=1e-9)
    assert torch.allclose(q.log_prob(u), log_q, atol=1e-9)
    assert torch.allclose(moved.decode(u[0]), vae.decode(z[0]), atol=1e-10)


def test_the_prior_that_is_left_is_standard_normal() -> None:
    moved = absorbed(load("digits-2d-iaf").vae)
    z = torch.zeros(1, 2)
    assert float(moved.prior.log_prob(z)) == pytest.approx(-1.8379, abs=1e-4)


def test_many_images_are_thinned_evenly_and_told() -> None:
    loaded = load("digits-2d-realnvp")
    found = absorption(loaded.vae, split_images(loaded.config, "test"), most=50)
    assert (found.n, found.total) == (50, 300)


@pytest.mark.parametrize("name", ["digits-2d-standard", "digits-2d-vamp", "digits-2d-standard-iaf"])
def test_without_a_flow_prior_there_is_nothing_to_absorb(name: str) -> None:
    with pytest.raises(ValueError, match="its prior is no flow"):
        absorbed(load(name).vae)


def test_one_image_has_no_standard_error() -> None:
    loaded = load("digits-2d-maf")
    with pytest.raises(ValueError, match="two images or more; got 1"):
        absorption(loaded.vae, split_images(loaded.config, "test")[:1])
