"""Several arrays and a little JSON as one block of bytes, which a browser takes apart without copying anything.

    uint32  length of the header, a multiple of four
    header  JSON, padded with spaces: {"meta": ..., "arrays": {name: {"dtype", "shape", "offset"}}}
    arrays  little-endian and C-contiguous, each starting at a multiple of four

Offsets count from the end of the header. Streamlit hands bytes to a component as they are; inside a dictionary they
would arrive as text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

DTYPES = ("float32", "int32", "uint8")
"""Those that have a typed array of their own in every browser."""


def pack(meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """The block.

    Args:
        meta: what JSON can hold; no nan.
        arrays: of a dtype in ``DTYPES``.

    Raises:
        ValueError: for an array of another dtype, or a meta that is no JSON.

    Example:
        >>> unpack(pack({"d": 2}, {"z": np.float32([1, 2])}))
        ({'d': 2}, {'z': array([1., 2.], dtype=float32)})
    """
    described, parts, offset = {}, [], 0
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise ValueError(f"array {name} is {array.dtype}, expected one of {', '.join(DTYPES)}: convert it first")
        raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        described[name] = {"dtype": array.dtype.name, "shape": list(array.shape), "offset": offset}
        parts += [raw, bytes(-len(raw) % 4)]
        offset += len(raw) + -len(raw) % 4
    header = json.dumps({"meta": dict(meta), "arrays": described}, allow_nan=False).encode()
    header += b" " * (-len(header) % 4)
    return b"".join([len(header).to_bytes(4, "little"), header, *parts])


def unpack(block: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What ``pack`` was given: the meta and the arrays, read-only."""
    start = 4 + int.from_bytes(block[:4], "little")
    header = json.loads(block[4:start])
    arrays = {}
    for name, told in header["arrays"].items():
        dtype = np.dtype(told["dtype"]).newbyteorder("<")
        count = int(np.prod(told["shape"], dtype=np.int64))
        arrays[name] = np.frombuffer(block, dtype, count, start + told["offset"]).reshape(told["shape"])
    return header["meta"], arrays
