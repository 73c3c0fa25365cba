"""The line-up: the true picture among pictures without a difference, a pick, and what luck would have found."""

from __future__ import annotations

import streamlit as st

from core.figures import caption, lineup_words
from core.figures.lineup import lineup_figure, panel_of
from core.figures.ready import ready
from core.lineup import FEWEST, PANELS, Lineup
from core.records import CheckpointInfo
from pages._ui import cache, cache_draws, charts, layout

ROUND, EACH = "round", "each"
"""Keys of the number of the line-up and of the draws in a panel."""
MOST_ROUNDS = 999
_PICKS = "_line_ups"
"""Where the session keeps what was picked: by series of line-ups and number, the panel and whether it was true."""

Picks = dict[int, tuple[int, bool]]


def section(shown: list[tuple[CheckpointInfo, cache.ViewKey]], seed: int) -> None:
    """A line-up for every model that is shown.

    Args:
        shown: models with the keys of their views.
        seed: of the page.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.number_input(
            "Line-up", min_value=1, max_value=MOST_ROUNDS, key=ROUND, bind="query-params", width=140,
            help="Each has draws of other images, and another place of the true panel.",
        )  # fmt: skip
        each = st.number_input(
            "Draws in a panel, of each side", min_value=FEWEST, max_value=1000, value=100, step=50, key=EACH,
            bind="query-params", width=230,
            help="The more, the smaller the differences that can be seen, and the fewer line-ups the images make.",
        )  # fmt: skip
    for info, key in shown:
        if key[0].startswith(cache.MAP):
            st.markdown(
                f"**{layout.title_of(info)}**: the picture above shows all draws of its map with their sides, so a "
                "line-up of them would give itself away. Choose another view for this."
            )
        else:
            _one(info, key, seed, int(number), int(each))


def _one(info: CheckpointInfo, key: cache.ViewKey, seed: int, number: int, each: int) -> None:
    images = cache_draws.images(info.name, info.digest, key)
    if number > images // each:
        left = f"make {images // each} line-ups of {each}" if images >= each else f"are fewer than {each}"
        st.markdown(f"**{layout.title_of(info)}**: its {images:,} images {left}; no image is in two of them.")
        return
    hidden = cache_draws.hidden(info.name, info.digest, key, each, number, seed)
    series = "-".join(map(str, (info.name, info.digest, *key, seed, each)))
    picks: Picks = st.session_state.setdefault(_PICKS, {}).setdefault(series, {})
    picked = picks[number][0] if number in picks else None
    charts.heading(layout.title_of(info), level=3)
    st.markdown(_words(hidden, picks, number, info.latent_dim))
    control, chart = f"pick-{series}-{number}", f"lineup-{series}-{number}"

    def take(panel: int | None) -> None:
        if panel is not None and 0 <= panel < PANELS:
            picks.setdefault(number, (panel, panel == hidden.real))

    if picked is not None:
        st.session_state[control] = picked + 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.pills(  # narrower than segments: nine fit a telephone, or scroll
            "The true panel", range(1, PANELS + 1), key=control, disabled=picked is not None,
            on_change=lambda: take(_less_one(st.session_state.get(control))),
        )  # fmt: skip
        if picked is not None:
            st.button(
                "Another line-up", key=f"another-{info.name}", icon=":material/shuffle:", on_click=_next_round,
                disabled=number + 1 > min(images // each, MOST_ROUNDS),
            )  # fmt: skip
    charts.chart(
        ready(lineup_figure, hidden, picked), chart, lineup_words.alternative(hidden, picked),
        name=f"{info.name}-line-up", on_select=lambda: take(panel_of(st.session_state.get(chart))),
        kept_as=f"lineup-{info.name}",
    )  # fmt: skip
    method = (
        f"line-up {number} of {images // each:,} in the view above: {each:,} draws of each side, those of q(z) of one "
        "image each, and of no image of another line-up; in a panel dealt at random both sides are draws of "
        "(q + p) / 2, and every difference is chance"
    )
    charts.caption(caption(layout.dataset_title(info.dataset), layout.split_of(info), images, seed, method))


def _words(hidden: Lineup, picks: Picks, number: int, dimensions: int) -> str:
    if number not in picks:
        return lineup_words.question(hidden, dimensions)
    found = sum(right for _, right in picks.values())
    return lineup_words.answer(hidden, picks[number][0], found, len(picks))


def _less_one(number: int | None) -> int | None:
    return None if number is None else number - 1


def _next_round() -> None:
    st.session_state[ROUND] = min(st.session_state[ROUND] + 1, MOST_ROUNDS)
