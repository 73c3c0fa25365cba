"""A limit on what building a model may allocate.

A configuration is text that anybody may have written, and a few digits in it can describe a model of terabytes. The
weights beside it say how many numbers there really are, so a model is built within a small multiple of that. (Building
on torch's meta device would tell the shapes without memory, but arithmetic there makes torch import its compiler, which
takes two seconds.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}
SLACK = 1_000_000


class OverBudget(ValueError):
    """More was asked for than the budget allows."""


class AllocationBudget(TorchFunctionMode):
    """Within ``with AllocationBudget(n):`` torch's factories may make ``4 n`` numbers and some; then they raise.

    Args:
        numbers: how many the finished model has.
    """

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.left = 4 * numbers + SLACK

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Count before the memory is taken."""
        kwargs = kwargs or {}
        if func in FACTORIES:
            self.left -= _numbers(func, args, kwargs)
            if self.left < 0:
                raise OverBudget("the model is larger than its weights")
        return func(*args, **kwargs)


def _numbers(func: Callable[..., Any], args: tuple, kwargs: Mapping[str, Any]) -> int:
    """How many numbers a factory is asked for; the size is one tuple or, but for ``full``, separate integers."""
    size = kwargs["size"] if "size" in kwargs else (args[:1] if func is torch.full else args)
    if len(size) == 1 and not isinstance(size[0], int):
        size = size[0]
    return math.prod(size)
