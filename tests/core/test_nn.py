"""Network parts: MADE lets every input through and none that it must not, bounds keep a gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import core.nn
from core.nn import (
    MADE,
    GatedDense,
    MaskedLinear,
    full_precision,
    gated_mlp,
    he_init,
    hidden_degrees,
    soft_bound,
    symmetric_bound,
)
from tests.contracts import seeded


def made(dim: int, hidden: list[int], outputs: int = 1) -> MADE:
    """With a random last layer: it starts at zero, which would hide every mask."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = MADE(dim, hidden, outputs)
        nn.init.normal_(network.net[-1].weight)
    return network


def influence(network: MADE, dim: int, rows: int = 24) -> Tensor:
    """Whether output i depends on input j at one of several points, (D, D), by the Jacobian."""
    x = torch.randn(rows, dim, generator=seeded(2), requires_grad=True)
    y = sum(part for part in network(x))
    parts = []
    for chosen in torch.eye(dim).split(64):
        grads = torch.autograd.grad(
            y, x, chosen[:, None, :].expand(-1, rows, -1), retain_graph=True, is_grads_batched=True
        )[0]
        parts.append((grads != 0).any(1))
    return torch.cat(parts)


@pytest.mark.parametrize(("dim", "width"), [(784, 128), (40, 8), (40, 1), (5, 64), (2, 3)])
def test_every_input_but_the_last_is_used_and_none_is_seen_too_early(dim: int, width: int) -> None:
    seen = influence(made(dim, [width, width] if dim < 100 else [width]), dim)
    assert not seen.triu().any(), "output i sees input i or later"
    unused = (~seen.any(0)).nonzero().flatten().tolist()
    assert unused == [dim - 1], f"inputs without influence: {unused}"


def test_outputs_see_all_before_them_where_the_layer_is_wide() -> None:
    assert torch.equal(influence(made(6, [64, 64]), 6), torch.ones(6, 6).tril(-1).bool())


@pytest.mark.parametrize(("dim", "width"), [(784, 128), (40, 8)])
def test_the_degree_rule_of_other_libraries_loses_most_inputs(monkeypatch, dim: int, width: int) -> None:
    monkeypatch.setattr(core.nn, "hidden_degrees", lambda dim, width: np.arange(width) % (dim - 1) + 1)
    used = influence(made(dim, [width]), dim).any(0)
    assert int(used.sum()) <= width < dim - 1


def test_the_parts_of_the_output_share_the_order() -> None:
    network = made(5, [32], outputs=2)
    for part in range(2):
        matrix = torch.autograd.functional.jacobian(lambda row, part=part: network(row[None])[part][0], torch.randn(5))
        assert not (matrix != 0).triu().any() and (matrix != 0).any()


def test_one_input_gives_constants() -> None:
    network = made(1, [8], outputs=2)
    shift, scale = network(torch.randn(6, 1, generator=seeded(3)))
    assert shift.shape == scale.shape == (6, 1)
    assert (shift == shift[0]).all() and (scale == scale[0]).all()


@pytest.mark.parametrize(("dim", "width"), [(2, 5), (10, 3), (10, 100), (784, 300)])
def test_degrees_reach_both_ends(dim: int, width: int) -> None:
    degrees = hidden_degrees(dim, width)
    assert degrees[0] == 1 and degrees[-1] == dim - 1 and (np.diff(degrees) >= 0).all() and len(degrees) == width


def test_made_starts_at_zero() -> None:
    assert all((part == 0).all() for part in MADE(5, [16], 2)(torch.randn(3, 5, generator=seeded(4))))


