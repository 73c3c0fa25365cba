"""Checkpoints that are deleted, replaced or damaged while a page shows them: the page says so, and nothing breaks."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import checkpoint, checkpoint_list
from core.checkpoint_list import list_checkpoints
from core.errors import CheckpointError
from pages._ui import cache_store
from tests.pages.addresses import PAGES, Open, arriving, said

QUICK = ("home", "prior_vs_posterior", "model_card")
EVENTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "deleted": (lambda root: shutil.rmtree(root / "vamp"), "not in the folder any more"),
    "replaced": (lambda root: _replace(root), "replaced by another one"),
    "damaged": (lambda root: (root / "vamp" / "config.json").write_text("{"), "cannot be used any more"),
    "all gone": (lambda root: shutil.rmtree(root), "not in the folder any more"),
}


def _replace(root: Path) -> None:
    shutil.rmtree(root / "vamp")
    shutil.copytree(root / "iaf", root / "vamp")


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    cache_store.clear()
    return Path(shutil.copytree(whole, tmp_path / "root"))


@pytest.fixture
def arrive(root: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    return arriving(root, monkeypatch)


def told(app: AppTest) -> str:
    assert not app.exception
    return said(app).replace("\\", "")


@pytest.mark.parametrize("event", EVENTS)
def test_the_page_says_what_became_of_its_model(event: str, root: Path, arrive: Open) -> None:
    app = arrive("prior_vs_posterior", models="vamp")
    happens, words = EVENTS[event]
    assert words not in told(app)
    happens(root)
    assert words in told(app.run())
    assert words not in told(app.run()), "once"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("event", EVENTS)
def test_every_page_says_what_became_of_its_model(page: str, event: str, root: Path, arrive: Open) -> None:
    app = arrive(page, models="vamp")
    EVENTS[event][0](root)
    assert EVENTS[event][1] in told(app.run())


@pytest.mark.parametrize("page", QUICK)
def test_one_that_goes_between_the_list_and_its_reading_is_told(
    page: str, arrive: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(page, models="vamp")  # the list is known from here on
    cache_store.clear()

    def gone(*_: object, **__: object) -> None:
        raise CheckpointError("config.json cannot be read: FileNotFoundError")

    monkeypatch.setattr(checkpoint, "load", gone)
    monkeypatch.setattr("core.model_card.load", gone)
    app = arrive(page, models="vamp")
    assert "config.json cannot be read" in told(app)
    monkeypatch.undo()
    monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", os.environ.get("PRIORSCOPE_CHECKPOINTS", ""))


def test_metrics_that_only_the_card_reads_are_told(root: Path, arrive: Open) -> None:
    file = root / "vamp" / "metrics.json"
    content = json.loads(file.read_text())
    content["training"] = {"curve": [{"epoch": "many"}]}
    file.write_text(json.dumps(content))
    assert "training curve must be a list" in told(arrive("model_card", models="vamp"))


def test_a_folder_that_nobody_may_look_into_is_no_traceback(
    root: Path, arrive: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def refuse(path: object) -> object:
        if path == root:
            raise PermissionError(13, "Permission denied")
        return real(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", refuse)
    assert "not to be read: ［Errno 13］ Permission denied" in told(arrive("home"))


def test_one_folder_that_nobody_thought_of_takes_no_other_away(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = checkpoint.load

    def surprise(path: Path, *more: object) -> object:
        if Path(path).name == "iaf":
            raise ZeroDivisionError("nobody thought of that")
        return real(path, *more)

    monkeypatch.setattr(checkpoint_list, "load", surprise)
    checkpoint_list.forget()
    found = {info.name: info.error for info in list_checkpoints(whole)}
    checkpoint_list.forget()
    assert found == {"iaf": "cannot be used: ZeroDivisionError: nobody thought of that", "latents": None, "vamp": None}
