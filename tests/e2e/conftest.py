"""A real server and a real browser, both fresh, and a page that remembers what went wrong in it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
HOME = {"127.0.0.1", "localhost"}
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",  # a container's root cannot use Chromium's sandbox
    "--disable-gpu",  # pages are put together without OpenGL: with SwiftShader's they take half as long again
    "--enable-unsafe-swiftshader",  # WebGL all the same, without a graphics card
    # So that a request to another host can only come from the page.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Run ``streamlit run dashboard.py`` from another folder, as a user may, and give the base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / f"server-{port}.log"
    # Address and hosts come from the project's config.toml: they are under test.
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard.py")]
    command += ["--server.headless", "true", "--server.port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PRIORSCOPE_JOBS": str(folder / "jobs")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(url, process, log)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _wait_until_healthy(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:
            # Unknown paths answer 200 with the front end, so the body counts.
            if answer.read() == b"ok":
                return
        time.sleep(0.05)
    raise RuntimeError(f"The server did not start (exit status {process.poll()}):\n{log.read_text()}")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a server that all tests of the run share."""
    with serve(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Starts a server that nobody has visited yet and gives its base URL."""
    with contextlib.ExitStack() as servers:
        yield lambda: servers.enter_context(serve(tmp_path))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    with sync_playwright() as playwright:
        if executable is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium: install Debian's chromium, or run `python -m playwright install chromium`")
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Troubles:
    """What a page reported while it was open."""

    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on(
            "console", lambda message: self._on_console(message.type, message.text, message.location.get("url", ""))
        )
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._on_request(request.url))
        page.on("websocket", lambda socket: self._on_request(socket.url))

    def _on_console(self, kind: str, text: str, url: str) -> None:
        # On a deep link the front end first tries the server under the page's own path and gets two 404s; harmless.
        probe = url.endswith(("/_stcore/health", "/_stcore/host-config")) and "404" in text
        if kind == "error" and not probe:
            self.console.append(f"{text} ({url})")

    def _on_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in HOME:
            self.foreign.append(url)


@pytest.fixture
def troubles() -> Troubles:
    """What went wrong in ``page`` so far. A test that provokes an error clears its list."""
    return Troubles()


@pytest.fixture
def page(browser: Browser, troubles: Troubles) -> Iterator[Page]:
    """A browser page of a projector's size. It must have logged no error and asked no other host for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    troubles.watch(page)
    yield page
    context.close()
    assert troubles == Troubles()


def _wait_until_settled(page: Page, timeout: float = 60_000) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=timeout)
    skeletons = "[data-testid=stSkeleton], [data-testid=stAppSkeleton]"
    page.wait_for_function("selector => document.querySelector(selector) === null", arg=skeletons, timeout=timeout)


@pytest.fixture
def settled() -> Callable[[Page], None]:
    """``settled(page)`` waits until the script has run and everything it sent is there."""
    return _wait_until_settled
