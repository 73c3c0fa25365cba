"""Rules for the whole test run, in one process or in several (``pytest -n 2``; ``make test`` uses every core)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache

import pytest

# Where a skipped test would hide that something is untested (.ci/run sets it), a skip counts as a failure.
NO_SKIP = os.environ.get("PRIORSCOPE_NO_SKIP", "") not in ("", "0")

# The tests' matrices are tiny, and processes beside each other with a pool of threads each take each other's cores.
# Before anything imports torch or numpy; the processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

LONG = ("tests/e2e/", "tests/pages/test_pages.py", "tests/pages/", "tests/faults/")
"""What takes longest, in this order."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Several processes: a file's tests go to one, so that what its fixtures made is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    config.option.loadscopereorder = False  # the order is that of pytest_collection_modifyitems
    return Together(config, log)


@pytest.fixture(autouse=True, scope="session")
def installed_packages_are_searched_once() -> Iterator[None]:
    """AppTest has every run look through all installed packages for components, for half of its time; a server once."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Several processes: what takes longest comes first, so that none is left alone with it at the end."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        items.sort(key=lambda item: [not item.nodeid.startswith(start) for start in LONG])


def together(nodeid: str) -> str:
    """What a test has to share a process with; files need not know of it.

    The end-to-end tests share one server and one browser. Pages are many and slow tests that share nothing but a
    folder of checkpoints, which is made once a run (tests/once.py): each function is on its own.
    """
    file, _, rest = nodeid.partition("::")
    if file.startswith("tests/e2e/"):
        return "tests/e2e"
    return f"{file}::{rest.partition('[')[0]}" if file.startswith("tests/pages/") else file


def _skipped(config: pytest.Config) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return reporter.stats.get("skipped", []) if reporter else []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if NO_SKIP and session.exitstatus == pytest.ExitCode.OK and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not NO_SKIP or not (skipped := _skipped(config)):
        return
    terminalreporter.section("skipped, which is a failure here (PRIORSCOPE_NO_SKIP)", red=True)
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.line(f"{report.nodeid}: {reason}")
