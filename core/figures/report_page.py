"""A report as one HTML file that needs nothing else: no server, no other host, no font, no library beside it.

plotly.js (4.8 MB) and the figures' numbers stand in the file once, compressed; the browser unpacks them when it is
opened. A content security policy forbids every request and every script but the two whose hashes it names, so that not
even a mistake in the escaping of names could run anything.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from html import escape
from typing import Any

from plotly.offline import get_plotlyjs

from core.figures.images import data_uri
from core.figures.report_look import LOADER, STYLE
from core.figures.report_words import code, inline, prose
from core.report import Chart, Part, Picture, Report, ReportModel, Section, Table

WEBGL_POINTS = 10_000
"""Points of a figure up to which they are drawn as vectors: a browser has few WebGL contexts, and paper has none."""


def report_html(report: Report) -> str:
    """The whole file. The same report gives the same bytes.

    Args:
        report: what it holds.

    Returns:
        HTML, to be stored in UTF-8.
    """
    charts: list[Chart] = []
    body = [_head(report)] + [_section(section, charts) for section in report.sections]
    body += [_models(report.models), _versions(report.versions)]
    library = get_plotlyjs()
    figures = json.dumps([_figure(chart.figure) for chart in charts], separators=(",", ":"), sort_keys=True)
    policy = (
        f"default-src 'none'; script-src 'unsafe-eval' {_hash(LOADER)} {_hash(library)}; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )
    packed = [_packed("library", library), _packed("figures", figures)] if charts else []
    script = f"<script>{LOADER}</script>" if charts else ""
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(report.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
            *filter(None, body),
            "</main>",
            *packed,
            f"{script}\n</body>\n</html>\n",
        ]
    )


def _head(report: Report) -> str:
    """Title, date, the address of the view."""
    told = [escape(report.made)] if report.made else []
    if report.address:
        told.append(f"the view: {_link(report.address)}")
    told.append("Priorscope")
    script = (
        '<noscript><p class="warning">The figures of this file need JavaScript; words and tables do not.</p></noscript>'
    )
    return f'<h1>{escape(report.title)}</h1>\n<p class="note">{" · ".join(told)}</p>\n{script}'


def _link(address: str) -> str:
    words = f"<code>{escape(address)}</code>"
    http = address.startswith(("http://", "https://"))
    return f'<a href="{escape(address)}" rel="noreferrer">{words}</a>' if http else words


def _section(section: Section, charts: list[Chart]) -> str:
    heading = f"<h2>{inline(section.heading)}</h2>\n" if section.heading else ""
    parts = "\n".join(_part(part, charts) for part in section.parts)
    return f"<section>\n{heading}{prose(section.text)}\n{parts}\n</section>"


def _part(part: Part, charts: list[Chart]) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Picture):
        height, width = part.pixels.shape[:2]
        size = f'width="{width}" height="{height}"'
        shown = f'<img src="{data_uri(part.pixels)}" {size} alt="{escape(part.alt)}">'
        return f"<figure>\n{shown}\n<figcaption>{inline(part.caption)}</figcaption>\n</figure>"
    charts.append(part)
    height = part.figure.to_dict()["layout"].get("height") or 450
    shown = (
        f'<div class="chart" id="chart-{len(charts)}" role="img" aria-label="{escape(part.alt)}" '
        f'style="min-height:{float(height):.0f}px"></div>'
    )
    said = f"<p>{inline(part.alt)}</p>" if part.alt else ""
    return f"<figure>\n{shown}\n<figcaption>{said}{inline(part.caption)}</figcaption>\n</figure>"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{inline(name)}</th>' for name in table.header)
    bold = set(table.bold)
    lines = []
    for i, row in enumerate(table.rows):
        cells = [f"<strong>{inline(cell)}</strong>" if (i, j) in bold else inline(cell) for j, cell in enumerate(row)]
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    caption = f"<figcaption>{inline(table.caption)}</figcaption>" if table.caption else ""
    rows = "\n".join(lines)
    return (
        '<figure class="wide"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>\n{caption}</figure>"
    )


def _models(models: tuple[ReportModel, ...]) -> str:
    """Each model with its digest and the commands that reproduce it."""
    if not models:
        return ""
    blocks = []
    for model in models:
        commands = code("\n".join(model.commands)) if model.commands else ""
        digest = f" digest <code>{escape(model.digest)}</code>" if model.digest else ""
        blocks.append(
            f"<p><strong>{escape(model.title)}</strong>: checkpoint <code>{escape(model.name)}</code>,{digest}</p>"
            f"\n{commands}"
        )
    return "<section>\n<h2>The models</h2>\n" + "\n".join(blocks) + "\n</section>"


def _versions(versions: dict[str, str]) -> str:
    if not versions:
        return ""
    told = ", ".join(f"{escape(name)} {escape(number)}" for name, number in versions.items())
    return f'<section>\n<h2>Drawn with</h2>\n<p class="note">{told}</p>\n</section>'


def _figure(figure: Any) -> dict[str, Any]:
    """A figure as plotly.js takes it: without a template, since the page sets the colours of text and grid."""
    content = json.loads(figure.to_json())
    layout = {name: value for name, value in content["layout"].items() if name not in ("template", "width")}
    traces = [trace | {"type": trace.get("type", "scatter")} for trace in content["data"]]
    if sum(_points(trace) for trace in traces if trace["type"] == "scattergl") <= WEBGL_POINTS:
        traces = [trace | {"type": "scatter"} if trace["type"] == "scattergl" else trace for trace in traces]
    return {"data": traces, "layout": layout, "frames": content.get("frames", [])}


def _points(trace: dict[str, Any]) -> int:
    """Number of points: of a list, or of an array as plotly writes it."""
    x = trace.get("x", ())
    if isinstance(x, dict):
        return len(x["bdata"]) * 3 // 4 // int(x["dtype"][-1])
    return len(x)


def _packed(name: str, text: str) -> str:
    """A block of data that the page unpacks; ``mtime`` 0 keeps the bytes the same."""
    packed = base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")
    return f'<script type="text/plain" id="{name}">{packed}</script>'


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}'"
