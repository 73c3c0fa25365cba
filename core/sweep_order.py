"""What crosses between a sweep and its workers: text, numbers and bytes. No torch, for workers that train nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from core.cache_folder import cache_folder


@dataclass(frozen=True)
class Order:
    """What a worker has to know.

    Attributes:
        name: of the checkpoint.
        words: arguments of ``python -m core train``.
        threads: of the processor.
        data: folder of the data sets on the worker, "" for its default.
        scratch: folder where the worker keeps what is not finished, "" for ``PRIORSCOPE_SWEEPS`` or the cache folder.
        store: address where the finished checkpoint is put as well, "" for nowhere.
        attempt: counted from 1.
        afresh: discard what an earlier attempt left.
    """

    name: str
    words: tuple[str, ...]
    threads: int = 1
    data: str = ""
    scratch: str = ""
    store: str = ""
    attempt: int = 1
    afresh: bool = False

    @property
    def folder(self) -> Path:
        """Where the worker keeps it: another for other settings, so that no training goes on from another's state."""
        base = Path(self.scratch) if self.scratch else cache_folder("sweeps", "PRIORSCOPE_SWEEPS")
        return base / f"{self.name}-{hashlib.sha256(json.dumps(self.words).encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Outcome:
    """What a worker gives back.

    Attributes:
        files: of the finished checkpoint, {} where it failed or was stopped.
        error: why it failed, "" where it did not.
        final: whether the same would fail again.
        damaged: whether what an earlier attempt left is what is wrong.
        stopped: whether it saved its state and ended because it was asked to.
    """

    files: dict[str, bytes]
    error: str = ""
    final: bool = False
    damaged: bool = False
    stopped: bool = False


class WorkerLost(Exception):
    """The process or the machine that trained a model is gone; what is on its disk may be there still."""


class Board:
    """What workers tell of their models: kept where the sweep is."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, int], str] = {}

    def tell(self, name: str, attempt: int, message: str) -> None:
        """How far a model is."""
        self._told[name, attempt] = message

    def read(self) -> dict[tuple[str, int], str]:
        """All of it, by name and attempt."""
        return self._told


def forget(order: Order) -> None:
    """Delete what this machine keeps of a model that has arrived."""
    shutil.rmtree(order.folder, ignore_errors=True)
