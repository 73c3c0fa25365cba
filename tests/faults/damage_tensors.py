"""Ways to damage a safetensors file: its header, the shapes, types and places that it declares, and its numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.faults.damage import Damage

NUMBERS = (float("nan"), float("inf"), -float("inf"), 65504.0, -65504.0, 1e-7, 0.0, 3e4)
"""Put into a tensor; those beyond half precision become infinite there."""
DTYPES = ("F16", "F32", "F64", "BF16", "I8", "U8", "I32", "I64", "U64", "BOOL", "F8_E4M3", "C64", "F128", "", 7)
SIZES = (0, 1, 2, 3, 2**20, 2**31, 2**40, 2**62, 2**63 - 1, 2**64, -1, 1.5, "2", None)


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


WAYS: dict[str, Callable[[Path, Damage], None]] = {
    "long head": _long_head,
    "shape": _shape,
    "consistent shape": _consistent_shape,
    "dtype": _dtype,
    "dtype of the same size": _same_size_dtype,
    "offsets": _offsets,
    "names": _names,
    "metadata": _metadata,
    "numbers": _numbers,
}
