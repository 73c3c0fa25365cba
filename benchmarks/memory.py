"""Extra memory of one density call, measured in a fresh process: ``python -m benchmarks.memory COMPONENTS POINTS``."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.latents import make_problem
from core import mixture

MIB = 2**20


def extra_memory_mib(components: int, points: int, threads: int, *, double: bool) -> float:
    """Growth of the peak resident memory by one call of ``core.mixture.log_prob``, in MiB, without its arguments."""
    command = [sys.executable, "-m", "benchmarks.memory", str(components), str(points), str(threads), str(int(double))]
    root = Path(__file__).resolve().parent.parent
    return float(subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout)


def _measure(components: int, points: int, threads: int, double: int) -> float:
    torch.set_num_threads(threads)
    problem = make_problem(components, points)
    few = slice(0, mixture.COLUMNS)  # one whole tile: loads the libraries' code and their buffers, which stay
    mixture.log_prob(problem.points[few], problem.mean[few], problem.log_var[few], double=bool(double))
    before = _restart_peak()
    mixture.log_prob(problem.points, problem.mean, problem.log_var, double=bool(double))
    return (_peak() - before) / MIB


def _restart_peak() -> int:
    """Set the recorded peak back to what is resident now (Linux; elsewhere it stays), and give it, in bytes."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")
    return _peak()


def _peak() -> int:
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    print(_measure(*map(int, sys.argv[1:5])))
