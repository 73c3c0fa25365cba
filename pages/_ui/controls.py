"""Widgets in, frozen values out. Every widget has a key and writes itself into the address."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

import streamlit as st

from core.latents import PointKind
from core.records import CheckpointInfo

MAX_MODELS = 10
PREFERRED = ("mnist-2d-standard", "digits-2d-standard")
"""Shown first when the address names no model: the prior whose fit is worst tells most."""
POINT_KINDS = {"samples": "Samples", "means": "Means", "none": "None"}
DRAWN: dict[str, PointKind | None] = {"samples": "samples", "means": "means", "none": None}

DRAWN_POINTS = 2000
TITLES = "_titles"
"""Where the session keeps the titles of options that depend on the models: they stand in the address."""
_NONE_YET = "_no_model_yet"
"""Where it keeps that there was no model when a page was last drawn."""
FARTHEST = 1000.0
"""Largest latent coordinate that can be typed."""
CODE_KEYS, PLANE_KEYS, END_KEYS = ("z1", "z2"), ("across", "up"), ("end1", "end2")
"""Of the inputs for a code of two dimensions, for a place in a plane, and for the end of a way."""
VIEW_KINDS = {
    "pca": "Principal plane",
    "pair": "Pair of dimensions",
    "different": "Most different direction",
    "tsne": "t-SNE",
}


@dataclass(frozen=True)
class View:
    """What is drawn over the densities."""

    points: PointKind | None
    n: int
    seed: int
    classes: bool


@dataclass(frozen=True)
class Projection:
    """How more than two dimensions become two.

    Attributes:
        kind: a key of ``VIEW_KINDS``.
        dims: the pair of dimensions, counted from 1; 0 stands for the most active one not named.
        perplexity, draws: of a t-SNE map; draws of q and of p each.
    """

    kind: str
    dims: tuple[int, int]
    perplexity: float
    draws: int


def pick_models(usable: list[CheckpointInfo]) -> None:
    """The model picker; what is chosen is read by ``chosen_models`` on any page."""
    names = [info.name for info in usable]
    first = [name for name in PREFERRED if name in names] or names
    if not names:
        st.session_state[_NONE_YET] = True
    elif st.session_state.pop(_NONE_YET, False) and not st.session_state.get("models"):
        st.session_state["models"] = first[:1]  # a page that was opened before there was any model
    st.multiselect(
        "Models",
        names,
        default=first[:1],
        key="models",
        bind="query-params",
        max_selections=MAX_MODELS,
        placeholder="Choose one or more",
        on_change=clear_region,
        help="Up to ten, side by side on the page Compare. Other pages show the first one or two.",
    )


def chosen_models(usable: list[CheckpointInfo]) -> list[CheckpointInfo]:
    """The models chosen in the sidebar, in the order they were chosen."""
    by_name = {info.name: info for info in usable}
    return [by_name[name] for name in st.session_state.get("models", []) if name in by_name]


def pick_one(label: str, titles: Mapping[str, str], key: str, *, index: int = 0, width: int = 320) -> str:
    """One of some models by its title; a model that is no longer among them is forgotten.

    Args:
        label: of the widget.
        titles: by name of the model, one or more.
        key: of the widget and in the address.
        index: place of the one that is chosen at first.
        width: pixels.

    Returns:
        The name.
    """
    names = list(titles)
    if st.session_state.get(key, names[index]) not in titles:
        del st.session_state[key]
    st.session_state.setdefault(TITLES, {})[key] = dict(titles)
    picked = st.selectbox(
        label, names, index=index, format_func=titles.__getitem__, key=key, bind="query-params", width=width
    )
    return picked if picked in titles else names[index]


def view_controls(*, over_densities: bool = True) -> View:
    """What to draw over the densities, in one row.

    Args:
        over_densities: whether there are any; a map has its own points.
    """
    points, n = "samples", DRAWN_POINTS
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if over_densities:
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
            n = points_control()
        seed = seed_control()
        classes = st.toggle("Class colours", value=True, key="classes", bind="query-params")
    # An address may leave a choice empty ("points="), although the widget itself requires one.
    return View(DRAWN[points or "samples"], n, seed, classes)


def points_control() -> int:
    """How many draws of a distribution are drawn as points."""
    n = st.number_input(
        "Number of points", min_value=100, max_value=20_000, value=DRAWN_POINTS, step=500, key="n",
        bind="query-params", width=160, help="Spread evenly over the test images.",
    )  # fmt: skip
    return int(n)


def seed_control() -> int:
    """The seed of everything that is drawn; with another one a region holds other draws."""
    seed = st.number_input(
        "Seed", min_value=0, max_value=2**31 - 1, value=0, key="seed", bind="query-params", width=120,
        on_change=clear_region, help="Of the draws that are shown, of the planes found from draws, and of the numbers.",
    )  # fmt: skip
    return int(seed)


def projection_controls(largest: int) -> Projection:
    """How a latent space of more than two dimensions is shown.

    Args:
        largest: the smallest latent dimension among the models shown, up to which dimensions can be named.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "View",
            list(VIEW_KINDS),
            format_func=VIEW_KINDS.__getitem__,
            default="pca",
            required=True,
            key="view",
            bind="query-params",
            on_change=clear_region,
            help="The first three are exact marginals of the densities. t-SNE keeps neighbours together and nothing "
            "else: it has no density, and its gaps and sizes mean nothing.",
        )
        dims, perplexity, draws = [0, 0], 30.0, 1000
        if kind == "pair":
            for place, key in enumerate(("i", "j")):
                typed = st.number_input(
                    ("Across: dimension", "Up: dimension")[place],
                    min_value=1,
                    max_value=largest,
                    value=None,
                    key=key,
                    bind="query-params",
                    width=170,
                    placeholder="most active",
                    on_change=clear_region,
                )
                dims[place] = int(typed or 0)
        if kind == "tsne":
            perplexity = st.number_input(
                "Perplexity", min_value=2.0, max_value=500.0, value=30.0, step=5.0, key="perplexity",
                bind="query-params", width=140, on_change=clear_region,
                help="About how many neighbours each point looks at. Lowered where there are too few points for it.",
            )  # fmt: skip
            draws = st.number_input(
                "Draws of each", min_value=50, max_value=10_000, value=1000, step=250, key="draws",
                bind="query-params", width=150, on_change=clear_region,
                help="As many of q(z) as of p(z), embedded together. 1,000 take some seconds, 10,000 some minutes.",
            )  # fmt: skip
    return Projection(kind or "pca", (dims[0], dims[1]), float(perplexity), int(draws))


