"""The launcher: ``streamlit run dashboard.py``. The pages are in ``pages/``, the calculations in ``core/``.

The app is an ``st.App`` around ``pages/_shell.py``, not a script itself, for a reason: a folder ``pages`` beside the
main script makes Streamlit list it by its own rules until somebody opens ``/``, so a shared link to any other page
would show that page without its frame. The main script is the shell, and beside it there is no such folder.
"""

import asyncio
import atexit
import gc
import importlib
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from core.front_door import FrontDoor

SHELL = Path(__file__).resolve().parent / "pages" / "_shell.py"

# What the pages need and what takes long to import, the most needed first.
HEAVY_IMPORTS = (
    "torch",
    "pandas",
    "plotly.graph_objects",
    "core.checkpoint",
    "core.figures",
    "scipy.optimize",
    "sklearn.datasets",
    "sklearn.model_selection",
)

TIDY_S = 5.0
"""Time between two collections of garbage, in seconds."""

# Set when the warm-up has ended.
warm = asyncio.Event()


def warm_up(threads: int) -> None:
    """Import once what every page needs, then take it out of the garbage collector's sight.

    Streamlit collects garbage after each run of a page. With torch imported that walks through very many objects that
    never die and costs 100 to 175 ms a click. ``gc.freeze`` makes it free, and sessions' garbage is still collected.
    """
    gc.disable()  # while importing: nothing dies, and looking for it takes a fifth of the time
    try:
        for name in HEAVY_IMPORTS:
            importlib.import_module(name)
    finally:
        gc.enable()
    # Sessions are threads: several torch pools on the same cores cost more than they gain (measured).
    importlib.import_module("torch").set_num_threads(threads)
    gc.collect()
    gc.freeze()
    # Without this, extension modules report their frozen objects as leaks when the server stops.
    atexit.register(gc.unfreeze)


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncGenerator[None]:
    """Serve at once and warm up beside it: the browser fetches the front end meanwhile."""
    threads = int(os.environ.get("PRIORSCOPE_THREADS", "1"))

    async def warm_up_beside() -> None:
        try:
            await asyncio.to_thread(warm_up, threads)
            importlib.import_module("pages._ui.cache_ahead").ahead.start()
        except Exception:
            # Not fatal here: the page that needs the same import shows why it cannot have it.
            logging.getLogger(__name__).exception("The warm-up failed")
        finally:
            warm.set()

    async def tidy_up() -> None:
        """Collect what sessions leave behind, for all of them at once instead of after each run (config.toml)."""
        while True:
            await asyncio.sleep(TIDY_S)
            await asyncio.to_thread(gc.collect)

    task, tidying = asyncio.create_task(warm_up_beside()), asyncio.create_task(tidy_up())
    yield
    tidying.cancel()
    await task


class WarmUpFirst:
    """Middleware: a session starts when the warm-up is done.

    Libraries look into ``sys.modules`` for each other without Python's import lock: a figure drawn while pandas is half
    imported fails ("partially initialized module"). Web sockets start sessions, so only they wait.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "websocket":
            await warm.wait()
        await self.app(scope, receive, send)


front_door = Middleware(
    FrontDoor,
    page=Path(st.__file__).parent / "static" / "index.html",
    allowed_hosts=lambda: st.get_option("server.allowedHosts"),
)
app = st.App(SHELL, lifespan=lifespan, middleware=[front_door, Middleware(WarmUpFirst)])
