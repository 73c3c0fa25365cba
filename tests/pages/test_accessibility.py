"""Whatever a page shows as a picture, a chart or a table is told in words too, with every section of it open."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.addresses import PAGES, Open, arriving, nodes

OPEN = {"null": "true", "lineup": "true", "again": "true", "everyone": "true", "t_more": "true", "z1": "0", "z2": "0"}
REGION = {"region": "-1 1 -1 1", "k2": "2", "row": "3"}
VIEWS: tuple[dict[str, Any], ...] = (
    {"models": ["recorded", "standard"], **OPEN},
    {"models": ["three-d"], "view": "Pair of dimensions", **REGION},
    {"models": ["posterior-iaf"], **OPEN},
    {"models": ["latents-pictures"], **OPEN, **REGION},
)
"""Between them: pseudo-inputs and snapshots, a ladder, many dimensions, a flow posterior, latents without a model."""
SHOWN = ("plotly_chart", "image", "table", "dataframe")
DRAWING = ("plotly_chart", "image", "table", "dataframe", "data_editor", "line_chart", "pyplot", "altair_chart")
ROOT = Path(__file__).resolve().parents[2]
LEAST = 25
"""Characters that tell more than a title does."""


@pytest.fixture
def arrive(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    return arriving(zoo, monkeypatch)


def untold(app: AppTest) -> Iterator[str]:
    """What is shown without words of its own."""
    headings = {element.value for kind in ("title", "header", "subheader") for element in getattr(app, kind)}
    for node in nodes(app._tree):
        if node.type in SHOWN:
            for text in _alternatives(node):
                if text in headings or len(text) < LEAST or " " not in text.strip():
                    yield f"{node.type}: {text!r}"


def _alternatives(node: Any) -> list[str]:
    if node.type == "image":
        return [image.alt for image in node.proto.imgs]
    return [node.proto.alt]


def without_caption(app: AppTest) -> list[str]:
    """Charts after which neither a caption nor another chart that shares it follows before the next heading."""
    missing: list[str] = []
    waiting: list[str] = []
    for node in nodes(app._tree):
        if node.type == "plotly_chart":
            waiting.append(node.proto.alt[:60])
        elif node.type == "caption":
            waiting = []
        elif node.type == "heading" or getattr(node, "tag", "") in ("h1", "h2"):
            missing, waiting = missing + waiting, []
    return missing + waiting


def heading_levels(app: AppTest) -> list[int]:
    return [int(node.tag[1]) for node in nodes(app._tree) if re.fullmatch("h[1-6]", str(getattr(node, "tag", "")))]


@pytest.mark.parametrize("page", PAGES)
def test_whatever_is_shown_is_told(arrive: Open, page: str) -> None:
    for view in VIEWS:
        app = arrive(page, **view)
        assert not app.exception, view
        assert not list(untold(app)), view
        assert not without_caption(app), view
        levels = heading_levels(app)
        assert levels.count(1) == 1 and levels[0] == 1, "one title, before everything"
        assert all(below <= above + 1 for above, below in pairwise(levels)), levels


def test_each_kind_of_thing_was_met(arrive: Open) -> None:
    """Or the walk would hold nothing to anything."""
    met = {node.type for page in ("model_card", "flow_timing") for node in nodes(arrive(page, models="vamp")._tree)}
    assert set(SHOWN) <= met, sorted(met)


def drawn_without_words(source: str) -> list[str]:
    """Calls that put a picture, a chart or a table on a page and name no text for it."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [
        ast.unparse(call.func)
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in DRAWING
        and not any(keyword.arg == "alt" for keyword in call.keywords)
        and not ast.unparse(call.func).startswith(("cache", "charts.", "posterior.", "compare"))
    ]  # fmt: skip


def test_no_page_draws_anything_without_words() -> None:
    sources = {file: file.read_text(encoding="utf-8") for file in (ROOT / "pages").rglob("*.py")}
    assert not {file.name: found for file, text in sources.items() if (found := drawn_without_words(text))}
    drawing = [file.name for file, text in sources.items() if ".plotly_chart(" in text]
    assert drawing == ["charts.py"], "the one place that every chart goes through"
    assert drawn_without_words("column.image(x)\nst.dataframe(rows, hide_index=True)") == [
        "column.image",
        "st.dataframe",
    ]
