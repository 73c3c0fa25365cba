"""One visitor without a browser: speaks Streamlit's websocket protocol, opens a page by its address and clicks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import StringArray
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

LONGEST_S = 60.0
"""An answer that takes longer is an error."""
FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class LoadError(Exception):
    """The server gave no answer, or one that shows an error."""


@dataclass(frozen=True)
class Click:
    """What a click on a page does.

    Attributes:
        keys: number inputs and rows of buttons that get a new value, by their names in the address; () for a click on
            a switch, or where there is none for the same view again.
        low, high: range of the new numbers, drawn at random; of a row any of its buttons is.
        whole: whether they are whole numbers.
        buttons: what the keys of some buttons begin with, any of which is pressed instead; "" for none.
    """

    keys: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    buttons: str = ""


@dataclass
class Visitor:
    """A session.

    Args:
        url: of the server.
        page: name in the address, "" for the first one.
        query: of the address.
        click: what a click does.
        random: of the values.
    """

    url: str
    page: str
    query: dict[str, str]
    click: Click
    random: Random
    received: int = 0
    _socket: ClientConnection | None = None
    _page_hash: str = ""
    _bound: dict[str, tuple[str, Any]] = field(default_factory=dict)
    _states: dict[str, WidgetState] = field(default_factory=dict)
    _fragments: dict[str, str] = field(default_factory=dict)
    _buttons: list[str] = field(default_factory=list)
    _hashes: set[str] = field(default_factory=set)

    async def open(self) -> float:
        """Open the page; seconds until all of it was sent."""
        target = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        try:
            self._socket = await connect(target, origin=self.url, subprotocols=["streamlit"], max_size=None, proxy=None)
        except (OSError, WebSocketException) as error:
            raise LoadError(f"no connection: {error}") from error
        return await self._run()

    async def press(self) -> float:
        """Click once; seconds until all of the answer was sent."""
        fragment = ""
        clicked = self._clicked()
        for state in clicked:
            self._states[state.id] = state
            fragment = self._fragments[state.id]
        seconds = await self._run(fragment)
        for state in clicked:
            if state.WhichOneof("value") == "trigger_value":  # pressed once, not for ever
                del self._states[state.id]
        return seconds

    async def close(self) -> None:
        """Leave."""
        if self._socket is not None:
            await self._socket.close()

    def _clicked(self) -> list[WidgetState]:
        """The states that a click changes."""
        if self.click.keys:
            missing = [key for key in self.click.keys if key not in self._bound]
            if missing:
                raise LoadError(f"the page has no widget {missing[0]}")
            return [self._drawn(*self._bound[key]) for key in self.click.keys]
        if self.click.buttons:
            if not self._buttons:
                raise LoadError(f"the page has no button {self.click.buttons}")
            return [WidgetState(id=self.random.choice(self._buttons), trigger_value=True)]
        switch = next((proto for kind, proto in self._bound.values() if kind == "checkbox"), None)
        if switch is None:
            return []
        before = self._states.get(switch.id)
        return [WidgetState(id=switch.id, bool_value=not (switch.default if before is None else before.bool_value))]

    def _drawn(self, kind: str, proto: Any) -> WidgetState:
        """A new value of a widget, drawn at random."""
        if kind == "button_group":
            option = self.random.choice(proto.options).content
            return WidgetState(id=proto.id, string_array_value=StringArray(data=[option]))
        value = self.random.uniform(self.click.low, self.click.high)
        return WidgetState(id=proto.id, double_value=float(round(value)) if self.click.whole else round(value, 3))

    async def _run(self, fragment: str = "") -> float:
        """Ask for a run of the page, or of the part of it that a clicked widget is in, and read all that it sends."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string = urlencode(self.query)
        state.page_name, state.page_script_hash = ("", self._page_hash) if self._page_hash else (self.page, "")
        state.fragment_id = fragment
        state.widget_states.widgets.extend(self._states.values())
        state.cached_message_hashes.extend(self._hashes)
        began = time.perf_counter()
        try:
            assert self._socket is not None
            await self._socket.send(message.SerializeToString())
            await asyncio.wait_for(self._read(), LONGEST_S)
        except TimeoutError as error:
            raise LoadError(f"no answer within {LONGEST_S:g} s") from error
        except (OSError, WebSocketException) as error:
            raise LoadError(f"the connection was lost: {error}") from error
        return time.perf_counter() - began

    async def _read(self) -> None:
        """Everything up to the end of the run."""
        assert self._socket is not None
        async for data in self._socket:
            self.received += len(data)
            message = ForwardMsg.FromString(data)  # type: ignore[arg-type]
            if message.metadata.cacheable and message.hash:
                self._hashes.add(message.hash)
            kind = message.WhichOneof("type")
            if kind == "navigation":
                self._page_hash = message.navigation.page_script_hash
            elif kind == "page_not_found":
                raise LoadError(f"there is no page {self.page}")
            elif kind == "delta" and message.delta.HasField("new_element"):
                self._element(message.delta.new_element, message.delta.fragment_id)
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                if message.script_finished not in FINISHED:
                    raise LoadError("the script has an error")
                return
        raise LoadError("the server closed the connection")

    def _element(self, element: Any, fragment: str) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise LoadError(f"the page shows {element.exception.type}: {element.exception.message[:200]}")
        proto = getattr(element, kind)
        if kind == "button" and self.click.buttons and f"-{self.click.buttons}" in proto.id:
            if proto.id not in self._buttons:
                self._buttons.append(proto.id)
            self._fragments[proto.id] = fragment
        if key := getattr(proto, "query_param_key", ""):
            self._bound[key] = (kind, proto)
            self._fragments[proto.id] = fragment
