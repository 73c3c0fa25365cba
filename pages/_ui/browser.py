"""The latent browser: what is looked at, which code a place in the map stands for, and the state of the canvas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core import browse, figures, region
from core.component_records import Path
from core.figures import theme
from core.figures.component_map import ellipse_factor
from core.figures.latent_canvas.view import COLOURS, LIMIT
from core.records import CheckpointInfo, Draws, Plane
from core.region import Corners
from pages._ui import cache, cache_browser, components, controls, latent_view, layout, maps

CLICKS = {"place": "the place", "end": "the end of a way"}
ELLIPSES = 200
"""Posteriors of selected images that are drawn, at most."""
SHARE = 0.95
"""Of a posterior inside its ellipse."""


@dataclass(frozen=True)
class Look:
    """What is looked at.

    Attributes:
        info: the model.
        key: the view.
        plane: of the view; None for a t-SNE map.
        colour: a key of ``COLOURS``.
        n, seed: draws of each distribution, and their seed.
        drawn: whether pictures are draws of p(x|z) instead of its means.
        base: the image whose code gives the other coordinates; None for the centre of q(z).
        sets_end: whether a click sets the end of a way.
    """

    info: CheckpointInfo
    key: cache.ViewKey
    plane: Plane | None
    colour: str
    n: int
    seed: int
    drawn: bool
    base: int | None
    sets_end: bool

    @property
    def model(self) -> tuple[str, str]:
        """Name and digest, as cached functions take them."""
        return self.info.name, self.info.digest

    @property
    def place_keys(self) -> tuple[str, str]:
        """Keys of the inputs for the place."""
        return controls.CODE_KEYS if self.key == cache.WHOLE else controls.PLANE_KEYS

    @property
    def draws(self) -> Draws:
        """The draws in the map."""
        return cache_browser.draws(*self.model, self.key, self.n, self.seed)


@dataclass(frozen=True)
class Spot:
    """A code, and where it stands in the map.

    Attributes:
        z: the code.
        at: its place.
        name: what it is called.
    """

    z: tuple[float, ...]
    at: tuple[float, float]
    name: str


def why_not(info: CheckpointInfo) -> str | None:
    """Why a model cannot be browsed, None where it can."""
    if info.latent_dim < 2:
        return layout.why_not_drawn(info) if info.of_gaussians else f"{layout.title_of(info)}: it has one dimension."
    return None if info.images else f"{layout.title_of(info)}: the checkpoint holds no latents. Train it again."


def look(info: CheckpointInfo) -> Look | None:
    """The controls over the map; None where there is no such view, which is said."""
    projection = controls.projection_controls(info.latent_dim) if info.latent_dim > 2 else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        known = COLOURS if info.of_gaussians else {key: COLOURS[key] for key in ("label", "p")}
        colour = st.selectbox("Colour", list(known), format_func=COLOURS.__getitem__, key="colour",
                              bind="query-params", width=170)  # fmt: skip
        drawn = False
        if info.decodes:
            drawn = components.segments("Pictures", components.PIXELS, "pixels",
                                        help="The mean of p(x|z), or one draw of it.") == "draw"  # fmt: skip
        base = _base_control(info) if projection is not None and projection.kind != "tsne" else None
        n, seed = controls.points_control(), controls.seed_control()
        sets_end = components.segments("A click sets", CLICKS, "sets") == "end"
    found = _view(info, projection, seed)
    if found is None:
        return None
    key, plane = found
    return Look(info, key, plane, colour or "label", n, seed, drawn, base, sets_end)


def _base_control(info: CheckpointInfo) -> int | None:
    typed = st.number_input(
        "Other dimensions from image", min_value=0, max_value=max(info.total - 1, 0), value=None, key="base",
        bind="query-params", width=210, placeholder="centre of q(z)", on_change=controls.clear_region,
        help=f"Row in the {info.split} split. A place in a plane says nothing of the dimensions that the plane does "
        "not show: they stay as in the code of this image, or as in the mean of all codes.",
    )  # fmt: skip
    return None if typed is None else int(typed)


def _view(info: CheckpointInfo, projection: controls.Projection | None, seed: int) -> tuple[Any, Plane | None] | None:
    if projection is not None and projection.kind == "tsne":
        if not info.of_gaussians:
            st.info("A t-SNE map needs Gaussian posteriors here. Choose the principal plane or a pair of dimensions.")
            return None
        made = maps.require(info, projection, seed)
        return None if made is None else (made[0], None)
    key = latent_view.key_of(info, projection, seed)
    if not info.of_gaussians and key[0] == "different":
        st.info("The most different direction needs Gaussian posteriors here. Choose another view.")
        return None
    try:
        return key, cache_browser.plane(info.name, info.digest, key)
    except ValueError as error:
        st.warning(f"{layout.title_of(info)}: {error}")
        return None


def base_code(shown: Look) -> np.ndarray:
    """The code that gives a plane its other coordinates; says so where the image asked for is not stored."""
    try:
        return cache_browser.base(*shown.model, shown.base)
    except ValueError as error:
        st.warning(f"{error}: the centre of q(z) is used instead.")
        return cache_browser.base(*shown.model, None)


def spot(shown: Look, base: np.ndarray, at: tuple[float, float], name: str) -> Spot:
    """The code at a place of the map."""
    if shown.plane is None:
        z, place = browse.nearest_draw(shown.draws, at)
    else:
        z, place = browse.lift(shown.plane, base, np.array([at]))[0], np.array(at)
    return Spot(tuple(z.tolist()), (float(place[0]), float(place[1])), name)


def start(shown: Look, base: np.ndarray) -> Spot:
    """Where the map begins: at the base, or in a map at the draw nearest to its middle."""
    if shown.plane is None:
        middle = shown.draws.q.mean(0)
        return spot(shown, base, (float(middle[0]), float(middle[1])), "the draw in the middle of the map")
    at = place_of(shown, base) or (0.0, 0.0)
    name = "the centre of q(z)" if shown.base is None else f"the code of image {shown.base}"
    return Spot(tuple(base.tolist()), at, name)


def own_posterior(shown: Look) -> str:
    """That log q is high near the code that the view goes through, "" where it goes through none of an image."""
    if not shown.info.of_gaussians or (shown.plane is not None and shown.base is None):
        return ""
    if shown.plane is None:
        return "log q at a draw holds the posterior that it came from; the share of codes is taken without it."
    return (
        "log q holds the posterior of that image: the share of codes is taken without it as far as its own draws "
        "reach; a little further off a place still looks more typical of q than a new code would."
    )


def place_of(shown: Look, z: np.ndarray) -> tuple[float, float] | None:
    """Where a code stands in a plane; None in a map, which has no place for it."""
    if shown.plane is None:
        return None
    at = browse.project(shown.plane, z[None])[0]
    return float(at[0]), float(at[1])


def ends(shown: Look, here: Spot, end: Spot | None) -> tuple[Spot, Spot]:
    """The two ends of the ways: from the place to the end that was set, and until there is one two stored images."""
    if end is not None:
        return here, end
    first, second = (_image_spot(shown, row) for row in cache_browser.default_ends(*shown.model))
    return first, second


def _image_spot(shown: Look, row: int) -> Spot:
    z = cache_browser.base(*shown.model, row)
    return Spot(tuple(z.tolist()), place_of(shown, z) or (0.0, 0.0), f"the code of {shown.info.split} image {row}")


def selected_rows(shown: Look, corners: Corners | None) -> np.ndarray:
    """Rows in the split of the images that have a draw in the region, each once."""
    if corners is None:
        return np.array([], int)
    return np.unique(shown.draws.rows[region.inside(shown.draws.q, corners)])


def ellipses(shown: Look, rows: np.ndarray) -> list[dict[str, Any]]:
    """Posteriors of the first selected images, as the canvas draws them; none in a map or where they are flows."""
    if not len(rows) or shown.plane is None or not shown.info.of_gaussians:
        return []
    means, covariances = cache_browser.ellipses(*shown.model, shown.key, tuple(rows[:ELLIPSES].tolist()))
    return [ellipse(mean, covariance) for mean, covariance in zip(means, covariances, strict=True)]


def ellipse(mean: np.ndarray, covariance: np.ndarray) -> dict[str, Any]:
    """One Gaussian of the plane as the canvas draws it."""
    factor = ellipse_factor(covariance, SHARE)
    return {"at": mean.tolist(), "l": [float(factor[0, 0]), float(factor[1, 0]), float(factor[1, 1])]}


def ways(shown: Look, found: list[tuple[str, Path]]) -> list[dict[str, Any]]:
    """Ways between two codes as the canvas draws them."""
    if shown.plane is None:
        return []
    drawn = []
    for name, one in found:
        colour, dash, _ = theme.WAYS[name]
        pixels = [] if dash == "solid" else [int(length.removesuffix("px")) for length in dash.split(",")]
        places = browse.project(shown.plane, one.z).tolist()
        drawn.append({"places": places, "colour": colour, "dash": pixels, "width": 2.2})
    return drawn


def caption(shown: Look) -> str:
    """What the map shows and how it was made."""
    info, (q, p) = shown.info, cache_browser.grids(*shown.model, shown.key)
    parts = [f"{len(shown.draws.q):,} draws of q(z), spread evenly over the images"]
    if shown.plane is None:
        parts.append("as many of p(z), embedded together: sizes and gaps in the map mean nothing")
    elif q is not None:
        parts.append("solid blue lines hold 50 and 95 % of q(z)")
    if p is not None:
        parts.append("dashed orange lines hold 50 and 95 % of p(z)")
    elif shown.plane is not None:
        parts.append("a flow's marginal in a plane is not known, so the prior is shown by as many draws")
    if shown.colour != "label":
        of = COLOURS[shown.colour]
        field = (
            "the darker, the less of the whole lies in denser places"
            if shown.colour != "ratio"
            else f"blue where q outweighs p, orange where p outweighs q, clipped at ±{LIMIT:g} nats"
        )
        if shown.plane is None or (p is None or (q is None and shown.colour != "p")):
            parts.append(f"points are coloured by their own {of}, in all {info.latent_dim} dimensions")
        else:
            parts.append(f"the ground is {of}{'' if info.latent_dim == 2 else ' of the plane’s marginal'}: {field}")
    if shown.plane is not None and info.latent_dim > 2:
        across, up = (f"{100 * share:.0f}" for share in shown.plane.explained)
        parts.append(f"the axes hold {across} and {up} % of the variance of q and p together")
    return figures.caption(
        layout.dataset_title(info.dataset), layout.split_of(info), info.images, shown.seed, "; ".join(parts)
    )
