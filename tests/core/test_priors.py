"""Every entry of PRIORS obeys the laws, and the laws refuse the defects known from other libraries."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor

from core import mixture
from core.distributions import DiagonalNormal
from core.posteriors import GaussianPosterior
from core.priors import PRIORS, MixturePrior, PriorContext
from core.priors.base import Options
from core.priors.vamp import EDGE
from tests import contracts
from tests.contracts import PRIOR_LAWS, MakePrior, registered_prior, seeded


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("law", PRIOR_LAWS, ids=lambda law: law.__name__)
def test_every_prior_obeys(law, kind: str) -> None:
    law(registered_prior(kind))


class FixedMixture(MixturePrior):
    """Two far components of unequal weight, from which the broken ones below are made."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim, Options())
        self.centres = torch.nn.Parameter(torch.stack([torch.full((dim,), -2.0), torch.full((dim,), 2.0)]))

    def components(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.centres, torch.full_like(self.centres, -1.0), torch.tensor([0.3, 0.7]).log().to(self.centres)


class PerDimension(FixedMixture):
    """Defect P1: logsumexp over the components in each dimension, the sum over dimensions afterwards."""

    def log_prob(self, z: Tensor) -> Tensor:
        mean, log_var, log_weight = self.components()
        joint = -0.5 * ((z[:, None] - mean).square() * (-log_var).exp() + log_var + math.log(2 * math.pi))
        return (log_weight[None, :, None] + joint).logsumexp(1).sum(1)


class VarianceForDeviation(FixedMixture):
    """Defect P1 (b): noise multiplied by the variance."""

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        mean, log_var, log_weight = self.components()
        chosen = torch.multinomial(log_weight.exp(), n, replacement=True, generator=generator)
        return mean[chosen] + log_var[chosen].exp() * torch.randn(n, self.dim, generator=generator)


class InOrder(FixedMixture):
    """Defects P3 and P4: the first n components, one draw each."""

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        mean, log_var, _ = self.components()
        chosen = torch.arange(n) % len(mean)
        return mean[chosen] + (0.5 * log_var[chosen]).exp() * torch.randn(n, self.dim, generator=generator)


class ForgottenConstant(FixedMixture):
    """Defect P10: no log 2 pi."""

    def log_prob(self, z: Tensor) -> Tensor:
        return super().log_prob(z) + 0.5 * self.dim * math.log(2 * math.pi)


def test_the_fixed_mixture_obeys_every_law() -> None:
    contracts.check_prior(FixedMixture)


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (PerDimension, contracts.sampler_and_density_are_one_distribution),
        (VarianceForDeviation, contracts.sampler_and_density_are_one_distribution),
        (InOrder, contracts.components_are_drawn_by_their_weights),
        (InOrder, contracts.sampler_and_density_are_one_distribution),
        (ForgottenConstant, contracts.density_integrates_to_one),
    ],
)
def test_a_known_defect_is_refused(broken: MakePrior, law) -> None:
    with pytest.raises(AssertionError):
        law(broken)


def test_the_integral_alone_would_let_the_product_of_mixtures_pass() -> None:
    contracts.density_integrates_to_one(PerDimension)


def test_registry_names_are_those_documented() -> None:
    assert {"standard", "mog", "vamp", "aggregated", "realnvp", "maf", "iaf"} <= set(PRIORS)
    assert all(entry.title for entry in PRIORS.values())


@pytest.mark.parametrize("kind", ["vamp", "aggregated"])
def test_mixtures_of_posteriors_teach_the_encoder(kind: str) -> None:
    prior = registered_prior(kind)(3)
    prior.train()
    encoder = prior._encoder[0]
    prior.log_prob(torch.randn(20, 3, generator=seeded(0))).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())
    assert not any(p is q for p in prior.parameters() for q in encoder.parameters()), "counted twice by an optimiser"


@pytest.mark.parametrize("kind", ["vamp", "aggregated"])
def test_components_are_the_encoder_s_outputs(kind: str) -> None:
    prior = registered_prior(kind)(3).eval()
    images = prior.pseudo_inputs if kind == "vamp" else prior.images
    q: DiagonalNormal = prior._encoder[0](images)
    mean, log_var, log_weight = prior.components()
    assert torch.equal(mean, q.mean) and torch.equal(log_var, q.log_var)
    assert torch.allclose(log_weight.exp(), torch.full((len(images),), 1 / len(images)))


def test_the_aggregated_prior_follows_the_encoder_in_training_and_rests_in_evaluation() -> None:
    prior = registered_prior("aggregated")(2)
    encoder = prior._encoder[0]
    prior.eval()
    frozen = prior.components()[0].clone()
    contracts.perturbed(encoder)
    assert torch.equal(prior.components()[0], frozen)
    prior.train()
    assert torch.equal(prior.components()[0], encoder(prior.images).mean)
    prior.eval()
    assert torch.equal(prior.components()[0], encoder(prior.images).mean)


