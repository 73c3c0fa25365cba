"""Answers that all sessions share: made once however many ask, the oldest forgotten first, errors never kept."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from pages._ui import cache_posterior, cache_store
from pages._ui.cache_store import kept


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr(cache_store, "_kept", {})
    return []


def test_the_same_question_has_the_same_answer(calls: list[Any]) -> None:
    @kept(2)
    def answer(name: str, number: int) -> list[Any]:
        calls.append((name, number))
        return [name, number]

    assert answer("a", 1) is answer("a", 1) and calls == [("a", 1)]
    assert answer("a", 2) == ["a", 2] and answer("b", 1) == ["b", 1]
    answer("a", 1)  # two are kept: it was asked for longest ago
    assert calls == [("a", 1), ("a", 2), ("b", 1), ("a", 1)]
    cache_store.clear()
    answer("a", 1)
    assert len(calls) == 5


def test_large_answers_are_bounded_by_what_they_take(calls: list[Any]) -> None:
    @kept(100, size=len)
    def answer(length: int) -> bytes:
        calls.append(length)
        return bytes(length)

    for length in (60, 30, 60, 50, 60, 200, 200, 60):
        assert len(answer(length)) == length
    assert calls == [60, 30, 50, 60, 200, 200], "50 took the place of both, and 200 is never kept"


def test_what_does_not_belong_to_the_question_is_not_looked_at(calls: list[Any]) -> None:
    @kept(8)
    def answer(name: str, _loaded: Any) -> str:
        calls.append(_loaded)
        return name

    assert answer("a", [1]) == answer("a", [2]) == "a" and calls == [[1]]


def test_many_who_ask_at_once_wait_for_one_answer(calls: list[Any]) -> None:
    go = threading.Event()

    @kept(8)
    def answer(name: str) -> object:
        calls.append(name)
        go.wait(10)
        return object()

    with ThreadPoolExecutor(8) as threads:
        found = [threads.submit(answer, "a") for _ in range(8)]
        time.sleep(0.3)  # all have asked, and nobody has an answer
        assert calls == ["a"] and not any(each.done() for each in found)
        assert threads.submit(lambda: None).cancel(), "every thread waits"
        go.set()
        assert len({id(each.result(10)) for each in found}) == 1
    assert calls == ["a"]


def test_what_takes_long_is_calculated_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve images that twelve sessions ask for at once, each of another row."""
    running, most, asked = [], [], []

    def slow(_vae: Any, x: Any, *, around: Any, seed: int) -> tuple[int, int]:
        running.append(x)
        most.append(len(running))
        time.sleep(0.02)
        running.remove(x)
        asked.append((int(x[0]), seed, around))
        return int(x[0]), seed

    monkeypatch.setattr(cache_posterior.posterior_gap, "image_posterior", slow)
    monkeypatch.setattr(cache_posterior, "_around", lambda *_: "map")
    monkeypatch.setattr(cache_posterior.cache, "split_images", lambda *_: list(range(12)))
    monkeypatch.setattr(cache_posterior.cache, "model", lambda *_: SimpleNamespace(vae=None))
    cache_store.clear()
    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(lambda row: cache_posterior.image_posterior("a", "b", row, 3), range(12)))
    assert found == [(row, 3) for row in range(12)] and set(most) == {1} and len(asked) == 12
    cache_store.clear()


def test_an_error_is_told_to_all_and_not_kept(calls: list[Any]) -> None:
    @kept(8)
    def answer(name: str) -> str:
        calls.append(name)
        if len(calls) < 3:
            raise ValueError(f"not yet {name}")
        return name

    for _ in range(2):
        with pytest.raises(ValueError, match="not yet a"):
            answer("a")
    assert answer("a") == "a" and answer("a") == "a" and len(calls) == 3


@pytest.mark.parametrize("arguments", [(), ("a",), ("a", 1, 2)])
def test_every_argument_is_given_by_its_place(calls: list[Any], arguments: tuple[Any, ...]) -> None:
    @kept(8)
    def answer(name: str, number: int = 1) -> str:
        return f"{name}{number}"

    with pytest.raises((TypeError, ValueError)):
        answer(*arguments)
