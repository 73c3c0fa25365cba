"""The bound, against a model whose likelihood and posterior are known in closed form."""

from __future__ import annotations

import math

import pytest
import torch

from core.decoders import DECODERS
from core.distributions import Bernoulli, DiscretizedLogistic
from core.priors import PRIORS
from core.vae import VAE
from tests.contracts import SIGMAS, registered_prior, seeded
from tests.oracle import exact_log_marginal, gaussian_posterior, images_of, linear_gaussian


def small_vae(kind: str = "standard", likelihood: str = "bernoulli") -> VAE:
    prior = registered_prior(kind)(2)
    posterior = prior._encoder[0] if hasattr(prior, "_encoder") else gaussian_posterior(6, 2)
    return VAE(posterior, prior, DECODERS[likelihood](2, 6, (8,)))


def binary_images(n: int = 9) -> torch.Tensor:
    return (torch.rand(n, 6, generator=seeded(1)) < 0.5).float()


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_with_the_exact_posterior_every_draw_of_the_bound_is_the_likelihood(dim: int, seed: int) -> None:
    vae = linear_gaussian(dim)
    x = images_of(vae, 30)
    terms = vae.terms(x, 4, generator=seeded(seed))
    assert terms.elbo.shape == (4, 30)
    assert (terms.elbo - exact_log_marginal(vae, x)).abs().max() < 1e-10


@pytest.mark.parametrize(("shift", "widen"), [(0.3, 0.0), (0.0, 0.7), (-0.2, -0.5)])
def test_with_a_wrong_posterior_the_gap_is_its_kl(shift: float, widen: float) -> None:
    vae, exact = linear_gaussian(shift=shift, widen=widen), linear_gaussian()
    x = images_of(exact, 40)
    elbo = vae.terms(x, 2000, generator=seeded(2)).elbo
    wrong, right = (
        torch.distributions.Independent(torch.distributions.Normal(q.mean, (0.5 * q.log_var).exp()), 1)
        for q in (vae.posterior(x), exact.posterior(x))
    )
    gap = torch.distributions.kl_divergence(wrong, right)
    error = elbo.std(0) / math.sqrt(2000)
    assert ((exact_log_marginal(exact, x) - elbo.mean(0) - gap).abs() < SIGMAS * error).all()
    assert (gap > 1e-3).all()


def test_the_terms_add_up() -> None:
    terms = small_vae().terms(binary_images(), 3, generator=seeded(3))
    assert torch.equal(terms.elbo, terms.reconstruction + terms.log_prior - terms.log_posterior)
    assert torch.equal(terms.kl, terms.log_posterior - terms.log_prior)


def test_elbo_is_the_mean_of_its_draws() -> None:
    vae, x = small_vae(), binary_images()
    terms, mean = vae.terms(x, 5, generator=seeded(4)), vae.elbo(x, 5, generator=seeded(4))
    for name in ("reconstruction", "log_prior", "log_posterior"):
        assert getattr(mean, name).shape == (9,)
        assert torch.equal(getattr(mean, name), getattr(terms, name).mean(0))


def test_draws_belong_to_their_images() -> None:
    """With several draws the images must be repeated in the order of the draws, not interleaved."""
    vae, x = small_vae(), binary_images()
    terms = vae.terms(x, 3, generator=seeded(5))
    z, _ = vae.posterior(x).rsample_and_log_prob(3, generator=seeded(5))
    for draw in range(3):
        expected = vae.decoder(z[draw]).log_prob(x)
        assert torch.allclose(terms.reconstruction[draw], expected, atol=1e-5)
        assert torch.allclose(terms.log_prior[draw], vae.prior.log_prob(z[draw]), atol=1e-5)


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("likelihood", DECODERS)
def test_every_part_learns(kind: str, likelihood: str) -> None:
    vae = small_vae(kind, likelihood)
    vae.train()
    terms = vae.elbo(binary_images(30), generator=seeded(6))
    terms.elbo.mean().backward()
    names = [name for name, p in vae.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not names
    parts = {name.split(".")[0] for name, p in vae.named_parameters() if p.grad.abs().sum() > 0}
    assert parts >= {"posterior", "decoder"} | ({"prior"} if list(vae.prior.parameters()) else set())


def test_the_likelihood_belongs_to_the_decoder() -> None:
    z = torch.randn(4, 2, generator=seeded(7))
    assert isinstance(DECODERS["bernoulli"](2, 6, (8,))(z), Bernoulli)
    assert isinstance(DECODERS["logistic"](2, 6, (8,))(z), DiscretizedLogistic)


@pytest.mark.parametrize("likelihood", DECODERS)
def test_the_decoder_s_mean_is_an_image(likelihood: str) -> None:
    vae = small_vae(likelihood=likelihood)
    z, images = vae.generate(7, generator=seeded(8))
    assert z.shape == (7, 2) and images.shape == (7, 6)
    assert 0 <= images.min() and images.max() <= 1
    assert torch.equal(images, vae.decode(z)) and not images.requires_grad
    assert torch.equal(z, vae.prior.sample(7, generator=seeded(8)))


def test_reconstruction_is_the_mean_at_the_posterior_s_mean() -> None:
    vae, x = small_vae(), binary_images()
    assert torch.equal(vae.reconstruct(x), vae.decode(vae.posterior(x).mean))


@pytest.mark.parametrize("likelihood", DECODERS)
def test_a_model_in_double_precision_computes_in_it(likelihood: str) -> None:
    vae = small_vae("mog", likelihood).double()
    terms = vae.elbo(binary_images().double(), generator=seeded(9))
    assert terms.elbo.dtype == torch.float64


@pytest.mark.parametrize("kind", PRIORS)
def test_bf16_changes_the_bound_by_little(kind: str) -> None:
    vae, x = small_vae(kind), binary_images()
    plain = vae.elbo(x, generator=seeded(10)).elbo
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = vae.elbo(x, generator=seeded(10)).elbo
    assert rounded.dtype == torch.float32 and torch.allclose(plain, rounded, atol=0.3)
