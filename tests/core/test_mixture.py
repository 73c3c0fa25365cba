"""The tiled mixture density against float64 sums, torch's mixture, and autograd through a naive broadcast."""

from __future__ import annotations

import inspect
import math

import pytest
import torch
from torch import Tensor

from core import mixture
from tests.contracts import seeded

LOG_2PI = math.log(2 * math.pi)


def naive(z: Tensor, mean: Tensor, log_var: Tensor, log_weight: Tensor) -> Tensor:
    """The definition, by broadcasting."""
    squared = (z[:, None] - mean).square() * (-log_var).exp()
    return (log_weight - 0.5 * (squared + log_var + LOG_2PI).sum(-1)).logsumexp(1)


def latents(n: int, d: int, seed: int = 1, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Posteriors as an encoder gives them: means of spread 1, standard deviations from 0.05 to 1."""
    generator = seeded(seed)
    mean = torch.randn(n, d, generator=generator, dtype=dtype)
    return mean, -6 * torch.rand(n, d, generator=generator, dtype=dtype)


def points(n: int, d: int, dtype: torch.dtype = torch.float32, seed: int = 2) -> Tensor:
    return 1.5 * torch.randn(n, d, generator=seeded(seed), dtype=dtype)


def weights(k: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(k, generator=seeded(3), dtype=dtype).log_softmax(0)


@pytest.mark.parametrize(("double", "tolerance"), [(False, 1e-3), (True, 1e-9)])
def test_5000_posteriors_in_40_dimensions(double: bool, tolerance: float) -> None:
    mean, log_var = latents(5000, 40)
    at = torch.arange(0, 5000, 50)  # draws of the components, as elbo_surgery has them
    z = mean[at] + (0.5 * log_var[at]).exp() * torch.randn(100, 40, generator=seeded(4))
    exact = naive(
        z.double(), mean.double(), log_var.double(), torch.full((5000,), -math.log(5000), dtype=torch.float64)
    )
    found = mixture.log_prob(z, mean, log_var, double=double)
    assert found.dtype == (torch.float64 if double else torch.float32)
    assert (found.double() - exact).abs().max() < tolerance


def test_torch_s_mixture_agrees() -> None:
    mean, log_var = latents(20, 3, dtype=torch.float64)
    log_weight = weights(20, torch.float64)
    oracle = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=log_weight),
        torch.distributions.Independent(torch.distributions.Normal(mean, (0.5 * log_var).exp()), 1),
    )
    z = points(50, 3, torch.float64)
    assert torch.allclose(mixture.log_prob(z, mean, log_var, log_weight), oracle.log_prob(z), atol=1e-10)


@pytest.mark.parametrize("components", [1, 999, 1000, 1001, 4001])
@pytest.mark.parametrize("n", [1, 999, 1000, 1001, 4001])
def test_tile_edges(n: int, components: int) -> None:
    mean, log_var = latents(components, 2, dtype=torch.float64)
    z = points(n, 2, torch.float64)
    checked = slice(max(0, n - 3), n)
    exact = naive(z[checked], mean, log_var, weights(components, torch.float64))
    found = mixture.log_prob(z, mean, log_var, weights(components, torch.float64))
    assert found.shape == (n,) and (found[checked] - exact).abs().max() < 1e-9
    assert (found[:1] - naive(z[:1], mean, log_var, weights(components, torch.float64))).abs().max() < 1e-9


@pytest.mark.parametrize("components", [2, 4000, 4001, 8001])
def test_exclude_is_the_mixture_without_that_component(components: int) -> None:
    mean, log_var = latents(components, 2)
    index = torch.tensor([0, components // 2, components - 1])
    found = mixture.log_prob(mean[index], mean, log_var, exclude=index, double=True)
    for row, left_out in enumerate(index.tolist()):
        kept = torch.arange(components) != left_out
        exact = mixture.log_prob(mean[[left_out]], mean[kept], log_var[kept], double=True)
        assert abs(float(found[row] - exact)) < 1e-9


def arguments(n: int, k: int, d: int) -> list[Tensor]:
    mean, log_var = latents(k, d, dtype=torch.float64)
    return [value.requires_grad_() for value in (points(n, d, torch.float64), mean, log_var, weights(k, torch.float64))]


@pytest.mark.parametrize(("n", "k", "d"), [(5, 1, 3), (40, 30, 5), (1001, 13, 2), (7, 4001, 2)])
def test_gradients_are_those_of_the_definition(n: int, k: int, d: int) -> None:
    grad = torch.randn(n, generator=seeded(5), dtype=torch.float64)
    ours, theirs = arguments(n, k, d), arguments(n, k, d)
    mixture.log_prob(*ours).backward(grad)
    naive(*theirs).backward(grad)
    for name, mine, other in zip(("z", "mean", "log_var", "log_weight"), ours, theirs, strict=True):
        assert (mine.grad - other.grad).abs().max() < 1e-9 * other.grad.abs().max(), name


def test_gradients_with_exclude_leave_the_component_alone() -> None:
    z, mean, log_var, _ = arguments(3, 6, 2)
    index = torch.tensor([0, 0, 0])
    mixture.log_prob(z, mean, log_var, exclude=index).sum().backward()
    assert mean.grad[0].abs().max() < 1e-24 and (mean.grad[1:].abs().sum(1) > 0).all()


def test_float32_gradients_are_near_those_in_float64() -> None:
    mean, log_var = latents(300, 40)
    z = (mean[:50] + 0.1).requires_grad_()
    exact = z.detach().double().requires_grad_()
    mixture.log_prob(z, mean, log_var).sum().backward()
    mixture.log_prob(exact, mean.double(), log_var.double()).sum().backward()
    assert torch.allclose(z.grad.double(), exact.grad, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("distance", [1e2, 1e4, 1e8, 1e15])
def test_far_away_there_is_a_finite_number(distance: float) -> None:
    mean, log_var = latents(4001, 3)
    z = torch.full((2, 3), distance).requires_grad_()
    value = mixture.log_prob(z, mean, log_var)
    value.sum().backward()
    assert torch.isfinite(value).all() and (value.detach() < -1000).all()
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("offset", [100.0, 1e4])
def test_latents_far_from_the_origin_keep_their_precision(offset: float) -> None:
    """The quadratic form of uncentred values would cancel away all digits."""
    mean, log_var = latents(200, 5)
    shifted = mean + offset
    z = shifted[:20] + 0.25
    exact = naive(
        z.double(), shifted.double(), log_var.double(), torch.full((200,), -math.log(200), dtype=torch.float64)
    )
    assert (mixture.log_prob(z, shifted, log_var).double() - exact).abs().max() < 2e-2


@pytest.mark.parametrize("first_tile", [False, True], ids=["scattered", "a whole tile"])
def test_components_of_weight_zero_do_not_count(first_tile: bool) -> None:
    mean, log_var = latents(8001, 2)
    kept = torch.arange(8001) >= 4500 if first_tile else torch.arange(8001) % 3 == 1
    log_weight = torch.where(kept, -math.log(int(kept.sum())), -math.inf)
    z = points(30, 2)
    found = mixture.log_prob(z, mean, log_var, log_weight)
    assert torch.allclose(found, mixture.log_prob(z, mean[kept], log_var[kept]), atol=1e-4)
    parameter = mean.clone().requires_grad_()
    mixture.log_prob(z, parameter, log_var, log_weight).sum().backward()
    assert torch.isfinite(parameter.grad).all() and parameter.grad[~kept].abs().max() < 1e-20


def test_bf16_autocast_changes_nothing() -> None:
    def run(autocast: bool) -> tuple[Tensor, Tensor]:
        mean, log_var = latents(50, 40)
        z = mean[:20].clone().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            value = mixture.log_prob(z, mean, log_var)
            value.sum().backward()
        return value.detach(), z.grad

    for plain, under_autocast in zip(run(False), run(True), strict=True):
        assert torch.equal(plain, under_autocast)


def test_component_log_prob_sums_to_the_mixture() -> None:
    mean, log_var = latents(30, 4)
    z = points(20, 4)
    joint = mixture.component_log_prob(z, mean, log_var, weights(30))
    assert joint.shape == (20, 30)
    assert torch.allclose(joint.logsumexp(1), mixture.log_prob(z, mean, log_var, weights(30)), atol=1e-4)
    equal = mixture.component_log_prob(z, mean, log_var)
    assert torch.allclose(equal.logsumexp(1), mixture.log_prob(z, mean, log_var), atol=1e-4)


def test_no_points_give_no_values() -> None:
    assert mixture.log_prob(torch.empty(0, 3), *latents(5, 3)).shape == (0,)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"z": torch.zeros(2, 4)}, r"z must be \(n, 3\)"),
        ({"z": torch.zeros(3)}, r"z must be \(n, 3\)"),
        ({"log_var": torch.zeros(5, 2)}, "mean and log_var"),
        ({"mean": torch.zeros(0, 3), "log_var": torch.zeros(0, 3)}, "K >= 1"),
        ({"log_weight": torch.zeros(4)}, r"log_weight must be \(5,\)"),
        ({"log_weight": torch.zeros(5), "exclude": torch.tensor([0, 1])}, "leave log_weight out"),
        ({"mean": torch.zeros(1, 3), "log_var": torch.zeros(1, 3), "exclude": torch.zeros(2).long()}, "at least two"),
        ({"exclude": torch.tensor([0, 5])}, "exclude"),
        ({"exclude": torch.tensor([-1, 0])}, "exclude"),
        ({"exclude": torch.tensor([0])}, "exclude"),
    ],
)
def test_wrong_arguments_are_named(change: dict, complaint: str) -> None:
    given = {"z": torch.zeros(2, 3), "mean": torch.zeros(5, 3), "log_var": torch.zeros(5, 3), **change}
    log_prob = inspect.unwrap(mixture.log_prob)  # without the annotations' checks, which tests alone have
    with pytest.raises(ValueError, match=complaint):
        log_prob(**given)
