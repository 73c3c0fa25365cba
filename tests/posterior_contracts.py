"""The laws that every posterior obeys, checked on whatever a maker builds.

A maker takes the latent dimension and returns a fresh module, the same one at every call. ``tests/core`` runs the laws
over every entry of ``POSTERIORS``, and hands them posteriors with defects, which they must refuse.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from core.posteriors import POSTERIORS, Posterior
from tests.contracts import SIGMAS, perturbed, seeded

MakePosterior = Callable[[int], Posterior]
PIXELS = 6
SMALL = {"layers": 4, "hidden": 16, "context": 5}
IMAGES = torch.rand(4, PIXELS, generator=seeded(1))


def small_options(kind: str) -> dict[str, int]:
    return {name: value for name, value in SMALL.items() if name in POSTERIORS[kind].options.model_fields}


def registered_posterior(kind: str) -> MakePosterior:
    """Maker of an entry of POSTERIORS with small settings."""

    def make(dim: int) -> Posterior:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(2)
            return POSTERIORS[kind].from_config(small_options(kind), PIXELS, dim, (8,))

    return make


def trained(make: MakePosterior, dim: int = 2) -> Posterior:
    """As training might leave it."""
    posterior = make(dim)
    perturbed(posterior, 0.18)
    return posterior


def shapes_are_those_of_draws_and_images(make: MakePosterior) -> None:
    for dim in (2, 5):
        for posterior in (make(dim), trained(make, dim)):
            q = posterior(IMAGES)
            z, log_q = q.rsample_and_log_prob(7, generator=seeded(3))
            assert q.event_shape == (dim,) and q.centre.shape == (4, dim)
            assert (
                z.shape == (7, 4, dim)
                and log_q.shape == (7, 4)
                and q.sample(3, generator=seeded(3)).shape == (3, 4, dim)
            )
            assert q.log_prob(z[:, :1, None].expand(7, 1, 4, dim)).shape == (7, 1, 4), "leading axes are broadcast"
            assert q.log_prob(z[0, 0]).shape == (4,), "one place under every image's posterior"
            assert torch.isfinite(z).all() and torch.isfinite(log_q).all()


def the_density_of_a_draw_is_its_density(make: MakePosterior) -> None:
    for dim in (2, 5):
        for posterior in (make(dim), trained(make, dim)):
            q = posterior.double()(IMAGES.double())
            z, log_q = q.rsample_and_log_prob(50, generator=seeded(4))
            assert (q.log_prob(z) - log_q).abs().max() < 1e-8


def density_integrates_to_one(make: MakePosterior, cells: int = 400) -> None:
    for posterior in (make(2), trained(make)):
        with torch.no_grad():
            q = posterior(IMAGES[:1])
            draws = q.sample(4000, generator=seeded(5))[:, 0]
            low, high = draws.amin(0), draws.amax(0)
            low, high = low - 0.5 * (high - low), high + 0.5 * (high - low)
            size = (high - low) / cells
            grid = torch.cartesian_prod(*(low[i] + (torch.arange(cells) + 0.5) * size[i] for i in range(2)))
            mass = float(q.log_prob(grid[:, None]).double().exp().sum() * size.double().prod())
        assert abs(mass - 1) < 5e-3, f"the density integrates to {mass}"


def sampler_and_density_are_one_distribution(make: MakePosterior, n: int = 20_000) -> None:
    """E_{z~q}[r(z) / q(z)] = 1 for r uniform on a box where q is dense."""
    for posterior in (make(2), trained(make)):
        with torch.no_grad():
            q = posterior(IMAGES[1:2])
            scout = q.sample(400, generator=seeded(6))[:, 0]
            best = scout[q.log_prob(scout[:, None])[:, 0].argmax()]
            radius = (scout - best).abs().amax(1).quantile(0.15)
            for z in (
                q.sample(n, generator=seeded(7)),
                q.rsample_and_log_prob(n, generator=seeded(8))[0],
            ):
                inside = ((z[:, 0] - best).abs().amax(1) < radius).double()
                ratio = inside * (-q.log_prob(z)[:, 0].double()).exp() / float((2 * radius) ** 2)
                error = float(ratio.std()) / math.sqrt(n)
                assert abs(float(ratio.mean()) - 1) < SIGMAS * error, f"E[r/q] = {ratio.mean():.4f}, SE {error:.4f}"


def gradients_reach_every_parameter(make: MakePosterior) -> None:
    """Through the draws and through their densities, as the bound has them, and through the density of given places."""
    for dim in (2, 5):
        posterior = trained(make, dim)
        z, log_q = posterior(IMAGES).rsample_and_log_prob(16, generator=seeded(9))
        (z.square().sum(-1) + log_q).mean().backward()
        require_gradients(posterior)
        posterior.zero_grad()
        posterior(IMAGES).log_prob(z.detach()).mean().backward()
        require_gradients(posterior)


def require_gradients(module: nn.Module) -> None:
    dead = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not dead, f"no gradient in {dead}"
    assert all(torch.isfinite(p.grad).all() for p in module.parameters() if p.grad is not None)


def a_seed_names_a_draw(make: MakePosterior) -> None:
    q = trained(make)(IMAGES)
    first, again, other = (q.rsample_and_log_prob(20, generator=seeded(seed))[0] for seed in (10, 10, 11))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.allclose(q.sample(20, generator=seeded(10)), first, atol=1e-4), "one stream of noise for both"
    before = torch.random.get_rng_state()
    q.sample(5, generator=seeded(10))
    assert torch.equal(before, torch.random.get_rng_state()), "the process-wide random state was touched"
    assert not q.sample(2, generator=seeded(1)).requires_grad and first.requires_grad


def the_dtype_is_kept_and_never_halved(make: MakePosterior) -> None:
    posterior = trained(make)
    z, log_q = posterior.double()(IMAGES.double()).rsample_and_log_prob(3, generator=seeded(12))
    assert z.dtype == log_q.dtype == torch.float64
    posterior.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        q = posterior(IMAGES)
        z, log_q = q.rsample_and_log_prob(200, generator=seeded(12))
        again = q.log_prob(z)
    assert z.dtype == log_q.dtype == again.dtype == torch.float32
    assert (again - log_q).abs().max() < 1e-3, "the flow is calculated in full precision under autocast"


def other_images_have_other_posteriors(make: MakePosterior) -> None:
    q = trained(make)(IMAGES)
    assert (q.centre[0] - q.centre[1:]).abs().amax(1).min() > 1e-3


POSTERIOR_LAWS = (
    shapes_are_those_of_draws_and_images,
    the_density_of_a_draw_is_its_density,
    density_integrates_to_one,
    sampler_and_density_are_one_distribution,
    gradients_reach_every_parameter,
    a_seed_names_a_draw,
    the_dtype_is_kept_and_never_halved,
    other_images_have_other_posteriors,
)


def shape_of(z: Tensor) -> Tensor:
    """Skewness and excess kurtosis of (S, n, d) draws, (n, 2 d): what mean and scale do not change."""
    standard = (z - z.mean(0)) / z.std(0)
    return torch.cat([standard.pow(3).mean(0), standard.pow(4).mean(0) - 3], 1)
