"""Priors by name. A new prior is one file in this folder and one line in ``PRIORS``; everything else follows."""

from __future__ import annotations

from core.priors import aggregated, flow, gaussian, mog, standard, vamp
from core.priors.base import MixturePrior, Prior, PriorContext, PriorKind

PRIORS: dict[str, PriorKind] = {
    "standard": standard.KIND,
    "gaussian": gaussian.KIND,
    "mog": mog.KIND,
    "vamp": vamp.KIND,
    "aggregated": aggregated.KIND,
    "realnvp": flow.kind("realnvp", "RealNVP"),
    "maf": flow.kind("maf", "MAF"),
    "iaf": flow.kind("iaf", "IAF"),
}

__all__ = ["PRIORS", "MixturePrior", "Prior", "PriorContext", "PriorKind"]
