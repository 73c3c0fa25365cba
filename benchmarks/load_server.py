"""The server that is under load: a process of its own, as a user starts it, and how much memory it holds."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
START_S = 60
MIB = 2**20


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: where it answers.
        pid: of its process.
    """

    url: str
    pid: int

    def resident_mib(self) -> float:
        """Memory that it holds, in MiB; NaN where the system does not tell."""
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            return float("nan")
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024 / MIB

    def cpu_s(self) -> float:
        """Processor time that it has used so far, in seconds; NaN where the system does not tell."""
        file = Path(f"/proc/{self.pid}/stat")
        if not file.exists():
            return float("nan")
        user, system = file.read_text().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served() -> Iterator[Server]:
    """``streamlit run dashboard.py`` on a free port, with jobs and uploads of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with TemporaryDirectory() as folder:
        places = {f"PRIORSCOPE_{name}": f"{folder}/{name.lower()}" for name in ("JOBS", "UPLOADS")}
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard.py")]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--server.headless", "true", "--server.port", str(port)],
                cwd=ROOT, env={**os.environ, **places}, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, process, log)
            yield Server(url, process.pid)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def _wait(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:
            if answer.read() == b"ok":
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")
