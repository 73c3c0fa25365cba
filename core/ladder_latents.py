"""The ladder over imported latents: three parts of the stored posteriors stand for the three splits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from core.absent import AbsentEncoder
from core.checkpoint import Checkpoint
from core.datasets import SPLIT_NAMES
from core.ladder import Step, climb_posteriors, plan
from core.ladder_records import Ladder
from core.priors import PriorContext
from core.shapes import Latents

CUT_SEED = 777
"""Of the shuffle that is cut into 60, 20 and 20 %: a constant, so that ladders of one checkpoint are comparable."""
FEWEST = 10
NEEDS_ENCODER = "vamp"


def climb_latents(checkpoint: Checkpoint, *, rungs: Sequence[Step] | None = None, **settings: Any) -> Ladder:
    """``core.ladder.climb`` without encoder and images; the VampPrior, which needs both, is left out.

    Args:
        checkpoint: of imported latents.
        rungs: as for ``climb``.
        settings: steps, batch, seed and on_progress of ``climb``.

    Raises:
        ValueError: with fewer than ten posteriors, or as ``climb``.
    """
    cloud = checkpoint.latents
    if cloud is None or len(cloud) < FEWEST:
        found = 0 if cloud is None else len(cloud)
        raise ValueError(f"{checkpoint.name} stores {found} posteriors; a ladder cuts them in three and needs {FEWEST}")
    mean, log_var = cloud.components()
    order = torch.randperm(len(cloud), generator=torch.Generator().manual_seed(CUT_SEED))
    fifth = len(cloud) // 5
    parts = order.split([len(cloud) - 2 * fifth, fifth, fifth])

    def taken(rows: torch.Tensor) -> tuple[Latents, Latents]:
        return mean[rows], log_var[rows]

    context = PriorContext(mean.shape[1], checkpoint.config.model.pixels, AbsentEncoder())
    codes = {name: (lambda rows=rows: taken(rows)) for name, rows in zip(SPLIT_NAMES, parts, strict=True)}
    possible = [step for step in (plan() if rungs is None else rungs) if step[0] != NEEDS_ENCODER]
    return climb_posteriors(codes, len(parts[0]), context, digest=checkpoint.digest, rungs=possible, **settings)
