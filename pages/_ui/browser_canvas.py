"""The canvas on the page: the state it is given, and what its clicks set. Number inputs mirror every click."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import browse, region
from core.own_image import Landing
from core.region import Corners
from pages._ui import browser, cache_browser, controls, latent_canvas, layout
from pages._ui.browser import Look, Spot

MADE = {True: "one draw of p(x|z)", False: "mean of p(x|z)"}


def send(shown: Look) -> None:
    """Decoder, densities and draws for the browser, which keeps them: outside of what a click in the map runs again."""
    latent_canvas.keep(cache_browser.model_bytes(*shown.model, shown.seed)[1], "model")
    latent_canvas.keep(_view(shown)[1], "view")


def _view(shown: Look) -> tuple[str, bytes]:
    return cache_browser.view_bytes(*shown.model, shown.key, shown.n, shown.seed, shown.colour)


def draw(shown: Look, base: Any, start: Spot, fixed: Spot | None, end: Spot | None, corners: Corners | None,
         ways: list[dict[str, Any]], landed: Landing | None) -> None:  # fmt: skip
    """The map with everything in it, and its caption.

    Args:
        shown: what is looked at.
        base: code of the other coordinates.
        start: where the map begins.
        fixed: the place that was clicked or typed.
        end: of a way.
        corners: of the region.
        ways: to draw.
        landed: an uploaded image.
    """
    model, view = cache_browser.model_bytes(*shown.model, shown.seed)[0], _view(shown)[0]
    place = fixed or start
    state: dict[str, Any] = {
        "model": model, "view": view, "drawn": shown.drawn, "made": MADE[shown.drawn], "sets_end": shown.sets_end,
        "start": start.at, "start_name": _capital(start.name), "marker": None if fixed is None else fixed.at,
        "end": None if end is None else end.at, "region": corners, "ways": ways,
        "ellipses": browser.ellipses(shown, browser.selected_rows(shown, corners)), "upload": _upload(shown, landed),
        "note": _note(shown), "why": layout.why_not_decoded(shown.info) or "Nothing is decoded here.",
        "alt": _alt(shown, place), "file": f"{shown.info.name}-map",
    }  # fmt: skip
    if shown.plane is not None:
        state["origin"] = browse.origin(shown.plane, base).tolist()
        state["directions"] = shown.plane.directions.tolist()
    keys = controls.END_KEYS if shown.sets_end else shown.place_keys

    def picked(at: tuple[float, float]) -> None:
        controls.set_place(at, keys)

    def outlined(found: list[tuple[float, float]]) -> None:
        controls.set_region(region.write(tuple(found)))

    latent_canvas.draw(state, picked, outlined)
    st.caption(browser.caption(shown))


def inputs(shown: Look) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """The place and the end of a way, typed or clicked."""
    axes = ("map 1", "map 2") if shown.plane is None else shown.plane.axes
    left, right = st.columns(2, gap="medium")
    with left:
        at = controls.place_inputs((f"Place: {axes[0]}", f"Place: {axes[1]}"), shown.place_keys)
    with right:
        end = controls.place_inputs((f"End of a way: {axes[0]}", f"End: {axes[1]}"), controls.END_KEYS)
    return at, end


def _upload(shown: Look, landed: Landing | None) -> dict[str, Any] | None:
    """An uploaded image in the plane: its code, and the region that holds 95 % of its posterior."""
    if landed is None or shown.plane is None:
        return None
    at = browser.place_of(shown, landed.mean)
    if not shown.info.of_gaussians:
        return {"at": at}
    return browser.ellipse(*browse.posterior_in(shown.plane, landed.mean, landed.log_var))


def _note(shown: Look) -> str:
    """Which code a place stands for, in words."""
    scale = "0 black, 1 white" if shown.info.image_shape[0] == 1 else layout.scale_words(shown.info)
    return " ".join(filter(None, [f"Pictures: {MADE[shown.drawn]}, {scale}.", _code_words(shown),
                                  browser.own_posterior(shown)]))  # fmt: skip


def _code_words(shown: Look) -> str:
    if shown.plane is None:
        return "A t-SNE map has no inverse: the code of the draw nearest to the place is decoded."
    if shown.info.latent_dim == 2:
        return "The place is the code itself."
    others = "the mean of all codes" if shown.base is None else f"the code of image {shown.base}"
    hidden = shown.info.latent_dim - 2
    return f"The {hidden} dimension{'s' if hidden > 1 else ''} that the plane does not show stay as in {others}."


def _alt(shown: Look, place: Spot) -> str:
    x, y = (f"{value:.2f}" for value in place.at)
    return (
        f"Map of the latent space of {layout.title_of(shown.info)}, {len(shown.draws.q):,} draws of q(z). "
        f"The place is ({x}, {y}). Arrow keys move it, Enter fixes it."
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
