"""The report of a page: everything that it has drawn, as one HTML file that opens without a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

import streamlit as st

from core import report as reports
from core.records import CheckpointInfo
from core.report import Chart, Part, Report, ReportModel, Section, Table
from pages._ui import cache_card, controls, drawn, layout

LONGEST = 40
"""Rows of a table that still stand in a report."""


def button(build: Callable[[], Report], name: str, models: list[CheckpointInfo]) -> None:
    """A button that writes a report when it is clicked, and not before; the page gets no other one.

    Args:
        build: the report without models, address, date and versions, which are filled in here. It is called on another
            thread after the page has ended: it must not call Streamlit and should hold what it needs.
        name: of the file, without ending.
        models: that the report is about.
    """
    drawn.here().own_report = True
    _button(build, name, models)


def offer(page: str) -> None:
    """A report of all that the page has drawn, where that is something and the page has none of its own.

    Args:
        page: name of the page in its address.
    """
    found = drawn.here()
    if found.own_report or not found.shown:
        return
    models = controls.chosen_models(layout.usable()) if found.models is None else found.models
    _button(lambda: _of_page(found), page.replace("_", "-") or "home", models)


def _button(build: Callable[[], Report], name: str, models: list[CheckpointInfo]) -> None:
    address, whose = _address(), list(models)

    def write() -> str:
        told = tuple(_model(info) for info in whose)
        now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
        versions = reports.versions()
        return cache_card.report_html(replace(build(), models=told, address=address, made=now, versions=versions))

    st.download_button(
        "Report (one HTML file)", write, f"priorscope-{name}.html", "text/html", key="report", on_click="ignore",
        icon=":material/description:",
        help="Figures, tables and words of this page with the models' digests, the commands that reproduce them and "
        "the address of this view. It opens without a server and without a network, and can be printed.",
    )  # fmt: skip


def _address() -> str:
    """Of the view, with everything that was chosen."""
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    base = st.context.url or ""
    return base + ("?" + urlencode(query, doseq=True) if base and query else "")


def _model(info: CheckpointInfo) -> ReportModel:
    return ReportModel(info.name, layout.title_of(info), info.digest, cache_card.commands(info.name, info.digest))


def _of_page(found: drawn.Drawn) -> Report:
    """One section for each heading of the page."""
    parts: dict[str, list[Part]] = {}
    for one in found.shown.values():
        chart = isinstance(one, drawn.Figure)
        own = [Chart(one.figure, one.caption, one.alt), *_tables(one)] if chart else [one.part]
        parts.setdefault(one.heading, []).extend(own)
    for heading, numbers in found.numbers.items():
        rows = tuple((label, value, beside) for label, (value, beside) in numbers.items())
        parts.setdefault(heading, []).append(Table(("number", "value", "beside it"), rows))
    return Report(found.title, tuple(Section(heading, "", tuple(each)) for heading, each in parts.items()))


def _tables(figure: drawn.Figure) -> list[Part]:
    """The short ones among the tables of a chart."""
    found = (reports.table_of_csv(write(), caption=name, most=LONGEST) for name, write in figure.tables.items())
    return [table for table in found if table is not None]