def test_a_masked_weight_has_no_effect_and_no_gradient() -> None:
    layer = MaskedLinear(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    x = torch.randn(4, 2, generator=seeded(5))
    before = layer(x)
    with torch.no_grad():
        layer.weight[0, 1] = 1e6
    assert torch.equal(layer(x), before)
    layer(x).sum().backward()
    assert layer.weight.grad[0, 1] == 0 and (layer.weight.grad[layer.mask.bool()] != 0).all()


@pytest.mark.parametrize(("low", "high"), [(-6.0, 2.0), (-4.5, 0.0), (-5.0, 5.0)])
def test_soft_bound_stays_inside_with_slope_one_in_the_middle(low: float, high: float) -> None:
    raw = torch.linspace(3 * low - 1, 3 * high + 1, 101, dtype=torch.float64, requires_grad=True)
    bounded = soft_bound(raw, low, high)
    (slope,) = torch.autograd.grad(bounded.sum(), raw)
    assert (bounded > low).all() and (bounded < high).all() and (slope > 0).all() and (bounded.diff() > 0).all()
    middle = torch.tensor((low + high) / 2, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(soft_bound(middle, low, high), middle)
    assert float(soft_bound(middle, low, high).detach()) == float(middle.detach()) and abs(float(slope) - 1) < 1e-12
    assert torch.isfinite(soft_bound(torch.tensor([-1e30, 1e30]), low, high)).all()


def test_a_gated_layer_is_value_times_gate() -> None:
    layer = GatedDense(3, 2)
    x = torch.randn(5, 3, generator=seeded(6))
    value, gate = layer.pair(x)[:, :2], layer.pair(x)[:, 2:]
    assert torch.allclose(layer(x), value * gate.sigmoid())
    assert gated_mlp(3, (7, 4))(x).shape == (5, 4)


def test_he_init_has_the_variance_of_its_inputs() -> None:
    layer = nn.Linear(400, 300)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        he_init(layer)
    assert abs(float(layer.weight.detach().std()) / (2 / 400) ** 0.5 - 1) < 0.02 and (layer.bias == 0).all()


@pytest.mark.parametrize(
    ("given", "kept"),
    [(torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
)
def test_full_precision_widens_half_and_leaves_the_rest(given: torch.dtype, kept: torch.dtype) -> None:
    assert full_precision(torch.ones(2, dtype=given)).dtype == kept


@pytest.mark.parametrize(
    ("dim", "hidden", "said"), [(0, [4], "dim"), (3, [0], "width"), (3, [4, -1], "width"), (3, [4, 0, 4], "width")]
)
def test_made_refuses_what_leaves_inputs_without_influence(dim: int, hidden: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        MADE(dim, hidden, 2)


@pytest.mark.parametrize("hidden", [[1], [1, 9], [9, 1], [2, 1, 3], []])
def test_narrow_layers_still_let_every_input_through(hidden: list[int]) -> None:
    dim = 12
    seen = torch.stack([influence(made_with_noise(dim, hidden, seed), dim) for seed in range(4)]).any(0)
    assert not seen.triu().any() and seen[-1, :-1].all(), "every input but the last reaches the last output"


def made_with_noise(dim: int, hidden: list[int], seed: int) -> MADE:
    """Every unit switched on: a single one that is off would hide the inputs behind it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MADE(dim, hidden, 1)
        for layer in network.layers():
            nn.init.uniform_(layer.weight, 0.1, 0.2)
            nn.init.constant_(layer.bias, 3.0)
    return network


def test_a_context_must_be_one_row_a_point() -> None:
    network = MADE(3, [4], 2, context=2)
    for wrong in (None, torch.zeros(5, 3), torch.zeros(1, 2), torch.zeros(4, 2)):
        with pytest.raises(ValueError, match=r"\(5, 2\)"):
            network(torch.zeros(5, 3), wrong)
    with pytest.raises(ValueError, match=r"context of shape \(5, 2\); expected none"):
        MADE(3, [4], 2)(torch.zeros(5, 3), torch.zeros(5, 2))


def test_the_bound_may_be_taken_in_place_only_without_a_graph() -> None:
    raw = torch.linspace(-9, 9, 7, requires_grad=True)
    doubled = raw * 2
    assert torch.allclose(symmetric_bound(doubled, 5.0), soft_bound(doubled, -5.0, 5.0))
    assert torch.equal(doubled, raw * 2)
    with torch.no_grad():
        expected = soft_bound(raw * 2, -5.0, 5.0)
        assert torch.allclose(symmetric_bound(raw * 2, 5.0), expected)
