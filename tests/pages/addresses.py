"""Opening a page as a deep link does, and what stands on it: widgets with their binding, charts, downloads."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

SHELL = Path(__file__).resolve().parents[2] / "pages" / "_shell.py"
Open = Callable[..., AppTest]


def listed_pages() -> list[str]:
    """Names of all pages in the navigation, read without running it."""
    for node in ast.parse(SHELL.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGES":
            return [row[1].removesuffix(".py") for row in ast.literal_eval(node.value)]
    raise AssertionError("pages/_shell.py has no table PAGES")


PAGES = listed_pages()


@dataclass(frozen=True)
class Widget:
    """Something that a person can set.

    Attributes:
        kind: of element.
        key: given to it; "" for none.
        bound: name in the address; "" for none.
    """

    kind: str
    key: str
    bound: str


def widgets(app: AppTest) -> list[Widget]:
    """Every element of a page that has an identity, containers that report whether they are open included."""
    found = []
    for node in nodes(app._tree):
        proto: Any = getattr(node, "proto", None)
        inner: Any = getattr(proto, proto.WhichOneof("type"), None) if _is_block(proto) else proto
        if getattr(inner, "id", ""):
            key = inner.id.split("-", 2)[2] if inner.id.count("-") > 1 else ""
            found.append(Widget(node.type, "" if key == "None" else key, getattr(inner, "query_param_key", "")))
    return found


def nodes(tree: Any) -> Iterator[Any]:
    """Every container and element in the order of the page."""
    for child in getattr(tree, "children", {}).values():
        yield child
        yield from nodes(child)


def _is_block(proto: Any) -> bool:
    return proto is not None and proto.DESCRIPTOR.name == "Block" and proto.WhichOneof("type") is not None


def said(app: AppTest) -> str:
    """All words of a page."""
    kinds = ("markdown", "caption", "warning", "info", "error", "text")
    return " ".join(getattr(element, "value", "") for kind in kinds for element in app.get(kind))


def deep_link(page: str, query: dict[str, str | list[str]]) -> AppTest:
    """The page of that name as the first one of its session, with what its address says."""
    app = AppTest.from_file(str(SHELL), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app._page_hash = calc_hash("" if page == PAGES[0] else page)
    return app.run()


def arriving(root: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """A function that opens a page by name as the first of its session: ``opened("home", seed="3", models=[...])``."""

    def opened(page: str, **query: str | list[str]) -> AppTest:
        monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(root))
        monkeypatch.setenv("PRIORSCOPE_JOBS", str(root / ".jobs"))
        return deep_link(page, query)

    return opened
