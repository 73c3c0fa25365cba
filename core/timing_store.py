"""Timing runs as files: one JSON file a run, written whole or not at all, checked when it is read.

Runs measured here lie in a folder of the user's, ``runs_folder``; one of each kind came with the program. A run is a
frozen record of plain numbers; what is in a file is exactly its fields, and a version.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from core.cache_folder import cache_folder
from core.errors import CheckpointError, first_problem
from core.jsonfile import read_object
from core.plain_text import is_plain, shown
from core.progress import write_json

T = TypeVar("T")

MEASURED = Path(__file__).parent / "measured"
"""Runs that came with the program."""

LARGEST = 1e12
MAX_TEXT = 200
MAX_ITEMS = 10_000
"""Limits of every number, text and list of a file."""

MAX_KNOWN = 200
"""Runs that are kept in memory: a page lists all of them each time it is drawn."""

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+00:00")


class Store(Generic[T]):
    """The files of one kind of run.

    Args:
        kind: name of the kind, as in "flow-timing".
        version: of the layout; a file of another one is refused.
        record: the frozen dataclass that a file holds; it has a ``stamp``.
        problem: what is wrong with a record whose types are right, "" where nothing is.
    """

    def __init__(self, kind: str, version: int, record: type[T], problem: Callable[[T], str]) -> None:
        self.kind, self._version, self._problem = kind, version, problem
        self._adapter = TypeAdapter(record)
        self._known: dict[Path, tuple[tuple[int, int], T]] = {}
        self.shipped = MEASURED / f"{kind}.json"

    def as_dict(self, run: T) -> dict[str, Any]:
        """The run as a JSON object."""
        assert is_dataclass(run) and not isinstance(run, type)
        return {"kind": self.kind, "schema_version": self._version, **json.loads(json.dumps(asdict(run)))}

    def write(self, file: Path, run: T) -> None:
        """Replace a file in one step."""
        write_json(file, self.as_dict(run))

    def save(self, run: T, stamp: str) -> Path:
        """Keep a run among those measured here, under a name of its moment and its content.

        Raises:
            ValueError: where the folder cannot be written.
        """
        text = json.dumps(self.as_dict(run), sort_keys=True)
        moment = re.sub(r"[^0-9T]", "", stamp[:19])
        file = self.folder() / f"{moment}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self.write(file, run)
        except OSError as error:
            raise ValueError(
                f"the run cannot be kept in {file.parent}: {error}. Set PRIORSCOPE_TIMINGS to a folder that can be "
                "written"
            ) from error
        return file

    def folder(self) -> Path:
        """Where runs measured here are kept; it need not exist."""
        return runs_folder() / self.kind

    def files(self) -> list[Path]:
        """Of the runs measured here, in no order."""
        folder = self.folder()
        return [f for f in folder.glob("*.json") if not f.name.startswith(".")] if folder.is_dir() else []

    def read(self, file: Path) -> T:
        """What a file holds; one that was read before and has the same time and size is not read again.

        Raises:
            CheckpointError: if it cannot be used, naming what is wrong.
        """
        try:
            told = file.stat()
        except OSError as error:
            raise CheckpointError(f"{file.name} cannot be read: {error.strerror}") from error
        seen = (told.st_mtime_ns, told.st_size)
        known = self._known.get(file)
        if known is None or known[0] != seen:
            known = (seen, self._read(file))
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[file] = known
        return known[1]

    def _read(self, file: Path) -> T:
        content = read_object(file)
        found = (content.pop("kind", None), content.pop("schema_version", None))
        if found != (self.kind, self._version) or isinstance(found[1], bool):
            raise CheckpointError(
                f"{file.name}: kind and schema version are {str(found)[:60]}; this program reads "
                f"{(self.kind, self._version)}: measure again"
            )
        try:
            run = self._adapter.validate_json(json.dumps(content), strict=True)
        except ValidationError as error:
            raise CheckpointError(f"{file.name}: {first_problem(error)}") from error
        if problem := _problem_of_size(content) or _extra(content, asdict(run)) or self._problem(run):  # type: ignore
            raise CheckpointError(f"{file.name}: {problem}")
        return run


def runs_folder() -> Path:
    """The environment's PRIORSCOPE_TIMINGS, else ``timings`` in the user's cache folder.

    Raises:
        ValueError: the path names an unknown home folder.
    """
    return cache_folder("timings", "PRIORSCOPE_TIMINGS")


def is_stamp(text: str) -> bool:
    """Whether a text is a moment in UTC as runs are stamped."""
    return STAMP.fullmatch(text) is not None


def _problem_of_size(value: Any) -> str:
    """The first number, text or list in a file that is too large, "" where none is."""
    for part in _walk(value):
        if isinstance(part, int | float) and abs(part) > LARGEST:
            return f"the number {str(part)[:20]} is out of range"
        if isinstance(part, str) and len(part) > MAX_TEXT:
            return f"a text of {len(part)} characters, at most {MAX_TEXT} are expected"
        if isinstance(part, str) and not is_plain(part):
            return f"the text {shown(part)!r} holds marks that are none of a measurement"
        if isinstance(part, list) and len(part) > MAX_ITEMS:
            return f"a list of {len(part)} entries, at most {MAX_ITEMS} are expected"
    return ""


def _walk(value: Any) -> Iterator[Any]:
    yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _walk(child)


def _extra(content: Any, known: Any, where: str = "") -> str:
    """A name in a file that no field has, "" where there is none: it may be a misspelt one."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key not in known:
                return f"{where}{shown(key, 40)} is no field of a run"
            if found := _extra(value, known[key], f"{where}{shown(key, 40)}."):
                return found
    elif isinstance(content, list):
        for place, (value, other) in enumerate(zip(content, known, strict=True)):
            if found := _extra(value, other, f"{where}{place}."):
                return found
    return ""
