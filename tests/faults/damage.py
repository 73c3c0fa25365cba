"""Ways to damage a checkpoint folder: bytes, structure of safetensors and JSON, numbers, and what a file is at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from core.checkpoint_content import sha256

BINARY = ("model.safetensors", "latents.safetensors", "snapshots.safetensors", "images.safetensors")
MEASURES = ("per_image-test.safetensors", "components-test.safetensors")
"""Binary, without a hash: may be measured again."""
TEXT = ("config.json", "metrics.json", "ladder.json")

JUNK = (
    None, True, False, -1, 0, 1, 2**31, 2**63, 10**400, 1e308, -1e308, 1e-320, 0.5, float("nan"), float("inf"),
    "", "x" * 5000, "<img src=x onerror=alert(1)>", "../../etc/passwd", "\0", "\ud800", "1", "nan", "cuda:99",
    [], {}, [[]], [None], [0] * 3000, {"value": 1e300, "se": 1e300}, {"": {"": {"": 1}}},
)  # fmt: skip
"""Put in the place of something in a JSON file."""
NUMBERS = (float("nan"), float("inf"), -float("inf"), 65504.0, -65504.0, 1e-7, 0.0, 3e4)
"""Put into a tensor; those beyond half precision become infinite there."""
DTYPES = ("F16", "F32", "F64", "BF16", "I8", "U8", "I32", "I64", "U64", "BOOL", "F8_E4M3", "C64", "F128", "", 7)
SIZES = (0, 1, 2, 3, 2**20, 2**31, 2**40, 2**62, 2**63 - 1, 2**64, -1, 1.5, "2", None)


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
        ways = [how for how, (kinds, _) in WAYS.items() if file.rsplit(".", 1)[1] in kinds]
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
    WAYS[damage.how][1](file, damage)
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


def _long_head(file: Path, damage: Damage) -> None:
    """The length of the header, which is its first 8 bytes."""
    content = file.read_bytes()
    size = (0, 1, 2**20, 2**31, 2**40, 2**63, 2**64 - 1)[damage.value % 7]
    file.write_bytes(size.to_bytes(8, "little") + content[8:])


def _header(file: Path) -> tuple[dict[str, Any], bytes]:
    content = file.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def _write_header(file: Path, header: dict[str, Any], data: bytes) -> None:
    text = json.dumps(header).encode(errors="surrogatepass")
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)


def _tensor(header: dict[str, Any], place: float) -> str:
    names = sorted(name for name in header if name != "__metadata__")
    return names[int(place * len(names))]


def _shape(file: Path, damage: Damage) -> None:
    """A tensor of another shape, often a huge one."""
    header, data = _header(file)
    entry = header[_tensor(header, damage.place)]
    size, shape = SIZES[damage.value % len(SIZES)], entry["shape"]
    choices = ([size], [size, *shape[1:]], [*shape, size], [], [size] * 40, [*shape, 1], [size, size, size])
    entry["shape"] = choices[damage.value // len(SIZES) % len(choices)]
    _write_header(file, header, data)


def _consistent_shape(file: Path, damage: Damage) -> None:
    """Another shape with as much data as that needs."""
    header, data = _header(file)
    name = _tensor(header, damage.place)
    start, end = header[name]["data_offsets"]
    rows = (0, 1, 2, 7, 50)[damage.value % 5]
    first, *rest = header[name]["shape"] or [1]
    per_row = (end - start) // max(first, 1)
    header[name]["shape"] = [rows, *rest]
    new = data[start : start + min(rows, first) * per_row] + bytes(max(rows - first, 0) * per_row)
    for other, entry in header.items():
        if other != "__metadata__" and entry["data_offsets"][0] >= end:
            entry["data_offsets"] = [offset + len(new) - (end - start) for offset in entry["data_offsets"]]
    header[name]["data_offsets"] = [start, start + len(new)]
    _write_header(file, header, data[:start] + new + data[end:])


def _dtype(file: Path, damage: Damage) -> None:
    header, data = _header(file)
    header[_tensor(header, damage.place)]["dtype"] = DTYPES[damage.value % len(DTYPES)]
    _write_header(file, header, data)


def _same_size_dtype(file: Path, damage: Damage) -> None:
    """A type of the same size, so that only its meaning is another one."""
    header, data = _header(file)
    entry = header[_tensor(header, damage.place)]
    groups = (("F16", "BF16", "I16", "U16"), ("F32", "I32", "U32"), ("U8", "I8", "BOOL", "F8_E5M2"), ("I64", "F64"))
    group = next(group for group in groups if entry["dtype"] in group)
    entry["dtype"] = group[damage.value % len(group)]
    _write_header(file, header, data)


def _offsets(file: Path, damage: Damage) -> None:
    header, data = _header(file)
    entry = header[_tensor(header, damage.place)]
    start, end = entry["data_offsets"]
    choices = ([end, start], [0, 2**63], [0, 0], [start, end + 8], [start + 2, end], [-1, 5], [2**62, 2**62 + 8])
    entry["data_offsets"] = choices[damage.value % len(choices)]
    _write_header(file, header, data)


def _names(file: Path, damage: Damage) -> None:
    header, data = _header(file)
    name = _tensor(header, damage.place)
    new = ("spy", "", "x" * 4000, "labels", "<b>", "prior.__class__", "mean")[damage.value % 7]
    header[new] = header.pop(name)
    _write_header(file, header, data)


def _metadata(file: Path, damage: Damage) -> None:
    header, data = _header(file)
    known = header.get("__metadata__", {})
    key = (sorted(known) or ["total"])[int(damage.place * max(len(known), 1))]
    junk = ("", "-1", "0", "1", "nan", "1e9", "9" * 5000, "x" * 10**5, "{}", "[]", "<b>", str(2**53), "٣")
    if damage.value % 5 == 0:
        header.pop("__metadata__", None)
    else:
        header["__metadata__"] = {**known, key: junk[damage.value % len(junk)]}
    _write_header(file, header, data)


def _numbers(file: Path, damage: Damage) -> None:
    """One number of a tensor, or all of them."""
    header, data = _header(file)
    entry = header[_tensor(header, damage.place)]
    types = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1"}
    start, end = entry["data_offsets"]
    values = np.frombuffer(data[start:end], types[entry["dtype"]]).copy()
    with np.errstate(all="ignore"):
        junk = np.array(NUMBERS[damage.value % len(NUMBERS)]).astype(values.dtype)
    values[: 1 if damage.value % 2 else len(values)] = junk
    file.write_bytes(file.read_bytes()[: -len(data)] + data[:start] + values.tobytes() + data[end:])


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


WAYS: dict[str, tuple[tuple[str, ...], Callable[[Path, Damage], None]]] = {
    "truncate": (("json", "safetensors"), _truncate),
    "flip": (("json", "safetensors"), _flip),
    "flip in the head": (("json", "safetensors"), _flip_head),
    "zeros": (("json", "safetensors"), _zeros),
    "twice": (("json", "safetensors"), _twice),
    "other file": (("json", "safetensors"), _other_file),
    "sparse": (("json", "safetensors"), _sparse),
    "nothing": (("json", "safetensors"), _nothing),
    "folder": (("json", "safetensors"), _folder),
    "pipe": (("json", "safetensors"), _pipe),
    "link": (("json", "safetensors"), _link),
    "long head": (("safetensors",), _long_head),
    "shape": (("safetensors",), _shape),
    "consistent shape": (("safetensors",), _consistent_shape),
    "dtype": (("safetensors",), _dtype),
    "dtype of the same size": (("safetensors",), _same_size_dtype),
    "offsets": (("safetensors",), _offsets),
    "names": (("safetensors",), _names),
    "metadata": (("safetensors",), _metadata),
    "numbers": (("safetensors",), _numbers),
    "replace": (("json",), _replace),
    "remove": (("json",), _remove),
    "add": (("json",), _add),
    "deep": (("json",), _deep),
}
"""By name, which endings it can be done to, and how."""
