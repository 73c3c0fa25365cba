"""Long calculations as a page shows them: a button, progress while they run, the result when they are done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from core import jobs
from core.plain_text import shown_error
from pages._ui.turns import fragment

POLL_S = 1.0
FINISHED = ("done", "failed", "cancelled", "absent")


Made = TypeVar("Made")


def require(arguments: Sequence[str], read: Callable[[str], Made], *, button: str, about: str) -> Made | None:
    """What a job has made; until there is one, what can be done about it, and None.

    The same arguments are the same job, whoever asked for it first: it goes on when the page is left or closed.

    Args:
        arguments: of ``python -m core``; ``jobs.RESULT`` stands for the file.
        read: from the path of that file to what is in it; a ValueError says that it cannot be used.
        button: label of the button that starts it.
        about: what it takes, in a sentence.
    """
    name = jobs.job_id(arguments)
    told = jobs.status(name)
    if told.state == "done":
        try:
            return read(str(jobs.result(name)))
        except ValueError as error:
            st.error(f"What was calculated cannot be used: {shown_error(error)}")
            if st.button("Forget it", key=f"forget-{name}", icon=":material/delete:"):
                _or_say(jobs.forget, name)
                st.rerun()
            return None
    if told.alive:
        watch(name)
        return None
    if told.state in ("failed", "cancelled"):
        st.error(f"{told.state.capitalize()}: {shown_error(told.error)}" if told.error else told.state.capitalize())
    with st.container(horizontal=True, vertical_alignment="center"):
        label = button if told.state == "absent" else "Try again"
        if st.button(label, key=f"start-{name}", icon=":material/play_arrow:", type="primary") and _or_say(
            jobs.submit, arguments
        ):
            st.rerun()
        st.markdown(about)
    return None


@fragment(run_every=POLL_S)
def watch(name: str) -> None:
    """Progress of a job, looked at once a second; the page runs again when it has ended."""
    told = jobs.status(name)
    if told.state in FINISHED:
        st.rerun()
    share = told.done / told.total if told.total else 0.0
    steps = f"{told.done:,} of {told.total:,}" if told.total else ""
    words = " · ".join(filter(None, (told.message, steps))) or "starting"
    st.progress(min(max(share, 0.0), 1.0), text=words)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Cancel", key=f"cancel-{name}", icon=":material/stop:") and _or_say(jobs.cancel, name):
            st.rerun()
        st.caption(f"{told.seconds:.0f} s. It goes on when this page is left or closed.")


def start_afresh(arguments: Sequence[str]) -> str:
    """Start a job even where it is done already: a measurement is not the same twice. Why it cannot be, "" if it is.

    For commands that keep their results elsewhere: what the finished job holds is forgotten.
    """
    try:
        name = jobs.job_id(arguments)
        if jobs.status(name).state == "done":
            jobs.forget(name)
        jobs.submit(arguments)
    except ValueError as error:
        return str(error)
    return ""


def _or_say(action: Callable[[Any], object], argument: object) -> bool:
    """Whether it went well; says why not."""
    try:
        action(argument)
    except ValueError as error:
        st.error(shown_error(error))
        return False
    return True
