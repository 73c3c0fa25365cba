"""What a page has drawn in this session: its figures with their words, for the report at its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.records import CheckpointInfo
from core.report import Part

_KEY = "_drawn"

Writer = Callable[[], str]


@dataclass
class Figure:
    """One chart.

    Attributes:
        figure: the plotly figure.
        alt: what it says.
        heading: of the part of the page that it stands in.
        caption: under it, "" where it shares that of the next chart.
        tables: what writes its numbers as CSV, by name.
    """

    figure: Any
    alt: str
    heading: str
    caption: str = ""
    tables: dict[str, Writer] = field(default_factory=dict)


@dataclass
class Alone:
    """A table or a picture that belongs to no chart, and the heading over it."""

    part: Part
    heading: str


@dataclass
class Drawn:
    """The present page. A part that is run again by itself replaces what it had drawn.

    Attributes:
        title: of the page.
        shown: charts by their keys, tables and pictures by numbers of their own, in the order of the page.
        numbers: label, value and what stands beside it, by heading.
        models: that the page is about; None for those that are chosen.
        own_report: whether the page offers a report of its own.
        heading: the last one.
        last: key of the last chart.
        troubles: parts that were left out, since what they show changed meanwhile.
        listed: all checkpoints as they were when the page began, None where nobody has asked yet: to look at all their
            files takes as long as half a page.
        handheld: whether the reader's browser calls itself one of a telephone.
    """

    title: str = ""
    shown: dict[str, Figure | Alone] = field(default_factory=dict)
    numbers: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    models: list[CheckpointInfo] | None = None
    own_report: bool = False
    heading: str = ""
    last: str = ""
    troubles: int = 0
    listed: list[CheckpointInfo] | None = None
    handheld: bool = False


_run = threading.local()
"""The page that a thread draws: Streamlit runs each session in threads of its own, and each chart asks three times."""


def start(title: str) -> None:
    """A page begins: whatever was drawn before is forgotten."""
    _run.page = st.session_state[_KEY] = Drawn(title, handheld="Mobi" in agent())


def agent() -> str:
    """What the reader's browser calls itself."""
    return st.context.headers.get("User-Agent") or ""


def here() -> Drawn:
    """What the present page has drawn so far."""
    if not hasattr(_run, "page"):  # a fragment that is run again has a thread of its own
        if _KEY not in st.session_state:
            start("")
        _run.page = st.session_state[_KEY]
    return _run.page


def keep_figure(key: str, figure: Any, alt: str) -> None:
    """A chart was drawn."""
    page = here()
    before = page.shown.get(key)
    if isinstance(before, Figure):  # a fragment that is run again
        before.figure, before.alt = figure, alt
    else:
        page.shown[key] = Figure(figure, alt, page.heading)
    page.last = key


def keep_caption(text: str) -> None:
    """A caption was written under the last chart."""
    if figure := _last():
        figure.caption = text


def keep_tables(tables: dict[str, Writer]) -> None:
    """The numbers of the last chart were offered."""
    if figure := _last():
        figure.tables.update(tables)


def keep_part(part: Part) -> None:
    """A table or a picture was shown that belongs to no chart."""
    page = here()
    page.shown[f"alone {len(page.shown)}"] = Alone(part, page.heading)


def _last() -> Figure | None:
    found = here().shown.get(here().last)
    return found if isinstance(found, Figure) else None


def keep_number(label: str, value: str, beside: str) -> None:
    """A number was shown in large."""
    page = here()
    page.numbers.setdefault(page.heading, {})[label] = (value, beside)


def about(models: list[CheckpointInfo]) -> None:
    """The page is about these models, or about none, whatever is chosen."""
    here().models = list(models)
