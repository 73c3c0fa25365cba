"""Addresses of any content, on every page: never an exception, and what cannot be followed is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pages._ui.address import OPTIONS, same
from tests.pages.addresses import PAGES, Open, arriving, said, widgets

MODELS = ("recorded", "three-d", "maf", "latents-pictures", "posterior-iaf", "broken-config", "../x", "nope")
NASTY = (
    "", "0", "-1", "1", "7", "1e9", "1e400", "-0.0", "nan", "inf", "true", "FALSE", "None", "[]", "{}", "0x10", "１２",
    "9" * 400, "../../etc/passwd", "..%2f", "\0", "\n", "a\nb", "<script>alert(1)</script>", "[x](javascript:y)", "$x$",
    "`x`", "`" * 50, "%", "%00", "' OR 1=1 --", "${jndi:ldap://x}", "\u202eevil", "\U0001f4a3", "x" * 5000,
    "-1 1 -1 1", "1 1 1 1", "0,0 1,1 2,0", "1e9,1e9 0,0 1,0", "nan,nan 0,0 1,1", ",", " ".join(["1,2"] * 200),
)  # fmt: skip
VALUES = st.one_of(st.sampled_from(NASTY), st.text(max_size=30), st.integers().map(str), st.floats().map(str))
COMMON: dict[str, Any] = {
    "deadline": None, "derandomize": True, "database": None, "suppress_health_check": list(HealthCheck),
    "phases": (Phase.explicit, Phase.generate),
}  # fmt: skip

_names: dict[str, list[str]] = {}


@pytest.fixture
def arrive(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setenv("PRIORSCOPE_UPLOADS", str(zoo / ".uploads"))
    return arriving(zoo, monkeypatch)


def names_of(arrive: Open, page: str) -> list[str]:
    """Names that the address of a page may hold, those that only some views have included."""
    if page not in _names:
        views = ({"models": ["recorded"]}, {"models": ["three-d"], "view": "Pair of dimensions", "again": "true"})
        found = {widget.bound for view in views for widget in widgets(arrive(page, **view)) if widget.bound}
        _names[page] = sorted({*found, "show", "epoch", "unknown"} - {"models"})
    return _names[page]


def check(arrive: Open, page: str, data: st.DataObject) -> None:
    names = names_of(arrive, page)
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=8, unique=True))
    query: dict[str, Any] = {name: data.draw(VALUES) for name in chosen}
    query["models"] = data.draw(st.lists(st.sampled_from(MODELS), max_size=3))
    app = arrive(page, **query)
    assert not app.exception, (page, query, app.exception[0].value)
    words = said(app).replace("´", "`")
    for name, value in query.items():
        if name in app.session_state and name in names and name != "show":
            held = app.session_state[name]
            followed = same([value], held, OPTIONS.get(name)) or str(held) == value
            assert followed or f"{name}=" in words, (page, name, value, held)


@pytest.mark.parametrize("page", ["prior_vs_posterior", "pseudo_inputs", "train"])
@settings(max_examples=6, **COMMON)
@given(data=st.data())
def test_an_address_of_any_content(arrive: Open, page: str, data: st.DataObject) -> None:
    check(arrive, page, data)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("page", PAGES)
@settings(max_examples=100, **COMMON)
@given(data=st.data())
def test_addresses_of_any_content_on_every_page(arrive: Open, page: str, data: st.DataObject) -> None:
    check(arrive, page, data)
