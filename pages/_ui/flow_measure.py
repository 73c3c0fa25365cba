"""Measuring flows from a page: settings in, a background job, its progress. Drawing the page measures nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from core import jobs
from core.flow_timing_records import METHOD_NAMES, FlowTimingSettings
from core.flow_timing_settings import (
    MAX_BATCH,
    MAX_LAYERS,
    MAX_REPEATS,
    check_budget,
    check_settings,
    estimate_seconds,
)
from core.plain_text import shown_error
from pages._ui import jobs as job_panel
from pages._ui.flow_runs import NEWEST, Shown

MORE = 20
"""Repeats that the second button adds."""
USUAL = FlowTimingSettings()
FINISHED = {"failed": st.error, "cancelled": st.info}


def arguments(settings: FlowTimingSettings) -> list[str]:
    """The command line that measures with these settings, each of them named."""
    words = ["flow-timing"]
    for name in ("dims", "hidden", "methods"):
        words += [f"--{name}", *map(str, getattr(settings, name))]
    for name in ("batch", "layers", "threads", "device", "dtype", "repeats", "seed", "sharpness"):
        words += [f"--{name}", str(getattr(settings, name))]
    return [*words, "--output", jobs.RESULT]


def progress(command: str) -> bool:
    """The measurements that are queued or running, whoever started them. Whether there are any."""
    try:
        running = jobs.alive(command)
    except ValueError as error:
        st.error(shown_error(error))
        return False
    for job in running:
        job_panel.watch(job.id)
    return bool(running)


def say_how_it_ended(key: str) -> None:
    """Why what was started from this session could not be measured, if it could not.

    Args:
        key: of the session's state, under which ``start`` left the name of the job and what was wrong.
    """
    if problem := st.session_state.get(f"{key}-problem"):
        st.error(problem)
    if name := st.session_state.get(f"{key}-job"):
        told = jobs.status(name)
        if told.state in FINISHED:
            reason = f"{told.state.capitalize()}: {shown_error(told.error)}"
            FINISHED[told.state](reason if told.error else "Cancelled.")


def start(words: Sequence[str], key: str) -> None:
    """Start a measurement, to be called from a callback; ``say_how_it_ended`` tells what was wrong."""
    problem = job_panel.start_afresh(words)
    st.session_state[f"{key}-problem"] = problem
    st.session_state[f"{key}-job"] = None if problem else jobs.job_id(words)


def show(shown: Shown | None, busy: bool) -> None:
    """The two buttons and the settings.

    Args:
        shown: what the page draws; 20 repeats more are measured with its settings.
        busy: whether a measurement is queued or running.
    """
    say_how_it_ended("flow")
    if shown is not None:
        settings = replace(shown.single.settings, repeats=MORE)
        left, right = st.columns([1, 4], vertical_alignment="center")
        left.button(
            f"Run {MORE} more", key="more", icon=":material/replay:", disabled=busy, width="stretch",
            on_click=partial(_measure, settings, whole=True),
        )  # fmt: skip
        with right:
            st.caption(
                f"With the settings of the run shown, {_about(settings)} on an ordinary computer. Repeats of the same "
                "settings on the same machine are then shown together; a run of another machine stays beside them."
            )
    with st.expander(
        "Measure on this computer", key="flow-form", icon=":material/timer:", expanded=shown is None, on_change="rerun"
    ) as form:
        if form.open:
            _form(busy)


def _form(busy: bool) -> None:
    with st.form("flow-settings", border=False, enter_to_submit=False):
        row = st.columns(4)
        row[0].text_input("Dimensions d", _spaced(USUAL.dims), key="flow-dims", max_chars=80)
        row[1].text_input("Widths of the networks", _spaced(USUAL.hidden), key="flow-hidden", max_chars=40)
        row[2].number_input("Layers", 1, MAX_LAYERS, USUAL.layers, key="flow-layers")
        row[3].number_input("Batch", 1, MAX_BATCH, USUAL.batch, step=100, key="flow-batch")
        row = st.columns(4)
        row[0].number_input("Threads", 1, os.cpu_count() or 1, USUAL.threads, key="flow-threads")
        row[1].selectbox("Device", ["cpu", "cuda"], key="flow-device")
        row[2].selectbox("Numbers", ["float32", "float64"], key="flow-dtype")
        row[3].number_input("Repeats", 1, MAX_REPEATS, USUAL.repeats, key="flow-repeats")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.pills(
                "Inversions", METHOD_NAMES, selection_mode="multi", default=METHOD_NAMES, key="flow-methods",
                format_func=lambda name: name.replace("naive", "textbook").replace("_", " "),
            )  # fmt: skip
            st.number_input("Seed", 0, 2**31 - 1, USUAL.seed, key="flow-seed", width=130)
            st.form_submit_button("Run", icon=":material/play_arrow:", type="primary", disabled=busy, on_click=_run)
        st.caption(
            "Couplings get networks of as many parameters as MAF's. Leave the computer alone while it measures. As a "
            f"start, the settings above take {_about(USUAL)}. It goes on when this page is left, and is kept."
        )


def _run() -> None:
    """The button "Run": what is typed, if it can be measured."""
    try:
        settings = typed(st.session_state)
    except ValueError as error:
        st.session_state["flow-problem"], st.session_state["flow-job"] = str(error), None
        return
    _measure(settings, whole=False)


def _measure(settings: FlowTimingSettings, *, whole: bool) -> None:
    try:
        check_settings(settings, cores=os.cpu_count() or 1)
        check_budget(settings)
    except ValueError as error:
        st.session_state["flow-problem"], st.session_state["flow-job"] = str(error), None
        return
    start(arguments(settings), "flow")
    if not st.session_state["flow-problem"]:
        st.session_state["run"], st.session_state["pool"] = NEWEST, whole


def typed(state: Any) -> FlowTimingSettings:
    """The settings in the form.

    Args:
        state: the form's values by the keys of its widgets.

    Raises:
        ValueError: where text is no list of whole numbers.
    """
    values = {
        name: state[f"flow-{name}"] for name in ("layers", "batch", "threads", "device", "dtype", "repeats", "seed")
    }
    methods = tuple(name for name in METHOD_NAMES if name in state["flow-methods"])
    dims, hidden = (whole_numbers(state[f"flow-{name}"], name) for name in ("dims", "hidden"))
    return FlowTimingSettings(**values, dims=dims, hidden=hidden, methods=methods)


def whole_numbers(text: str, name: str) -> tuple[int, ...]:
    """Whole numbers between spaces or commas.

    Raises:
        ValueError: something else.
    """
    words = text.replace(",", " ").split()
    if not words or not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise ValueError(f"{name} is {text[:40]!r}, expected whole numbers with spaces between them, such as 2 8 32")
    return tuple(map(int, words))


def _spaced(values: Sequence[int]) -> str:
    return " ".join(map(str, values))


def _about(settings: FlowTimingSettings) -> str:
    seconds = estimate_seconds(settings)
    return f"about {seconds / 60:.0f} min" if seconds >= 90 else f"about {max(10, round(seconds, -1)):.0f} s"
