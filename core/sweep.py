"""The loop of a sweep: orders go out, checkpoints come back and are stored, what failed goes out again, some times.

Which machine does what is the matter of a ``Pool``; ``core.sweep_ray`` has the one that is made of Ray's workers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import shorten
from typing import Protocol, runtime_checkable

from core.errors import CheckpointError
from core.sweep_order import Order, Outcome, WorkerLost
from core.sweep_transport import land
from core.zoo_recipes import Recipe
from core.zoo_status import ZooModel, zoo_status

LOOK_S = 1.0
"""Time between two looks at what has come back, in seconds."""
WAITING = "waiting"
WIDEST = 60
"""Characters of a reason in the table."""
STOP_S = 20.0
"""How long workers that are asked to stop may take to save their states."""


@runtime_checkable
class Pool(Protocol):
    """Where orders are done."""

    def submit(self, order: Order) -> Hashable:
        """Have an order done as soon as there is room, and give a handle of it."""
        ...

    def wait(self, handles: Sequence[Hashable], seconds: float) -> list[Hashable]:
        """Those that have ended, as soon as one has; [] after so many seconds."""
        ...

    def outcome(self, handle: Hashable) -> Outcome:
        """What an ended order gave; WorkerLost where it cannot give anything."""
        ...

    def forget(self, handle: Hashable, order: Order) -> None:
        """Have the machine that did an order delete what it keeps of it."""
        ...

    def messages(self) -> dict[tuple[str, int], str]:
        """How far the models are that are being trained, by name and attempt."""
        ...

    def stop(self, handles: Sequence[Hashable]) -> None:
        """Ask workers to save their states and end; orders that have not begun are taken back."""
        ...


@dataclass
class Sweep:
    """Models that are being trained by a pool.

    Args:
        recipes: all models, by name, finished ones too: they are in the table.
        root: folder of the checkpoints.
        pool: who trains.
        retries: further attempts a model has.
        on_change: called with every event in words, and with "" when only time has passed.
    """

    recipes: dict[str, Recipe]
    root: Path
    pool: Pool
    retries: int
    on_change: Callable[[Sweep, str], None]
    reasons: dict[str, list[str]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    running: dict[Hashable, Order] = field(default_factory=dict)

    def run(self, orders: Sequence[Order]) -> None:
        """Have all of them done.

        Raises:
            KeyboardInterrupt: Ctrl-C; the workers have been asked to save their states.
        """
        try:
            for order in orders:
                self.running[self.pool.submit(order)] = order
            while self.running:
                ended = self.pool.wait(list(self.running), LOOK_S)
                for handle in ended:
                    self._take(handle)
                if not ended:
                    self.on_change(self, "")
        except KeyboardInterrupt:
            self._stop()
            raise

    def table(self) -> list[ZooModel]:
        """Every model as it stands now, in the order of the recipes."""
        told = self.pool.messages()
        running = {order.name: order for order in self.running.values()}
        models = []
        for model in zoo_status(list(self.recipes.values()), self.root):
            state = model.state
            if order := running.get(model.name):
                state = told.get((model.name, order.attempt), WAITING)
                state += f", attempt {order.attempt} of {self.retries + 1}" if order.attempt > 1 else ""
            elif model.name in self.failed:
                state = f"failed: {shorten(self.reasons[model.name][-1], WIDEST, placeholder=' …')}"
            elif model.name in self.stopped:
                state = "stopped, its worker keeps its state"
            models.append(model if model.usable else replace(model, state=state))
        return models

    def _take(self, handle: Hashable) -> None:
        """What has come back: a checkpoint, or a reason."""
        order = self.running.pop(handle)
        try:
            outcome = self.pool.outcome(handle)
        except WorkerLost as error:
            self._again(order, str(error), afresh=False)
            return
        if outcome.stopped:
            self._again(order, "its training was interrupted", afresh=False)
        elif outcome.error:
            self._again(order, outcome.error, afresh=outcome.damaged, final=outcome.final)
        else:
            self._store(handle, order, outcome)

    def _store(self, handle: Hashable, order: Order, outcome: Outcome) -> None:
        try:
            land(outcome.files, self.root / order.name)
        except CheckpointError as error:
            self._again(order, f"what came back is damaged: {error}", afresh=True)
        except OSError as error:  # here, not there: the worker keeps it, and the next sweep fetches it
            self._again(order, f"cannot be stored: {error}", afresh=False, final=True)
        else:
            self.pool.forget(handle, order)
            self.on_change(self, f"{order.name}: trained")

    def _again(self, order: Order, reason: str, *, afresh: bool, final: bool = False) -> None:
        """Another attempt, unless there were enough; it goes on from the last state, unless that is what is wrong."""
        self.reasons.setdefault(order.name, []).append(reason)
        if final or order.attempt > self.retries:
            self.failed.append(order.name)
            self.on_change(self, f"{order.name}: failed in attempt {order.attempt} of {self.retries + 1}: {reason}")
            return
        again = replace(order, afresh=afresh, attempt=order.attempt + 1)
        self.running[self.pool.submit(again)] = again
        self.on_change(self, f"{order.name}: {reason}; attempt {again.attempt} of {self.retries + 1} follows")

    def _stop(self) -> None:
        self.pool.stop(list(self.running))
        left = list(self.running)
        while left and (ended := self.pool.wait(left, STOP_S)):
            left = [handle for handle in left if handle not in ended]
            for handle in ended:
                order = self.running.pop(handle)
                self._finished_meanwhile(handle, order)

    def _finished_meanwhile(self, handle: Hashable, order: Order) -> None:
        """A model that was done when it was asked to stop is stored; of others the workers keep the states."""
        try:
            outcome = self.pool.outcome(handle)
        except WorkerLost:  # most often taken back before it had begun: nothing to tell
            return
        if outcome.files:
            self._store(handle, order, outcome)
        elif outcome.stopped:
            self.stopped.append(order.name)
