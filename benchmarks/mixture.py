"""Density of a large mixture, the aggregated posterior of 60,000 images, against torch.distributions."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from benchmarks.harness import Case, interleave
from benchmarks.latents import Problem, direct_log_prob, make_problem
from benchmarks.memory import extra_memory_mib
from benchmarks.report import Report, Row
from core import mixture

CHUNKS = (1, 2, 4, 16)
"""Points at once for torch.distributions: it has no blocks of its own, and all at once would need 96 GB."""


def run(*, quick: bool = False) -> Report:
    """Time and check; ``quick`` shrinks the problem to seconds."""
    components, points, sample = (2000, 400, 16) if quick else (60_000, 10_000, 64)
    problem = make_problem(components, points)
    subset = slice(0, points if quick else points // 5)
    peers = {f"MixtureSameFamily, {chunk} point(s) at once": chunk for chunk in CHUNKS}
    cases = {name: Case(lambda c=c: peer_log_prob(problem, sample, c), points / sample) for name, c in peers.items()}
    cases["ours, float32"] = Case(lambda: mixture.log_prob(problem.points, problem.mean, problem.log_var))
    cases["ours, float64"] = Case(
        lambda: mixture.log_prob(problem.points[subset], problem.mean, problem.log_var, double=True),
        points / len(problem.points[subset]),
    )
    with torch.no_grad():
        timings = interleave(cases, repeats=3 if quick else 7)
        errors = check(problem, 20 if quick else 200)
    best = min(peers, key=lambda name: timings[name].median)
    threads, modes = torch.get_num_threads(), () if quick else (False, True)
    memory = {mode: extra_memory_mib(components, points, threads, double=mode) for mode in modes}
    notes = {best: f"error {errors['peer']:.1e} nats; best of its chunk sizes, the reference"}
    for name, key, double in (("ours, float32", "single", False), ("ours, float64", "double", True)):
        extra = f"; extra memory {memory[double]:.0f} MiB" if memory else ""
        notes[name] = f"error {errors[key]:.1e} nats{extra}"
    rows = [Row(n, t, None if n == best else timings[best], notes.get(n, "")) for n, t in timings.items()]
    return Report(
        "mixture",
        f"Mixture density: {components:,} components, {points:,} points, 40 dimensions",
        rows,
        [
            f"MixtureSameFamily was run on {sample} points and its time multiplied by {points / sample:g}; float64 "
            f"on {len(problem.points[subset]):,}, scaled likewise. Error: largest of {errors['points']:.0f}, against "
            "a direct sum in float64. Extra memory: growth of the peak resident memory in a fresh process."
        ],
        {
            **{f"error_{key}_nats": value for key, value in errors.items() if key != "points"},
            "memory_single_mib": memory.get(False),
            "memory_double_mib": memory.get(True),
        },
    )


def peer_log_prob(problem: Problem, points: int, chunk: int) -> Tensor:
    """torch.distributions on the first ``points`` points, validation off."""
    normal = Normal(problem.mean, torch.exp(0.5 * problem.log_var), validate_args=False)
    equal = problem.mean.new_full((len(problem.mean),), -math.log(len(problem.mean)))
    weights = Categorical(logits=equal, validate_args=False)
    peer = MixtureSameFamily(weights, Independent(normal, 1, validate_args=False), validate_args=False)
    return torch.cat([peer.log_prob(part) for part in problem.points[:points].split(chunk)])


def check(problem: Problem, points: int) -> dict[str, float]:
    """Largest error on the first ``points`` points, in nats: ours in both precisions, and the peer's."""
    z = problem.points[:points]
    truth = direct_log_prob(z, problem.mean, problem.log_var)
    single = mixture.log_prob(z, problem.mean, problem.log_var)
    double = mixture.log_prob(z, problem.mean, problem.log_var, double=True)
    few = min(points, 16)
    peer = peer_log_prob(problem, few, 1)
    return {
        "single": (single - truth).abs().max().item(),
        "double": (double - truth).abs().max().item(),
        "peer": (peer - truth[:few]).abs().max().item(),
        "points": float(len(z)),
    }
