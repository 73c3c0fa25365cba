"""One model of a sweep, trained where the engine puts it. What goes in and comes out is text, numbers and bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from core.cache_folder import cache_folder
from core.checkpoint_folders import STATES
from core.errors import CheckpointError, TrainingDiverged
from core.progress import VARIABLE
from core.sweep_transport import Store, files_of

TELL_S = 2.0
"""Time between two looks at how far the training is, in seconds."""
LOCK_S = 60.0
"""How long a worker waits for the scratch folder: one whose node was lost may take some seconds to end."""


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
        afresh: discard what an earlier attempt left.
    """

    name: str
    words: tuple[str, ...]
    threads: int = 1
    data: str = ""
    scratch: str = ""
    store: str = ""
    afresh: bool = False

    @property
    def key(self) -> str:
        """Name of its scratch folder: another for other settings, so that no training goes on from another's state."""
        return f"{self.name}-{hashlib.sha256(json.dumps(self.words).encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Outcome:
    """What a worker gives back.

    Attributes:
        files: of the finished checkpoint, {} where it failed or was stopped.
        error: why it failed, "" where it did not.
        final: whether the same would fail again.
        stopped: whether it saved its state and ended because it was asked to.
    """

    files: dict[str, bytes]
    error: str = ""
    final: bool = False
    stopped: bool = False


def work(order: Order, tell: Callable[[str], None]) -> Outcome:
    """Train, evaluate and hand over; a state that an earlier attempt left on this machine is gone on with.

    Args:
        order: what to train.
        tell: called every few seconds with how far it is.

    Returns:
        The checkpoint, or why there is none: no exception leaves it, since what an engine makes of one loses its text.
    """
    try:
        with _alone(_scratch(order)) as folder:
            return _worked(order, folder, tell)
    except TrainingDiverged as error:
        return Outcome({}, str(error), final=True)
    except (ValueError, OSError) as error:
        return Outcome({}, " ".join(str(error).split()))
    except Exception as error:  # whatever nobody thought of is told like the rest, and its traceback logged
        logging.getLogger(__name__).exception("model %s", order.name)
        return Outcome({}, f"{type(error).__name__}: {error}"[:500])


def forget(order: Order) -> None:
    """Delete what this machine keeps of a model that has arrived."""
    shutil.rmtree(_scratch(order), ignore_errors=True)


def _worked(order: Order, folder: Path, tell: Callable[[str], None]) -> Outcome:
    place = folder / order.name
    for old in (place, folder / STATES) if order.afresh else ():
        shutil.rmtree(old, ignore_errors=True)
    if not place.exists():
        torch.set_num_threads(order.threads)
        with _telling(folder, tell):
            if _trained(order, folder):
                return Outcome({}, stopped=True)
    files = files_of(place)
    if order.store:
        tell("is put into the store")
        Store(order.store).put(order.name, files)
    return Outcome(files)


def _trained(order: Order, folder: Path) -> bool:
    """Train and evaluate, as the command line does it; whether it was interrupted."""
    from core.checkpoint import recover
    from core.cli import parsed

    recover(folder)
    data = ["--data", order.data] if order.data else []
    options = parsed(["train", "--name", order.name, "--root", str(folder), *data, *order.words])
    return bool(options.run(options).get("interrupted"))


def _scratch(order: Order) -> Path:
    base = Path(order.scratch) if order.scratch else cache_folder("sweeps", "PRIORSCOPE_SWEEPS")
    return base / order.key


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """The folder for this process only: two that write one state would spoil it. The system frees it on any end."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=LOCK_S)
    except Timeout as error:
        raise CheckpointError(
            f"{folder} is in use: another sweep trains the same model on this machine; wait for it, or use another "
            "--scratch"
        ) from error
    try:
        yield folder
    finally:
        lock.release()


@contextlib.contextmanager
def _telling(folder: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Have the training write its progress to a file, and tell what stands there."""
    file, ended = folder / "progress.json", threading.Event()
    before = os.environ.get(VARIABLE)

    def watch() -> None:
        while not ended.wait(TELL_S):
            with contextlib.suppress(OSError, ValueError):  # not written yet
                tell(str(json.loads(file.read_text(encoding="utf-8"))["message"]))

    thread = threading.Thread(target=watch, daemon=True)
    os.environ[VARIABLE] = str(file)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before
