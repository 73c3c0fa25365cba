"""All methods of inversion find one z and one log-determinant, in the passes they promise, whatever comes in."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from core.flows import FLOWS, METHODS, compiled, set_inversion
from core.flows.autoregressive import LOG_SCALE_LIMIT, AutoregressiveLayer
from core.flows.incremental import sweep
from core.flows.inversion import fixed_point, naive
from core.nn import MADE
from tests.contracts import seeded
from tests.core.inversions import inputs, layer_of, run, without_numba

BELOW = {torch.float32: 1e-5, torch.float64: 1e-12}
SHAPES = [(1,), (7,), (128,), (16, 16), (128, 128), (7, 1, 128), (1, 16), ()]


@pytest.mark.parametrize("numba", [True, False])
@pytest.mark.parametrize("dtype", BELOW, ids=str)
@pytest.mark.parametrize("context", [0, 3])
@pytest.mark.parametrize("hidden", SHAPES, ids=str)
@pytest.mark.parametrize("dim", [1, 2, 3, 5, 8, 40])
def test_every_method_finds_what_the_textbook_finds(dim, hidden, context, dtype, numba, monkeypatch) -> None:
    if not numba:
        without_numba(monkeypatch)
    for strength in (0.5, 1.0):
        layer = layer_of(dim, hidden, context, strength).to(dtype)
        u, given = inputs(dim, context)
        u, given = u.to(dtype), None if given is None else given.to(dtype)
        layer.double()
        truth = run(layer, "naive", u.double(), None if given is None else given.double())
        allowed = [BELOW[dtype] * (1 + float(part.abs().max())) for part in truth[:2]]
        spread = _rounding_of(layer, u.double(), given, truth, torch.finfo(dtype).eps)
        layer.to(dtype)
        for method in METHODS:
            found = run(layer, method, u, given)
            assert found.z.dtype == found.log_scale.dtype == dtype
            for got, right, fixed, error in zip(found[:2], truth[:2], allowed, spread, strict=True):
                assert float((got.double() - right).abs().max()) < fixed + 10 * error


def _rounding_of(layer: AutoregressiveLayer, u: Tensor, given: Tensor | None, truth, eps: float) -> list[float]:
    """How far the answer moves when numbers change in their last place: strong weights magnify it ever further."""
    given, moves, generator = None if given is None else given.double(), [], seeded(4)
    for _ in range(3):
        other = copy.deepcopy(layer)
        for tensor in (noisy := [u.clone(), *other.parameters()]):
            tensor.data *= 1 + 2 * eps * torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
        moves.append(
            [
                float((a - b).abs().max())
                for a, b in zip(run(other, "naive", noisy[0], given)[:2], truth[:2], strict=True)
            ]
        )
    return [max(part) for part in zip(*moves, strict=True)]


@pytest.mark.parametrize("numba", [True, False])
@pytest.mark.parametrize("dtype", BELOW, ids=str)
def test_trained_like_weights_agree_to_the_stated_accuracy(dtype, numba, monkeypatch) -> None:
    """Without any allowance: this is what the product states."""
    if not numba:
        without_numba(monkeypatch)
    for dim in (2, 8, 40):
        layer = layer_of(dim, (128, 128))
        u, _ = inputs(dim, 0)
        truth = run(layer, "naive", u, None)
        layer.to(dtype)
        for method in ("incremental", "fixed_point"):
            found = run(layer, method, u.to(dtype), None)
            for got, right in zip(found[:2], truth[:2], strict=True):
                assert float((got.double() - right).abs().max()) < BELOW[dtype]


# ---------------------------------------------------------------- passes


class Counted:
    """A conditioner that counts how often it is asked."""

    def __init__(self, layer: AutoregressiveLayer) -> None:
        self.layer, self.asked = layer, 0

    def __call__(self, z: Tensor) -> tuple[Tensor, Tensor]:
        self.asked += 1
        return self.layer.conditioner(z)


@torch.no_grad()
def test_passes_are_counted_as_they_are_made() -> None:
    dim = 40
    layer, (u, _) = layer_of(dim, (64, 64)), inputs(dim, 0)
    textbook, jacobi = Counted(layer), Counted(layer)
    assert naive(u, textbook).passes == textbook.asked == dim
    found = fixed_point(u, jacobi)
    assert found.passes == jacobi.asked < dim / 2, "weights like these need a handful of passes"
    assert run(layer, "incremental", u, None).passes == 1


@torch.no_grad()
def test_the_fixed_point_never_needs_more_than_d_passes() -> None:
    dim = 12
    layer, (u, _) = layer_of(dim, (32,), strength=1.5), inputs(dim, 0)
    found, right = fixed_point(u, layer.conditioner), naive(u, layer.conditioner)
    assert found.passes <= dim
    assert torch.allclose(found.z, right.z, rtol=1e-10) and torch.equal(
        fixed_point(u, layer.conditioner, 0.0).z, right.z
    )


@torch.no_grad()
def test_a_looser_tolerance_stops_earlier_and_errs_more() -> None:
    layer, (u, _) = layer_of(40, (64, 64)), inputs(40, 0)
    right = naive(u, layer.conditioner).z
    tight, loose = fixed_point(u, layer.conditioner), fixed_point(u, layer.conditioner, 1e-3)
    assert loose.passes < tight.passes
    assert (loose.z - right).abs().max() > 100 * (tight.z - right).abs().max()


@torch.no_grad()
@pytest.mark.parametrize(("dim", "hidden"), [(2, (5,)), (8, (16, 16)), (40, (7, 128)), (30, (1,))])
def test_the_incremental_method_multiplies_each_kept_weight_once(dim: int, hidden: tuple[int, ...]) -> None:
    layer, (u, _) = layer_of(dim, hidden), inputs(dim, 0)
    kept = sum(int(part.mask.sum()) for part in layer.made.layers())
    assert sweep(u, layer.made, LOG_SCALE_LIMIT)[2] == kept
    ready = compiled.kernels(torch.float64)
    assert ready is not None, "numba is in requirements.txt"
    weights = compiled.weights_of(layer.made, None, torch.float64)
    assert compiled.invert(ready, weights, u, LOG_SCALE_LIMIT)[2] == kept


# ---------------------------------------------------------------- what comes in


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 200])
def test_any_number_of_rows(method: str, n: int) -> None:
    layer = layer_of(6, (16, 16), 2, 0.3)
    u, given = inputs(6, 2, 200)
    whole, part = run(layer, "naive", u, given), run(layer, method, u[:n], given[:n])
    assert part.z.shape == part.log_scale.shape == (n, 6)
    assert torch.allclose(part.z, whole.z[:n], atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_any_layout_in_memory(method: str) -> None:
    layer = layer_of(6, (16, 16), 2, 0.3)
    u, given = inputs(6, 2)
    right = run(layer, "naive", u, given).z
    wide = torch.stack([u, u], 2)[..., 0]
    columns = given.t().contiguous().t()
    assert not wide.is_contiguous() and not columns.is_contiguous()
    assert torch.allclose(run(layer, method, wide, columns).z, right, atol=1e-12)
    assert torch.allclose(run(layer, method, u.t().contiguous().t(), given).z, right, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_half_precision_in_is_calculated_in_full(method: str) -> None:
    layer = layer_of(6, (16, 16), 0, 0.3).float()
    u = inputs(6, 0)[0].bfloat16()
    right = run(layer, "naive", u.float(), None).z
    assert torch.allclose(run(layer, method, u, None).z, right, atol=1e-5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.allclose(run(layer, method, u, None).z, right, atol=1e-5)
        assert torch.allclose(run(layer, method, u.float(), None).z, right, atol=1e-5)
    assert run(layer.bfloat16(), method, u, None).z.dtype == torch.float32


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", [1e30, float("inf"), float("-inf"), float("nan")])
def test_what_is_not_finite_stays_in_its_row_and_stops_nothing(method: str, bad: float) -> None:
    layer = layer_of(8, (16, 16), 0, 0.3).float()
    u = inputs(8, 0)[0].float()
    right = run(layer, "naive", u, None).z
    u[3, 2] = bad
    found = run(layer, method, u, None)
    others = torch.arange(len(u)) != 3
    assert torch.allclose(found.z[others], right[others], atol=1e-5)
    if method == "incremental":  # whole passes multiply what is not finite by the mask's zeros
        assert torch.allclose(found.z[3, :2], right[3, :2], atol=1e-5)
    if bad == 1e30:
        assert abs(float(found.z[3, 2])) > 1e26
    else:
        assert not torch.isfinite(found.z[3, 2])
        assert found.passes < 8 or method == "naive"


def test_unknown_methods_are_refused() -> None:
    flow = FLOWS["maf"](3, (4,), 2)
    with pytest.raises(ValueError, match="naive, incremental, fixed_point or None; got 'newton'"):
        set_inversion(flow, "newton")
    layer = layer_of(3, (4,))
    layer.method = "newton"
    with pytest.raises(ValueError, match="got 'newton'"):
        layer.forward_and_log_det(inputs(3, 0)[0])


def test_the_method_is_set_in_every_layer() -> None:
    flow = FLOWS["iaf"](3, (4,), 4)
    layers = [module for module in flow.modules() if isinstance(module, AutoregressiveLayer)]
    assert len(layers) == 4 and {layer.method for layer in layers} == {None}
    set_inversion(flow, "fixed_point")
    assert {layer.method for layer in layers} == {"fixed_point"}
    set_inversion(flow, None)
    assert {layer.method for layer in layers} == {None}


def test_visible_counts_what_the_masks_let_through() -> None:
    made = MADE(9, (4, 13), 2)
    visible = made.visible(9, (4, 13))
    masks = [layer.mask for layer in made.layers()]
    assert masks[-1][:9].sum(1).tolist() == visible[-1].tolist() == masks[-1][9:].sum(1).tolist()
    assert all((mask.diff(dim=1) <= 0).all() for mask in masks), "what a unit sees is a first part of the layer before"
