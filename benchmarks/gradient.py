"""Gradients of a small mixture's density, as each step of training a VampPrior needs them, against broadcasting."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from benchmarks.harness import Case, interleave
from benchmarks.latents import make_problem
from benchmarks.report import Report, Row
from benchmarks.textbook import broadcast_log_prob
from core import mixture

Density = Callable[[Tensor, Tensor, Tensor], Tensor]
COMPONENTS = 500


def run(*, quick: bool = False) -> Report:
    """Forward and backward to z, mean and log_var; batches of 500 and of 100."""
    rows, values = [], {}
    for batch in (100,) if quick else (500, 100):
        new, values_of_batch = _batch(batch, repeats=3 if quick else 15)
        rows += new
        values.update(values_of_batch)
    return Report(
        "gradient",
        f"Mixture density with gradients: {COMPONENTS} components, 40 dimensions, forward and backward",
        rows,
        [
            "Errors against the broadcast form in float64: of the values in nats; of each gradient relative to "
            "its largest entry. The broadcast form spends much of its time on memory that the allocator hands "
            "back after every step; MALLOC_MMAP_THRESHOLD_=1073741824 and MALLOC_TRIM_THRESHOLD_=4294967296 in the "
            "environment take that away."
        ],
        values,
    )


def forward_backward(density: Density, inputs: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, ...]:
    """Values (m,) and the gradients of their sum for z, mean and log_var."""
    leaves = tuple(value.detach().requires_grad_() for value in inputs)
    result = density(*leaves)
    return (result.detach(), *torch.autograd.grad(result.sum(), leaves))


def peer_log_prob(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """torch.distributions, validation off."""
    normal = Normal(mean, torch.exp(0.5 * log_var), validate_args=False)
    weights = Categorical(logits=mean.new_zeros(len(mean)), validate_args=False)
    return MixtureSameFamily(weights, Independent(normal, 1, validate_args=False), validate_args=False).log_prob(z)


def _batch(batch: int, repeats: int) -> tuple[list[Row], dict[str, float | None]]:
    problem = make_problem(COMPONENTS, batch)
    inputs = (problem.points, problem.mean, problem.log_var)
    forms: dict[str, Density] = {
        "broadcast": broadcast_log_prob,
        "MixtureSameFamily": peer_log_prob,
        "ours": mixture.log_prob,
    }
    calls = {"broadcast": 1, "MixtureSameFamily": 1, "ours": 20}

    def block(name: str) -> None:
        for _ in range(calls[name]):
            forward_backward(forms[name], inputs)

    cases = {name: Case(lambda name=name: block(name), 1 / calls[name]) for name in forms}
    timings = interleave(cases, repeats=repeats, warmup=2)
    truth = forward_backward(broadcast_log_prob, (inputs[0].double(), inputs[1].double(), inputs[2].double()))
    rows, values = [], {}
    for name, timing in timings.items():
        error, slope = _errors(forward_backward(forms[name], inputs), truth)
        note = f"error {error:.1e} nats, gradients {slope:.1e}"
        rows.append(Row(f"batch {batch}, {name}", timing, None if name == "broadcast" else timings["broadcast"], note))
        values[f"error_{batch}_{name}_nats"], values[f"error_{batch}_{name}_gradient"] = error, slope
    return rows, values


def _errors(found: tuple[Tensor, ...], truth: tuple[Tensor, ...]) -> tuple[float, float]:
    value, *slopes = ((a - b).abs().max() for a, b in zip(found, truth, strict=True))
    relative = [(slope / exact.abs().max()).item() for slope, exact in zip(slopes, truth[1:], strict=True)]
    return value.item(), max(relative)
