"""Rules for the whole test run."""

import os

import pytest

# Where a skipped test would hide that something is untested (.ci/run sets it), a skip counts as a failure.
NO_SKIP = os.environ.get("PRIORSCOPE_NO_SKIP", "") not in ("", "0")


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
