"""Links from a model to every page that can show it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.records import CheckpointInfo
from pages._ui import controls, layout

_KEY = "_pages"
WITHOUT_MODEL = ("home", "tour", "train", "flow_timing", "your_data", "model_card", "results", "reading")
"""Pages that are not about one model."""


def remember(pages: Sequence[tuple[str, str, str, str, str]]) -> None:
    """Note the rows of the navigation: section, file, title, icon, what it shows."""
    st.session_state[_KEY] = [(file.removesuffix(".py"), title, icon) for _, file, title, icon, _ in pages]


def follow() -> bool:
    """Choose the models that a link asks for, instead of those that were chosen; to be called before any widget.

    Returns:
        Whether it was done, so that what else the address says of models is out of date.
    """
    asked = st.query_params.get_all(layout.SHOW)
    # In its first run a session takes the models of the address, whatever is set here: then it is done in the next one.
    if not asked or ("models" in st.query_params and "models" not in st.session_state):
        return False
    chosen = list(dict.fromkeys(asked))[: controls.MAX_MODELS]
    if chosen != st.session_state.get("models", chosen):
        controls.clear_region(but=st.query_params)
    st.session_state["models"] = chosen
    del st.query_params[layout.SHOW]
    return True


def waiting() -> bool:
    """Whether a link is still to be followed, now that the sidebar is there."""
    return layout.SHOW in st.query_params


def of_model(info: CheckpointInfo) -> None:
    """A row of links, one a page; a page that cannot draw the model says why."""
    with st.container(horizontal=True):
        for page, title, icon in st.session_state.get(_KEY, []):
            if page not in WITHOUT_MODEL:
                layout.link_to(page, title, info, icon=icon)
