"""Mosaics are pixel-exact and on one scale."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from core.figures import data_uri, images, mosaic, png, scale_for

GREY = 128


def test_mosaic_pixel_by_pixel():
    tiles = np.array([[[0.0, 1.0], [0.5, 0.25]], [[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    sheet = mosaic(tiles, 2)
    expected = np.full((8, 8), GREY)
    expected[1:3, 1:3] = [[0, 255], [128, 64]]
    expected[1:3, 5:7] = 255
    expected[5:7, 1:3] = 0
    assert sheet.dtype == np.uint8
    for channel in range(3):
        np.testing.assert_array_equal(sheet[:, :, channel], expected)


def test_faint_images_stay_faint():
    assert mosaic(np.full((1, 3, 3), 0.1), 1, pad=0).max() == 26


def test_colour_images_and_frames():
    tiles = np.zeros((2, 1, 1, 3))
    tiles[1] = (1.0, 0.0, 0.2)
    sheet = mosaic(tiles, 2, border=["#D55E00", None])
    assert sheet[0, 0].tolist() == [0xD5, 0x5E, 0x00]
    assert sheet[0, 3].tolist() == [GREY] * 3
    assert sheet[1, 4].tolist() == [255, 0, 51]
    np.testing.assert_array_equal(mosaic(np.full((1, 2, 2, 1), 0.5), 1), mosaic(np.full((1, 2, 2), 0.5), 1))


def test_enlarging_repeats_pixels():
    sheet = mosaic(np.array([[[0.0, 1.0]]]), 1, pad=0, scale=3)
    np.testing.assert_array_equal(sheet[..., 0], [[0] * 3 + [255] * 3] * 3)
    assert [scale_for(8, 48), scale_for(28, 56), scale_for(64, 56)] == [6, 2, 1]
    with pytest.raises(ValueError, match="scale"):
        images.enlarge(sheet, 0)


def test_png_brings_the_same_pixels_back():
    sheet = mosaic(np.random.default_rng(0).random((5, 4, 6)), 3)
    coloured = sheet.copy()
    coloured[0, 0] = (1, 2, 3)
    for pixels, mode in ((sheet, "L"), (sheet[..., 0], "L"), (coloured, "RGB")):  # a grey one is written as grey
        with Image.open(io.BytesIO(png(pixels))) as picture:
            assert picture.mode == mode
            np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), np.broadcast_to(pixels.reshape(
                *pixels.shape[:2], -1), sheet.shape))  # fmt: skip
    assert base64.b64decode(data_uri(sheet).removeprefix("data:image/png;base64,")) == png(sheet)
    with pytest.raises(ValueError, match="uint8"):
        png(sheet / 255)


@pytest.mark.parametrize(
    ("message", "tiles", "arguments"),
    [
        ("images must be", np.zeros((4, 4)), {}),
        ("images must be", np.zeros((0, 4, 4)), {}),
        ("images must be", np.zeros((1, 4, 4, 2)), {}),
        (r"0 to 255", np.linspace(0, 255, 16).reshape(1, 4, 4), {}),
        (r"in \[0, 1\]", np.full((1, 4, 4), np.nan), {}),
        ("columns", np.zeros((1, 4, 4)), {"columns": 0}),
        ("border must hold", np.zeros((2, 4, 4)), {"border": ["#000000"]}),
    ],
)
def test_wrong_input_is_refused_with_the_reason(message, tiles, arguments):
    with pytest.raises(ValueError, match=message):
        mosaic(tiles, **({"columns": 2} | arguments))


def test_rounding_over_the_end_of_the_scale_is_forgiven():
    assert mosaic(np.full((1, 1, 1), 1.0000002), 1, pad=0).item(0) == 255
