"""What is made once and asked for often, by the content of what it was made from; the oldest goes first."""

from __future__ import annotations

import hashlib
import json
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar

import numpy as np

T = TypeVar("T")


class Kept(Generic[T]):
    """Values by key, shared by all threads, up to a number of bytes.

    Args:
        most_bytes: of all values, about; the one that was asked for longest ago goes first, the last one stays.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._values: OrderedDict[bytes, tuple[T, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: bytes, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """The value of a key, made where it is not kept. Two threads may both make it; one of the two is kept.

        Args:
            key: tells the content.
            make: the value.
            size: about how many bytes it takes.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
        value = make()
        with self._lock:
            if key not in self._values:
                self._values[key] = value, size(value)
                self._bytes += self._values[key][1]
            while len(self._values) > 1 and self._bytes > self.most_bytes:
                self._bytes -= self._values.popitem(last=False)[1][1]
        return value


_answers: Kept[Any] = Kept(4096)
"""What ``once`` has made; each counts as one, whatever its size."""

_PLAIN = frozenset({str, int, float, bool, type(None)})
"""What ``repr`` tells apart in a list, type and value."""

_told: dict[int, tuple[weakref.ref[Any], bytes]] = {}
"""Digests of frozen records that are still there, by their identity: the same model is asked about at every click."""


def content_key(*values: Any) -> bytes:
    """A digest of numbers, texts, arrays, records of these, and lists, tuples and dicts of them.

    A frozen record is read once as long as it lives: what it holds is not to be changed in place, as everywhere here.

    Raises:
        TypeError: for a value whose content cannot be told.
    """
    hasher = hashlib.blake2b(digest_size=16)
    _tell(hasher, values)
    return hasher.digest()


def once(function: Callable[..., T], *arguments: Any) -> T:
    """``function(*arguments)``, kept for the next time that anybody asks: for words and tables, which are small.

    Args:
        function: of a module, depending on its arguments only; nobody may change what it gives.
        arguments: as ``content_key`` takes them.

    Raises:
        TypeError: for an argument whose content cannot be told.
    """
    key = content_key(function.__module__, function.__qualname__, arguments)
    return _answers.get(key, lambda: function(*arguments), lambda _: 1)


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
        if all(type(each) in _PLAIN for each in value):
            hasher.update(f" {value!r}".encode("utf-8", "surrogatepass"))  # words and numbers, all at once
        else:
            hasher.update(f" {len(value)}".encode())
            for each in value:
                _tell(hasher, each)
    elif isinstance(value, dict):
        try:
            hasher.update(json.dumps(value).encode())  # measures of a model, thousands of numbers, at once
        except TypeError:
            _tell(hasher, list(value.items()))
    elif is_dataclass(value) and not isinstance(value, type):
        hasher.update(_record(value))
    else:
        raise TypeError(f"nothing can be kept by an argument of type {type(value).__name__}")
    hasher.update(b">")


def _record(record: Any) -> bytes:
    """Digest of what a record holds, remembered where it is frozen."""
    place, frozen = id(record), record.__dataclass_params__.frozen
    known = _told.get(place) if frozen else None
    if known is not None and known[0]() is record:
        return known[1]
    hasher = hashlib.blake2b(digest_size=16)
    for field in fields(record):
        _tell(hasher, getattr(record, field.name))
    if frozen:
        _told[place] = weakref.ref(record, lambda _: _told.pop(place, None)), hasher.digest()
    return hasher.digest()
