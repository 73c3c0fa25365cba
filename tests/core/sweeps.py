"""A pool of a sweep that does its orders in this process, and fails where it is told to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager

from core.sweep_order import Board, Order, Outcome, WorkerLost, forget
from core.sweep_worker import work

Trouble = dict[tuple[str, int], Callable[[Order], Outcome]]
"""What happens to an attempt instead of the work, by name and attempt."""


class HerePool:
    """Orders are done when they are waited for, one after another."""

    has_room = True

    def __init__(self, trouble: Trouble | None = None) -> None:
        self.trouble, self.orders, self.forgotten, self.stopped = trouble or {}, [], [], []
        self._board = Board()

    def submit(self, order: Order) -> Hashable:
        self.orders.append(order)
        return len(self.orders) - 1

    def wait(self, handles: Sequence[Hashable], seconds: float) -> list[Hashable]:
        return list(handles)[:1]

    def outcome(self, handle: Hashable) -> Outcome:
        order = self.orders[handle]  # type: ignore[call-overload]
        if act := self.trouble.get((order.name, order.attempt)):
            return act(order)
        return work(order, lambda message: self._board.tell(order.name, order.attempt, message))

    def forget(self, handle: Hashable, order: Order) -> None:
        self.forgotten.append(order.name)
        forget(order)

    def messages(self) -> dict[tuple[str, int], str]:
        return self._board.read()

    def stop(self, handles: Sequence[Hashable]) -> None:
        self.stopped += list(handles)

    def finish(self, seconds: float = 0.0) -> None: ...


def lost(order: Order) -> Outcome:
    raise WorkerLost("its machine was lost")


def interrupted(order: Order) -> Outcome:
    raise KeyboardInterrupt


@contextmanager
def given(pool: HerePool, *_: object) -> Iterator[HerePool]:
    """In the place of ``core.sweep_ray.ray_pool``."""
    yield pool
