"""Kill a worker, and then a machine, of a sweep on a real cluster: ``python -m tests.faults.sweeps FOLDER GRID``.

The cluster has a head that trains nothing and two machines of one processor each, all here. It prints one JSON object.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # listen on 127.0.0.1 only; read when ray is imported
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster

from core.errors import CheckpointError
from core.training_file import read_curve

LONGEST_S = 240.0
SMALL = {"object_store_memory": 100 * 2**20}


def until(ready: Callable[[], bool], what: str) -> None:
    """Wait for something that has to happen."""
    deadline = time.monotonic() + LONGEST_S
    while not ready():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def workers_of(cluster: Cluster) -> list[int]:
    """Process numbers of the workers that are at an order: children of the machines' own processes."""
    parents = {info.process.pid for node in cluster.worker_nodes for info in node.all_processes["raylet"]}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
        if parent in parents and title.startswith(b"ray::_task"):
            found.append(int(folder.name))
    return found


def gone_on(scratch: Path) -> bool:
    """Whether a training has done far more epochs than its present process has, which says it an epoch late."""
    for file in scratch.glob("*/.training/*.json"):
        try:
            curve = read_curve(file)
        except (CheckpointError, OSError):  # deleted just now
            continue
        if curve is not None and curve.pace_epochs > 0 and curve.done > curve.pace_epochs + 5:
            return True
    return False


def main(folder: Path, grid: str) -> None:
    """The sweep, the two kills, and what became of it."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **SMALL})
    machines = [cluster.add_node(num_cpus=1, **SMALL) for _ in range(2)]
    scratch, out, err = folder / "scratch", folder / "out", folder / "err"
    command = [sys.executable, "-m", "core", "sweep", grid, "--json", "--address", cluster.address]
    command += ["--root", str(folder / "root"), "--scratch", str(scratch)]
    with out.open("w") as answer, err.open("w") as told:
        driver = subprocess.Popen(command, stdout=answer, stderr=told)
        try:
            until(lambda: len(list(scratch.glob("*/.training/*.safetensors"))) == 2, "two states")
            os.kill(workers_of(cluster)[0], signal.SIGKILL)
            until(lambda: "attempt 2 of 3 follows" in err.read_text(), "the loss is told")
            until(lambda: gone_on(scratch), "the training goes on")
            cluster.remove_node(machines[1], allow_graceful=False)
            status = driver.wait(LONGEST_S)
        finally:
            driver.kill()
            cluster.shutdown()
    left = [path.name for path in scratch.iterdir()]
    print(json.dumps({"exit": status, "left": left, **json.loads(out.read_text().splitlines()[-1])}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
