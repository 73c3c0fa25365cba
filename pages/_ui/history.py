"""How a model got where it is: the snapshots of its training under a slider that also runs by itself."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence

import streamlit as st

from core import figures, history_table, tables
from core.errors import CheckpointError
from core.figures import history as drawn
from core.figures import history_words
from core.figures.lattice import DIMENSIONS
from core.figures.ready import ready, with_layout
from core.history_records import Course, Scene
from core.plain_text import shown_error
from core.records import CheckpointInfo
from pages._ui import cache_history, changes, charts, downloads, layout
from pages._ui.turns import fragment

STEP_S = 0.8
"""Seconds that each snapshot stays while the slider runs by itself."""
GONE_S = 30.0
"""Seconds without a step after which nobody is looking at the run any more."""
ECHOES = 3
"""Steps that a browser may be behind."""
EPOCH, PLAY, TICK, KEPT, ASKED = "epoch", "history-play", "history-tick", "history-kept", "training"
"""Keys of the slider, of the run, (model, when it began, index it began at) or None, of its last step, of the last kept
epoch, and of the switch that asks for all of it."""


def section(infos: Sequence[CheckpointInfo], seed: int, chosen: int | None = None, *, on_request: bool = False) -> None:
    """The training of the first of some models that was recorded.

    Args:
        infos: models over two latent dimensions with Gaussian posteriors.
        seed: of the draws behind the marginal KL.
        chosen: a component to mark, from 0.
        on_request: whether it has to be asked for: where every click would draw it again, it is a third of the click.
    """
    charts.heading("How did it get there?")
    recorded = [info for info in infos if _is_recorded(info)]
    if not recorded:
        st.markdown(
            "Nothing was recorded while this model was trained. `python -m core train … --snapshots 20` keeps up to "
            "20 small snapshots: with them the epochs can be gone through here."
        )
        return
    info = recorded[0]
    if len(infos) > 1:
        st.info(f"One training at a time: {layout.title_of(info)}.")
    if on_request and not _asked():
        return
    course = cache_history.course(info.name, info.digest, seed)
    st.markdown(
        f"{len(course)} small snapshots were kept while this model was trained. Move the slider, click in the curve "
        "or press Play, and watch where the images are encoded and how the prior follows."
    )
    _settle(course)
    running = _running(info)
    # A timer belongs to the fragment as it was last run by the whole page: it starts and ends with such a run.
    fragment(_film, run_every=STEP_S / 2 if running else None)(info, course, chosen, running)


def _asked() -> bool:
    """Whether the switch is on; a link to an epoch has turned it."""
    if EPOCH in st.query_params:
        st.session_state.setdefault(ASKED, True)
    return st.toggle("Show how the components moved in training", key=ASKED, bind="query-params")


def _is_recorded(info: CheckpointInfo) -> bool:
    """Whether there are snapshots; a file of them that cannot be used is told."""
    try:
        return cache_history.snapshots(info.name, info.digest) is not None
    except CheckpointError as error:
        st.error(f"{layout.title_of(info)}: the snapshots of the training cannot be used: {shown_error(error)}")
        return False


def _settle(course: Course) -> None:
    """An epoch that this training has no snapshot of becomes the nearest one, and the page says so.

    Where the kept model of the training before was looked at, it becomes the kept model of this one.
    """
    asked, before = st.session_state.get(EPOCH, st.query_params.get(EPOCH)), st.session_state.get(KEPT)
    st.session_state[KEPT] = course.kept
    if asked is not None and asked == before and course.kept is not None:
        st.session_state[EPOCH] = course.kept
        return
    if asked is None or str(asked) in map(str, course.epochs):
        return
    try:
        epoch = min(course.epochs, key=lambda stored: abs(stored - int(asked)))
    except ValueError:
        st.info(f"{str(asked)[:30]!r} is no epoch: shown is the model that was kept.")
        return
    st.session_state[EPOCH] = epoch
    st.info(f"There is no snapshot of epoch {int(asked):,} of this training: shown is epoch {epoch:,}, the nearest.")


def _film(info: CheckpointInfo, course: Course, chosen: int | None, running: bool) -> None:
    """Slider, pictures and numbers of one snapshot."""
    with changes.told():  # a timer runs it without the page around it
        _moment(info, course, chosen, running)


def _moment(info: CheckpointInfo, course: Course, chosen: int | None, running: bool) -> None:
    if running != _running(info):
        st.rerun()  # Play or Stop was pressed since: the timer changes with the whole page
    if running:
        _advance(course)
    model, index = (info.name, info.digest), _slider(info, course)
    scene = cache_history.scene(*model, index)
    sentence = history_words.moment_sentence(course, index)
    left, right = st.columns(2, gap="medium")
    what = "pseudo-inputs" if info.prior == "vamp" else "components"
    with left:
        key = f"history-map-{info.name}"
        alt = f"q(z) and p(z) in the latent plane. {sentence}"
        figure = ready(drawn.history_map, scene, what=what, over=drawn.history_marks(scene, chosen))
        charts.chart(figure, key, alt)
    with right:
        _curve(info, course, index)
    if scene.inputs is not None:
        key = f"history-inputs-{info.name}"
        alt = f"{len(scene.inputs)} pseudo-inputs after epoch {course.epochs[index]:,}, in the order of k."
        figure = with_layout(ready(drawn.history_inputs, scene), shapes=drawn.inputs_frames(scene, chosen))
        charts.chart(figure, key, alt)
    st.markdown(f"{sentence} {history_words.course_sentence(course)}")
    charts.caption(_caption(info, course, index, scene))
    writers = {
        "Training": lambda: history_table.course_csv(course),
        "Densities at this epoch": lambda: tables.grid_csv(scene.q, scene.p, DIMENSIONS),
    }
    downloads.keep(writers, f"{info.name}-history")


def _slider(info: CheckpointInfo, course: Course) -> int:
    """The epoch that is looked at: index of its snapshot."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        button = st.container(width="content")
        first = course.kept if course.kept is not None else course.epochs[-1]
        epoch = st.select_slider(
            "Epoch", course.epochs, value=first, key=EPOCH, bind="query-params", on_change=_moved, args=(course,),
            help="The snapshots that were taken while the model was trained. The arrow keys move the slider.",
        )  # fmt: skip
    index = bisect_left(course.epochs, epoch)
    with button:
        if _running(info):
            st.button("Stop", icon=":material/stop:", key="history-stop", on_click=_stop)
        else:
            # The kept model, which is shown first, is one of the last: from there on there is nothing to see.
            start = 0 if epoch in (course.kept, course.epochs[-1]) else index
            st.button("Play", icon=":material/play_arrow:", key="history-start", on_click=_play, args=(info, start))
    return index


