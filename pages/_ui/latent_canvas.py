"""The canvas of the latent browser as Streamlit mounts it: bytes by one component, each once; the state by another.

A click that changes a marker sends the state again, some hundred bytes, and none of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from core.figures import latent_canvas, theme

KEY = "browser_canvas"
COLOURS = {
    "data": theme.DATA, "prior": theme.PRIOR, "neutral": theme.NEUTRAL, "picked": theme.PICKED,
    "halo": theme.PICKED_HALO, "upload": theme.LOOSENESS,
}  # fmt: skip

_canvas = component("priorscope_canvas", html=latent_canvas.FRAME, css=latent_canvas.STYLE, js=latent_canvas.CANVAS)
_store = component("priorscope_store", html="<div hidden>\n</div>", js=latent_canvas.STORE)


def keep(block: bytes, key: str) -> None:
    """Send a block of bytes to the browser, which keeps it; the same block again is not sent.

    Args:
        block: from ``core.bundle``.
        key: of what it is: "model" or "view".
    """
    _store(key=f"browser_{key}", data=block, height=1)


def draw(state: dict[str, Any], picked: Callable[[tuple[float, float]], None],
         outlined: Callable[[list[tuple[float, float]]], None]) -> None:  # fmt: skip
    """Mount the canvas.

    Args:
        state: what canvas.js reads: names of the two blocks, places, outlines, words.
        picked: called with a place that was clicked.
        outlined: called with the corners of a lasso or of a box.
    """

    def on_picked() -> None:
        place = _pairs([st.session_state[KEY].picked])
        if place:
            picked(place[0])

    def on_outlined() -> None:
        corners = _pairs(st.session_state[KEY].outlined)
        if len(corners) > 2:
            outlined(corners)

    _canvas(key=KEY, data=state | {"colours": COLOURS}, on_picked_change=on_picked, on_outlined_change=on_outlined)


def _pairs(sent: Any) -> list[tuple[float, float]]:
    """Pairs of numbers from a browser, which may send anything; [] where it is something else."""
    try:
        pairs = [(float(x), float(y)) for x, y in sent]
    except (TypeError, ValueError):
        return []
    return pairs if all(math.isfinite(value) for pair in pairs for value in pair) else []
