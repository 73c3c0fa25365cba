"""Ray's workers as the pool of a sweep. Ray is optional, so nothing here is imported before it is asked for."""

from __future__ import annotations

import os
import socket
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.sweep_order import Board, Order, Outcome, WorkerLost, forget

MISSING = "Sweeps need Ray: pip install -r requirements-sweep.txt"
OBJECTS = 256 * 2**20
"""Shared memory that Ray may take on this machine for checkpoints on their way, in bytes."""


@contextmanager
def ray_pool(address: str | None, cpus: int, gpus: float, workers: int) -> Iterator[RayPool]:
    """Workers of a running cluster, or of one that is started on this machine and ends with the sweep.

    Args:
        address: of the cluster, "auto" for the one that this machine belongs to; None starts one.
        cpus: processors that one model takes.
        gpus: graphics cards that one model takes.
        workers: models at once where a cluster is started.

    Raises:
        ValueError: Ray is not installed, the cluster does not answer, or this machine lacks what a model takes.
    """
    ray = _ray(address)
    _require_answer(address)
    try:
        _connect(ray, address, cpus, gpus, workers)
        yield RayPool(ray, cpus, gpus)
    except ray.exceptions.RayError as error:  # not of a task, which the pool takes: the head is gone
        raise OSError(f"the Ray cluster is gone; the same command goes on: {str(error).splitlines()[0]}") from error
    finally:
        ray.shutdown()


def _ray(address: str | None) -> Any:
    """The library, which reads these settings when it is imported.

    Raises:
        ValueError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else it tells its makers what machine this is
    if address is None:
        # The variable by which Ray has a cluster of one machine listen on 127.0.0.1, as it does of itself on macOS.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise ValueError(MISSING) from error
    return ray


def _require_answer(address: str | None) -> None:
    """Knock at HOST:PORT, where Ray itself would try for minutes.

    Raises:
        ValueError: nobody listens there.
    """
    host, colon, port = (address or "").rpartition(":")
    if not colon or "/" in host or not port.isdigit():  # "auto", or a form that only Ray knows
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ValueError(f"the Ray cluster {address!r} does not answer: {error}") from error


def _connect(ray: Any, address: str | None, cpus: int, gpus: float, workers: int) -> None:
    quiet = {"log_to_driver": False, "logging_level": "error", "configure_logging": True}
    try:
        if address is not None:
            # The workers import this program's code as it is here; what it needs has to be installed there.
            code = {"py_modules": [str(Path(__file__).resolve().parent)]}
            ray.init(address=address, runtime_env=code, **quiet)
            return
        ray.init(
            address="local",
            num_cpus=cpus * workers,
            include_dashboard=False,
            object_store_memory=OBJECTS,
            **quiet,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"the Ray cluster {address!r} does not answer" if address else "Ray cannot be started here"
        raise ValueError(f"{where}: {error}") from error
    if gpus > ray.cluster_resources().get("GPU", 0):
        raise ValueError(f"a model is to take {gpus:g} GPUs, but Ray sees none here; use --gpus 0, or --address")


class RayPool:
    """Orders as tasks of Ray.

    Args:
        ray: the library, connected.
        cpus, gpus: that one task takes.
    """

    def __init__(self, ray: Any, cpus: int, gpus: float) -> None:
        self._ray = ray
        here = _on_node(ray.get_runtime_context().get_node_id())
        self._board = ray.remote(num_cpus=0, max_restarts=-1)(Board).options(scheduling_strategy=here).remote()
        # Whether to try again is decided by the sweep, which keeps the reasons.
        self._work = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(_task)
        self._forget = ray.remote(num_cpus=0, max_retries=0)(forget)
        self.has_room = any(
            node["Alive"] and node["Resources"].get("CPU", 0) >= cpus and node["Resources"].get("GPU", 0) >= gpus
            for node in ray.nodes()
        )
        """Whether a machine of the cluster, as it is now, can take a model."""
        self._nodes: dict[Hashable, str] = {}
        self._forgetting: list[Any] = []
        self._told: dict[tuple[str, int], str] = {}

    def submit(self, order: Order) -> Hashable:
        """A task."""
        return self._work.remote(order, self._board)

    def wait(self, handles: Sequence[Hashable], seconds: float) -> list[Hashable]:
        """Tasks that have ended."""
        return self._ray.wait(list(handles), num_returns=1, timeout=seconds)[0]

    def outcome(self, handle: Hashable) -> Outcome:
        """What a task gave back; whatever Ray raises instead means that its worker did not live to say it."""
        try:
            node, outcome = self._ray.get(handle)
        except self._ray.exceptions.RayError as error:
            raise WorkerLost(_why_lost(self._ray, error)) from error
        self._nodes[handle] = node
        return outcome

    def forget(self, handle: Hashable, order: Order) -> None:
        """A task without a processor on the same machine; if that is gone by now, so is what it kept."""
        here = _on_node(self._nodes.pop(handle))
        self._forgetting.append(self._forget.options(scheduling_strategy=here).remote(order))

    def messages(self) -> dict[tuple[str, int], str]:
        """What the workers told last."""
        try:
            self._told = self._ray.get(self._board.read.remote())
        except self._ray.exceptions.RayActorError:  # it is being started again
            return self._told
        return self._told

    def stop(self, handles: Sequence[Hashable]) -> None:
        """Each gets what Ctrl-C would send it."""
        for handle in handles:
            self._ray.cancel(handle, force=False)

    def finish(self, seconds: float = 10.0) -> None:
        """Wait until the workers have deleted what they need not keep."""
        if self._forgetting:
            self._ray.wait(self._forgetting, num_returns=len(self._forgetting), timeout=seconds)


def _task(order: Order, board: Any) -> tuple[str, Outcome]:
    """Runs in a worker: the machine it is on, and what became of the order."""
    import ray

    def tell(message: str) -> None:
        board.tell.remote(order.name, order.attempt, message)

    tell("starting")
    from core.sweep_worker import work  # torch takes its time

    return ray.get_runtime_context().get_node_id(), work(order, tell)


def _on_node(node: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id=node, soft=False)


def _why_lost(ray: Any, error: Exception) -> str:
    """What happened, without Ray's advice and traces."""
    known = {
        ray.exceptions.NodeDiedError: "its machine was lost",
        ray.exceptions.OutOfMemoryError: "its worker was ended, as the machine's memory was full",
        ray.exceptions.WorkerCrashedError: "its worker process was killed or crashed",
        ray.exceptions.TaskCancelledError: "its training was cancelled",
    }
    if told := next((words for kind, words in known.items() if isinstance(error, kind)), None):
        return told
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # A traceback says what happened at its end, all else at its beginning.
    line = lines[-1 if isinstance(error, ray.exceptions.RayTaskError) else 0] if lines else type(error).__name__
    return f"its worker could not do it: {line[:300]}"