def _running(info: CheckpointInfo) -> bool:
    """Whether the slider of this model runs by itself; not where nobody has looked at it for a while."""
    name, began, _ = st.session_state.get(PLAY) or ("", 0.0, 0)
    return name == info.name and time.monotonic() - max(began, st.session_state.get(TICK, 0.0)) < GONE_S


def _play(info: CheckpointInfo, start: int) -> None:
    st.session_state[PLAY] = info.name, time.monotonic(), start


def _moved(course: Course) -> None:
    """Somebody moved the slider: the run ends, unless it is only what the run itself had shown a moment ago.

    A browser that is slow asks for the next step while it still shows the one before, and tells that as its value.
    """
    if st.session_state.get(PLAY) is None:
        return
    behind = _due(course) - course.epochs.index(st.session_state[EPOCH])
    if not 0 <= behind <= ECHOES:
        _stop()


def _stop() -> None:
    st.session_state[PLAY] = None


def _advance(course: Course) -> None:
    """Put the slider where it is by now: by the clock, so that a slow server leaves snapshots out and never lags."""
    index = _due(course)
    st.session_state[TICK] = time.monotonic()
    st.session_state[EPOCH] = course.epochs[index]
    if index == len(course) - 1:
        _stop()
        st.rerun()


def _due(course: Course) -> int:
    """Index of the snapshot that the run is at by now."""
    _, began, start = st.session_state[PLAY]
    return min(start + int((time.monotonic() - began) / STEP_S), len(course) - 1)


def _curve(info: CheckpointInfo, course: Course, index: int) -> None:
    """Marginal KL of all epochs; a click on one chooses it."""
    key = f"history-curve-{info.name}"

    def take() -> None:
        epoch = drawn.clicked_epoch(st.session_state.get(key))
        if epoch in course.epochs:
            st.session_state[EPOCH] = epoch
            _stop()

    charts.chart(ready(drawn.history_curve, course, index), key, history_words.course_sentence(course), on_select=take)


def _caption(info: CheckpointInfo, course: Course, index: int, scene: Scene) -> str:
    draws = "one draw" if course.draws == 1 else f"{course.draws} draws"
    parts = [
        f"Epoch {course.epochs[index]:,} of {course.epochs[-1]:,}, {len(course)} snapshots, all on one window; q(z) is "
        f"the exact mixture of {course.images:,} posteriors, p(z) the prior's own density then, both of numbers in "
        "half precision; regions hold 50, 80 and 95 %",
        f"marginal KL: {draws} of each of {course.drawn:,} posteriors, whiskers are 95 % intervals over "
        "their images; dotted: what a perfect prior would give with as many posteriors",
        f"validation ELBO: {course.validation:,} images, one draw each, at β = 1",
    ]
    if scene.inputs is not None and scene.means is not None and len(scene.inputs) < len(scene.means):
        parts.append(f"{len(scene.inputs):,} of the {len(scene.means):,} pseudo-inputs are stored, drawn at random")
    if course.kept is not None:
        parts.append(f"epoch {course.kept:,} had the best validation ELBO and is the model of all other pictures")
    parts.append("decoders were not stored, so what a place decoded to at another epoch is not known")
    split = course.split if course.images == course.total else f"{course.split} ({course.images:,} of {course.total:,})"
    return figures.caption(layout.dataset_title(info.dataset), split, course.images, course.seed, "; ".join(parts))
