"""Posteriors by name. A new posterior is one file in this folder and one line in ``POSTERIORS``."""

from __future__ import annotations

from core.posteriors import flow, gaussian
from core.posteriors.base import Posterior, PosteriorKind
from core.posteriors.flow import FlowPosterior
from core.posteriors.flowed_normal import FlowedNormal
from core.posteriors.gaussian import LOG_VAR_HIGH, LOG_VAR_LOW, GaussianPosterior

POSTERIORS: dict[str, PosteriorKind] = {
    "gaussian": gaussian.KIND,
    "iaf": flow.kind("iaf", "IAF"),
    "realnvp": flow.kind("realnvp", "RealNVP"),
}

__all__ = [
    "LOG_VAR_HIGH",
    "LOG_VAR_LOW",
    "POSTERIORS",
    "FlowPosterior",
    "FlowedNormal",
    "GaussianPosterior",
    "Posterior",
    "PosteriorKind",
]
