"""Density and sampling of MAF and RealNVP against zuko, nflows and normflows, with the errors of each."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.flow_peers import OURS, PEERS, Model, installed, make
from benchmarks.harness import Case, Timing, interleave, ratio
from benchmarks.report import Report, Row

MAF_LAYERS, COUPLINGS = 5, 8
BATCH, LARGE, LARGE_BATCH = 1000, 784, 100
CHECKED, JACOBIAN_DIM = 20, 8
"""Points of a round trip, and the d at which log-determinants are compared with autograd's Jacobian."""


def run(*, quick: bool = False) -> Report:
    """Time and check; ``quick`` shrinks the problem to seconds."""
    maf, coupling = ((2, 8), (8,)) if quick else ((2, 8, 40, 64, 128, 256, LARGE), (40, 64))
    rows: list[Row] = []
    values: dict[str, float | None] = {}
    for kind, dims, layers in (("maf", maf, MAF_LAYERS), ("realnvp", coupling, COUPLINGS)):
        for dim in dims:
            found, measured = _compare(kind, dim, layers, quick)
            rows += found
            values |= measured
    missing = [name for name in PEERS if name not in installed()]
    remarks = [
        f"MAF: {MAF_LAYERS} layers; RealNVP: {COUPLINGS} couplings; two hidden layers of 128; batch {BATCH:,}, "
        f"{LARGE_BATCH} at d = {LARGE}; float32, no gradients. normflows leaves out the ReLU after the first layer. "
        "The fastest of the other libraries is what all are compared with. Errors: round trip of "
        f"{CHECKED} points of noise; log-determinant against autograd's Jacobian in nats, at d = {JACOBIAN_DIM}."
    ]
    if missing:
        remarks.append(f"Not installed, so not measured: {', '.join(missing)} (see benchmarks/requirements.txt).")
    return Report("flows", "Flows, both directions, side by side with other libraries", rows, remarks, values)


def _compare(kind: str, dim: int, layers: int, quick: bool) -> tuple[list[Row], dict[str, float | None]]:
    """Rows and values of one flow at one d: the density of all, then the samples of all and our density again."""
    batch = 50 if quick else LARGE_BATCH if dim == LARGE else BATCH
    models = {name: make(name, kind, dim, layers) for name in (OURS, *installed())}
    ours, key = models[OURS], f"{kind}_{dim}"
    with torch.no_grad():
        z = ours.to_data(torch.randn(batch, dim, generator=torch.Generator().manual_seed(2)))[0]
        density = {name: Case(lambda model=model: model.log_prob(z)) for name, model in models.items()}
        sample = {name: Case(lambda model=model: model.sample(batch)) for name, model in models.items()}
        densities = interleave(density, repeats=3 if quick else 15, warmup=2)
        samples = interleave({**sample, "density": density[OURS]}, repeats=_repeats(kind, dim, quick), warmup=2)
    errors = {name: _errors(model, dim) for name, model in models.items()}
    own = ratio(samples[OURS], samples.pop("density"))
    notes = {name: _note(*found) for name, found in errors.items()}
    rows = _rows(f"{kind}, d = {dim}, density", models, densities, notes)
    sentence = f"{notes[OURS]}; {own.wall:.2g} ({own.low:.2g} to {own.high:.2g}) times its own density"
    rows += _rows(f"{kind}, d = {dim}, sample", models, samples, {**notes, OURS: sentence})
    values: dict[str, float | None] = {f"sample_over_density_{key}": own.wall}
    for name, (there_and_back, log_det) in errors.items():
        values[f"round_trip_{key}_{name}"] = there_and_back
        if log_det is not None:
            values[f"log_det_{key}_{name}"] = log_det
    for task, timings in (("density", densities), ("sample", samples)):
        if best := _fastest_peer(timings):
            values[f"times_faster_{key}_{task}"] = ratio(timings[best], timings[OURS]).wall
    return rows, values


def _repeats(kind: str, dim: int, quick: bool) -> int:
    """Of the samples: the other libraries' d passes take seconds where d is large."""
    if quick:
        return 3
    return 15 if kind == "realnvp" or dim <= 8 else 7 if dim <= 40 else 3


def _fastest_peer(timings: dict[str, Timing]) -> str | None:
    peers = [name for name in timings if name != OURS]
    return min(peers, key=lambda name: timings[name].median, default=None)


def _rows(what: str, models: dict[str, Model], timings: dict[str, Timing], notes: dict[str, str]) -> list[Row]:
    best = _fastest_peer(timings)
    return [
        Row(f"{what}, {models[name].name}", timing, timings[best] if best not in (None, name) else None, notes[name])
        for name, timing in timings.items()
    ]


def _errors(model: Model, dim: int) -> tuple[float, float | None]:
    """Largest |f(g(u)) - u|, and of the log-determinant against autograd, None where d is another."""
    u = torch.randn(CHECKED, dim, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        z, up = model.to_data(u)
        back, down = model.to_noise(z)
    there_and_back = (back - u).abs().max().item()
    if dim != JACOBIAN_DIM:
        return there_and_back, None
    exact = torch.stack([_slogdet(model, point) for point in z])
    return there_and_back, max((down - exact).abs().max().item(), (up + exact).abs().max().item())


def _slogdet(model: Model, point: Tensor) -> Tensor:
    jacobian = torch.autograd.functional.jacobian(lambda x: model.to_noise(x[None])[0][0], point)
    assert isinstance(jacobian, Tensor)
    return torch.linalg.slogdet(jacobian).logabsdet


def _note(there_and_back: float, log_det: float | None) -> str:
    return f"round trip {there_and_back:.1e}" + ("" if log_det is None else f", log-det {log_det:.1e} nats")
