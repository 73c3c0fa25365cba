"""What is likely to be asked for next is made while nobody waits for anything, so that a click finds it there.

A page says what a click on one of its pictures would ask for. One thread makes that, one answer at a time, whenever no
session draws or calculates. It runs in a server that was started with ``start``; elsewhere nothing is made ahead.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

from pages._ui.cache_store import known
from pages._ui.turns import Turns, turns

MOST = 200
"""Answers that are waited for; what was asked for first is given up."""
LOOK_S = 0.02
"""Seconds between two looks whether the server is idle."""

Question = tuple[Callable[..., Any], tuple[Hashable, ...]]


class Ahead:
    """A queue of questions, each there once, and a thread that asks them.

    Args:
        turns: of the sessions that go first.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._questions: dict[Question, None] = {}
        self._failed: dict[Question, None] = {}
        self._more = threading.Condition()
        self._started = False

    def start(self) -> None:
        """Begin, in a thread that ends with the process."""
        with self._more:
            if not self._started:
                self._started = True
                threading.Thread(target=self._work, name="ahead", daemon=True).start()

    def ask(self, function: Callable[..., Any], *arguments: Hashable) -> None:
        """Make the answer of a ``kept`` function when there is time; nothing where it is there."""
        if not self._started or known(function, *arguments):
            return
        with self._more:
            if (function, arguments) in self._failed:  # a page asks at each of its runs
                return
            self._questions[function, arguments] = None
            if len(self._questions) > MOST:
                del self._questions[next(iter(self._questions))]
            self._more.notify()

    def waiting(self) -> int:
        """Number of questions that were not asked yet."""
        with self._more:
            return len(self._questions)

    def _work(self) -> None:
        while True:
            with self._more:
                self._more.wait_for(lambda: self._questions)
            while not self._turns.idle():
                time.sleep(LOOK_S)
            with self._more:
                question = next(iter(self._questions))
                del self._questions[question]
            self._answer(*question)

    def _answer(self, function: Callable[..., Any], arguments: tuple[Hashable, ...]) -> None:
        try:
            with self._turns.taken():
                function(*arguments)
        except Exception:  # whoever asks for it by a click is told on the page
            with self._more:
                self._failed[function, arguments] = None
                if len(self._failed) > MOST:
                    del self._failed[next(iter(self._failed))]
            logging.getLogger(__name__).warning("Not made ahead: %s%r", function.__name__, arguments, exc_info=True)


ahead = Ahead(turns)
"""That of this server."""
