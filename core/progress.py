"""How a long calculation says how far it is: to a bar on standard error or, in a job of its own, to a small file.

A calculation takes ``on_progress(done, total, message)`` and calls it as often as it likes. ``Progress`` is what a
subcommand gives it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from core.replacing import replacing

VARIABLE = "PRIORSCOPE_PROGRESS"
"""Environment variable that names the file. ``core.job_worker`` sets it; where it is not set there is a bar instead."""

EVERY_S = 0.2
"""Least time between two writings of the file, in seconds, unless the message changes or the work is done."""

OnProgress = Callable[[int, int, str], None]
"""``on_progress(done, total, message)``; total is 0 where it is not known."""


@dataclass
class Meter:
    """Counts the work that is done and tells it.

    Attributes:
        tell: as ``OnProgress``; None tells nobody.
        total: units of work in all.
        done: of these.
    """

    tell: Callable[[int, int, str], object] | None
    total: int
    done: int = 0

    def advance(self, by: int, message: str) -> None:
        """So many units more are done, and ``message`` is what happens now."""
        self.done += by
        if self.tell is not None:
            self.tell(self.done, self.total, message)


class Progress:
    """Within ``with Progress("map") as report:`` call ``report(done, total, message)``.

    Args:
        title: what is being done, shown before the bar.
        unit: what ``done`` and ``total`` count.
    """

    def __init__(self, title: str, unit: str = "step") -> None:
        self._title, self._unit = title, unit
        named = os.environ.get(VARIABLE)
        self._file = Path(named) if named else None
        self._bar: Any = None
        self._begun, self._written, self._message = False, 0.0, ""

    def __enter__(self) -> Progress:
        if self._file is None:
            from tqdm import tqdm

            self._bar = tqdm(desc=self._title, unit=self._unit, file=sys.stderr)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """``done`` of ``total`` units are finished, and ``message`` is what happens now."""
        if self._file is not None:
            self._write(self._file, done, total, message)
        elif self._bar is not None:
            self._bar.total = total or None
            self._bar.set_postfix_str(message, refresh=False)
            if not self._begun:  # what an earlier process did is no pace of this one
                self._bar.initial = self._bar.n = self._bar.last_print_n = done
                self._begun = True
            self._bar.update(done - self._bar.n)

    def _write(self, file: Path, done: int, total: int, message: str) -> None:
        now = time.monotonic()
        if self._written and message == self._message and done != total and now - self._written < EVERY_S:
            return
        self._written, self._message = now, message
        write_json(file, {"done": int(done), "total": int(total), "message": message})


def write_json(file: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file in one step: a reader sees the old content or the new, never half of one.

    Raises:
        OSError: where the disk is full or the folder is gone.
    """
    with replacing(file) as fresh:
        fresh.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")
