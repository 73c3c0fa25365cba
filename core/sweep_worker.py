"""One model of a sweep, trained where the engine puts it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from core.checkpoint_folders import STATES
from core.errors import CheckpointError, TrainingDiverged
from core.progress import VARIABLE
from core.sweep_order import Order, Outcome
from core.sweep_transport import Store, files_of

MEASURED = "measured"
"""Empty file beside a model that is complete."""
TELL_S = 2.0
"""Time between two looks at how far the training is, in seconds."""
LOCK_S = 60.0
"""How long a worker waits for the scratch folder: one whose node was lost may take some seconds to end."""


def work(order: Order, tell: Callable[[str], None]) -> Outcome:
    """Train, evaluate and hand over; a state that an earlier attempt left on this machine is gone on with.

    Args:
        order: what to train.
        tell: called every few seconds with how far it is.

    Returns:
        The checkpoint, or why there is none: no exception leaves it, since what an engine makes of one loses its text.
    """
    try:
        with _alone(order.folder) as folder:
            return _worked(order, folder, tell)
    except TrainingDiverged as error:
        return Outcome({}, str(error), final=True)
    except (ValueError, OSError) as error:
        return Outcome({}, " ".join(str(error).split()), damaged=isinstance(error, CheckpointError))
    except Exception as error:  # whatever nobody thought of is told like the rest, and its traceback logged
        logging.getLogger(__name__).exception("model %s", order.name)
        return Outcome({}, f"{type(error).__name__}: {error}"[:500])


def _worked(order: Order, folder: Path, tell: Callable[[str], None]) -> Outcome:
    place = folder / order.name
    done = folder / MEASURED
    if order.afresh:
        done.unlink(missing_ok=True)
    for old in (place, folder / STATES) if order.afresh else ():
        shutil.rmtree(old, ignore_errors=True)
    torch.set_num_threads(order.threads)
    if not done.exists():
        with _telling(folder, tell):
            if place.exists():  # an earlier attempt stored it, perhaps without what is measured last
                _measured(order, folder)
            elif _trained(order, folder):
                return Outcome({}, stopped=True)
        done.touch()
    files = files_of(place)
    if order.store:
        tell("is put into the store")
        Store(order.store).put(order.name, files)
    return Outcome(files)


def _trained(order: Order, folder: Path) -> bool:
    """Train and evaluate, as the command line does it; whether it was interrupted."""
    from core.checkpoint import recover

    recover(folder)
    options = _options(order, folder)
    return bool(options.run(options).get("interrupted"))


def _measured(order: Order, folder: Path) -> None:
    """What is put beside a stored model, measured once more; without it the model is handed over all the same."""
    from core.cli_evaluate import add_measures
    from core.datasets import load

    options = _options(order, folder)
    try:
        add_measures(order.name, folder, load(options.dataset, root=options.data))
    except (ValueError, OSError):
        logging.getLogger(__name__).warning("model %s: not all was measured", order.name, exc_info=True)


def _options(order: Order, folder: Path) -> Any:
    from core.cli import parsed

    data = ["--data", order.data] if order.data else []
    return parsed(["train", "--name", order.name, "--root", str(folder), *data, *order.words])


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """The folder for this process only: two that write one state would spoil it. The system frees it on any end."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=LOCK_S)
    except Timeout as error:
        raise OSError(
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
