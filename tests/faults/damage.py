"""Ways to damage a checkpoint folder: bytes, structure of safetensors and JSON, numbers, and what a file is at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from core.checkpoint_content import sha256
from tests.faults import damage_tensors, damage_text

BINARY = ("model.safetensors", "latents.safetensors", "snapshots.safetensors", "images.safetensors")
MEASURES = ("per_image-test.safetensors", "components-test.safetensors")
"""Binary, without a hash: may be measured again."""
TEXT = ("config.json", "metrics.json", "ladder.json")


@dataclass(frozen=True)
class Damage:
    """One thing done to one file.

    Attributes:
        file: its name.
        how: key of ``WAYS``.
        place: where, as a share of what there is.
        value: index of the junk that is put there.
        vouched: whether config.json is given the hash of the damaged file, so that what is behind the hashes is met.
    """

    file: str
    how: str
    place: float
    value: int
    vouched: bool


def damages(files: tuple[str, ...]) -> st.SearchStrategy[Damage]:
    """One damage of one of these files."""

    def of(file: str) -> st.SearchStrategy[Damage]:
        ways = OF[file.rsplit(".", 1)[1]]
        return st.builds(
            Damage,
            st.just(file),
            st.sampled_from(ways),
            st.floats(0, 1, exclude_max=True),
            st.integers(0, 255),
            st.sampled_from([True, True, True, False]),
        )

    return st.sampled_from(files).flatmap(of)


def apply(folder: Path, damage: Damage) -> None:
    """Do it; where config.json names the hash of the file, that may follow."""
    file = folder / damage.file
    WAYS[damage.how](file, damage)
    if damage.vouched and damage.file in BINARY and file.is_file() and file.stat().st_size < 10**8:
        config = json.loads((folder / "config.json").read_text())
        config.setdefault("files", {})[damage.file] = sha256(file)
        (folder / "config.json").write_text(json.dumps(config))


def _truncate(file: Path, damage: Damage) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(damage.place * len(content))])


def _flip(file: Path, damage: Damage) -> None:
    content = bytearray(file.read_bytes())
    content[int(damage.place * len(content))] ^= damage.value or 1
    file.write_bytes(content)


def _flip_head(file: Path, damage: Damage) -> None:
    """In the first bytes stands what the rest means."""
    content = bytearray(file.read_bytes())
    content[int(damage.place * min(len(content), 600))] = damage.value
    file.write_bytes(content)


def _zeros(file: Path, damage: Damage) -> None:
    """As a computer that lost power leaves it: the length is right, the end is zeros."""
    content, start = file.read_bytes(), int(damage.place * file.stat().st_size)
    file.write_bytes(content[:start] + bytes(len(content) - start))


def _twice(file: Path, damage: Damage) -> None:
    content = file.read_bytes()
    start = int(damage.place * len(content))
    file.write_bytes(content[:start] + content[start // 2 :])


def _other_file(file: Path, damage: Damage) -> None:
    others = sorted(path for path in file.parent.iterdir() if path != file)
    file.write_bytes(others[damage.value % len(others)].read_bytes())


def _sparse(file: Path, damage: Damage) -> None:
    """Terabytes of nothing behind the content, which take no place on the disk."""
    with file.open("rb+") as handle:
        handle.truncate(2**41)


def _nothing(file: Path, damage: Damage) -> None:
    file.unlink()


def _folder(file: Path, damage: Damage) -> None:
    file.unlink()
    file.mkdir()


def _pipe(file: Path, damage: Damage) -> None:
    """Whoever opens it waits for ever."""
    file.unlink()
    os.mkfifo(file)


def _link(file: Path, damage: Damage) -> None:
    """To itself, to nothing, and to files that never end."""
    file.unlink()
    file.symlink_to((file.name, "nowhere", "/dev/zero", "/dev/urandom", "/dev/null", "/")[damage.value % 6])


WHOLE: dict[str, Callable[[Path, Damage], None]] = {
    "truncate": _truncate,
    "flip": _flip,
    "flip in the head": _flip_head,
    "zeros": _zeros,
    "twice": _twice,
    "other file": _other_file,
    "sparse": _sparse,
    "nothing": _nothing,
    "folder": _folder,
    "pipe": _pipe,
    "link": _link,
}
WAYS: dict[str, Callable[[Path, Damage], None]] = {**WHOLE, **damage_tensors.WAYS, **damage_text.WAYS}
OF = {"json": [*WHOLE, *damage_text.WAYS], "safetensors": [*WHOLE, *damage_tensors.WAYS]}
"""Ways by the ending of a file."""