def region_input() -> str:
    """The chosen part of the picture as text, "" where there is none."""
    return st.text_input(
        "Region",
        key="region",
        bind="query-params",
        placeholder="drag a box or a lasso in the picture, or type: left right bottom top",
        max_chars=1500,
    ).strip()


def set_region(text: str) -> None:
    """Put a region into its input; to be called from a callback."""
    st.session_state["region"] = text


def clear_region(but: Container[str] = ()) -> None:
    """Forget the region and the places in a plane: in another view the same numbers are another place.

    Args:
        but: keys that keep what they hold, since a link says them.
    """
    for key in ("region", *PLANE_KEYS, *END_KEYS):
        if key not in but:
            st.session_state[key] = "" if key == "region" else None


def place_inputs(
    labels: tuple[str, str] = ("z₁", "z₂"), keys: tuple[str, str] = CODE_KEYS
) -> tuple[float, float] | None:
    """The place to decode, typed or clicked; None until there is one.

    Args:
        labels: of the two numbers.
        keys: of their widgets.
    """
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
        for column, label, key in zip(columns, labels, keys, strict=True)
    ]
    return None if values[0] is None or values[1] is None else (float(values[0]), float(values[1]))


def set_place(z: tuple[float, float], keys: tuple[str, str] = CODE_KEYS) -> None:
    """Put a clicked place into the inputs; to be called from a callback, before the widgets are drawn."""
    for key, value in zip(keys, z, strict=True):
        st.session_state[key] = round(min(max(value, -FARTHEST), FARTHEST), 3)
