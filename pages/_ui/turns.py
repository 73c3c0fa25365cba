"""Whose turn it is: the sessions of a server draw one after another, and what takes long is calculated beside them.

Each session runs in a thread of its own, and Python runs one thread at a time. Twenty that run at once are all done at
the end, after handing Python to each other every few milliseconds, to the thread that sends their answers among them.
One after another the first is done after a twentieth of the time and the last no later, at less work for all
(docs/decisions/0044).
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

PATIENCE_S = 0.2
"""How long others wait for a session that has its turn, in seconds; then one goes on beside it."""
LOST_S = 10.0
"""After so long nobody waits for it any more: it may hang."""


class Turns:
    """One turn, a second one where the first lasts long, and one place for what is known to take long.

    Args:
        patience_s: how long a turn lasts until another may begin, in seconds.
        lost_s: how long it lasts until it does not count, in seconds.
    """

    def __init__(self, patience_s: float = PATIENCE_S, lost_s: float = LOST_S) -> None:
        self._patience_s, self._lost_s = patience_s, lost_s
        self._next = threading.Lock()  # held by the first of those who wait, so that an end wakes one thread
        self._ended = threading.Condition()
        self._began: dict[object, float] = {}
        self._beside, self._calculating = threading.Lock(), 0
        self._thread = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn and have it; a part of what has it already does not wait."""
        if hasattr(self._thread, "turn"):
            yield
            return
        self._thread.turn = self._take()
        try:
            yield
        finally:
            self.pause()
            del self._thread.turn

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Calculate what takes tenths of a second: the turn is another's meanwhile, and one calculates at a time.

        Nothing that is kept may be asked for in it (``cache_store``): the one who makes that may be waiting to come in.
        """
        self.pause()
        with self._ended:
            self._calculating += 1
        try:
            with self._beside:
                yield
        finally:
            with self._ended:
                self._calculating -= 1
            self.resume()

    def idle(self) -> bool:
        """Whether nobody draws, calculates or waits for either."""
        with self._ended:
            return not self._began and not self._calculating and not self._next.locked()

    def pause(self) -> None:
        """Leave the turn to another. Whoever has one never waits for another session, so that none waits for ever."""
        if getattr(self._thread, "turn", None) is not None:
            self._give_up(self._thread.turn)
            self._thread.turn = None

    def resume(self) -> None:
        """Wait for a turn again after a pause; otherwise nothing."""
        if getattr(self._thread, "turn", self) is None:
            self._thread.turn = self._take()

    def _take(self) -> object:
        turn = object()
        with self._next, self._ended:
            while (wait := self._to_wait()) > 0:
                self._ended.wait(wait)
            self._began[turn] = time.monotonic()
        return turn

    def _to_wait(self) -> float:
        """Seconds until the next turn begins, if none ends before; 0 or less for at once."""
        now = time.monotonic()
        ages = [age for age in (now - began for began in self._began.values()) if age < self._lost_s]
        if len(ages) > 1:
            return self._lost_s - max(ages)
        return self._patience_s - ages[0] if ages else 0.0

    def _give_up(self, turn: object) -> None:
        with self._ended:
            del self._began[turn]
            self._ended.notify()


turns = Turns()
"""Those of this server."""


def fragment(function: Callable[..., None] | None = None, *, run_every: float | None = None) -> Any:
    """``st.fragment`` whose runs wait for their turn, as those of whole pages do (``pages/_shell.py``).

    Args:
        function: draws a part of a page that runs again by itself.
        run_every: seconds between runs that nobody asks for; None for no such runs.

    Returns:
        The function as a fragment, or a decorator where none is given.
    """
    if function is None:
        return functools.partial(fragment, run_every=run_every)

    @functools.wraps(function)
    def in_turn(*arguments: Any, **named: Any) -> None:
        with turns.taken():
            function(*arguments, **named)

    return st.fragment(in_turn, run_every=run_every)
