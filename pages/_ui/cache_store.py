"""How the answers of ``cache.py`` and its parts are kept: by their arguments, for all sessions, the oldest going first.

Streamlit's own caches do the same, but look up the names of a function's parameters and hash every argument in each
call: 0.1 to 0.2 ms, and a page makes a hundred. The arguments here are names and numbers, which are compared as they
are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from threading import Condition
from typing import Any, TypeVar, cast

import streamlit as st
from cachetools import LRUCache, cached
from cachetools.keys import hashkey
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages._ui.turns import turns

F = TypeVar("F", bound=Callable[..., Any])

inspectors: list[Callable[[Any], None]] = []
"""Called with every answer that is made: tests look whether anybody changes it later."""

_kept: dict[Callable[..., Any], Any] = {}
"""What keeps the answers of each function, by what is called."""


class _Waiting(Condition):
    """Whoever waits for another session's answer leaves the turn to others, to that session too."""

    def wait(self, timeout: float | None = None) -> bool:
        turns.pause()
        return super().wait(timeout)


def kept(most: int, told: str = "", size: Callable[[Any], int] | None = None) -> Callable[[F], F]:
    """Keep what a function gives. Sessions that ask for the same at once wait for one of them; errors are not kept.

    Args:
        most: answers, or what their sizes may sum to; the one that was asked for longest ago goes first.
        told: what is said beside a spinner while a new one is made; "" for none.
        size: of an answer, where their number is no measure of what they take; a larger one than ``most`` is not kept.

    Returns:
        A decorator. An argument whose name begins with "_" does not belong to the question; all others are hashable.
        All who ask get the same answer: nothing in it may be changed.
    """

    def decorate(function: F) -> F:
        asked = [not name.startswith("_") for name in inspect.signature(function).parameters]

        def key(*arguments: Any) -> Any:
            return hashkey(*(value for value, counts in zip(arguments, asked, strict=True) if counts))

        def make(*arguments: Any) -> Any:
            with st.spinner(told) if told and get_script_run_ctx(suppress_warning=True) else nullcontext():
                found = function(*arguments)
            for look in inspectors:
                look(found)
            return found

        found = cached(LRUCache(most, size), key=key, condition=_Waiting())(make)

        @wraps(function)
        def answer(*arguments: Any) -> Any:
            try:
                return found(*arguments)
            finally:
                turns.resume()  # where another session's answer was waited for

        _kept[answer] = found
        return cast("F", answer)

    return decorate


def known(function: Callable[..., Any], *arguments: Any) -> bool:
    """Whether the answer of a ``kept`` function is there already."""
    found = _kept[function]
    with found.cache_condition:
        return found.cache_key(*arguments) in found.cache


def clear() -> None:
    """Forget every answer."""
    for function in _kept.values():
        function.cache_clear()
