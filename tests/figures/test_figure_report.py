"""A report as one file: complete, self-contained, the same for the same input, and safe whatever the names are."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs
from streamlit.elements.lib.streamlit_plotly_theme import GRAY_90

from core.figures import theme
from core.figures.report_page import WEBGL_POINTS, report_html
from core.figures.report_words import prose
from core.report import Chart, Picture, Report, ReportModel, Section, Table

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)> javascript:alert(3) </title> ]]> `x` & 'y'"


def figure(points: int = 3, kind: str = "scatter") -> go.Figure:
    x = np.arange(points, dtype=np.float32)
    return go.Figure([{"type": kind, "x": x, "y": x}], {"height": 300, "title": {"text": HOSTILE}})


def report(text: str = "plain", charts: tuple[go.Figure, ...] = (figure(),)) -> Report:
    parts = (
        *(Chart(one, f"caption {text}", f"alt {text}") for one in charts),
        Picture(np.zeros((4, 6, 3), np.uint8), f"told {text}", f"seen {text}"),
        Table((f"head {text}", "b"), ((f"cell {text}", "2"),), f"under {text}", ((0, 1),)),
    )
    return Report(
        f"title {text}",
        (Section(f"heading {text}", f"words {text}\n\n- item {text}", parts), Section("", "last")),
        models=(ReportModel(f"name {text}", f"model {text}", f"digest {text}", (f"command {text}",)),),
        address="http://127.0.0.1:8501/compare?models=a&models=b",
        made="2026-01-01 00:00 UTC",
        versions={"torch": f"1 {text}"},
    )


class Reader(HTMLParser):
    """Tags with their attributes, and the text outside of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words, self._inside = "", ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def unpacked(html: str, name: str) -> str:
    found = re.search(rf'id="{name}">([^<]+)<', html)
    assert found is not None
    return gzip.decompress(base64.b64decode(found[1])).decode()


def test_everything_is_in_the_file() -> None:
    html = report_html(report())
    read = Reader(html)
    for words in ("title", "heading", "words", "item", "caption", "alt", "told", "head", "cell", "under", "name"):
        assert f"{words} plain" in read.words, words
    for words in ("model", "digest", "command", "1"):
        assert f"{words} plain" in read.words, words
    assert "2026-01-01 00:00 UTC" in read.words and "compare?models=a&models=b" in read.words
    assert [tag["aria-label"] for tag in read.all("div") if tag.get("class") == "chart"] == ["alt plain"]
    assert read.all("img")[0]["alt"] == "seen plain"
    assert "<strong>2</strong>" in html and "prefers-color-scheme: dark" in html and "@media print" in html


def test_the_library_is_there_once_and_the_figures_whole() -> None:
    html = report_html(report(charts=(figure(), figure(5))))
    assert html.count('id="library"') == 1
    assert unpacked(html, "library") == get_plotlyjs()
    content = json.loads(unpacked(html, "figures"))
    assert [one["layout"]["height"] for one in content] == [300, 300]
    assert "template" not in content[0]["layout"]
    x = content[1]["data"][0]["x"]
    assert np.frombuffer(base64.b64decode(x["bdata"]), x["dtype"]).tolist() == [0, 1, 2, 3, 4]


def test_without_charts_there_is_no_script() -> None:
    html = report_html(Report("t", (Section("h", "w"),)))
    assert "<script" not in html and len(html) < 6000


def test_the_text_of_figures_takes_the_ink_of_the_look() -> None:
    """The colour that stands for the theme's text is known to Streamlit's front end, and to this script."""
    assert theme.TEXT == GRAY_90
    html = report_html(report())
    assert f"replaceAll('\"{theme.TEXT}\"', JSON.stringify(ink(paper)))" in html


def test_the_file_is_small() -> None:
    assert len(report_html(report()).encode()) < 2.5e6


def test_the_same_report_is_the_same_file() -> None:
    assert report_html(report()) == report_html(report())


def test_nothing_in_the_file_comes_from_elsewhere() -> None:
    html = report_html(report())
    read = Reader(html)
    places = [
        value or "" for _, attributes in read.tags for name, value in attributes.items() if name in ("src", "href")
    ]
    assert [place for place in places if not place.startswith("data:image/png;base64,")] == [report().address]
    assert (
        re.findall(r"https?://[^\s\"'<&?]+", re.sub(r'<script type="text/plain".*?</script>', "", html))
        == ["http://127.0.0.1:8501/compare"] * 2
    )
    assert "url(" not in html and "@import" not in html and not read.all("link")


def test_the_policy_names_the_two_scripts_and_nothing_else() -> None:
    html = report_html(report())
    policy = next(tag["content"] for tag in Reader(html).all("meta") if "http-equiv" in tag) or ""
    own = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert own is not None
    expected = {
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in (own[1], get_plotlyjs())
    }
    sources = re.search(r"script-src ([^;]*);", policy)
    assert sources is not None and set(sources[1].split()) == {"'unsafe-eval'"} | expected
    assert "default-src 'none'" in policy and "http" not in policy


def test_hostile_names_are_text() -> None:
    plain, hostile = Reader(report_html(report())), Reader(report_html(report(HOSTILE)))
    assert [tag for tag, _ in hostile.tags if tag != "code"] == [tag for tag, _ in plain.tags if tag != "code"]
    assert not [name for _, attributes in hostile.tags for name in attributes if name.startswith("on")]
    assert hostile.words.count("<script>alert(1)</script>") >= 12
    bad = Report("t", (), address=f"javascript:{HOSTILE}")
    assert not Reader(report_html(bad)).all("a")


def test_points_are_vectors_unless_there_are_very_many() -> None:
    few, many = figure(WEBGL_POINTS, "scattergl"), figure(WEBGL_POINTS + 1, "scattergl")
    content = json.loads(unpacked(report_html(report(charts=(few, many))), "figures"))
    assert [one["data"][0]["type"] for one in content] == ["scatter", "scattergl"]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("a\nb", "<p>a b</p>"),
        ("a\n- b\n- **c**", "<p>a</p>\n<ul>\n<li>b</li>\n<li><strong>c</strong></li>\n</ul>"),
        ("`**x**` <i>", "<p><code>**x**</code> &lt;i&gt;</p>"),
        ("*as here* 2 * 3 * 4 a*b*c", "<p><em>as here</em> 2 * 3 * 4 a*b*c</p>"),
    ],
)
def test_prose(text: str, html: str) -> None:
    assert prose(text) == html
