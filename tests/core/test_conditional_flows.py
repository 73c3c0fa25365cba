"""Flows with a context obey the same laws; half precision and any layout in memory are taken."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from core.flows import FLOWS, Flow
from tests.contracts import FLOW_LAWS, both_directions, perturbed, seeded

pytestmark = pytest.mark.usefixtures("seeded_layers")


class AtOneContext(Flow):
    """A flow with the context fixed, as a parameter: what is left must be a flow, and its context must learn."""

    def __init__(self, flow: Flow, context: int) -> None:
        super().__init__()
        self.flow, self.row = flow, nn.Parameter(torch.linspace(-1, 1, context))

    def forward_and_log_det(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.flow.forward_and_log_det(u, self.row.expand(len(u), -1))

    def inverse_and_log_det(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.flow.inverse_and_log_det(z, self.row.expand(len(z), -1))


def conditional_flow(kind: str):
    def make(dim: int) -> Flow:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            return AtOneContext(FLOWS[kind](dim, hidden=(16, 16), layers=3, context=2), 2)

    return make


@pytest.mark.parametrize("kind", FLOWS)
@pytest.mark.parametrize("law", FLOW_LAWS, ids=lambda law: law.__name__)
def test_every_flow_obeys_at_any_context(law, kind: str) -> None:
    law(conditional_flow(kind))


@pytest.mark.parametrize(("kind", "dim"), [("nice", 2), ("realnvp", 3), ("maf", 1), ("maf", 3), ("iaf", 1), ("iaf", 3)])
def test_the_context_moves_every_coordinate_and_only_its_own_row(kind: str, dim: int) -> None:
    flow = perturbed(FLOWS[kind](dim, (16, 16), 4, context=2).double(), 0.3)
    u = torch.randn(6, dim, generator=seeded(11), dtype=torch.float64)
    context = torch.randn(6, 2, generator=seeded(12), dtype=torch.float64).requires_grad_()
    for method in (flow.forward_and_log_det, flow.inverse_and_log_det):
        value, log_det = method(u, context)
        for column in value.unbind(1) if kind == "nice" else [*value.unbind(1), log_det]:
            (slope,) = torch.autograd.grad(column[2], context, retain_graph=True)
            assert (slope[2] != 0).any() and not slope[[0, 1, 3, 4, 5]].any()


@pytest.mark.parametrize("kind", FLOWS)
@pytest.mark.parametrize("made_for", [0, 2])
def test_a_context_of_the_wrong_shape_is_refused(kind: str, made_for: int) -> None:
    flow, z = FLOWS[kind](4, (8,), 2, context=made_for), torch.zeros(5, 4)
    wrong = [torch.zeros(5, 3), *([None, torch.zeros(5, 1)] if made_for else [torch.zeros(5, 2)])]
    for context in wrong:
        for method in (flow.forward_and_log_det, flow.inverse_and_log_det):
            with pytest.raises(ValueError, match=r"expected|got none" if made_for else "context > 0"):
                method(z, context)


@pytest.mark.parametrize("kind", FLOWS)
@pytest.mark.parametrize("given", [torch.float32, torch.bfloat16])
def test_autocast_and_half_precision_are_taken(kind: str, given: torch.dtype) -> None:
    flow = perturbed(FLOWS[kind](4, (16, 16), 3, context=2), 0.2)
    z, context = torch.randn(20, 4, generator=seeded(13)), torch.randn(20, 2, generator=seeded(14))
    for name in ("forward_and_log_det", "inverse_and_log_det"):
        method = getattr(flow, name)
        right, log_det = method(z, context)
        assert torch.allclose(method(z.to(given), context.to(given))[0].float(), right, atol=0.1)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value, found = method(z.to(given), context.to(given))
            (value.float().sum() + found.float().sum()).backward()
        assert torch.allclose(value.float(), right, atol=0.3) and torch.allclose(found.float(), log_det, atol=0.3)


@pytest.mark.parametrize("kind", FLOWS)
def test_what_comes_out_lies_in_rows(kind: str) -> None:
    flow = perturbed(FLOWS[kind](4, (16, 16), 3))
    for value in (torch.randn(7, 4), torch.randn(4, 7).t(), torch.randn(7, 8)[:, ::2]):
        with torch.no_grad():
            z, _ = flow.forward_and_log_det(value)
            back, _ = flow.inverse_and_log_det(z)
        assert z.is_contiguous() and back.is_contiguous() and torch.allclose(back, value, atol=1e-4)


@pytest.mark.parametrize("kind", FLOWS)
def test_with_and_without_gradients_the_values_are_the_same(kind: str) -> None:
    """Without, the networks carry their biases on; with a bias far from zero that would show."""
    flow = perturbed(FLOWS[kind](6, (32, 32, 32), 3).double(), 0.3)
    z = torch.randn(50, 6, generator=seeded(15), dtype=torch.float64)
    for direction in both_directions(flow):
        with_graph = direction(z)
        with torch.no_grad():
            without = direction(z)
        for a, b in zip(with_graph, without, strict=True):
            assert torch.allclose(a, b, atol=1e-10, rtol=1e-10)
