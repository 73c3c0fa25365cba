"""A part of the picture: which images are encoded there, and what the prior generates there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import figures
from core.figures import theme
from core.figures.classes import name_of as class_name
from core.figures.images import data_uri
from core.gallery import Gallery
from core.plain_text import shown_error
from core.records import CheckpointInfo
from core.region import Corners, parse
from pages._ui import cache, controls
from pages._ui.layout import title_of

SHOWN = 24
COLUMNS = 8
CLASSES = 12


def chosen() -> tuple[str, Corners | None]:
    """The region's text and its corners; None where there is none, or where the text is none, which is said."""
    text = controls.region_input()
    if not text:
        return "", None
    try:
        return text, parse(text)
    except ValueError as error:
        st.error(shown_error(error).capitalize())
        return "", None


def panel(info: CheckpointInfo, key: cache.ViewKey, n: int, seed: int, text: str) -> None:
    """Two galleries beside each other: the data's and the prior's draws in the region.

    Args:
        info: the model.
        key: the view.
        n: draws of each side in the view.
        seed: of the draws.
        text: the region.
    """
    found = cache.gallery(info.name, info.digest, key, n, seed, text)
    st.markdown(f"**{title_of(info)}**")
    left, right = st.columns(2, gap="large")
    with left:
        _data_side(info, key, n, seed, text, found)
    with right:
        _prior_side(info, key, n, seed, text, found)
    st.caption(
        f"Shares of {found.draws:,} draws each, seed {seed}; the first {SHOWN} images and draws are shown. Holes and "
        f"leaks are counted in all {info.latent_dim} dimensions, with 95 % intervals; over the whole picture a "
        "perfect match would give 1 % of each."
    )


def _data_side(info: CheckpointInfo, key: cache.ViewKey, n: int, seed: int, text: str, found: Gallery) -> None:
    st.markdown(f"{_in_colour('blue', 'Encoded here')}: {_count(len(found.q_rows), found.draws)} of the data's draws")
    if not len(found.q_rows):
        st.markdown("No image is encoded here.")
        return
    if info.pictured:
        pictures, real = cache.region_images(info.name, info.digest, key, n, seed, text, SHOWN)
        what = f"{info.split} images" if real else "reconstructions: the data set is not on this computer"
        alt = f"{len(pictures)} {what} whose codes lie in the region"
        st.image(data_uri(_sheet(pictures, theme.DATA)), alt=alt, caption=what)
    else:
        st.caption("The images did not come along with these latents.")
    if found.classes:
        st.markdown(class_words(found.classes, cache.class_names(info.name, info.digest)))
    st.markdown(f"{_share(found.leaks)} of these draws are leaks: the prior hardly ever goes where they lie.")


def _prior_side(info: CheckpointInfo, key: cache.ViewKey, n: int, seed: int, text: str, found: Gallery) -> None:
    head = _in_colour("orange", "Generated here")
    st.markdown(f"{head}: {_count(len(found.p_rows), found.draws)} of the prior's draws")
    if not len(found.p_rows):
        st.markdown("The prior generates nothing here.")
        return
    if info.decodes:
        pictures = cache.region_generated(info.name, info.digest, key, n, seed, text, SHOWN)
        alt = f"{len(pictures)} images that the model generates in the region: means of p(x|z) at draws of the prior"
        uri = data_uri(_sheet(pictures, theme.PRIOR))
        st.image(uri, alt=alt, caption="means of p(x|z) at the prior's draws")
    else:
        st.caption("These are imported latents without a decoder: the draws have no pictures.")
    st.markdown(f"{_share(found.holes)} of these draws are holes: no image is encoded where they lie.")


def class_words(classes: Sequence[tuple[int, int, int]], names: Sequence[str]) -> str:
    """How many draws of each class lie in the region, of how many in the view, in words."""
    told = [f"**{class_name(k, names)}**: {count:,} / {of:,}" for k, count, of in classes[:CLASSES]]
    more = len(classes) - len(told)
    return " · ".join(told) + (f" · and {more} more classes" if more > 0 else "")


def _share(share: tuple[float, float, float]) -> str:
    value, low, high = (f"{100 * part:.0f}" for part in share)
    return f"{value} % [{low}, {high}]"


def _sheet(pictures: np.ndarray, colour: str) -> np.ndarray:
    scale = figures.scale_for(pictures.shape[1], 48)
    return figures.mosaic(pictures, COLUMNS, border=[colour] * len(pictures), scale=scale)


def _count(count: int, total: int) -> str:
    return f"**{count:,}** of {total:,} ({100 * count / total:.1f} %)"


def _in_colour(colour: str, text: str) -> str:
    return f":{colour}[**{text}**]"
