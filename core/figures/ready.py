"""Figures that are built once: building one costs more than all else that a page does in a run.

Plotly checks and copies every property of a figure when it is built, and copies it once more when it is sent: tens of
milliseconds for a picture of densities. The same figure is asked for at every click, by every session. ``ready`` keeps
what is sent, by the content of what it was built from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from core.figures.drawing import Drawing, drawing
from core.figures.kept import Kept, content_key

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
        >>> first, again = ready(build, [0, 1, 2]), ready(build, [0, 1, 2])
        >>> first.to_dict() is again.to_dict()
        True
    """
    made = _kept.get(_key(build, arguments, named), lambda: build(*arguments, **named), _size)
    if not over:
        return made
    return Drawing(made.to_dict().with_traces(drawing(over).to_dict()["data"]))


def with_layout(figure: Drawing, **layout: Any) -> Drawing:
    """The same figure with other properties of its layout, ready to be sent; the given one is not changed."""
    return Drawing(figure.to_dict().with_layout(layout))


def _key(build: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> bytes:
    while isinstance(build, partial):
        arguments, named, build = (*build.args, *arguments), {**build.keywords, **named}, build.func
    return content_key(f"{build.__module__}.{build.__qualname__}", arguments, sorted(named.items()))


def _size(made: Drawing) -> int:
    sent = made.to_dict()
    return 2 * sum(len(sent.part(name)) for name in sent)  # as it is, and as it is written
