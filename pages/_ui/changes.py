"""Models that are deleted, replaced or damaged while somebody looks at them: said in words, never a traceback.

Other servers, the command line and people with a file manager share the folder of the checkpoints.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import CheckpointError
from core.plain_text import shown_error
from core.records import CheckpointInfo
from pages._ui import cache, charts, drawn
from pages._ui.turns import fragment

_KEY = "_looked_at"
LANDING_S = 5.0
"""Time between two looks whether a model has come, in seconds."""


@contextmanager
def told() -> Iterator[None]:
    """Around what reads models: where one has gone since the list was made, that is said and the rest left out."""
    try:
        yield
    except (CheckpointError, OSError) as error:
        logging.getLogger(__name__).warning("a page was left out", exc_info=True)
        st.error(f"Changed just now, or not to be read: {shown_error(error)}", icon=":material/sync_problem:")
        here = drawn.here()
        here.troubles += 1
        st.button("Look again", key=f"look-again-{here.troubles}", icon=":material/refresh:")


def since_last_run(listed: list[CheckpointInfo]) -> list[str]:
    """What has become of the chosen models since this session looked last, a sentence each.

    Args:
        listed: all checkpoints, broken ones too; to be called before the widget that chooses among them.
    """
    before: dict[str, str] = st.session_state.get(_KEY, {})
    now = {info.name: info for info in listed}
    return [sentence for name, digest in before.items() if (sentence := _changed(name, digest, now.get(name)))]


def remember(chosen: list[CheckpointInfo]) -> None:
    """Note what is looked at from now on."""
    st.session_state[_KEY] = {info.name: info.digest for info in chosen}


@fragment(run_every=LANDING_S)
def watch() -> None:
    """Draw the page again as soon as a model has come, gone or been replaced since it was drawn, as in a sweep."""
    if cache.checkpoints() != drawn.here().listed:
        st.rerun()


def tell(sentences: list[str]) -> None:
    """Say what has changed, above the page."""
    if sentences:
        st.warning("  \n".join(sentences), icon=":material/sync_problem:")


def _changed(name: str, digest: str, now: CheckpointInfo | None) -> str:
    """What became of it, "" where it is as it was."""
    if now is None:
        return f"The checkpoint **{charts.plain(name)}** is not in the folder any more; it was deleted or renamed."
    if now.error:
        return f"The checkpoint **{charts.plain(name)}** cannot be used any more: {shown_error(now.error)}"
    if now.digest != digest:
        return f"The checkpoint **{charts.plain(name)}** was replaced by another one of that name, which is shown now."
    return ""
