"""AppTest on the shell, over a folder of small checkpoints of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import flow_timing_file, jobs, prior_bill_file
from core.figures import kept
from pages._ui import cache_store
from tests.checked_figures import figures_are_what_plotly_makes  # noqa: F401  # for every test of this folder
from tests.once import made_once
from tests.pages.addresses import deep_link
from tests.pages.zoo import fill


@pytest.fixture(autouse=True)
def nobody_changes_what_is_kept() -> Iterator[None]:
    """All sessions get the same answer: whoever wrote into it would change the pages of all others."""
    made: list[tuple[Any, bytes]] = []

    def look(answer: Any) -> None:
        with suppress(TypeError):  # a model, a view: not a value
            made.append((answer, content(answer)))

    cache_store.inspectors.append(look)
    yield
    cache_store.inspectors.remove(look)
    assert [answer for answer, before in made if content(answer) != before] == []


def content(answer: Any) -> bytes:
    """Digest of an answer as it is now: ``content_key`` reads a record only once."""
    kept._told.clear()
    return kept.content_key(answer)


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One checkpoint of each prior and of each unusual kind, and two broken ones."""
    return made_once(tmp_path_factory, "checkpoints", fill)


@pytest.fixture
def open_page(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open a page by name, with query parameters, as a deep link would.

    ``root`` is another folder of checkpoints; ``warm`` keeps what earlier pages have calculated, as a server does.
    """

    def opened(page: str, root: Path | None = None, *, warm: bool = False, **query: str | list[str]) -> AppTest:
        monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(root or zoo))
        monkeypatch.setenv("PRIORSCOPE_JOBS", str(zoo / ".jobs"))
        if not warm:
            cache_store.clear()
        return deep_link(page, query)

    return opened


@pytest.fixture
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No model, no job, no upload."""
    for name in ("CHECKPOINTS", "JOBS", "UPLOADS"):
        monkeypatch.setenv(f"PRIORSCOPE_{name}", str(tmp_path / name.lower()))
    return tmp_path


@pytest.fixture
def open_own(own_place: Path) -> Callable[..., AppTest]:
    def opened(page: str = "train", **query: str | list[str]) -> AppTest:
        cache_store.clear()
        return deep_link(page, query)

    return opened


@pytest.fixture
def submitted_jobs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been started."""
    found: list[list[str]] = []

    def submit(arguments: list[str]) -> str:
        found.append(list(arguments))
        return jobs.job_id(arguments)

    monkeypatch.setattr("core.jobs.submit", submit)
    return found


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No model, no job, no run, not even a shipped one."""
    for name in ("CHECKPOINTS", "JOBS", "TIMINGS"):
        monkeypatch.setenv(f"PRIORSCOPE_{name}", str(tmp_path / name.lower()))
    for module in (flow_timing_file, prior_bill_file):
        monkeypatch.setattr(module.STORE, "shipped", tmp_path / "shipped" / f"{module.STORE.kind}.json")
    return tmp_path


@pytest.fixture
def open_timing(bare: Path) -> Callable[..., AppTest]:
    """The page Flow timing as a deep link opens it."""

    def opened(**query: str | list[str]) -> AppTest:
        cache_store.clear()
        return deep_link("flow_timing", query)

    return opened
