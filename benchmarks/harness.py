"""Interleaved timing with ``core.timing``, busy rounds replaced, and ratios of two cases.

A ratio is the median over rounds of the two times of one round, never of two medians from different minutes. Rounds in
which other processes used the machine are replaced as far as the limit of rounds allows; what they still used is told.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from core.intervals import quartiles
from core.timing import Case, Round, Timing, Turns, held, timings_of

__all__ = ["Case", "Ratio", "Timing", "interleave", "ratio"]

QUIET_CORES = 0.25
"""Cores that other processes may use, on average over a round, before the round counts as busy."""


@dataclass(frozen=True)
class Ratio:
    """How many times longer the reference took, from pairs of the same round.

    Attributes:
        wall: median, by elapsed time.
        low, high: quartiles of it.
        cpu: median, by processor time.
    """

    wall: float
    low: float
    high: float
    cpu: float


def interleave(cases: Mapping[str, Case], *, repeats: int = 7, warmup: int = 1) -> dict[str, Timing]:
    """Time the cases A B C A B C ... and keep the ``repeats`` quietest of at most ``2 * repeats`` rounds.

    Args:
        cases: by name; autograd records unless the caller has switched it off.
        repeats: rounds to keep; the run ends early when as many were quiet.
        warmup: untimed calls of each first.
    """
    rounds: list[Round] = []
    with held(grad=torch.is_grad_enabled()):
        turns = Turns(cases, warmup=warmup)
        while len(rounds) < 2 * repeats and sum(item.others <= QUIET_CORES for item in rounds) < repeats:
            rounds.append(turns.round())
    threshold = sorted(item.others for item in rounds)[repeats - 1]
    return timings_of(cases, [item for item in rounds if item.others <= threshold][:repeats])


def ratio(reference: Timing, other: Timing) -> Ratio:
    """``reference`` over ``other``; both from one call of ``interleave``."""
    wall = [a / b for a, b in zip(reference.wall, other.wall, strict=True)]
    cpu = [a / b for a, b in zip(reference.cpu, other.cpu, strict=True)]
    low, high = quartiles(wall)
    return Ratio(statistics.median(wall), low, high, statistics.median(cpu))
