"""Where a login is set up, nobody who has not logged in, or who may not look, is sent anything of the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from pages._ui.login import permitted
from tests.pages.addresses import PAGES, SHELL, nodes, said
from tests.pages.zoo import tiny_data, trained

AUTH = {"redirect_uri": "http://localhost:8501/oauth2callback", "cookie_secret": "x" * 32, "client_id": "me",
        "client_secret": "secret", "server_metadata_url": "http://127.0.0.1:1/.well-known"}  # fmt: skip
ACCESS = {"emails": ["ada@example.com"], "domains": ["uni.example"]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkpoints")
    trained(root, "a-secret-model", "standard", tiny_data())
    return root


@pytest.fixture
def visit(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def visited(page: str, user: dict[str, Any] | None, **secrets: Any) -> AppTest:
        monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(root))
        app = AppTest.from_file(str(SHELL), default_timeout=60)
        app._page_hash = calc_hash("" if page == PAGES[0] else page)
        app.query_params["models"] = "a-secret-model"
        for name, value in secrets.items():
            app.secrets[name] = value
        if user is not None:
            app.user = user
        return app.run()

    return visited


def shows_nothing(app: AppTest) -> bool:
    """Title, sentence and one button, and nothing that names a model."""
    elements = [node.type for node in nodes(app._tree) if hasattr(node, "proto") and node.type in SEEN]
    return (
        not app.exception
        and "a-secret-model" not in str(app._tree)
        and set(elements) <= {"title", "markdown", "button"}
    )


SEEN = (
    "title",
    "header",
    "markdown",
    "caption",
    "button",
    "multiselect",
    "plotly_chart",
    "imgs",
    "table",
    "info",
    "text",
)


@pytest.mark.parametrize("page", PAGES)
def test_a_visitor_who_has_not_logged_in_sees_nothing(page: str, visit: Any) -> None:
    for user in (None, {"is_logged_in": False}):
        app = visit(page, user, auth=AUTH)
        assert shows_nothing(app) and [button.label for button in app.button] == ["Log in"]
        assert not app.sidebar.children, "no name of a page or a model"


def test_who_has_logged_in_sees_the_page_and_can_log_out(visit: Any) -> None:
    app = visit("home", {"is_logged_in": True, "email": "anybody@example.org"}, auth=AUTH)
    assert not shows_nothing(app) and "Log out" in [button.label for button in app.button]


def test_only_those_on_the_list_may_look(visit: Any) -> None:
    for email in ("ada@example.com", "x@uni.example"):
        assert not shows_nothing(
            visit("home", {"is_logged_in": True, "email": email, "email_verified": True}, auth=AUTH, access=ACCESS)
        )
    app = visit(
        "home",
        {"is_logged_in": True, "email": "[x](http://e)@evil.example", "email_verified": True},
        auth=AUTH,
        access=ACCESS,
    )
    assert shows_nothing(app) and "may not look" in said(app) and "[x](" not in said(app)
    assert [button.label for button in app.button] == ["Log out"]


@pytest.mark.parametrize(
    ("user", "may"),
    [
        ({"email": "ada@example.com"}, True),
        ({"email": "ADA@EXAMPLE.COM"}, True),
        ({"email": "x@uni.example"}, True),
        ({"email": "x@uni.example", "email_verified": "true"}, True),
        ({"email": "x@uni.example", "email_verified": False}, False),
        ({"email": "x@uni.example", "email_verified": "false"}, False),
        ({"email": "x@not-uni.example"}, False),
        ({"email": "x@uni.example.evil.org"}, False),
        ({"email": "x@evil.org@uni.example"}, False),
        ({"email": ""}, False),
        ({}, False),
    ],
)
def test_who_is_permitted(user: dict[str, Any], may: bool) -> None:
    told = {"email_verified": True, **user}
    assert permitted(told, ACCESS) is may
    assert permitted(user, {})
    if "email_verified" not in user:
        assert not permitted(user, ACCESS), "an address that nobody has verified may be anybody's"
        assert permitted(user, {**ACCESS, "trust_email": True}) is may


def test_without_secrets_there_is_no_login(visit: Any) -> None:
    app = visit("home", None)
    assert not shows_nothing(app) and "Log out" not in [button.label for button in app.button]
    assert not shows_nothing(visit("home", None, other={"key": "value"}))


def test_secrets_that_cannot_be_read_let_nobody_in(visit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the pen in secrets.toml must not open the door."""
    (tmp_path / "secrets.toml").write_text("[auth\nclient_id = ")
    real = st.get_option
    files = [str(tmp_path / "secrets.toml")]
    monkeypatch.setattr(st, "get_option", lambda name: files if name == "secrets.files" else real(name))

    class Unreadable:
        def __iter__(self) -> Any:
            raise StreamlitSecretNotFoundError("cannot be parsed")

        keys = __iter__

    monkeypatch.setattr(st, "secrets", Unreadable())
    app = visit("home", {"is_logged_in": True, "email": "ada@example.com"})
    assert shows_nothing(app) and "nobody is let in" in said(app) and not app.button
