"""Flows by name: ``FLOWS[key](dim, hidden=(128, 128), layers=5)``. A new flow is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable

from core.flows.autoregressive import iaf, maf
from core.flows.base import Chain, Flow, Invert
from core.flows.coupling import nice, realnvp

FLOWS: dict[str, Callable[..., Flow]] = {"nice": nice, "realnvp": realnvp, "maf": maf, "iaf": iaf}

__all__ = ["FLOWS", "Chain", "Flow", "Invert"]
