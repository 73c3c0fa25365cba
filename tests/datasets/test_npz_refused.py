"""Own images of another form, damaged or too large: refused with the reason, before they are unpacked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.datasets import DataError, load
from tests.datasets.files import npy_header, write_member
from tests.datasets.values import GREY

NAN, INFINITE = GREY / 255, GREY / 255
NAN[3, 2, 1], INFINITE[3, 2, 1] = np.nan, np.inf


@pytest.mark.parametrize(
    "arrays,message",
    [
        ({"pictures": GREY}, "lacks images"),
        ({"images": NAN}, "NaN or infinite"),
        ({"images": INFINITE}, "NaN or infinite"),
        ({"images": GREY.astype(np.float32)}, "floats from 0 to 255, expected 0 to 1"),
        ({"images": GREY / 255 - 0.5}, "floats from -0.5 to 0.5"),
        ({"images": GREY.astype(np.int64)}, "int64, expected uint8"),
        ({"images": GREY // 16}, "brightest of all pixels is 15 of 255"),
        ({"images": GREY.astype(np.complex64)}, "complex64, expected uint8"),
        ({"images": np.full((40, 6, 5), "x")}, "expected uint8"),
        ({"images": GREY[:29]}, "29 images, expected at least 30"),
        ({"images": GREY[:0]}, r"shape \(0, 6, 5\)"),
        ({"train_images": GREY[:35], "validation_images": GREY[35:39], "test_images": GREY[39:]}, "n of 2 or more"),
        ({"images": np.tile(GREY, (51, 1, 1)), "labels": np.arange(2040)}, "2,040 different values"),
        ({"images": np.zeros((40, 6, 5), np.uint8)}, "nothing to learn"),
        ({"images": GREY.reshape(-1)}, r"shape \(1200,\)"),
        ({"images": GREY.reshape(40, 30)}, "add image_shape"),
        ({"images": GREY.reshape(40, 30), "image_shape": [6, 6]}, r"image_shape is \(1, 6, 6\)"),
        ({"images": GREY, "image_shape": [5, 6]}, r"image_shape is \(1, 5, 6\)"),
        ({"images": GREY.reshape(40, 30), "image_shape": "6x5"}, "image_shape is '6x5'"),
        ({"images": GREY.reshape(40, 30), "image_shape": [-6, -5]}, "image_shape is"),
        ({"images": GREY.reshape(40, 2, 3, 5)}, "c = 1 or 3"),
        ({"images": np.uint8(3)}, r"shape \(\)"),
        ({"images": GREY, "labels": np.zeros(39, int)}, r"labels has shape \(39,\), expected \(40,\)"),
        ({"images": GREY, "labels": np.zeros((40, 1), int)}, r"expected \(40,\)"),
        ({"images": GREY, "labels": np.zeros(40)}, "labels are float64"),
        ({"images": GREY.astype(object)}, "images holds Python objects"),
        ({"images": GREY, "labels": np.array([{}] * 40)}, "labels holds Python objects"),
        ({"images": np.zeros((40, 6, 5), dtype=[("a", "u1"), ("b", "u1")])}, "expected uint8"),
        ({"images": np.zeros((40, 6, 5), dtype=[("a", "u1"), ("ж", "u1")])}, "structured"),
    ],
)
@pytest.mark.filterwarnings("ignore:Stored array in format 3.0:UserWarning")
def test_npz_of_another_form(save: Callable[..., str], arrays: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(save(**arrays))


@pytest.mark.parametrize("shape", [(2**20, 2**10, 2**10), (30, 2**12, 2**13), (2**70, 1, 1)])
def test_npz_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, shape: tuple[int, ...]) -> None:
    # (30, 2**12, 2**13) bytes are 0.9 GiB, but 3.75 GiB once they are float32.
    write_member(tmp_path / "own.npz", "images", npy_header(shape) + bytes(1000))
    with pytest.raises(DataError, match="more than the limit of 2 GiB"):
        load(f"npz:{tmp_path / 'own.npz'}")


@pytest.mark.parametrize(
    "content",
    [
        npy_header((40, 6, 5)) + bytes(100),
        npy_header((40, 6, -5)) + bytes(100),
        npy_header((40, 6, 5), descr="nonsense"),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 1000,
        b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 16,
        b"not an array",
        b"",
    ],
)
def test_npz_with_a_damaged_member(tmp_path: Path, content: bytes) -> None:
    write_member(tmp_path / "own.npz", "images", content)
    with pytest.raises(DataError, match=r"own\.npz"):
        load(f"npz:{tmp_path / 'own.npz'}")


def test_npz_with_a_flipped_byte_or_cut_short(save: Callable[..., str]) -> None:
    name = save(images=GREY)
    path = Path(name[4:])
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 255
    path.write_bytes(whole)
    with pytest.raises(DataError, match="CRC"):
        load(name)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cut short"):
        load(name)
