"""Training as a subcommand does it: progress told, the curve written beside the state, Ctrl-C that saves and stops."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from core import train
from core.progress import Progress
from core.training_file import write_curve
from core.vae import VAE

TELL_S = 0.5
"""Least time between two messages, and between two writings of the curve, in seconds."""


def train_with_progress(run: train.Run, curve: Path) -> VAE:
    """Train to the end, to early stopping or to Ctrl-C.

    Args:
        run: the training, which may have been interrupted before.
        curve: file of its curve.
    """
    total, before = run.config.train.epochs * run.steps, run.position.epoch
    teller = _Teller(run, curve, before)
    with _stopping(run), Progress("training") as report:

        def show(progress: train.Progress) -> None:
            report((progress.epoch - 1) * run.steps + progress.step, total, teller.message(progress))

        try:
            return run.train(show)
        finally:
            teller.write()


class _Teller:
    """What is said of a training, not at every step.

    Args:
        run: the training.
        curve: file of its curve.
        before: whole epochs that were done before this process.
    """

    def __init__(self, run: train.Run, curve: Path, before: int) -> None:
        self._run, self._curve, self._before = run, curve, before
        self._began = self._told = time.monotonic()
        self._message, self._written, self._last, self._pace_s = "starting", -1, before, 0.0

    def message(self, progress: train.Progress) -> str:
        """The present message; a new one, and a new file, when it is time."""
        now = time.monotonic()
        if self._run.position.epoch > self._last:
            self._last, self._pace_s = self._run.position.epoch, now - self._began
        if now - self._told >= TELL_S or self._written < 0:
            self._told = now
            held_out = f", validation {progress.last.validation_elbo:.2f}" if progress.last else ""
            self._message = f"epoch {progress.epoch:,} of {progress.epochs:,}, ELBO {progress.elbo:.2f}{held_out}"
            self.write()
        return self._message

    def write(self) -> None:
        """The curve so far, where it has grown."""
        curve = self._run.position.curve
        if len(curve) != self._written:
            self._written = len(curve)
            done = max(0, self._last - self._before)
            write_curve(self._curve, curve, self._run.config.train.epochs, done, round(self._pace_s, 3))


@contextlib.contextmanager
def _stopping(run: train.Run) -> Iterator[None]:
    """The first Ctrl-C asks the run to save and stop, the second ends it."""

    def stop(*_: object) -> None:
        if run.stop_requested:
            raise KeyboardInterrupt
        run.stop_requested = True

    if threading.current_thread() is not threading.main_thread():  # only there can signals be taken
        yield
        return
    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
