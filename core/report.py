r"""What a report holds: words, figures, pictures and tables in sections, and where all of it came from.

    from core.report import Chart, Picture, Report, ReportModel, Section, Table

    report = Report("Three priors", (
        Section("Densities", "One paragraph.\n\n- a list\n- of items", (
            Chart(figure, caption="Digits, test split, n = 300, seed 0.", alt="The prior has holes: ..."),
            Picture(core.figures.mosaic(images, 8), caption="16 prior samples", alt="..."),
            Table(("model", "ELBO, nats"), (("digits-2d-vamp", "-22.85 ± 0.24"),), caption="...", bold=((0, 1),)),
        )),
    ))
    core.figures.report_page.report_html(report)  ->  one HTML file, as text

A section shows its text, then its parts in their order. Text is paragraphs, with lines that start with "- " as a list,
``**bold**``, ``*italic*`` and `` `code` ``, and nothing else of Markdown; whatever is HTML in any of these texts is
shown as it was typed. In a page: ``pages._ui.report.button(build, name)`` fills in models, address, date and versions.
"""

from __future__ import annotations

import csv
import io
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np

LIBRARIES = ("torch", "numpy", "scikit-learn", "safetensors", "plotly", "streamlit")


@dataclass(frozen=True)
class Chart:
    """A plotly figure.

    Attributes:
        figure: of any size; it is drawn as wide as the page.
        caption: data, split, n, seed, method.
        alt: what it says, in words; it stands under the figure too.
    """

    figure: Any
    caption: str
    alt: str


@dataclass(frozen=True)
class Picture:
    """Pixels.

    Attributes:
        pixels: uint8 (h, w) or (h, w, 3), as ``core.figures.mosaic`` makes them; shown pixel by pixel, never smoothed.
        caption: under the picture.
        alt: what is to be seen.
    """

    pixels: np.ndarray
    caption: str
    alt: str


@dataclass(frozen=True)
class Table:
    """Rows under a header.

    Attributes:
        header: names of the columns, with units.
        rows: of as many cells; numbers come as text, rounded as they are to be read.
        caption: under the table.
        bold: cells that stand out, as (row, column) from 0.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    bold: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        wrong = [len(row) for row in self.rows if len(row) != len(self.header)]
        if not self.header or wrong:
            raise ValueError(f"every row must have {len(self.header)} cells like its header, got one of {wrong}")


Part = Chart | Picture | Table


@dataclass(frozen=True)
class Section:
    """A heading, what is said, what is shown. The heading may be ""."""

    heading: str
    text: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class ReportModel:
    """A model that the report is about.

    Attributes:
        name: of its checkpoint.
        title: in words.
        digest: content hash of weights, configuration and latents.
        commands: that reproduce it, training first.
    """

    name: str
    title: str
    digest: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """A whole report.

    Attributes:
        title: heading of the file.
        sections: in their order.
        models: what it is about.
        address: of the view, "" where it has none.
        made: date and time, "" where they are not to be told.
        versions: of the packages that drew it, by name.
    """

    title: str
    sections: tuple[Section, ...]
    models: tuple[ReportModel, ...] = ()
    address: str = ""
    made: str = ""
    versions: dict[str, str] = field(default_factory=dict)


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that a report is drawn with."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def table_of_csv(text: str, *, caption: str = "", most: int = 60, widest: int = 18) -> Table | None:
    """A table of comma-separated values under a header line, numbers with five significant digits.

    Args:
        text: as ``core.tables`` writes it.
        caption: under the table.
        most: rows; a larger table belongs into a file of its own.
        widest: columns.

    Returns:
        The table, None where it is larger or has no rows.
    """
    header, *rows = csv.reader(io.StringIO(text))
    if not rows or len(rows) > most or len(header) > widest:
        return None
    return Table(tuple(header), tuple(tuple(_short(cell) for cell in row) for row in rows), caption)


def _short(cell: str) -> str:
    """A number with many digits rounded; anything else as it is."""
    try:
        value = float(cell)
    except ValueError:
        return cell
    digits = cell.lstrip("-").replace(".", "").lstrip("0")
    return cell if len(digits) <= 6 else f"{value:.5g}"
