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

from core.figures.drawing import Drawing, drawing
from core.figures.kept import Kept

_kept: Kept[Drawing] = Kept(128 * 2**20)


def ready(build: Callable[..., Drawing], *arguments: Any, over: Sequence[dict[str, Any]] = (), **named: Any) -> Drawing:
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
        ...     return drawing([{"type": "scatter", "x": x, "y": x}])
        >>> first, again = ready(build, np.arange(3)), ready(build, np.arange(3))
        >>> first.to_dict() is again.to_dict()
        True
    """
    made = _kept.get(_key(build, arguments, named), lambda: build(*arguments, **named), lambda it: _size(it.to_dict()))
    if not over:
        return made
    sent = made.to_dict()
    return Drawing(sent | {"data": [*sent["data"], *drawing(over).to_dict()["data"]]})


def with_layout(figure: Drawing, **layout: Any) -> Drawing:
    """The same figure with other properties of its layout, ready to be sent; the given one is not changed."""
    sent = figure.to_dict()
    return Drawing(sent | {"layout": sent["layout"] | layout})


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
