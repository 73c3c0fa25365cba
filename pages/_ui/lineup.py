"""The line-up: the true picture among pictures without a difference, a pick, and what luck would have found."""

from __future__ import annotations

import streamlit as st

from core.figures import caption, lineup_words
from core.figures.lineup import lineup_figure, panel_of
from core.figures.ready import ready
from core.lineup import PANELS, Lineup, seed_of
from core.plain_text import shown_error
from core.records import CheckpointInfo
from pages._ui import cache, cache_draws, charts, layout

ROUND, EACH = "round", "each"
"""Keys of the number of the line-up and of the draws in a panel."""
MOST_ROUNDS = 999
_PICKS = "_line_ups"
"""Where the session keeps what was picked: by model and line-up, the panel and whether it was the true one."""


def section(shown: list[tuple[CheckpointInfo, cache.ViewKey]], seed: int) -> None:
    """A line-up for every model that is shown.

    Args:
        shown: models with the keys of their views.
        seed: of the page.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.number_input(
            "Line-up", min_value=1, max_value=MOST_ROUNDS, key=ROUND, bind="query-params", width=140,
            help="Each has draws of its own and another place of the true panel.",
        )  # fmt: skip
        each = st.number_input(
            "Draws in a panel, of each side", min_value=20, max_value=1000, value=200, step=50, key=EACH,
            bind="query-params", width=230, help="The more, the smaller the differences that can be seen.",
        )  # fmt: skip
    for info, key in shown:
        _one(info, key, seed, int(number), int(each))


def _one(info: CheckpointInfo, key: cache.ViewKey, seed: int, number: int, each: int) -> None:
    of_map = key[0].startswith(cache.MAP)
    # The draws of a map are what they are: in a second line-up they would be known again.
    question = (info.digest, key[0]) if of_map else (info.digest, *key, seed, number, each)
    try:
        hidden = cache_draws.hidden(info.name, info.digest, key, each, seed_of(*question))
    except ValueError as error:
        st.markdown(f"**{layout.title_of(info)}**: {shown_error(error)}.")
        return
    name = "-".join(map(str, question))
    picks: dict[str, tuple[int, bool]] = st.session_state.setdefault(_PICKS, {}).setdefault(info.digest, {})
    picked = picks[name][0] if name in picks else None
    charts.heading(layout.title_of(info), level=3)
    words = _words(hidden, picks, name, info.latent_dim)
    st.markdown(words)
    control = f"pick-{name}"

    def take(panel: int | None) -> None:
        if panel is not None:
            picks.setdefault(name, (panel, panel == hidden.real))
            st.session_state[control] = panel + 1

    if picked is not None:
        st.session_state[control] = picked + 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "The true panel", range(1, PANELS + 1), key=control, disabled=picked is not None,
            on_change=lambda: take(_less_one(st.session_state.get(control))),
        )  # fmt: skip
        if picked is not None and not of_map:
            st.button("Another line-up", key=f"another-{info.name}", icon=":material/shuffle:", on_click=_next_round)
    chart = f"lineup-{name}"
    figure = ready(lineup_figure, hidden, picked)
    charts.chart(
        figure, chart, lineup_words.alternative(hidden), name=f"{info.name}-line-up",
        on_select=lambda: take(panel_of(st.session_state.get(chart))),
    )  # fmt: skip
    charts.caption(_caption(info, hidden, seed, None if of_map else number))


def _words(hidden: Lineup, picks: dict[str, tuple[int, bool]], name: str, dimensions: int) -> str:
    if name not in picks:
        return lineup_words.question(hidden, dimensions)
    found = sum(right for _, right in picks.values())
    return lineup_words.answer(hidden, picks[name][0], found, len(picks))


def _caption(info: CheckpointInfo, hidden: Lineup, seed: int, number: int | None) -> str:
    which, whence = f"line-up {number} in the view above", "other ones than above"
    if number is None:
        which, whence = "line-up of the map above", "out of those of the map; one with another seed has another"
    method = (
        f"{which}: {hidden.q.shape[1]:,} draws of each side, one an image, {whence}; in a panel dealt at random both "
        "sides are draws of (q + p) / 2, and every difference is chance"
    )
    return caption(layout.dataset_title(info.dataset), layout.split_of(info), info.images, seed, method)


def _less_one(number: int | None) -> int | None:
    return None if number is None else number - 1


def _next_round() -> None:
    st.session_state[ROUND] = min(st.session_state[ROUND] + 1, MOST_ROUNDS)
