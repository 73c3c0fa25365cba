"""Widgets in, frozen values out. Every widget has a key and writes itself into the address."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.latents import PointKind
from core.records import CheckpointInfo

MAX_MODELS = 2
PREFERRED = ("mnist-2d-standard", "digits-2d-standard")
"""Shown first when the address names no model: the prior whose fit is worst tells most."""
POINT_KINDS = {"samples": "Samples", "means": "Means", "none": "None"}
DRAWN: dict[str, PointKind | None] = {"samples": "samples", "means": "means", "none": None}

FARTHEST = 1000.0
"""Largest latent coordinate that can be typed."""


@dataclass(frozen=True)
class View:
    """How the latent plane is drawn."""

    points: PointKind | None
    n: int
    seed: int
    classes: bool


def pick_models(usable: list[CheckpointInfo]) -> None:
    """The model picker; what is chosen is read by ``chosen_models`` on any page."""
    names = [info.name for info in usable]
    first = [name for name in PREFERRED if name in names] or names
    st.multiselect(
        "Models",
        names,
        default=first[:1],
        key="models",
        bind="query-params",
        max_selections=MAX_MODELS,
        placeholder="Choose one or two",
        help="Choose two to see them one above the other.",
    )


def chosen_models(usable: list[CheckpointInfo]) -> list[CheckpointInfo]:
    """The models chosen in the sidebar, in the order they were chosen."""
    by_name = {info.name: info for info in usable}
    return [by_name[name] for name in st.session_state.get("models", []) if name in by_name]


def view_controls() -> View:
    """What to draw over the densities, in one row."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        points = st.segmented_control(
            "Posterior points",
            list(POINT_KINDS),
            format_func=POINT_KINDS.__getitem__,
            default="samples",
            required=True,
            key="points",
            bind="query-params",
            help="Samples z ~ q(z|x) show the aggregated posterior; means alone look narrower and invent holes.",
        )
        n = st.number_input(
            "Number of points",
            min_value=100,
            max_value=20_000,
            value=2000,
            step=500,
            key="n",
            bind="query-params",
            width=160,
            help="Spread evenly over the test images.",
        )
        seed = st.number_input(
            "Seed", min_value=0, max_value=2**31 - 1, value=0, key="seed", bind="query-params", width=120
        )
        classes = st.toggle("Class colours", value=True, key="classes", bind="query-params")
    return View(DRAWN[points], int(n), int(seed), classes)


def place_inputs() -> tuple[float, float] | None:
    """The place to decode, typed or clicked; None until there is one."""
    columns = st.columns(2)
    values = [
        column.number_input(
            label,
            min_value=-FARTHEST,
            max_value=FARTHEST,
            value=None,
            step=0.1,
            format="%.3f",
            key=key,
            bind="query-params",
            placeholder="click or type",
        )
        for column, label, key in zip(columns, ("z₁", "z₂"), ("z1", "z2"), strict=True)
    ]
    return None if values[0] is None or values[1] is None else (float(values[0]), float(values[1]))


def set_place(z: tuple[float, float]) -> None:
    """Put a clicked place into the inputs; to be called from a callback, before the widgets are drawn."""
    st.session_state["z1"], st.session_state["z2"] = (round(value, 3) for value in z)
