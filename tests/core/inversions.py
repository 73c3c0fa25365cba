"""Layers to invert, shared by the tests of inversion."""

from __future__ import annotations

import importlib

import torch
from torch import Tensor

from core.flows import compiled
from core.flows.autoregressive import AutoregressiveLayer
from core.flows.inversion import Inversion
from tests.contracts import perturbed, seeded


def without_numba(monkeypatch) -> None:
    """As where numba is not installed."""
    monkeypatch.setattr(compiled, "_READY", {})

    def missing(name: str):
        raise ModuleNotFoundError("No module named 'numba'")

    monkeypatch.setattr(importlib, "import_module", missing)


def layer_of(dim: int, hidden: tuple[int, ...], context: int = 0, strength: float = 0.0) -> AutoregressiveLayer:
    """In float64; weights as training leaves them, or with noise of the given size on top."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        layer = AutoregressiveLayer(dim, hidden, context).double()
    return perturbed(layer, strength or 0.05)  # type: ignore[return-value]


def inputs(dim: int, context: int, n: int = 70) -> tuple[Tensor, Tensor | None]:
    u = torch.randn(n, dim, generator=seeded(1), dtype=torch.float64)
    return u, torch.randn(n, context, generator=seeded(2), dtype=torch.float64) if context else None


def run(layer: AutoregressiveLayer, method: str | None, u: Tensor, context: Tensor | None) -> Inversion:
    layer.method = method
    with torch.no_grad():
        return layer.invert(u, context)
