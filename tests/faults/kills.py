"""Kill processes that save or train at random moments: ``python -m tests.faults.kills save|train COUNT SEED FOLDER``.

Everything is imported once and each victim is forked from here, so that a kill costs milliseconds, not an import of
torch. It prints one JSON object. This process itself never trains: threads do not survive a fork.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from core import train
from core.checkpoint import digest, load, recover, save
from core.checkpoint_folders import place_of
from core.checkpoint_list import list_checkpoints
from core.cli import main as command
from tests.core.commands import train_arguments, write_images
from tests.core.test_checkpoint import METRICS, trained

LONGEST_S = 60.0
STEP_S = 0.005


def forked(action: Callable[[], object], ready: Callable[[], bool], delay: float | None) -> int:
    """Do something in a child, kill it some moments after ``ready``; its exit status, -9 where it was killed."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere), \
                    contextlib.redirect_stderr(nowhere):  # fmt: skip
                status = int(action() or 0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    deadline, ended = time.monotonic() + LONGEST_S, 0
    while not ready() and not ended and time.monotonic() < deadline:
        time.sleep(0.001)
        ended = os.waitpid(child, os.WNOHANG)[0]
    if not ended and delay is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if not ended else 0


def kill_saves(count: int, seed: int, folder: Path) -> dict[str, object]:
    """Replace a checkpoint by another one over and over; after each kill there must be one of the two, whole."""
    vaes = [trained(kind) for kind in ("mog", "vamp")]
    root, moments, places = folder / "root", random.Random(seed), {"in place": 0, "between": 0}
    digests = []
    for number, (vae, config) in enumerate(vaes):
        save(vae, config, folder / str(number) / "model", metrics=METRICS)
        digests.append(digest(folder / str(number) / "model"))
    save(*vaes[0], root / "model", metrics=METRICS)

    def replace_for_ever() -> None:
        for turn in range(10**6):
            save(*vaes[turn % 2], root / "model", metrics=METRICS, replace=True)

    began = root.stat().st_mtime_ns
    killed = 0
    for _ in range(count):
        killed += -signal.SIGKILL == forked(
            replace_for_ever,
            lambda: root.stat().st_mtime_ns != began,  # noqa: B023
            moments.uniform(0, 0.03),
        )
        (info,) = list_checkpoints(root)
        assert info.error is None and info.digest in digests, info
        places["in place" if place_of(root / "model") == root / "model" else "between"] += 1
        recover(root)
        assert [path.name for path in root.iterdir()] == ["model"], list(root.iterdir())
        assert load("model", root).digest == info.digest
        began = root.stat().st_mtime_ns
    return {"kills": killed, **places}


def kill_trainings(count: int, seed: int, folder: Path) -> dict[str, object]:
    """Train with a kill at random moments until it has ended; the weights must be those of a training without one."""
    every_step = functools.partial(train.Run, save_every_s=0.0)
    step = train.Run._step
    # However fast the machine is, so many kills have to find it still training.
    train.Run._step = lambda run, order: (time.sleep(STEP_S), step(run, order))[1]  # type: ignore[method-assign]
    images, moments = write_images(folder), random.Random(seed)
    more = ("--prior", "vamp", "--prior-option", "components=5", "--epochs", str(10 + 3 * count))
    state = folder / ".training" / "killed.safetensors"
    assert forked(lambda: command(train_arguments(images, folder, "whole", *more)), lambda: False, None) == 0
    train.Run = every_step  # type: ignore[misc,assignment]
    arguments, kills = train_arguments(images, folder, "killed", *more), 0
    while kills < count and not (folder / "killed").exists():
        before = state.stat().st_mtime_ns if state.exists() else 0
        late = moments.random() < 0.8  # else at any moment, also before the first state of this process
        ready = (lambda: state.exists() and state.stat().st_mtime_ns != before) if late else (lambda: True)  # noqa: B023
        kills += forked(lambda: command(arguments), ready, moments.uniform(0, 0.05)) == -signal.SIGKILL
        assert all(info.error is None for info in list_checkpoints(folder)), "a broken checkpoint"
    assert forked(lambda: command(arguments), lambda: False, None) == 0
    ours, theirs = (json.loads((folder / name / "metrics.json").read_text()) for name in ("killed", "whole"))
    weights = [(folder / name / "model.safetensors").read_bytes() for name in ("killed", "whole")]
    same = weights[0] == weights[1] and ours["evaluations"] == theirs["evaluations"]
    recover(folder)
    litter = [str(path.relative_to(folder)) for path in folder.rglob(".tmp-*")]
    return {"kills": kills, "same": same, "left": litter + [path.name for path in (folder / ".training").iterdir()]}


def write_together(seconds: int, seed: int, folder: Path) -> dict[str, object]:
    """Two processes replace one checkpoint again and again while it is read: every reading finds a whole one."""
    vaes = [trained(kind) for kind in ("mog", "vamp")]
    root = folder / "root"
    save(*vaes[0], root / "model", metrics=METRICS)

    def replace_often(number: int) -> int:
        told, random_ = 0, random.Random(seed + number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(random_.uniform(0, 0.2))
            try:
                save(*vaes[number], root / "model", metrics=METRICS, replace=True)
            except OSError:
                told += 1
        return 0

    children = []
    for number in range(2):
        child = os.fork()
        if child == 0:
            os._exit(replace_often(number))
        children.append(child)
    readings, wrong, digests = 0, [], set()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        (info,) = list_checkpoints(root)
        readings += 1
        digests.add(info.digest)
        wrong += [info.error] if info.error else []
    statuses = [os.waitpid(child, 0)[1] for child in children]
    recover(root)
    return {"readings": readings, "wrong": wrong[:3], "seen": len(digests), "statuses": statuses,
            "left": [path.name for path in root.iterdir()]}  # fmt: skip


if __name__ == "__main__":
    what, number, start, where = sys.argv[1:5]
    found = {"save": kill_saves, "train": kill_trainings, "together": write_together}[what](
        int(number), int(start), Path(where)
    )
    print(json.dumps(found))
