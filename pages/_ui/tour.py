"""How the guided tour is walked, and what stands around each of its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from core.datasets.titles import DATASET_TITLES
from core.figures.tour_words import Answer
from core.records import CheckpointInfo
from core.tour import DIMENSION, LARGE, STANDARD, Cast, cast, missing_model, offered
from pages._ui import charts, drawn, layout, reading
from pages._ui.flow_runs import forget_missing

KEY = "step"
"""Of the step in the address, from 1."""
DATA = "tour_data"
"""Of the data set in the address."""


@dataclass(frozen=True)
class Link:
    """To the page that shows a figure in full.

    Attributes:
        page: name of its file, without ending.
        label: of the link.
        models: that the page chooses.
        query: what else stands in its address.
    """

    page: str
    label: str
    models: tuple[CheckpointInfo, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """What the models that are here have to say to one question.

    Attributes:
        answers: by data set in words, that of the tour's own models first.
        null: what the numbers and the figure would be if there were no difference.
        draw: draws the figure with its caption and its numbers; None where there is nothing to draw.
        links: to where there is more.
        models: that the figure is about.
        missing: models and measures that are not here, each with the command that makes it.
    """

    answers: Mapping[str, Answer]
    null: str
    draw: Callable[[], None] | None
    links: tuple[Link, ...]
    models: tuple[CheckpointInfo, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One question.

    Attributes:
        question: as a heading.
        look: from the tour's models, N(0, I) among them, and the large ones to what is shown.
        formula: in LaTeX, one line each.
        told: what the formula says, in Markdown.
        lecture: slide of the lecture on which it is asked.
        numbers: anchors of the numbers in the answer, in the guide that tells how to read them.
    """

    question: str
    look: Callable[[Cast, Cast], Shown]
    formula: tuple[str, ...]
    told: str
    lecture: str
    numbers: tuple[str, ...]


def casts(dataset: str) -> tuple[Cast, Cast]:
    """The models of the tour, and the large ones that are told beside them.

    Args:
        dataset: that the tour is walked on.
    """
    available = layout.usable()
    return cast(available, dataset, DIMENSION), cast(available, *LARGE)


def choose(count: int) -> tuple[int, str]:
    """The step, from 1, chosen by its number, by the buttons or by the arrow keys; and the data set.

    Args:
        count: number of steps.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        back, following, numbers, of = (st.container(width="content") for _ in range(4))
    with numbers:
        chosen = st.segmented_control(
            "Question", list(range(1, count + 1)), default=1, required=True, key=KEY, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
    step = chosen or 1  # an address may leave it empty
    with back:
        _button("Back", ":material/arrow_back:", "Left", step - 1, count)
    with following:
        _button("Next", ":material/arrow_forward:", "Right", step + 1, count)
    with of:
        dataset = _data_set()
    st.progress(step / count, text=f"Question {step} of {count}")
    return step, dataset


def _data_set() -> str:
    """What the models of the tour were trained on, where there is something to choose."""
    names = offered(layout.usable())
    forget_missing(DATA, names)
    if len(names) == 1:
        return names[0]
    chosen = st.segmented_control(
        "Models of", names, default=names[0], required=True, key=DATA, bind="query-params",
        format_func=DATASET_TITLES.__getitem__, label_visibility="collapsed",
        help="Which images the models of the tour were trained on.",
    )  # fmt: skip
    return chosen or names[0]


def _button(label: str, icon: str, shortcut: str, to: int, count: int) -> None:
    """A button, and an arrow key, to another step; it rests at the ends of the tour."""

    def go() -> None:
        st.session_state[KEY] = to

    st.button(
        label, icon=icon, shortcut=shortcut, key=f"tour-{label.lower()}", on_click=go, disabled=not 1 <= to <= count,
        type="primary" if label == "Next" else "secondary",
    )  # fmt: skip


def show(step: Step, number: int, own: Cast, large: Cast) -> None:
    """One step: question, answer, figure, what no difference would be, formula, and where there is more."""
    charts.heading(f"{number}. {step.question}")
    if STANDARD not in own.models:
        drawn.about([])
        st.info(missing_model(own, STANDARD), icon=":material/model_training:")
        return
    found = step.look(own, large)
    drawn.about(list(found.models))
    for title, answer in found.answers.items():
        lead = f"{title}: " if len(found.answers) > 1 else ""
        st.markdown(f"{lead}**{charts.plain(answer.verdict)}** {charts.plain(answer.numbers)}")
    for reason in found.missing:
        st.info(reason)
    if found.draw is not None:
        found.draw()
        st.markdown(f"**If there were no difference:** {found.null}")
    with st.container(horizontal=True):
        for link in found.links:
            layout.link_to(link.page, link.label, *link.models, icon=":material/open_in_new:", query=link.query)
    with st.expander("How is this computed, and where does the lecture ask it?"):
        for line in step.formula:
            st.latex(line)
        st.markdown(f"{step.told}\n\nIn the lecture: *{step.lecture}*.")
        reading.link(*step.numbers)
