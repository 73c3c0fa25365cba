"""The components of one mixture prior: which is looked at, all of them as a mosaic, and where the chosen one lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core import component_table, figures
from core.component_records import DEAD_SHARE, DUPLICATE, Components, order
from core.figures import component_map, component_mosaic, component_words
from core.figures.kept import once
from core.figures.ready import ready, with_layout
from core.pseudo_inputs import MOST
from core.records import CheckpointInfo
from pages._ui import cache, cache_components, charts, controls, downloads, layout, numbers

SORTS = {"usage": "Usage", "class": "Class", "spread": "Spread", "neighbour": "Nearest component"}
TILES = {"inputs": "Pseudo-inputs", "decoded": "What they decode to"}
PIXELS = {"mean": "Means", "draw": "Draws"}
CLICKS = {"k": "k", "k2": "second k"}
NO_INPUTS = {
    "mog": "A mixture of Gaussians has **no pseudo-inputs**: its components are learned numbers, not the codes of "
    "learned images. The tiles show what the mean of each decodes to.",
    "aggregated": "The components of the aggregated posterior are the codes of the training images: those are its "
    "pseudo-inputs. The checkpoint keeps the codes, so the tiles show what the mean of each decodes to.",
}


@dataclass(frozen=True)
class Look:
    """How everything on the page is shown.

    Attributes:
        decoded: whether tiles show what the means decode to.
        drawn: whether samples are draws of p(x|z) instead of its means.
        seed: of everything that is drawn.
    """

    decoded: bool
    drawn: bool
    seed: int


@dataclass(frozen=True)
class Choice(Look):
    """What is looked at, and how.

    Attributes:
        k: chosen component, from 0.
        second: another one, from 0; None where none was chosen.
        sort: a key of ``SORTS``.
    """

    k: int
    second: int | None
    sort: str


def no_inputs(info: CheckpointInfo) -> str:
    """What the tiles of a prior without pseudo-inputs show."""
    if info.decodes:
        return NO_INPUTS.get(info.prior, "This mixture has no pseudo-inputs: its components are shown.")
    tiles = "each tile is the stored image whose code lies nearest to the component's mean"
    shown = tiles if info.pictured else "the tiles are blank, as no images came along"
    return f"Imported latents: the prior has no pseudo-inputs and nothing can be decoded; {shown}."


def without_pictures(info: CheckpointInfo, choice: Choice, found: Components) -> None:
    """The chosen component in words, where nothing can be decoded, and what is missing for that reason."""
    st.header(f"What is k = {choice.k + 1} responsible for?")
    st.markdown(component_words.component_sentence(found, choice.k, cache.class_names(info.name, info.digest)))
    st.info(
        "Samples, ways between components and the search for memorised images need the decoder or the training "
        "images, which stayed where these latents came from."
    )


def key_of(info: CheckpointInfo, seed: int) -> cache.ViewKey:
    """The plane that is shown: the latent space itself, or the principal plane of q and p."""
    return cache.WHOLE if info.latent_dim == 2 else ("pca", 0, 0, seed)


def word_of(info: CheckpointInfo) -> str:
    """What the components of a prior are called."""
    return "pseudo-inputs" if info.prior == "vamp" else "components"


def _in_other_planes() -> None:
    """What was outlined in a plane of many dimensions is something else in that of another seed."""
    controls.clear_region()
    st.session_state["lasso"] = ""


def seed_control(*, planes: bool) -> int:
    """The seed of everything that is drawn on the page.

    Args:
        planes: whether it is also that of a plane of many dimensions, in which something may be outlined.
    """
    return int(
        st.number_input(
            "Seed", min_value=0, max_value=2**31 - 1, value=0, key="seed", bind="query-params", width=120,
            help="Of the draws behind the numbers and of the samples.", on_change=_in_other_planes if planes else None,
        )
    )  # fmt: skip


def look(info: CheckpointInfo) -> Look:
    """The widgets that decide how things are shown, all over the page."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        decoded = info.prior != "vamp" or segments("Tiles", TILES, "tiles") == "decoded"
        drawn = False
        if info.decodes:
            drawn = segments("Samples", PIXELS, "pixels", help="The mean of p(x|z), or one draw of it.") == "draw"
        return Look(decoded, drawn, seed_control(planes=info.latent_dim > 2))


