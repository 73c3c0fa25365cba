"""Turns: one session draws at a time, whoever lasts long holds nobody up, and no two wait for each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui import cache_store
from pages._ui import turns as module
from pages._ui.cache_store import kept
from pages._ui.turns import Turns

NEVER = 1e6


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """Those of the server, where nobody's turn ever ends but by itself: whoever waits for another waits for ever."""
    made = Turns(NEVER, NEVER)
    monkeypatch.setattr(module, "turns", made)
    monkeypatch.setattr(cache_store, "turns", made)
    monkeypatch.setattr(cache_store, "_kept", {})
    return made


class Holder:
    """A session in a thread of its own that has its turn until it is let go."""

    def __init__(self, turns: Turns, threads: ThreadPoolExecutor) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.done: Future[None] = threads.submit(self._hold, turns)

    def _hold(self, turns: Turns) -> None:
        with turns.taken():
            self.begun.set()
            assert self.let_go.wait(20)

    def end(self) -> None:
        self.let_go.set()
        self.done.result(20)


def test_one_at_a_time_and_all_of_them(turns: Turns, threads: ThreadPoolExecutor) -> None:
    now, most, done = [], [], []

    def session(number: int) -> None:
        with turns.taken():
            now.append(number)
            most.append(len(now))
            time.sleep(0.002)
            now.remove(number)
        done.append(number)

    list(threads.map(session, range(60)))
    assert set(most) == {1} and sorted(done) == list(range(60))


def test_a_part_of_a_page_that_has_its_turn_does_not_wait(turns: Turns, threads: ThreadPoolExecutor) -> None:
    with turns.taken():
        with turns.taken():
            other = Holder(turns, threads)
        assert not other.begun.wait(0.05), "the page still has its turn when the part has ended"
    assert other.begun.wait(20)
    other.end()


def test_beside_one_that_lasts_long_one_other_goes_on(threads: ThreadPoolExecutor) -> None:
    turns = Turns(0.05, NEVER)
    began = time.monotonic()
    first, second = Holder(turns, threads), Holder(turns, threads)
    assert first.begun.wait(20) and second.begun.wait(20) and time.monotonic() - began >= 0.05
    third = Holder(turns, threads)
    assert not third.begun.wait(0.2), "two at once, not three"
    first.end()
    assert third.begun.wait(20)
    second.end()
    third.end()


def test_two_that_hang_hold_nobody_up_for_ever(threads: ThreadPoolExecutor) -> None:
    turns = Turns(0.01, 0.2)
    hanging = [Holder(turns, threads), Holder(turns, threads)]
    assert all(one.begun.wait(20) for one in hanging)
    others = [Holder(turns, threads) for _ in range(3)]
    assert all(one.begun.wait(20) for one in others)
    for one in hanging + others:
        one.end()
    last = Holder(turns, threads)
    assert last.begun.wait(20)
    last.end()


def test_a_session_that_ends_with_an_error_leaves_its_turn(turns: Turns, threads: ThreadPoolExecutor) -> None:
    with pytest.raises(ZeroDivisionError), turns.taken(), turns.beside():
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), turns.taken(), turns.taken():
        raise ZeroDivisionError
    other = Holder(turns, threads)
    assert other.begun.wait(20)
    other.end()


def test_what_takes_long_holds_nobody_up_and_waits_for_its_turn_after(
    turns: Turns, threads: ThreadPoolExecutor
) -> None:
    with turns.taken():
        with turns.beside():
            other = Holder(turns, threads)
            assert other.begun.wait(20), "another draws while this one calculates"
            threads.submit(time.sleep, 0.1).add_done_callback(lambda _: other.let_go.set())
        assert other.done.done() or other.let_go.is_set(), "it goes on when the other has ended"
        third = Holder(turns, threads)
        assert not third.begun.wait(0.05), "it has the turn again"
    third.end()


def test_one_calculates_at_a_time_with_a_turn_or_without(turns: Turns, threads: ThreadPoolExecutor) -> None:
    now, most = [], []

    def calculate(number: int) -> None:
        with turns.beside():
            now.append(number)
            most.append(len(now))
            time.sleep(0.005)
            now.remove(number)

    def session(number: int) -> None:
        with turns.taken():
            calculate(number)

    list(threads.map(lambda number: (session, calculate)[number % 2](number), range(20)))
    assert most == [1] * 20


def test_whoever_waits_for_the_answer_of_another_leaves_the_turn_to_it(
    turns: Turns, threads: ThreadPoolExecutor
) -> None:
    go, calls = threading.Event(), []

    @kept(8)
    def answer(name: str) -> str:
        with turns.beside():
            calls.append(name)
            assert go.wait(20)
        return name

    def session() -> str:
        with turns.taken():
            return answer("a")

    found = [threads.submit(session) for _ in range(5)]
    other = Holder(turns, threads)
    assert other.begun.wait(20), "five wait for one answer, and another draws"
    other.end()
    go.set()
    assert [one.result(20) for one in found] == ["a"] * 5 and calls == ["a"]


@pytest.mark.parametrize("seed", range(5))
def test_no_two_sessions_wait_for_each_other(turns: Turns, threads: ThreadPoolExecutor, seed: int) -> None:
    """Answers made of answers, calculated beside or not, asked for by sessions at once and in any order."""

    def of(level: int, below: Callable[[int], int] | None) -> Callable[[int], int]:
        @kept(4)
        def answer(number: int) -> int:
            total = number if below is None else below(number % 4) + below((number + 1) % 4)
            if number % 2:
                with turns.beside():
                    time.sleep(0.0005)
            return total + level

        return answer

    lowest = of(0, None)
    levels = [lowest, *(each := [of(1, lowest)]), of(2, each[0])]
    expected = [[level(number) for number in range(6)] for level in levels]
    cache_store.clear()

    def session(number: int) -> bool:
        random = Random(1000 * seed + number)
        with turns.taken():
            asked = [(random.randrange(3), random.randrange(6)) for _ in range(6)]
            return all(levels[level](row) == expected[level][row] for level, row in asked)

    found = [threads.submit(session, number) for number in range(120)]
    assert all(one.result(30) for one in found)


def test_a_fragment_waits_for_its_turn(turns: Turns, threads: ThreadPoolExecutor) -> None:
    def page() -> None:
        import streamlit as st

        from pages._ui import turns as module

        with module.turns.taken():
            st.markdown("page")

            @module.fragment
            def part() -> None:
                """Of a page."""
                st.markdown("part")

            part()
            assert part.__doc__ == "Of a page."

        part()  # as Streamlit runs it by itself: outside the page's turn
        part()

    app = AppTest.from_function(page, default_timeout=20)
    assert [text.value for text in app.run().markdown] == ["page", "part", "part", "part"]
    other = Holder(turns, threads)
    assert other.begun.wait(20)
    run = threads.submit(app.run)
    time.sleep(0.2)
    assert not run.done()
    other.end()
    run.result(20)


def test_a_real_page_has_its_turn(turns: Turns, threads: ThreadPoolExecutor, open_page: Any) -> None:
    app = open_page("results")
    assert not app.exception
    other = Holder(turns, threads)
    assert other.begun.wait(20), "the page has left its turn"
    run = threads.submit(app.run, timeout=60)
    time.sleep(1)
    assert not run.done()
    other.end()
    assert not run.result(60).exception
