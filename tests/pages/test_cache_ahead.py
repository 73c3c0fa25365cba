"""What is made ahead: once each, when nobody draws, and never instead of what a session asks for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from pages._ui import cache_ahead as module
from pages._ui import cache_store
from pages._ui.cache_ahead import Ahead
from pages._ui.cache_store import kept
from pages._ui.turns import Turns


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    made = Turns(1e6, 1e6)
    monkeypatch.setattr(cache_store, "turns", made)
    monkeypatch.setattr(cache_store, "_kept", {})
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    return made


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_it_is_made_once_nobody_draws_any_more(turns: Turns) -> None:
    made: list[int] = []

    @kept(8)
    def answer(number: int) -> int:
        made.append(number)
        return number

    queue = Ahead(turns)
    queue.start()
    with turns.taken():
        for number in (3, 4, 3):
            queue.ask(answer, number)
        time.sleep(0.1)
        assert not made and queue.waiting() == 2, "a session draws: it goes first"
    until(lambda: made == [3, 4])
    assert answer(3) == 3 and made == [3, 4], "a click finds it there"
    queue.ask(answer, 4)
    assert queue.waiting() == 0, "what is there is not asked for"


def test_a_session_that_calculates_goes_first(turns: Turns) -> None:
    made: list[int] = []
    answer = kept(8)(made.append)
    queue = Ahead(turns)
    queue.start()
    with turns.taken():
        with turns.beside():
            queue.ask(answer, 1)
            time.sleep(0.1)
            assert not made
        assert not turns.idle()
    until(lambda: made == [1])


def test_what_was_asked_for_first_is_given_up(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    made: list[int] = []
    answer = kept(8)(made.append)
    queue = Ahead(turns)
    queue.start()
    with turns.taken():
        for number in range(6):
            queue.ask(answer, number)
    until(lambda: len(made) == 3)
    assert made == [3, 4, 5]


def test_what_cannot_be_made_is_logged_and_the_next_is_made(turns: Turns, caplog: pytest.LogCaptureFixture) -> None:
    made: list[int] = []

    @kept(8)
    def answer(number: int) -> None:
        if not number:
            raise ValueError("no such image")
        made.append(number)

    queue = Ahead(turns)
    queue.start()
    with caplog.at_level(logging.WARNING), turns.taken():
        queue.ask(answer, 0)
        queue.ask(answer, 1)
    until(lambda: made == [1])
    assert "Not made ahead: answer(0,)" in caplog.text and "no such image" in caplog.text
    with turns.taken():
        queue.ask(answer, 0)
        assert queue.waiting() == 0, "a page asks at each of its runs"


def test_nothing_is_made_ahead_where_no_server_runs(turns: Turns) -> None:
    queue = Ahead(turns)
    queue.ask(kept(8)(len), "abc")
    assert queue.waiting() == 0
