"""Posteriors obey their laws; a flow posterior is no Gaussian, starts as one, and goes where Gaussians are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from core.budget import AllocationBudget, OverBudget
from core.build import build, resolved
from core.config import ModelConfig, PosteriorConfig, PriorConfig
from core.distributions import DiagonalNormal
from core.latents import encode, posteriors
from core.posteriors import POSTERIORS, FlowedNormal, FlowPosterior, GaussianPosterior, Posterior
from core.posthoc import with_aggregated_posterior
from core.priors import PRIORS
from tests.contracts import perturbed, seeded
from tests.core.test_config_build import IMAGES as ROWS
from tests.core.test_config_build import model_config
from tests.posterior_contracts import IMAGES, POSTERIOR_LAWS, registered_posterior, shape_of, small_options, trained

FLOWED = [kind for kind in POSTERIORS if not POSTERIORS[kind].gaussian]


@pytest.mark.parametrize("law", POSTERIOR_LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("kind", POSTERIORS)
def test_every_posterior_obeys_the_law(kind: str, law: Callable) -> None:
    law(registered_posterior(kind))


class _Wrong(Posterior):
    """A flow posterior with one defect."""

    def __init__(self, change: Callable[[FlowedNormal], FlowedNormal], dim: int) -> None:
        right = trained(registered_posterior("realnvp"), dim)
        super().__init__(right.options)
        self.right, self.change = right, change

    def forward(self, x: Tensor) -> FlowedNormal:
        return self.change(self.right(x))


class _NoLogDet(FlowedNormal):
    def rsample_and_log_prob(self, n, *, generator=None):
        u, log_base = self.base.rsample_and_log_prob(n, generator=generator)
        return self.push(u)[0], log_base

    def log_prob(self, value):
        batch = torch.broadcast_shapes(value.shape[:-1], self.base.mean.shape[:-1])
        value, context = value.expand(*batch, -1), self.context.expand(*batch, -1)
        u, _ = self.flow.inverse_and_log_det(value.reshape(-1, 2), context.reshape(-1, context.shape[-1]))
        return self.base.log_prob(u.view(value.shape))


class _Unsteered(FlowedNormal):
    def sample(self, n, *, generator=None):
        return (
            replace(self, context=self.context.flip(0) + 1).push(self.base.rsample(n, generator=generator))[0].detach()
        )


@pytest.mark.parametrize(
    ("defect", "law"),
    [
        (_NoLogDet, "density_integrates_to_one"),
        (_NoLogDet, "sampler_and_density_are_one_distribution"),
        (_Unsteered, "sampler_and_density_are_one_distribution"),
        (_Unsteered, "a_seed_names_a_draw"),
    ],
)
def test_a_defect_is_found(defect: type[FlowedNormal], law: str) -> None:
    def make(dim: int) -> Posterior:
        return _Wrong(lambda q: defect(q.base, q.context, q.flow), dim)

    chosen = next(found for found in POSTERIOR_LAWS if found.__name__ == law)
    with pytest.raises(AssertionError):
        chosen(make)


@pytest.mark.parametrize("kind", FLOWED)
def test_it_starts_as_the_gaussian_of_its_encoder(kind: str) -> None:
    q = registered_posterior(kind)(2)(IMAGES)
    z, log_q = q.rsample_and_log_prob(500, generator=seeded(3))
    u, log_base = q.base.rsample_and_log_prob(500, generator=seeded(3))
    order = (0, 1) if torch.allclose(z, u) else (1, 0)
    assert torch.allclose(z[..., order], u, atol=1e-6) and torch.allclose(log_q, log_base, atol=1e-6)


@pytest.mark.parametrize("kind", FLOWED)
def test_images_differ_in_the_shape_of_their_posterior(kind: str) -> None:
    """Mean and scale taken out, skewness and kurtosis still differ from image to image; with a Gaussian they are 0."""
    posterior = perturbed(trained(registered_posterior(kind)), 0.2, seed=6)
    n = 40_000
    with torch.no_grad():
        shape = shape_of(posterior(IMAGES).sample(n, generator=seeded(4)))
        none = shape_of(trained(registered_posterior("gaussian"))(IMAGES).sample(n, generator=seeded(4)))
    assert none.abs().max() < 0.12, "five standard errors of a kurtosis"
    assert (shape[0] - shape[1:]).abs().max() > 0.24


@pytest.mark.parametrize("kind", FLOWED)
def test_the_context_steers_the_flow(kind: str) -> None:
    q = trained(registered_posterior(kind))(IMAGES)
    other = replace(q, context=q.context.flip(0))
    assert (q.push(q.base.mean)[0] - other.push(q.base.mean)[0]).abs().max() > 0.05


def test_a_part_of_the_batch_is_the_same_distribution() -> None:
    q = trained(registered_posterior("iaf"))(IMAGES)
    z = torch.randn(9, 1, 2, generator=seeded(5))
    assert torch.allclose(q.take(slice(1, 3)).log_prob(z), q.log_prob(z)[:, 1:3], atol=1e-6)


def test_realnvp_needs_two_dimensions_and_iaf_does_not() -> None:
    with pytest.raises(ValueError, match=r"RealNVP .* needs dim >= 2; got dim=1\. Use maf or iaf"):
        registered_posterior("realnvp")(1)
    q = trained(registered_posterior("iaf"), 1)(IMAGES)
    z, log_q = q.rsample_and_log_prob(6, generator=seeded(1))
    assert torch.allclose(q.log_prob(z), log_q, atol=1e-4)


def with_posterior(kind: str, prior: str = "standard", **options: int) -> ModelConfig:
    return model_config(prior, posterior=PosteriorConfig(kind=kind, options=options or small_options(kind)))


@pytest.mark.parametrize("kind", POSTERIORS)
def test_config_build_config_is_the_identity(kind: str) -> None:
    vae = build(with_posterior(kind), generator=seeded(2))
    full = resolved(with_posterior(kind), vae)
    assert full.posterior.kind == kind and full.posterior.options == vae.posterior.options.model_dump()
    assert resolved(full, build(full)) == full
    assert ModelConfig.model_validate(json.loads(full.model_dump_json())) == full
    defaults = model_config(posterior=PosteriorConfig(kind=kind))
    assert resolved(defaults, build(defaults)).posterior.options == POSTERIORS[kind].options().model_dump()


def test_a_config_from_before_there_was_a_choice_is_gaussian() -> None:
    old = {
        "image_shape": [1, 3, 4],
        "likelihood": "bernoulli",
        "latent_dim": 2,
        "hidden": [8, 6],
        "prior": {"kind": "standard", "options": {}},
    }
    config = ModelConfig.model_validate(old)
    assert config.posterior == PosteriorConfig(kind="gaussian", options={})
    vae = build(config)
    assert isinstance(vae.posterior, GaussianPosterior) and resolved(config, vae) == config


@pytest.mark.parametrize("prior", ["vamp", "aggregated"])
@pytest.mark.parametrize("kind", FLOWED)
def test_a_prior_made_of_posteriors_needs_gaussian_ones(kind: str, prior: str) -> None:
    with pytest.raises(ValueError, match=rf"prior '{prior}' is a mixture .* got posterior '{kind}'.*standard, .*iaf"):
        build(with_posterior(kind, prior), images=ROWS)


@pytest.mark.parametrize("prior", [name for name in PRIORS if not PRIORS[name].of_posteriors])
def test_every_other_prior_goes_with_a_flow_posterior(prior: str) -> None:
    vae = build(with_posterior("iaf", prior), images=ROWS, generator=seeded(1))
    vae.elbo(ROWS, generator=seeded(2)).elbo.mean().backward()
    assert all(p.grad is not None for p in vae.posterior.parameters())


@pytest.mark.parametrize(
    ("posterior", "message"),
    [
        (PosteriorConfig(kind="magic"), r"unknown posterior 'magic'; known: gaussian, iaf, realnvp"),
        (PosteriorConfig(kind="iaf", options={"colour": 1}), r"IAF, posterior option colour.*layers, hidden, context"),
        (PosteriorConfig(kind="iaf", options={"layers": 0}), "layers"),
        (PosteriorConfig(kind="gaussian", options={"layers": 2}), r"Gaussian, posterior option layers.*options: none"),
    ],
)
def test_a_wrong_posterior_is_named(posterior: PosteriorConfig, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(model_config(posterior=posterior))


@pytest.mark.parametrize("kind", FLOWED)
def test_a_posterior_is_built_within_the_budget_of_its_own_numbers(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.budget.SLACK", 0)
    numbers = sum(value.numel() for value in build(with_posterior(kind)).state_dict().values())
    with AllocationBudget(numbers) as budget:
        build(with_posterior(kind))
    assert 0 <= budget.left < 4 * numbers, "counted, and within"
    with pytest.raises(OverBudget, match="larger than its weights"), AllocationBudget(numbers):
        build(with_posterior(kind, layers=64, hidden=2048, context=8))


def test_the_gaussian_model_is_what_it_was_before_there_was_a_choice() -> None:
    """The same seed gives the same weights under the same names: stored models and interrupted runs stay readable."""
    vae = build(model_config(prior=PriorConfig(kind="standard")), generator=seeded(3))
    assert [name for name in vae.state_dict() if name.startswith("posterior")] == [
        "posterior.body.0.pair.weight",
        "posterior.body.0.pair.bias",
        "posterior.body.1.pair.weight",
        "posterior.body.1.pair.bias",
        "posterior.head.weight",
        "posterior.head.bias",
    ]


def test_what_needs_gaussians_is_refused_with_the_reason() -> None:
    vae = build(with_posterior("iaf"), generator=seeded(1)).eval()
    assert isinstance(vae.posterior, FlowPosterior) and isinstance(posteriors(vae, ROWS), FlowedNormal)
    for attempt in (lambda: encode(vae, ROWS), lambda: with_aggregated_posterior(vae, ROWS)):
        with pytest.raises(ValueError, match="q\\(z\\) is no mixture of Gaussians"):
            attempt()
    assert not hasattr(posteriors(vae, ROWS), "mean"), "a flow's mean has no closed form"


def test_batches_make_no_difference() -> None:
    for kind in POSTERIORS:
        vae = build(with_posterior(kind), generator=seeded(1)).eval()
        whole, parts = posteriors(vae, ROWS), posteriors(vae, ROWS, batch=5)
        z = torch.randn(3, 12, 2, generator=seeded(2))
        assert torch.allclose(whole.log_prob(z), parts.log_prob(z), atol=1e-5)
        assert isinstance(whole, DiagonalNormal) is POSTERIORS[kind].gaussian
        assert torch.allclose(vae.reconstruct(ROWS), vae.decode(whole.centre), atol=1e-6)