def test_kept_components_are_those_of_the_present_weights() -> None:
    """Whatever changes a weight, and in whatever precision: what is kept is never that of another model."""
    context = PriorContext(2, 12, GaussianPosterior(12, 2, (4,)), torch.rand(30, 12, generator=seeded(2)), seeded(3))
    prior = PRIORS["vamp"].from_config({"components": 6}, context).eval().requires_grad_(False)
    trained = prior.components()[0]
    assert trained.requires_grad and prior.components()[0] is not trained, (
        "the encoder is being trained: nothing is kept"
    )
    context.posterior.requires_grad_(False)

    def fresh() -> list[Tensor]:
        return [part.detach() for part in prior._encoded()]

    def kept() -> list[Tensor]:
        with torch.no_grad():
            first, second = prior.components(), prior.components()
        assert all(one is other for one, other in zip(first, second, strict=True)), "encoded once"
        return list(first)

    def same() -> bool:
        return all(torch.equal(one, other) for one, other in zip(kept(), fresh(), strict=True))

    assert same()
    with torch.no_grad():
        context.posterior.head.bias.add_(0.3)
    assert same()
    prior.load_state_dict({"logits": prior.logits.detach() + 1})
    assert same()
    context.posterior.load_state_dict({name: value * 0.9 for name, value in context.posterior.state_dict().items()})
    assert same()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = kept()
    assert same() and not all(torch.equal(one, other) for one, other in zip(lowered, kept(), strict=True))
    context.posterior.double(), prior.double()
    assert same() and kept()[0].dtype == torch.float64
    with torch.inference_mode():
        prior.components()
    assert same()
    z = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    assert prior.log_prob(z).requires_grad, "gradients in z go through what is kept"


def _vamp(init: str, images: Tensor, **options: float) -> Tensor:
    context = PriorContext(2, images.shape[1], GaussianPosterior(images.shape[1], 2, (4,)), images, seeded(5))
    return PRIORS["vamp"].from_config({"components": 40, "init": init, **options}, context).pseudo_inputs


@pytest.mark.parametrize("init", ["mean", "data"])
def test_no_pixel_of_a_pseudo_input_starts_dead(init: str) -> None:
    """Defects P5 and P7: behind a hard clamp about half of them have no gradient."""
    images = (torch.rand(50, 30, generator=seeded(6)) < 0.5).float()
    pixels = _vamp(init, images)
    slope = pixels * (1 - pixels)  # of the sigmoid
    assert 0 < pixels.min() and pixels.max() < 1 and slope.min() > 1e-3


def test_pseudo_inputs_start_where_init_says() -> None:
    images = (torch.rand(50, 30, generator=seeded(7)) < 0.3).float()
    clipped = images.clamp(EDGE, 1 - EDGE)
    from_data = _vamp("data", images, init_noise=0)
    nearest = torch.cdist(from_data, clipped).argmin(1)
    assert torch.allclose(from_data, clipped[nearest], atol=1e-6)
    assert len(nearest.unique()) > 15, "random images, not one"
    assert torch.allclose(_vamp("mean", images, init_noise=0), images.mean(0).clamp(EDGE, 1 - EDGE).expand(40, -1))


@pytest.mark.parametrize(
    ("kind", "options", "complaint"),
    [
        ("mog", {"components": 0}, "components"),
        ("mog", {"colour": 3}, "colour"),
        ("mog", {"init_scale": math.nan}, "init_scale"),
        ("vamp", {"init": "magic"}, "init"),
        ("standard", {"components": 3}, "components"),
        ("maf", {"layers": 0}, "layers"),
        ("aggregated", {"size": 13}, "12 training images"),
    ],
)
def test_a_wrong_setting_is_named(kind: str, options: dict, complaint: str) -> None:
    context = PriorContext(2, 6, GaussianPosterior(6, 2, (4,)), torch.rand(12, 6, generator=seeded(8)), seeded(9))
    with pytest.raises(ValueError, match=complaint):
        PRIORS[kind].from_config(options, context)


def test_the_aggregated_prior_without_images_needs_its_size() -> None:
    context = PriorContext(2, 6, GaussianPosterior(6, 2, (4,)))
    with pytest.raises(ValueError, match="size="):
        PRIORS["aggregated"].from_config({}, context)
    assert PRIORS["aggregated"].from_config({"size": 9}, context).components()[0].shape == (9, 2)


def test_a_mixture_prior_s_log_prob_is_its_components_mixture() -> None:
    prior = registered_prior("mog")(4)
    z = torch.randn(30, 4, generator=seeded(10))
    assert torch.equal(prior.log_prob(z), mixture.log_prob(z, *prior.components()))


def test_printing_a_prior_shows_its_settings() -> None:
    assert "components=7" in repr(registered_prior("mog")(2))
