"""How every page draws a figure, and what stands around it: one place that gives the chart its tools and remembers it.

    charts.heading("How loose is the bound?")
    charts.chart(figure, key="looseness", alt=sentence)
    charts.caption(text)
    downloads.keep({"Curves": write_csv}, "looseness")

The chart gets the camera (PNG or SVG) and stands in the page's report with its sentence, caption and small tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow
import streamlit as st

from core.figures.images import data_uri
from core.figures.kept import once
from core.figures.ready import with_layout
from core.report import Picture, Table
from pages._ui import downloads, drawn

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|$:~<>])")
"""What Markdown, with Streamlit's additions, gives a meaning."""


def chart(
    figure: Any,
    key: str,
    alt: str,
    *,
    name: str = "",
    on_select: Callable[[], None] | None = None,
    regions: bool = False,
    kept_as: str = "",
) -> None:
    """A figure as wide as its place.

    Args:
        figure: from a builder in ``core.figures``.
        key: of the chart; without a click nothing else hangs on it.
        alt: what the figure says.
        name: of the saved file, without ending; the key where it is "".
        on_select: called when something in it was clicked or outlined; the event is in the session state under the key.
        regions: whether a box and a lasso can be drawn.
        kept_as: key in the report, where a chart of another key takes its place there; "" for its own.
    """
    if drawn.here().handheld:
        # Or a finger on a chart draws a box instead of moving the page. A chart that can be clicked gets it back.
        figure = with_layout(figure, dragmode=False)
    config = downloads.chart_config(name or key, selecting=regions)
    if on_select is None:
        st.plotly_chart(figure, key=key, alt=alt, config=config)
    else:
        modes: list[Literal["points", "box", "lasso"]] = ["points", "box", "lasso"] if regions else ["points"]
        st.plotly_chart(figure, key=key, alt=alt, config=config, on_select=on_select, selection_mode=modes)
    drawn.keep_figure(kept_as or key, figure, alt)


def meanwhile(slot: Any, figure: Any, key: str, alt: str) -> None:
    """A figure in an empty slot, until ``chart`` draws the finished one there: no part of the report.

    Args:
        slot: as ``st.empty`` gives it.
        figure: from a builder in ``core.figures``.
        key: of the chart, another one than that of the finished figure.
        alt: what the figure says.
    """
    slot.plotly_chart(figure, key=key, alt=alt, config=downloads.chart_config(key))


def caption(text: str) -> None:
    """What stands under the last chart, or under the charts since the last caption."""
    st.caption(text)
    drawn.keep_caption(text)


def heading(text: str, *, level: int = 2) -> None:
    """A heading of the page, 2 or 3, under which the report puts the charts that follow."""
    (st.header if level == 2 else st.subheader)(text)
    drawn.here().heading = text


def table(shown: Table, links: Mapping[str, str] | None = None) -> None:
    """A table whose cells are plain text, some bold: whatever is Markdown in them is shown as it was typed.

    Args:
        shown: the table.
        links: where the cells of the first column lead, by what stands in them; a link opens a tab of its own.
    """
    st.table(once(_sent, shown, dict(links or {})), border="horizontal", hide_index=True, alt=shown.caption)
    if shown.caption:
        st.caption(once(plain, shown.caption))
    drawn.keep_part(shown)


def _sent(shown: Table, links: dict[str, str]) -> pyarrow.Table:
    """A table as Streamlit sends it: built from rows it would go through pandas first, in every run."""
    cells = [[_cell(cell, bold=(i, j) in shown.bold) for j, cell in enumerate(row)] for i, row in enumerate(shown.rows)]
    for row, (first, *_) in zip(cells, shown.rows, strict=True):
        row[0] = f"[{row[0]}]({links[first]})" if first in links else row[0]
    columns = [pyarrow.array([row[j] for row in cells], pyarrow.string()) for j in range(len(shown.header))]
    return pyarrow.Table.from_arrays(columns, list(shown.header))


def frame(rows: Sequence[Mapping[str, Any]], alt: str, **options: Any) -> None:
    """A table that can be sorted and searched, a row each; the report takes its numbers from elsewhere.

    Args:
        rows: with the same names; a column that mixes kinds is shown as text.
        alt: what the table shows.
        options: of ``st.dataframe``.
    """
    st.dataframe(once(_columns, list(map(dict, rows))), hide_index=True, alt=alt, **options)


def _columns(rows: list[dict[str, Any]]) -> pyarrow.Table:
    """As Streamlit sends it: from rows it would go through pandas first, in every run."""
    found = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        kinds = {type(value) for value in values if value is not None}
        mixed = len(kinds) > 1 and not kinds <= {int, float}
        found[name] = pyarrow.array([None if value is None else str(value) for value in values] if mixed else values)
    return pyarrow.Table.from_pydict(found)


def _cell(text: str, *, bold: bool) -> str:
    whole = plain(text).replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")  # a narrow column would part the two
    return f"**{whole}**" if bold and text else whole


def picture(pixels: np.ndarray, told: str, alt: str) -> None:
    """Pixels with what is told of them below."""
    st.image(data_uri(pixels), alt=alt, width="stretch")
    st.caption(told)
    drawn.keep_part(Picture(pixels, told, alt))


def plain(text: str) -> str:
    """Text in which nothing is Markdown."""
    return _MARKS.sub(r"\\\1", text)
