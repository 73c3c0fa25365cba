"""Figures that are built once: building one costs more than all else that a page does in a run.

Plotly checks and copies every property of a figure when it is built, and copies it once more when it is sent: tens of
milliseconds for a picture of densities. The same figure is asked for at every click, by every session. ``ready`` keeps
what is sent, by the content of what it was built from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.basedatatypes import BaseFigure

from core.figures.kept import Kept

_kept: Kept[dict[str, Any]] = Kept(128 * 2**20)


class Ready(BaseFigure):
    """A figure as it is sent. It cannot be changed: a builder makes one that can, from the same arguments."""

    def __init__(self, sent: dict[str, Any]) -> None:  # not that of a figure: nothing is checked again
        self._sent = sent

    def to_dict(self) -> dict[str, Any]:
        """What is sent, shared by all who ask for this figure; not to be changed."""
        return self._sent

    def __repr__(self) -> str:
        return f"Ready({len(self._sent['data'])} traces)"


def ready(build: Callable[..., go.Figure], *arguments: Any, over: Sequence[dict[str, Any]] = (), **named: Any) -> Ready:
    """The figure that ``build(*arguments, **named)`` makes, kept for the next time.

    Args:
        build: a function of ``core.figures`` that depends on its arguments only.
        arguments: of it: numbers, texts, arrays, records of these, and lists and tuples of them.
        over: traces that are put on top, plain and few: what is marked changes from click to click.
        named: further arguments.

    Raises:
        TypeError: for an argument whose content cannot be told.

    Example:
        >>> def build(x):
        ...     return go.Figure(go.Scatter(x=x, y=x))
        >>> first, again = ready(build, np.arange(3)), ready(build, np.arange(3))
        >>> first.to_dict() is again.to_dict()
        True
    """
    sent = _kept.get(_key(build, arguments, named), lambda: build(*arguments, **named).to_dict(), _size)
    if not over:
        return Ready(sent)
    return Ready(sent | {"data": [*sent["data"], *go.Figure(list(over)).to_dict()["data"]]})


def with_layout(figure: BaseFigure, **layout: Any) -> Ready:
    """The same figure with other properties of its layout, ready to be sent; the given one is not changed."""
    sent = figure.to_dict()
    return Ready(sent | {"layout": sent["layout"] | layout})


def _key(build: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> bytes:
    hasher = hashlib.blake2b(digest_size=16)
    while isinstance(build, partial):
        arguments, named, build = (*build.args, *arguments), {**build.keywords, **named}, build.func
    hasher.update(f"{build.__module__}.{build.__qualname__}".encode())
    _tell(hasher, arguments)
    _tell(hasher, sorted(named.items()))
    return hasher.digest()


def _tell(hasher: Any, value: Any) -> None:
    """Put a value's type, size and content to the hash, so that no two values look the same."""
    hasher.update(f"<{type(value).__module__}.{type(value).__qualname__}".encode())
    if isinstance(value, str):
        hasher.update(f" {len(value)} ".encode())
        hasher.update(value.encode("utf-8", "surrogatepass"))
    elif value is None or isinstance(value, bool | int | float | np.generic):
        hasher.update(f" {value!r}".encode())
    elif isinstance(value, np.ndarray) and value.dtype != object:
        hasher.update(f" {value.dtype}{value.shape}".encode())
        hasher.update(np.ascontiguousarray(value).data)
    elif isinstance(value, list | tuple):
        hasher.update(f" {len(value)}".encode())
        for each in value:
            _tell(hasher, each)
    elif isinstance(value, dict):
        try:
            hasher.update(json.dumps(value).encode())  # measures of a model, thousands of numbers, at once
        except TypeError:
            _tell(hasher, list(value.items()))
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            _tell(hasher, getattr(value, field.name))
    else:
        raise TypeError(f"a figure cannot be kept by an argument of type {type(value).__name__}")
    hasher.update(b">")


def _size(value: Any) -> int:
    """About how many bytes a figure takes."""
    if isinstance(value, dict):
        return sum(map(_size, value.values())) + 200
    if isinstance(value, list | tuple):
        return sum(map(_size, value)) + 60
    return value.nbytes if isinstance(value, np.ndarray) else len(value) + 50 if isinstance(value, str) else 30
