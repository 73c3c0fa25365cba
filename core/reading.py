"""How each number is read: the guide ``docs/how-to/read-the-numbers.md`` as values, for the page that shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "read-the-numbers.md"
DIFFERENCES = "differences-between-models"
"""Anchor of what stands below the table."""
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Number:
    """One row of the guide's table, in Markdown.

    Attributes:
        anchor: under which the page shows it.
        name: as pages call it.
        what: what it is.
        null: what it would be if there were no difference; "–" where that is no question.
        fooled: what fools it.
    """

    anchor: str
    name: str
    what: str
    null: str
    fooled: str


@dataclass(frozen=True)
class Guide:
    """The words above the table, its rows, and the words below it."""

    title: str
    above: str
    numbers: tuple[Number, ...]
    below: str


def anchor_of(name: str) -> str:
    """Letters and digits of a name, joined by hyphens.

    Example:
        >>> anchor_of("log p(x), exact"), anchor_of("MMD²")
        ('log-p-x-exact', 'mmd')
    """
    return "-".join(re.findall("[a-z0-9]+", name.lower()))


def guide(path: Path = GUIDE) -> Guide:
    """Read the guide.

    Args:
        path: a Markdown file with one heading and one table of four columns.

    Raises:
        ValueError: if the file is not there, or is of another form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ValueError(
            f"{path.name} cannot be read ({error.strerror}): it comes with the program, in docs"
        ) from error
    rows = [number for number, line in enumerate(lines) if line.startswith("|")]
    if not rows or not lines[0].startswith("# ") or rows[-1] - rows[0] + 1 != len(rows) or len(rows) < 3:
        raise ValueError(f"{path.name} must hold one heading, and one table that nothing interrupts")
    numbers = tuple(_number(lines[row]) for row in rows[2:])
    above, below = ("\n".join(part).strip() for part in (lines[1 : rows[0]], lines[rows[-1] + 1 :]))
    return Guide(lines[0].removeprefix("# "), above, numbers, below)


def _number(line: str) -> Number:
    cells = [cell.strip().replace(r"\|", "|") for cell in _CELL.split(line.strip())[1:-1]]
    if len(cells) != 4:
        raise ValueError(f"a row of the guide must have 4 cells, got {len(cells)}: {line[:60]!r}")
    return Number(anchor_of(cells[0]), *cells)
