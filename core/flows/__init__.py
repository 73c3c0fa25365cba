"""Flows by name: ``FLOWS[key](dim, hidden=(128, 128), layers=5)``. A new flow is one file and one line here.

One that is made of couplings stands in ``COUPLINGS`` too.
"""

from __future__ import annotations

from collections.abc import Callable

from core.flows.autoregressive import iaf, maf
from core.flows.base import Chain, Flow, Invert
from core.flows.coupling import nice, realnvp
from core.flows.inversion import METHODS, set_inversion

FLOWS: dict[str, Callable[..., Flow]] = {"nice": nice, "realnvp": realnvp, "maf": maf, "iaf": iaf}
COUPLINGS = frozenset({"nice", "realnvp"})
"""Flows that split the dimensions in two, and so need two."""

__all__ = ["COUPLINGS", "FLOWS", "METHODS", "Chain", "Flow", "Invert", "set_inversion"]