def choose(look: Look, found: Components) -> Choice:
    """The widgets that choose a component."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        k, second = _number("Component k", "k", "most used"), _number("Second k", "k2", "none")
        sort = st.selectbox(
            "Sort by", list(SORTS), format_func=SORTS.__getitem__, key="sort", bind="query-params", width=190
        )
    chosen, other = _within(k, "k", found), _within(second, "second k", found)
    chosen = int(order(found, "usage")[0]) if chosen is None else chosen
    with row:
        _step("Previous", ":material/arrow_back:", "Left", chosen, order(found, sort), -1)
        _step("Next", ":material/arrow_forward:", "Right", chosen, order(found, sort), 1)
        segments("A click sets", CLICKS, "click")
    return Choice(look.decoded, look.drawn, look.seed, chosen, other, sort)


def strip(found: Components) -> None:
    """Effective components, dead ones, duplicates and class purity, each beside what a perfect match would give."""
    columns = st.columns(4)
    effective, count, null = found.effective, len(found), found.effective.null
    low, high = (f"{value:,.0f}" if value >= 100 else f"{value:.1f}" for value in (effective.low, effective.high))
    behind = f"{found.draws:,} draws of q(z) from {found.images:,} images, seed {found.seed}."
    with columns[0]:
        numbers.card(
            f"Effective, of {count:,}",
            f"{effective.value:,.0f}" if effective.value >= 100 else f"{effective.value:.1f}",
            f"{low}–{high}, match: {null:,.0f}" if null >= 100 else f"{low}–{high}, match: {null:.1f}",
            "exp(H(r)): how many equally used components would have the entropy of the usage, with a 95 % interval "
            "over the images; its mean over sets of one draw of each image. Finite draws make it fall below K: beside "
            f"it its mean over sets of as many draws, {found.images:,}, of the prior itself, where every component is "
            f"used by its weight. {behind}",
        )
    sure, most = found.dead_range
    with columns[1]:
        numbers.card(
            "Dead",
            f"{found.dead.sum():,} ({100 * found.dead.mean():.1f} %)",
            f"{sure:,}–{most:,}, match: {found.dead_null:.1f}",
            f"Usage under {DEAD_SHARE:g} / K. The range takes two standard errors of each usage off and adds "
            f"them; fewer images than components leave many unused by chance, which is allowed for. {behind}",
        )
    with columns[2]:
        numbers.card(
            "Duplicate pairs",
            f"{found.duplicate_pairs:,}",
            f"random images: {found.pairs_null:,.1f}",
            f"Pairs with a Bhattacharyya distance under {DUPLICATE:g}: knowing both, one names the right one for a "
            "draw at most 71 % of the time. Beside it the same count for the posteriors of "
            f"{count:,} random test images.",
        )
    if found.purity is not None:
        with columns[3]:
            numbers.card(
                "Class purity",
                f"{100 * found.purity:.0f} %",
                f"shuffled labels: {100 * (found.purity_null or 0):.0f} %",
                f"Share of the data's codes whose component is mainly of their own class. {behind}",
            )


def pictures(info: CheckpointInfo, choice: Choice, found: Components) -> None:
    """The mosaic beside the map; a click in either chooses a component."""
    left, right = st.columns(2, gap="medium")
    model, sentence = (info.name, info.digest), component_words.usage_sentence(found, word_of(info))
    names = cache.class_names(*model)
    with left:
        ranked = order(found, choice.sort)
        tiles = ready(
            component_mosaic.component_mosaic,
            cache_components.mosaic(*model, choice.seed, choice.sort, choice.decoded),
            found,
            ranked,
            once(component_words.hover_words, found, names),
        )
        figure = with_layout(tiles, shapes=component_mosaic.frames(ranked, choice.k, choice.second))
        _clickable(figure, f"mosaic-{info.name}", f"All {len(found):,} {word_of(info)} as tiles. {sentence}")
    with right:
        key = key_of(info, choice.seed)
        plane, paths = cache.view(*model, key).plane, []
        if choice.second is not None and info.decodes:
            way = cache_components.interpolation(*model, choice.k, choice.second)
            paths = [(name, one.z) for name, one in way.named()]
        places = cache_components.places(*model, key)
        placed = [(name, cache_components.places_of(*model, key, z)) for name, z in paths]
        figure = ready(
            component_map.component_map,
            cache.grids(*model, key, cache_components.CELLS)[0],
            places[0],
            cache_components.owners(*model, key),
            ways=[name for name, _ in paths],
            axes=plane.axes,
            what=word_of(info),
            over=component_map.component_marks(*places, choice.k, choice.second, placed),
        )
        about = component_words.component_sentence(found, choice.k, names)
        _clickable(figure, f"map-{info.name}", f"The chosen component over q(z) in the latent plane. {about}")


def about(info: CheckpointInfo, choice: Choice, found: Components) -> None:
    """The caption of both pictures, and the table of the components to keep."""
    names = cache.class_names(info.name, info.digest)
    charts.caption(_caption(info, choice, found))
    downloads.keep({"Components": lambda: component_table.components_csv(found, names)}, info.name)


def _caption(info: CheckpointInfo, choice: Choice, found: Components) -> str:
    shown = "what each mean decodes to" if choice.decoded else f"the pseudo-inputs, {layout.scale_words(info)}"
    if not info.decodes:
        shown = "the stored image whose code is nearest to each mean" if info.pictured else "blank, without images"
    plane = "the map is the latent space"
    if info.latent_dim > 2:
        explained = cache.view(info.name, info.digest, key_of(info, choice.seed)).plane.explained
        plane = (
            f"the map is the principal plane of q and p, {100 * explained[0]:.0f} and {100 * explained[1]:.0f} % of "
            "their variance, in which regions are exact marginals and overlap more than in the whole space"
        )
    saturated = ""
    if found.saturated is not None:
        saturated = f"; {100 * found.saturated.mean():.0f} % of their pixels are within 0.01 of 0 or 1"
    method = (
        f"Tiles: {shown}{saturated}; usage is the mean of p(k|z) over {found.draws:,} draws of q(z); {plane}; "
        "blue holds 50, 80 and 95 % of q(z), the ellipses 50 and 95 % of the component; a click in the map chooses the "
        "component with the largest responsibility there"
    )
    return figures.caption(layout.dataset_title(info.dataset), layout.split_of(info), found.images, choice.seed, method)


def _clickable(figure: Any, key: str, alt: str) -> None:
    """A figure in which a click chooses the component, or the second one."""

    def take() -> None:
        k = component_mosaic.clicked_component(st.session_state.get(key))
        if k is not None:
            st.session_state[st.session_state.get("click") or "k"] = k + 1

    charts.chart(figure, key, alt, on_select=take)


def segments(label: str, options: dict[str, str], key: str, help: str | None = None) -> str:
    """One of several options, the first at the start; never none."""
    first = next(iter(options))
    chosen = st.segmented_control(
        label, list(options), format_func=options.__getitem__, default=first, required=True, key=key,
        bind="query-params", help=help,
    )  # fmt: skip
    return chosen or first  # an address may leave it empty


def _number(label: str, key: str, placeholder: str) -> int | None:
    typed = st.number_input(
        label, min_value=1, max_value=MOST, value=None, step=1, key=key, bind="query-params", width=150,
        placeholder=placeholder,
    )  # fmt: skip
    return None if typed is None else int(typed)


def _within(typed: int | None, label: str, found: Components) -> int | None:
    """The typed component from 0; None, and words, where there is none of that number."""
    if typed is None:
        return None
    if typed > len(found):
        st.warning(f"There is no {label} = {typed:,}: this prior has {len(found):,} components.")
        return None
    return typed - 1


def _step(label: str, icon: str, shortcut: str, chosen: int, ranked: np.ndarray, by: int) -> None:
    """A button, and an arrow key, to the next component in the order of the tiles."""
    to = int(ranked[(int(np.flatnonzero(ranked == chosen)[0]) + by) % len(ranked)])
    words = f"{label} in the order of the tiles; also the {shortcut.lower()} arrow key"
    st.button("", icon=icon, shortcut=shortcut, key=f"step{by}", on_click=_set("k", to + 1), help=words)


def _set(key: str, value: int) -> Callable[[], None]:
    def put() -> None:
        st.session_state[key] = value

    return put
