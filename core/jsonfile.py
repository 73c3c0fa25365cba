"""JSON files that someone else may have written: size, depth and numbers are checked."""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path
from typing import Any, NoReturn

from core.errors import CheckpointError

MAX_BYTES = 8_000_000


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file, with finite numbers only, so that it can be written out again.

    Raises:
        CheckpointError: with the reason.
    """
    text = read_text(file)
    try:
        content = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:  # ValueError: also an integer of more digits than Python reads
        raise CheckpointError(f"{file.name} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{file.name} must hold an object; got {type(content).__name__}")
    return content


def read_text(file: Path) -> str:
    """The text of a file of at most ``MAX_BYTES``; of a pipe or a device, which may never end, nothing is read.

    Raises:
        CheckpointError: with the reason.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise CheckpointError(f"{file.name} is no file but a folder, a pipe or a device")
        with file.open("rb") as content:
            found = content.read(MAX_BYTES + 1)
        if len(found) > MAX_BYTES:
            raise CheckpointError(f"{file.name} is larger than {MAX_BYTES:,} bytes")
        return found.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{file.name} cannot be read: {error.__class__.__name__}") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large a number")
    return value
