"""A figure as it is sent to the browser, made from plain traces and a plain layout.

``go.Figure`` checks and copies every property twice on the way to the browser, which takes longer than what a figure is
calculated from. Here nothing is checked: the tests check what every builder makes, and that it is sent as ``go.Figure``
would send it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import orjson
import plotly.graph_objects as go
import plotly.io
from plotly.basedatatypes import BaseFigure
from plotly.io.json import to_json_plotly

_SHORT = {
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4",
    "float64": "f8",
}  # fmt: skip
_NARROWER = {"int64": ("int8", "uint8", "int16", "uint16", "int32", "uint32"), "uint64": ("uint8", "uint16", "uint32")}
"""The browser has no integers of 64 bits: they go as the first of these that holds them."""
_AS_LISTS = ("range", "layer", "layers", "geojson")
"""Properties that the browser's library does not take as typed arrays."""

_PLAIN = {str, int, float, bool, type(None)}

inspectors: list[Callable[[Drawing, Sequence[Any], Mapping[str, Any], Sequence[Any]], None]] = []
"""Called with every figure that is made, and with what it is made from: tests look at them."""


class Sent(dict[str, Any]):
    """Data, layout and frames as the browser gets them, each written as JSON once.

    Args:
        parts: of the figure.
        written: JSON of those parts that were written before, by name.
    """

    def __init__(self, parts: Mapping[str, Any], written: Mapping[str, bytes] | None = None) -> None:
        super().__init__(parts)
        self._written = dict(written or {})

    def part(self, name: str) -> bytes:
        """A part as plotly writes it, without what would end a script."""
        if name not in self._written:
            self._written[name] = str(to_json_plotly(self[name])).encode()
        return self._written[name]

    def to_plotly_json(self) -> orjson.Fragment:
        """All of it; plotly asks for this when it writes a figure."""
        return orjson.Fragment(b"{" + b",".join(f'"{name}":'.encode() + self.part(name) for name in self) + b"}")

    def with_layout(self, layout: Mapping[str, Any]) -> Sent:
        """The same with other properties of the layout."""
        others = {name: self.part(name) for name in self if name != "layout"}
        return Sent(self | {"layout": self["layout"] | layout}, others)

    def with_traces(self, traces: Sequence[Mapping[str, Any]]) -> Sent:
        """The same with further traces, plain ones, on top."""
        added = str(to_json_plotly(list(traces))).encode()
        written = {name: self.part(name) for name in self}
        if traces and self["data"]:
            written["data"] = written["data"][:-1] + b"," + added[1:]
        elif traces:
            written["data"] = added
        return Sent(self | {"data": [*self["data"], *traces]}, written)


class Drawing(BaseFigure):
    """A figure that is ready to be sent. It cannot be changed: a builder makes another one.

    Args:
        sent: data, layout and frames.
    """

    def __init__(self, sent: Sent) -> None:  # not that of a figure: nothing is checked
        self._sent = sent

    def to_dict(self) -> Sent:
        """What is sent, shared by all who ask for this figure; not to be changed."""
        return self._sent

    @cached_property
    def checked(self) -> go.Figure:
        """The same as a figure of plotly, which checks it and can be changed."""
        return go.Figure(_arrays(self._sent))

    @property
    def data(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  # it has no setter here
        """The traces, as plotly's objects."""
        return self.checked.data

    @property
    def layout(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The layout, as plotly's object."""
        return self.checked.layout

    @property
    def frames(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The frames, as plotly's objects."""
        return self.checked.frames

    def __repr__(self) -> str:
        return f"Drawing({len(self._sent['data'])} traces)"


def drawing(
    traces: Sequence[Mapping[str, Any]],
    layout: Mapping[str, Any] | None = None,
    frames: Sequence[Mapping[str, Any]] = (),
) -> Drawing:
    """A figure.

    Args:
        traces: properties of each, nested as plotly's reference has them, with its "type".
        layout: its properties.
        frames: each with its "name", "data" and "traces".
    """
    template = _template(plotly.io.templates.default)
    sent = {"data": _plain(list(traces)), "layout": {"template": template} | _plain(dict(layout or {}))}
    if frames:
        sent["frames"] = _plain(list(frames))
    made = Drawing(Sent(sent))
    for look in inspectors:
        look(made, traces, layout or {}, frames)
    return made


@lru_cache(maxsize=4)
def _template(name: str | None) -> dict[str, Any]:  # noqa: ARG001
    """The template that figures get now; Streamlit has one of its own, which the browser fills in."""
    return go.Figure().to_dict()["layout"].get("template", {})


def _plain(value: Any) -> Any:
    """Arrays of numbers as the browser's typed arrays, everything else as JSON has it."""
    if isinstance(value, Mapping):
        return {key: _listed(part) if key in _AS_LISTS else _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return list(value) if set(map(type, value)) <= _PLAIN else [_plain(part) for part in value]
    if isinstance(value, np.generic):
        return value.item()
    return _typed(value) if isinstance(value, np.ndarray) else value


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else [_listed(part) for part in value] if isinstance(
        value, list | tuple) else value.item() if isinstance(value, np.generic) else value  # fmt: skip


def _typed(value: np.ndarray) -> Any:
    for narrower in _NARROWER.get(str(value.dtype), ()) if value.size else ():
        bounds = np.iinfo(narrower)
        if bounds.min <= value.min() and value.max() <= bounds.max:
            value = value.astype(narrower)
            break
    short = _SHORT.get(str(value.dtype))
    if short is None:
        return value.tolist()
    spec = {"dtype": short, "bdata": base64.b64encode(value.tobytes()).decode("ascii")}
    return spec if value.ndim < 2 else spec | {"shape": str(value.shape)[1:-1]}


def _arrays(value: Any) -> Any:
    """The opposite: typed arrays as arrays."""
    if isinstance(value, dict) and "bdata" in value:
        flat = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
        return flat.reshape([int(side) for side in value.get("shape", str(len(flat))).split(",")])
    if isinstance(value, dict):
        return {key: _arrays(part) for key, part in value.items()}
    return [_arrays(part) for part in value] if isinstance(value, list) else value
