"""Gradients through the inverted direction are those of autograd through the textbook's loop."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from core.flows import METHODS
from core.flows.adjoint import Repeated
from core.flows.autoregressive import LOG_SCALE_LIMIT, AutoregressiveLayer
from tests.contracts import seeded
from tests.core.inversions import inputs, layer_of, run, without_numba


@pytest.mark.parametrize("numba", [True, False])
@pytest.mark.parametrize("context", [0, 3])
@pytest.mark.parametrize(
    ("dim", "hidden"), [(1, (4,)), (2, (7,)), (3, (1,)), (8, (16, 5, 9)), (40, (128, 128)), (4, ())]
)
def test_gradients_are_those_of_the_textbook(dim, hidden, context, numba, monkeypatch) -> None:
    if not numba:
        without_numba(monkeypatch)
    layer = layer_of(dim, hidden, context, 0.15)
    u, given = inputs(dim, context)
    wanted = [u.requires_grad_(), *layer.parameters(), *([] if given is None else [given.requires_grad_()])]
    weight = torch.randn(u.shape, generator=seeded(3), dtype=u.dtype)

    def grads(method: str) -> list[Tensor]:
        layer.method = method
        z, log_det = layer.forward_and_log_det(u, given)
        loss = (weight * z.sin()).mean() + log_det.square().mean()
        return list(torch.autograd.grad(loss, wanted, materialize_grads=True))

    right = grads("naive")
    for method in ("incremental", "fixed_point"):
        for got, expected in zip(grads(method), right, strict=True):
            assert torch.allclose(got, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_gradients_are_those_of_finite_differences(method: str) -> None:
    layer = layer_of(4, (8, 6), 2, 0.3)
    layer.method = method
    u, given = inputs(4, 2, n=3)
    names, values = zip(*layer.named_parameters(), strict=True)

    def call(u: Tensor, given: Tensor, *weights: Tensor):
        module = _Forward(layer)
        return torch.func.functional_call(
            module, {f"layer.{k}": v for k, v in zip(names, weights, strict=True)}, (u, given)
        )

    assert torch.autograd.gradcheck(call, (u.requires_grad_(), given.requires_grad_(), *values))


class _Forward(torch.nn.Module):
    def __init__(self, layer: AutoregressiveLayer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, u: Tensor, context: Tensor):
        return self.layer.forward_and_log_det(u, context)


@pytest.mark.parametrize("method", ["incremental", "fixed_point"])
def test_only_the_loss_or_only_the_log_determinant_may_be_used(method: str) -> None:
    layer = layer_of(5, (9,), strength=0.3)
    u, _ = inputs(5, 0)
    for chosen in (0, 1):
        got = {}
        for name in ("naive", method):
            layer.method = name
            got[name] = torch.autograd.grad(layer.forward_and_log_det(u.requires_grad_())[chosen].sum(), u)[0]
        assert torch.allclose(got[method], got["naive"], rtol=1e-9, atol=1e-9)


def test_second_derivatives_are_refused_aloud() -> None:
    layer = layer_of(3, (5,))
    u = inputs(3, 0)[0].requires_grad_()
    (first,) = torch.autograd.grad(layer.forward_and_log_det(u)[0].square().sum(), u, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_the_repeated_adjoint_stops_early() -> None:
    layer, (u, _) = layer_of(40, (64, 64)), inputs(40, 0)
    found = run(layer, "naive", u, None)
    stretch, slope = u * found.log_scale.exp(), 1 - (found.log_scale / LOG_SCALE_LIMIT).square()
    solver = Repeated(layer.made, found.z, None, stretch, slope)
    asked: list[int] = []
    real = solver._passed_back
    solver._passed_back = lambda *given: asked.append(1) or real(*given)  # type: ignore[method-assign]
    solver(torch.ones_like(u), torch.zeros_like(u))
    assert 1 < len(asked) < 20
