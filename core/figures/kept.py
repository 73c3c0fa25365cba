"""What is made once and asked for often, by the content of what it was made from; the oldest goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

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
