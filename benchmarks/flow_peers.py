"""The same flow in four libraries: layers, widths, affine steps and a change of order between them; no batch norm.

A library that is not installed is left out by name. ``benchmarks/requirements.txt`` says which versions are meant.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import torch
from torch import Generator, Tensor, nn

from core.distributions import DiagonalNormal, standard_normal
from core.flow_timing_models import sharpen
from core.flow_timing_records import FlowTimingSettings
from core.flows import FLOWS

OURS = "ours"
PEERS = ("zuko", "nflows", "normflows")
WIDTH = 128
"""Of both hidden layers of every network."""

Map = Callable[[Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Model:
    """A flow of some library.

    Attributes:
        name: library and version.
        log_prob: points (n, d) -> (n,) nats, as the library's user calls it.
        sample: n -> draws (n, d), as the library's user calls it.
        to_noise: points -> noise (n, d) and log|det| (n,).
        to_data: the other way.
    """

    name: str
    log_prob: Callable[[Tensor], Tensor]
    sample: Callable[[int], object]
    to_noise: Map
    to_data: Map


def installed() -> list[str]:
    """Peers that can be imported."""
    return [name for name in PEERS if importlib.util.find_spec(name) is not None]


def make(library: str, kind: str, dim: int, layers: int) -> Model:
    """A flow with random weights of seed 0.

    Args:
        library: "ours" or one of ``PEERS``.
        kind: "maf" or "realnvp".
        dim: d.
        layers: autoregressive layers or couplings.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other libraries' imports
        torch.manual_seed(0)
        return {OURS: _ours, "zuko": _zuko, "nflows": _nflows, "normflows": _normflows}[library](kind, dim, layers)


def _ours(kind: str, dim: int, layers: int) -> Model:
    flow = FLOWS[kind](dim, (WIDTH, WIDTH), layers).eval()
    sharpen(flow, FlowTimingSettings().sharpness, Generator().manual_seed(0))
    generator = Generator().manual_seed(1)
    base = DiagonalNormal(torch.zeros(dim), torch.zeros(dim))

    def log_prob(z: Tensor) -> Tensor:
        u, log_det = flow.inverse_and_log_det(z)
        return base.log_prob(u) + log_det

    def sample(n: int) -> Tensor:
        return flow.forward_and_log_det(standard_normal((n, dim), base.mean, generator))[0]

    return Model(OURS, log_prob, sample, flow.inverse_and_log_det, flow.forward_and_log_det)


def _zuko(kind: str, dim: int, layers: int) -> Model:
    flows = importlib.import_module("zuko.flows")
    make_flow = {"maf": flows.MAF, "realnvp": flows.RealNVP}[kind]
    flow = make_flow(dim, transforms=layers, hidden_features=(WIDTH, WIDTH)).eval()
    return Model(
        _named("zuko"),
        lambda z: flow().log_prob(z),
        lambda n: flow().sample((n,)),
        lambda z: flow().transform.call_and_ladj(z),
        lambda u: flow().transform.inv.call_and_ladj(u),
    )


def _nflows(kind: str, dim: int, layers: int) -> Model:
    transforms: Any = importlib.import_module("nflows.transforms")
    base = importlib.import_module("nflows.distributions.normal").StandardNormal([dim])
    steps = []
    for number in range(layers):
        if kind == "maf":
            shape = {"features": dim, "hidden_features": WIDTH, "num_blocks": 1, "use_residual_blocks": False}
            steps += [transforms.MaskedAffineAutoregressiveTransform(**shape), transforms.ReversePermutation(dim)]
        else:
            mask = (torch.arange(dim) + number) % 2
            steps.append(transforms.AffineCouplingTransform(mask, _Plain))
    flow = importlib.import_module("nflows.flows").Flow(transforms.CompositeTransform(steps), base).eval()
    return Model(_named("nflows"), flow.log_prob, flow.sample, flow._transform, flow._transform.inverse)


class _Plain(nn.Module):
    """The network that an nflows coupling asks for."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        widths = (inputs, WIDTH, WIDTH, outputs)
        first, second, last = (nn.Linear(a, b) for a, b in pairwise(widths))
        self.net = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)

    def forward(self, x: Tensor, _context: None = None) -> Tensor:
        """(n, inputs) -> (n, outputs)."""
        return self.net(x)


def _normflows(kind: str, dim: int, layers: int) -> Model:
    nf: Any = importlib.import_module("normflows")
    steps = []
    for _ in range(layers):
        if kind == "maf":  # its forward is an IAF's; read backwards it is a MAF
            shape = {"num_blocks": 1, "use_residual_blocks": False}
            steps.append(nf.flows.Reverse(nf.flows.MaskedAffineAutoregressive(dim, WIDTH, **shape)))
        else:
            net = nf.nets.MLP([(dim + 1) // 2, WIDTH, WIDTH, 2 * (dim // 2)])
            steps.append(nf.flows.AffineCouplingBlock(net))
        steps.append(nf.flows.Permute(dim, mode="swap"))
    model = nf.NormalizingFlow(nf.distributions.DiagGaussian(dim, trainable=False), steps).eval()
    return Model(
        _named("normflows"), model.log_prob, model.sample, model.inverse_and_log_det, model.forward_and_log_det
    )


def _named(library: str) -> str:
    return f"{library} {version(library)}"
