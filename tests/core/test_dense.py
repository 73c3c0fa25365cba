"""The dense layer is nn.Linear, whichever library multiplies."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core import dense
from core.dense import Dense


@pytest.fixture(params=[True, False], ids=["oneDNN", "torch"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param and not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")):
        monkeypatch.setattr(dense, "_product", F.linear)  # this torch has no such operator: the rest still has to hold
    monkeypatch.setattr(dense, "ONEDNN_IS_FASTER", request.param)
    monkeypatch.setattr(dense, "WORTH", 1)
    return request.param


def gradients(output: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad((output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum(), inputs)


@pytest.mark.parametrize("rows", [1, 3, 130])
def test_values_and_gradients_are_those_of_linear(library: bool, rows: int) -> None:
    layer = Dense(37, 21)
    x = torch.randn(rows, 37, requires_grad=True)
    leaves = (x, layer.weight, layer.bias)
    found, expected = layer(x), F.linear(x, layer.weight, layer.bias)
    torch.testing.assert_close(found, expected)
    for ours, theirs in zip(gradients(found, *leaves), gradients(expected, *leaves), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_inputs_that_the_fast_way_does_not_take(library: bool) -> None:
    layer = Dense(6, 4)
    assert layer(torch.zeros(2, 3, 6)).shape == (2, 3, 4)
    assert layer(torch.zeros(0, 6)).shape == (0, 4)
    assert layer(torch.zeros(6)).shape == (4,)
    assert Dense(6, 4).double()(torch.zeros(2, 6, dtype=torch.float64)).dtype == torch.float64
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.zeros(2, 6)).dtype == torch.bfloat16


def test_strided_inputs_and_frozen_parameters(library: bool) -> None:
    layer = Dense(10, 5).requires_grad_(False)
    x = torch.randn(10, 40).T.requires_grad_()
    (slope,) = gradients(layer(x), x)
    (expected,) = gradients(F.linear(x, layer.weight, layer.bias), x)
    torch.testing.assert_close(slope, expected, atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias))


@pytest.mark.parametrize("bias", ["vector", "matrix", None])
def test_a_batch_in_columns(library: bool, bias: str | None) -> None:
    weight, x = torch.randn(21, 37, requires_grad=True), torch.randn(37, 130, requires_grad=True)
    add = {"vector": torch.randn(21), "matrix": torch.randn(21, 130), None: None}[bias]
    leaves = [weight, x, *([] if add is None else [add.requires_grad_()])]
    found = dense.columns(weight, x, add)
    expected = weight @ x + (0 if add is None else add.view(21, -1))
    torch.testing.assert_close(found, expected)
    for ours, theirs in zip(gradients(found, *leaves), gradients(expected, *leaves), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
    strided = torch.randn(130, 37).t()
    torch.testing.assert_close(dense.columns(weight, strided, None), weight @ strided)


@pytest.fixture
def without_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "BFLOAT16_IS_SLOW", True)


@pytest.mark.parametrize("width", ["row", "column"])
def test_bfloat16_on_a_processor_without_units_for_it_is_that_of_autocast(without_units: None, width: str) -> None:
    weight, bias = torch.randn(21, 37, requires_grad=True), torch.randn(21, requires_grad=True)
    x = torch.randn(130, 37, requires_grad=True)
    leaves = (x, weight, bias)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = dense.linear(x, weight, bias) if width == "row" else dense.columns(weight, x.T, bias).T
        expected = F.linear(x, weight, bias)
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected, atol=1e-2, rtol=2**-7)  # sums in another order may round the other way
    assert (found == expected).float().mean() > 0.98
    assert (found.float() - F.linear(x, weight, bias)).abs().max() > 1e-3  # float32 would be another thing
    for ours, theirs in zip(gradients(found.float(), *leaves), gradients(expected.float(), *leaves), strict=True):
        assert ours.dtype == theirs.dtype == torch.float32
        torch.testing.assert_close(ours, theirs, atol=0.05, rtol=2**-6)


def test_autocast_to_another_type_is_left_to_torch(without_units: None) -> None:
    layer = Dense(6, 4)
    with torch.autocast("cpu", dtype=torch.float16):
        assert layer(torch.randn(2, 6)).dtype == torch.float16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert Dense(6, 4).double()(torch.ones(2, 6, dtype=torch.float64)).dtype == torch.float64
    with torch.autocast("cpu", enabled=False):
        torch.testing.assert_close(layer(torch.ones(2, 6)), F.linear(torch.ones(2, 6), layer.weight, layer.bias))


@pytest.mark.parametrize(
    ("words", "slow"),
    [
        ("vendor_id : GenuineIntel\nflags : avx2 avx512f avx512_bf16", True),
        ("vendor_id : GenuineIntel\nflags : avx512f avx512_bf16 amx_bf16 amx_tile", False),
        ("vendor_id : AuthenticAMD\nflags : avx512f avx512_bf16", False),
        ("vendor_id : AuthenticAMD\nflags : avx2", True),
        ("CPU implementer : 0x41\nFeatures : asimd bf16", False),
        ("", False),
    ],
)
def test_which_processors_have_units_for_bfloat16(monkeypatch: pytest.MonkeyPatch, words: str, slow: bool) -> None:
    monkeypatch.setattr(dense, "_processor", lambda: words)
    assert dense._bfloat16_is_slow() is slow
