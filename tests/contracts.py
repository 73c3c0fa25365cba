"""The laws that every prior and every flow obeys, checked on whatever a maker builds.

A maker takes the dimension and returns a fresh module, the same one at every call. ``tests/core`` runs the laws over
every entry of ``PRIORS`` and ``FLOWS``, so that a new entry is tested by being there, and hands them modules with the
defects known from other libraries, which they must refuse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from core import mixture
from core.flows import FLOWS, Flow
from core.posteriors import GaussianPosterior
from core.priors import PRIORS, MixturePrior, Prior, PriorContext

MakePrior = Callable[[int], Prior]
MakeFlow = Callable[[int], Flow]
Direction = Callable[[Tensor], tuple[Tensor, Tensor]]

PIXELS = 6
SMALL = {"components": 7, "layers": 4, "hidden": 16}
"""Settings that keep a test quick, given to whatever has a setting of that name."""

SIGMAS = 4.5
"""Standard errors allowed. With a few hundred checks a true law fails once in some thousand other seeds."""


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small_options(kind: str) -> dict[str, int]:
    return {name: value for name, value in SMALL.items() if name in PRIORS[kind].options.model_fields}


def registered_prior(kind: str) -> MakePrior:
    """Maker of an entry of PRIORS with small settings, its encoder and images included."""

    def make(dim: int) -> Prior:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            encoder = GaussianPosterior(PIXELS, dim, (8,))
            images = torch.rand(12, PIXELS, generator=seeded(2))
            context = PriorContext(dim, PIXELS, encoder, images, seeded(3))
            return PRIORS[kind].from_config(small_options(kind), context)

    return make


def registered_flow(kind: str) -> MakeFlow:
    """Maker of an entry of FLOWS with small networks."""

    def make(dim: int) -> Flow:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            return FLOWS[kind](dim, hidden=(16, 16), layers=3)

    return make


def perturbed(module: nn.Module, scale: float = 0.2, seed: int = 4) -> nn.Module:
    """The module with noise on every parameter: the initial values are often the identity and would hide a defect."""
    generator = seeded(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += scale * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return module


def states_of(make: MakePrior, dim: int) -> Iterator[Prior]:
    """As it is made, and as training might leave it."""
    yield make(dim)
    prior = make(dim)
    perturbed(prior)
    yield prior


def log_prob_is_one_finite_number_a_point(make: MakePrior) -> None:
    for dim in (2, 5):
        for prior in states_of(make, dim):
            z = prior.sample(11, generator=seeded(5))
            far = torch.full((1, dim), 1e4)
            value = prior.log_prob(torch.cat([z, far]))
            assert z.shape == (11, dim) and prior.event_shape == (dim,)
            assert value.shape == (12,) and value.dtype == z.dtype == torch.float32
            assert torch.isfinite(value).all()


def density_integrates_to_one(make: MakePrior, cells: int = 260) -> None:
    for prior in states_of(make, 2):
        draws = prior.sample(4000, generator=seeded(6))
        low, high = draws.amin(0), draws.amax(0)
        low, high = low - 0.5 * (high - low), high + 0.5 * (high - low)
        size = (high - low) / cells
        x, y = (low[i] + (torch.arange(cells) + 0.5) * size[i] for i in range(2))
        grid = torch.cartesian_prod(x, y)
        with torch.no_grad():
            log_density = torch.cat([prior.log_prob(part) for part in grid.split(50_000)]).double()
        mass = float(log_density.exp().sum() * size.prod())
        assert abs(mass - 1) < 5e-3, f"the density integrates to {mass}"


def sampler_and_density_are_one_distribution(make: MakePrior, n: int = 15_000) -> None:
    """E_{z~p}[q(z) / p(z)] = 1 for q uniform on a box: narrower than p, of bounded ratio, so of finite variance."""
    for prior in states_of(make, 2):
        scout = prior.sample(400, generator=seeded(7))
        with torch.no_grad():
            best = scout[prior.log_prob(scout).argmax()]
            for centre in (best, scout[0], scout[1]):
                radius = (scout - centre).abs().amax(1).quantile(0.15)
                z = prior.sample(n, generator=seeded(8))
                inside = (z - centre).abs().amax(1) < radius
                ratio = inside.double() * (-prior.log_prob(z).double()).exp() / float((2 * radius) ** 2)
                error = float(ratio.std()) / math.sqrt(n)
                assert abs(float(ratio.mean()) - 1) < SIGMAS * error, f"E[q/p] = {ratio.mean():.4f}, SE {error:.4f}"


def gradients_reach_every_parameter(make: MakePrior) -> None:
    prior = make(3)
    perturbed(prior)
    z = prior.sample(64, generator=seeded(9)).requires_grad_()
    (-prior.log_prob(z).mean()).backward()
    dead = [name for name, p in prior.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not dead, f"no gradient in {dead}"
    assert z.grad is not None and torch.isfinite(z.grad).all() and (z.grad.abs().sum(1) > 0).all()


def a_seed_names_a_sample(make: MakePrior) -> None:
    prior = make(3)
    first, again, other = (prior.sample(20, generator=seeded(seed)) for seed in (10, 10, 11))
    assert torch.equal(first, again) and not torch.equal(first, other)
    before = torch.random.get_rng_state()
    prior.sample(5, generator=seeded(10))
    assert torch.equal(before, torch.random.get_rng_state()), "the process-wide random state was touched"
    assert not first.requires_grad


def components_are_drawn_by_their_weights(make: MakePrior, repeats: int = 700) -> None:
    """E_{z~p}[p(k|z)] = w_k, with draws two at a time: taking the components in order would show the first two only."""
    prior = make(2)
    if not isinstance(prior, MixturePrior):
        return
    perturbed(prior, 0.5)
    generator = seeded(12)
    z = torch.cat([prior.sample(2, generator=generator) for _ in range(repeats)])
    with torch.no_grad():
        components = prior.components()
        share = mixture.component_log_prob(z, *components).double().softmax(1)
    error = share.std(0) / math.sqrt(len(z))
    assert abs(float(components[2].double().exp().sum()) - 1) < 1e-5
    assert ((share.mean(0) - components[2].double().exp()).abs() <= SIGMAS * error + 1e-6).all()


def the_dtype_is_kept(make: MakePrior) -> None:
    prior = make(2)
    for encoder in getattr(prior, "_encoder", []):  # shared with the VAE, so not moved with the prior alone
        encoder.double()
    prior.double()
    z = prior.sample(6, generator=seeded(13))
    assert z.dtype == prior.log_prob(z).dtype == torch.float64


def the_device_is_kept(make: MakePrior) -> None:
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        prior = make(2)
        for encoder in getattr(prior, "_encoder", []):
            encoder.to(device)
        prior.to(device)
        z = prior.sample(6, generator=seeded(14))
        assert z.device.type == prior.log_prob(z).device.type == device


PRIOR_LAWS = (
    log_prob_is_one_finite_number_a_point,
    density_integrates_to_one,
    sampler_and_density_are_one_distribution,
    gradients_reach_every_parameter,
    a_seed_names_a_sample,
    components_are_drawn_by_their_weights,
    the_dtype_is_kept,
    the_device_is_kept,
)


def check_prior(make: MakePrior) -> None:
    """Every law of a prior."""
    for law in PRIOR_LAWS:
        law(make)


def dimensions(make: MakeFlow) -> list[int]:
    """1, 2, 3, 5, 8, without 1 where the flow says that it needs two."""
    try:
        make(1)
    except ValueError as error:
        assert "dim >= 2" in str(error)
        return [2, 3, 5, 8]
    return [1, 2, 3, 5, 8]


def trained(make: MakeFlow, dim: int) -> Flow:
    """A flow away from the identity, in float64."""
    flow = make(dim).double()
    perturbed(flow)
    return flow


def both_directions(flow: Flow) -> list[Direction]:
    return [flow.forward_and_log_det, flow.inverse_and_log_det]


@torch.no_grad()
def a_round_trip_changes_nothing(make: MakeFlow) -> None:
    for dim in dimensions(make):
        for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
            flow = trained(make, dim).to(dtype)
            start = torch.randn(50, dim, generator=seeded(15), dtype=dtype)
            for there, back in (both_directions(flow), both_directions(flow)[::-1]):
                middle, log_det = there(start)
                end, back_log_det = back(middle)
                assert middle.dtype == end.dtype == log_det.dtype == dtype and log_det.shape == (50,)
                assert not torch.allclose(middle, start, atol=1e-2), "the flow is the identity: nothing was tested"
                scale = max(1.0, float(start.abs().max()), float(middle.abs().max()))
                assert (end - start).abs().max() < tolerance * scale
                assert (log_det + back_log_det).abs().max() < tolerance * 10


def jacobian(direction: Direction, point: Tensor) -> Tensor:
    """Of one direction of a flow at one point, (d, d)."""
    return torch.autograd.functional.jacobian(lambda row: direction(row[None])[0][0], point)


def log_det_is_that_of_the_jacobian(make: MakeFlow) -> None:
    for dim in dimensions(make):
        for direction in both_directions(trained(make, dim)):
            points = torch.randn(3, dim, generator=seeded(16), dtype=torch.float64)
            _, log_det = direction(points)
            for point, claimed in zip(points, log_det, strict=True):
                matrix = jacobian(direction, point)
                assert abs(float(torch.linalg.slogdet(matrix)[1] - claimed.detach())) < 1e-9


def gradients_are_those_of_finite_differences(make: MakeFlow) -> None:
    """Into the input and into every parameter, of the value and of the log-determinant, in both directions."""
    for dim in (2, 3):
        flow = trained(make, dim)
        u = torch.randn(2, dim, generator=seeded(17), dtype=torch.float64, requires_grad=True)
        for direction in ("forward_and_log_det", "inverse_and_log_det"):
            run = _Method(flow, direction)
            names, values = zip(*run.named_parameters(), strict=True)
            call = partial(_call_with, run, names)
            assert torch.autograd.gradcheck(call, (u, *values), fast_mode=True, eps=1e-6, atol=1e-5)


def _call_with(module: nn.Module, names: Sequence[str], value: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
    """The module's value with other weights."""
    return torch.func.functional_call(module, dict(zip(names, weights, strict=True)), (value,))


class _Method(nn.Module):
    """A module whose call is one method of a flow, as functional_call wants it."""

    def __init__(self, flow: Flow, method: str) -> None:
        super().__init__()
        self.flow, self.method = flow, method

    def forward(self, value: Tensor) -> tuple[Tensor, Tensor]:
        return getattr(self.flow, self.method)(value)


def every_flow_parameter_learns(make: MakeFlow) -> None:
    for dim in (2, 5):
        for number in (0, 1):
            flow = trained(make, dim)
            value, log_det = both_directions(flow)[number](torch.randn(64, dim, generator=seeded(18)).double())
            (value.square().sum() + log_det.sum()).backward()
            dead = [name for name, p in flow.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
            assert not dead, f"no gradient in {dead}"


FLOW_LAWS = (
    a_round_trip_changes_nothing,
    log_det_is_that_of_the_jacobian,
    gradients_are_those_of_finite_differences,
    every_flow_parameter_learns,
)


def check_flow(make: MakeFlow) -> None:
    """Every law of a flow."""
    for law in FLOW_LAWS:
        law(make)
