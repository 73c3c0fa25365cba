"""A place in latent space: the click that chooses it, and what is decoded there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from core import figures, region
from core.browser_records import Place, Reference
from core.figures import theme
from core.figures.ready import ready
from core.records import CheckpointInfo, DensityGrid
from pages._ui import cache, charts, controls
from pages._ui.layout import title_of, why_not_decoded

SIDE = 5
BEYOND = 1.0
"""Nats over the densest of all draws from which none of them is said to come."""


def density_chart(build: Callable[..., Any], key: str, alt: str, **arguments: Any) -> None:
    """A figure whose clicks become the place to decode."""

    def take_click() -> None:
        z = figures.clicked(st.session_state.get(key))
        if z is not None:
            controls.set_place(z)

    charts.chart(ready(build, **arguments), key, alt, on_select=take_click)


def region_chart(figure: Any, key: str, alt: str, *, reach: float, decodes: bool) -> None:
    """A figure in which a box or a lasso becomes the region, and a click the place to decode or a small region.

    Args:
        figure: of two latent coordinates, or of places in a view.
        key: of the chart.
        alt: the figure in words.
        reach: half the side of the region that a click makes.
        decodes: whether a place in the figure is a code, so that a click can be decoded.
    """

    def take() -> None:
        event = st.session_state.get(key)
        corners, z, at = figures.outlined(event), figures.clicked(event), figures.touched(event)
        if corners is not None:
            controls.set_region(region.write(corners))
        elif decodes and z is not None:
            controls.set_place(z)
        elif at is not None:
            controls.set_region(region.write(region.box(at[0] - reach, at[0] + reach, at[1] - reach, at[1] + reach)))

    charts.chart(figure, key, alt, on_select=take, regions=True)


def panel(info: CheckpointInfo, z: tuple[float, float], grid: DensityGrid, seed: int, *, narrow: bool = False) -> None:
    """What the model decodes at a place, its surroundings, and how ordinary the place is.

    Args:
        info: the model.
        z: the place.
        grid: the window shown; neighbours are a fortieth of its side apart.
        seed: of the draws that typicality is counted with.
        narrow: words below the pictures instead of beside them.
    """
    if reason := why_not_decoded(info):
        words(info, z, seed)
        st.caption(reason)
        return
    step = float(grid.x[-1] - grid.x[0]) / 40
    single, around, *rest = st.columns([1, 2] if narrow else [1, 2, 3], gap="medium")
    _pictures(single, around, info, z, step)
    with rest[0] if rest else st.container():
        words(info, z, seed)


def _pictures(single: Any, around: Any, info: CheckpointInfo, z: tuple[float, float], step: float) -> None:
    pictures = cache.decoded_around(info.name, info.digest, z, step, SIDE)
    scale, middle = figures.scale_for(pictures.shape[1], 112), SIDE * SIDE // 2
    where = f"decoded at z = ({z[0]:.2f}, {z[1]:.2f}) by {title_of(info)}"
    mean = figures.mosaic(pictures[middle : middle + 1], 1, scale=scale)
    single.image(figures.data_uri(mean), alt=f"Image {where}", caption="mean of p(x|z)")
    border = [theme.PSEUDO if index == middle else None for index in range(SIDE * SIDE)]
    square = figures.mosaic(pictures, SIDE, border=border, scale=max(1, scale // 2))
    around.image(
        figures.data_uri(square),
        alt=f"{SIDE * SIDE} images around the one {where}",
        caption=f"around it, {step:.2g} apart",
    )


def words(info: CheckpointInfo, z: tuple[float, ...], seed: int) -> None:
    """The log-densities of a place and how ordinary it is; of q nothing where its density is not known."""
    here = cache.place(info.name, info.digest, z, seed)
    log_p = f"log p = **{_signed(here.log_p)}**"
    of_p = f"than at {100 * here.percentile_p:.0f} % of the prior's draws"
    found = cache.reference(info.name, info.digest, seed)
    if math.isnan(here.log_q):
        st.markdown(f"**{title_of(info)}**  \n{log_p} nats; log q is not known, since q(z|x) is a flow")
        st.markdown(f"Its density is higher {of_p}. {_beyond(here, found)}")
        st.caption(f"A share of {here.draws:,} draws, seed {seed}.")
        return
    st.markdown(
        f"**{title_of(info)}**  \n"
        f"log q = **{_signed(here.log_q)}**, {log_p}, log q − log p = **{_signed(here.log_q - here.log_p)}** nats"
    )
    st.markdown(
        f"Its density is higher than at {100 * here.percentile_q:.0f} % of the data's codes and {of_p}. "
        f"{_beyond(here, found) or _verdict(here.percentile_q, here.percentile_p)}"
    )
    st.caption(
        f"Shares of {here.draws:,} draws each, seed {seed}; the posterior that a draw came from is left out of "
        f"q{_own(here)}. {_usual(found)}"
    )


def _usual(found: Reference) -> str:
    """What each log-density is to be read against: with many dimensions log q is far under log p even at real codes."""
    log_q, log_p = (_signed(float(np.median(values))) for values in (found.log_q, found.log_p) if values is not None)
    return (
        f"In the middle log q is {log_q} at the data's codes and log p is {log_p} at the prior's draws: read each "
        "against its own."
    )


def _own(here: Place) -> str:
    """That a stored image is encoded here, and what its posterior alone adds: with many dimensions nearly all of it."""
    if here.own is None:
        return ""
    return f", and so is that of the image encoded here, which adds {here.log_q - here.log_q_others:.1f} nats to log q"


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _beyond(here: Place, found: Reference) -> str:
    """Where a place is denser than all draws by nats: in many dimensions they lie around such a place, not at it."""
    over = [("the data's codes", here.log_q_others, found.log_q), ("the prior's draws", here.log_p, found.log_p)]
    gaps = [(whose, log - float(values[-1])) for whose, log, values in over if values is not None]
    told = [f"any of {whose} by {gap:.1f}" for whose, gap in gaps if gap > BEYOND]
    if not told:
        return ""
    return (
        f"**No draw comes here**: it is denser than {' and '.join(told)} nats. In many dimensions they lie around such "
        "a place, not at it."
    )


def _verdict(of_q: float, of_p: float) -> str:
    if of_q < 0.01 <= of_p:
        return "**A hole**: the prior generates here, and hardly any image is encoded near."
    if of_p < 0.01 <= of_q:
        return "**A leak**: images are encoded here, and the prior hardly ever generates them."
    if of_q < 0.01 and of_p < 0.01:
        return "Neither images nor prior draws come here: the picture is an extrapolation."
    return "Both distributions come here."
