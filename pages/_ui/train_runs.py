"""The trainings: those that wait or run, with their curves, and how the others ended."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core import jobs, training_runs
from core.errors import CheckpointError
from core.figures import training
from core.plain_text import shown_error
from core.training_records import TrainingCurve
from core.training_runs import TrainingRun
from pages._ui import cache, cache_own, charts, downloads, layout
from pages._ui.turns import fragment

POLL_S = 1.0
ENDED = 8
"""Trainings that have ended and are listed."""
STATES = {"failed": st.error, "cancelled": st.info}


def show_running() -> bool:
    """Every training that waits or runs, whoever started it, looked at once a second. Whether there is one."""
    if told := st.session_state.pop("t-action-problem", None):
        st.error(shown_error(told))
    alive = [run for run in _runs() if run.job.alive]
    if alive:
        st.header("Training now")
        for run in reversed(alive):
            with st.container(border=True):
                _running(run.job.id)
    return bool(alive)


def show_ended() -> None:
    """How the last trainings ended, and what can be done about it."""
    ended = [run for run in _runs() if not run.job.alive and not _superseded(run)]
    if not ended:
        return
    st.header("Trainings that have ended")
    for number, run in enumerate(ended[:ENDED]):
        with st.container(border=True):
            _ended(run, number)
    if len(ended) > ENDED:
        st.caption(f"{len(ended) - ENDED} older ones are not listed; their models are in the sidebar.")


@fragment(run_every=POLL_S)
def _running(job: str) -> None:
    run = next((run for run in _runs() if run.job.id == job), None)
    if run is None or not run.job.alive:
        st.rerun()  # the whole page: the model is in the sidebar now
        return
    told = run.job
    st.markdown(f"**{run.name}**")
    curve = _curve(run)
    share = told.done / told.total if told.total else 0.0
    st.progress(min(max(share, 0.0), 1.0), text=told.message.replace(" -", " −") or "starting")
    with st.container(horizontal=True, vertical_alignment="center"):
        _action("Cancel", run, ":material/stop:", _cancel)
        st.caption(" ".join(filter(None, (_time(run, curve), "It goes on when this page is left or closed."))))
    if curve is not None and curve.points:
        _picture(run, curve)
    st.code(run.command, language="bash", wrap_lines=True)


def _time(run: TrainingRun, curve: TrainingCurve | None) -> str:
    """How long it has run, and how long it will at the pace so far."""
    if run.job.state == "queued":
        return "One calculation runs at a time, in the order they were started."
    words = f"{_spell(run.job.seconds)} so far."
    if curve is None or curve.seconds_left is None or curve.done >= curve.epochs:
        return words
    left = curve.epochs - curve.done
    return (
        f"{words} About {_spell(curve.seconds_left)} for the {left:,} epochs left, at the pace of the last "
        f"{curve.pace_epochs:,} ({curve.pace_s / curve.pace_epochs:.2g} s each), unless it stops early; then the "
        "model is measured."
    )


def _spell(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _curve(run: TrainingRun) -> TrainingCurve | None:
    """The curve so far: of the finished model where there is one."""
    try:
        return training_runs.curve(run.name) or (cache_own.training_curve(run.name) if run.there else None)
    except CheckpointError as error:
        st.error(shown_error(error))
        return None


def _picture(run: TrainingRun, curve: TrainingCurve) -> None:
    key, sentence = f"curve-{run.job.id}", training.training_sentence(curve.points)
    figure = training.training_figure(curve.points)
    charts.chart(figure, key, sentence, name=f"{run.name}-training")
    st.markdown(sentence)
    charts.caption(training.training_caption(curve, run.seed))
    downloads.keep({"Curve": lambda: training.training_csv(curve.points)}, f"{run.name}-training")


def _ended(run: TrainingRun, number: int) -> None:
    told = run.job
    if told.state == "done" and run.there:
        st.markdown(f"**{run.name}** is trained and in the sidebar ({_spell(told.seconds)}).")
        info = next((info for info in cache.checkpoints() if info.name == run.name and not info.error), None)
        if info is not None:
            layout.link_to("prior_vs_posterior" if info.of_gaussians else "elbo_surgery", "Open", info)
    elif told.state == "done":
        st.markdown(f"**{run.name}** was trained; its checkpoint has been deleted since.")
    else:
        reason = f": {shown_error(told.error)}" if told.error else "."
        STATES.get(told.state, st.error)(f"**{run.name}**: {told.state}{reason}")
        with st.container(horizontal=True):
            label = "Go on from where it was" if run.kept else "Start again"
            _action(label, run, ":material/play_arrow:", training_runs.resume, disabled=run.there)
            _action("Discard", run, ":material/delete:", training_runs.discard)
    curve = _curve(run)
    with st.expander("Curve and command", key=f"t-about-{told.id}", on_change="rerun", expanded=number == 0) as about:
        if about.open:
            if curve is not None and curve.points:
                _picture(run, curve)
            else:
                st.markdown("No epoch had ended.")
            st.code(run.command, language="bash", wrap_lines=True)


def _superseded(run: TrainingRun) -> bool:
    """Whether another training of that name waits or runs, so that nothing can be done about this one."""
    return run.name in [other.name for other in _runs() if other.job.alive]


def _runs() -> list[TrainingRun]:
    try:
        return training_runs.runs()
    except ValueError as error:
        st.error(shown_error(error))
        return []


def _cancel(run: TrainingRun) -> None:
    jobs.cancel(run.job.id)


def _action(
    label: str, run: TrainingRun, icon: str, action: Callable[[TrainingRun], object], *, disabled: bool = False
) -> None:
    """A button; what goes wrong is told after the page has run again."""

    def act() -> None:
        try:
            action(run)
        except ValueError as error:
            st.session_state["t-action-problem"] = str(error)

    key = f"t-{label.split()[0].lower()}-{run.job.id}"
    if st.button(label, key=key, icon=icon, disabled=disabled):
        act()
        st.rerun()
