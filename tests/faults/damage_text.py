"""Ways to damage a JSON file: other values, missing and additional ones, depth."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.damage import Damage

JUNK = (
    None, True, False, -1, 0, 1, 2**31, 2**63, 10**400, 1e308, -1e308, 1e-320, 0.5, float("nan"), float("inf"),
    "", "x" * 5000, "<img src=x onerror=alert(1)>", "../../etc/passwd", "\0", "\ud800", "1", "nan", "cuda:99",
    [], {}, [[]], [None], [0] * 3000, {"value": 1e300, "se": 1e300}, {"": {"": {"": 1}}},
)  # fmt: skip
"""Put in the place of something in a JSON file."""


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a JSON value with each of its keys."""
    keys = list(content) if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    for key in keys:
        yield content, key
        yield from _places(content[key])


def _replace(file: Path, damage: Damage) -> None:
    """Something in it becomes something else."""
    content = json.loads(file.read_text())
    places = list(_places(content))
    if places:
        container, key = places[int(damage.place * len(places))]
        container[key] = JUNK[damage.value % len(JUNK)]
    file.write_text(json.dumps(content))


def _remove(file: Path, damage: Damage) -> None:
    content = json.loads(file.read_text())
    places = list(_places(content))
    if places:
        container, key = places[int(damage.place * len(places))]
        del container[key]
    file.write_text(json.dumps(content))


def _add(file: Path, damage: Damage) -> None:
    content = json.loads(file.read_text())
    objects = [content, *(box[key] for box, key in _places(content) if isinstance(box[key], dict))]
    objects[int(damage.place * len(objects))]["<b>spy</b>"] = JUNK[damage.value % len(JUNK)]
    file.write_text(json.dumps(content))


def _deep(file: Path, damage: Damage) -> None:
    opening = '{"a":' if damage.value % 2 else "["
    file.write_text(opening * (10**5 if damage.value % 3 else 900))


WAYS: dict[str, Callable[[Path, Damage], None]] = {
    "replace": _replace,
    "remove": _remove,
    "add": _add,
    "deep": _deep,
}
