"""Pictures from arrays: mosaics on one scale, and their PNG bytes."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from core.figures import theme
from core.figures.kept import Kept, content_key

_TOLERANCE = 1e-3
"""Decoders may overshoot [0, 1] by rounding; more than this is another scale and an error."""


def mosaic(
    images: np.ndarray,
    columns: int,
    *,
    pad: int = 1,
    border: Sequence[str | None] | None = None,
    scale: int = 1,
) -> np.ndarray:
    """Images in rows of ``columns``, all on the one scale [0, 1]: 0 black, 1 white, nothing stretched.

    Args:
        images: (n, h, w) grey or (n, h, w, c) with c = 1 or 3, values in [0, 1].
        columns: images in a row.
        pad: width of the frame around each image, before scaling; neighbours are 2 * pad apart.
        border: (n,) colour "#RRGGBB" of each image's frame, or None for grey.
        scale: each pixel becomes a square of this side.

    Returns:
        uint8 (H, W, 3); places after the last image are grey.
    """
    tiles = _as_rgb(images)
    n, height, width, _ = tiles.shape
    if columns < 1 or pad < 0 or scale < 1:
        raise ValueError(f"columns and scale must be 1 or more, pad 0 or more, got {columns}, {scale}, {pad}")
    frames = _frame_colours(border, n)
    rows = -(-n // columns)
    sheet = np.empty((rows * columns, height + 2 * pad, width + 2 * pad, 3), np.uint8)
    sheet[:] = theme.rgb(theme.NEUTRAL)
    sheet[:n] = frames[:, None, None, :]
    sheet[:n, pad : pad + height, pad : pad + width] = tiles
    joined = sheet.reshape(rows, columns, *sheet.shape[1:]).swapaxes(1, 2)
    return enlarge(joined.reshape(rows * sheet.shape[1], columns * sheet.shape[2], 3), scale)


def enlarge(picture: np.ndarray, scale: int) -> np.ndarray:
    """Each pixel of a (h, w, ...) picture as a square of ``scale`` by ``scale``: no smoothing."""
    if scale < 1:
        raise ValueError(f"scale must be 1 or more, got {scale}")
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def scale_for(side: int, at_least: int) -> int:
    """The whole factor that makes an image of ``side`` pixels at least ``at_least`` wide; 1 where it already is."""
    return max(1, -(-at_least // side))


def png(picture: np.ndarray) -> bytes:
    """A uint8 (h, w) or (h, w, 3) picture as PNG bytes; the same picture gives the same bytes.

    One without colour is written as grey, half as large and in half the time. Compressed lightly: harder takes half as
    long again for a fifth less.
    """
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] != 3):
        raise ValueError(f"picture must be uint8 (h, w) or (h, w, 3), got {picture.dtype} {picture.shape}")
    if picture.ndim == 3 and (picture[..., :1] == picture[..., 1:]).all():
        picture = picture[..., 0]
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


_kept: Kept[str] = Kept(16 * 2**20)


def data_uri(picture: np.ndarray) -> str:
    """A picture as `png` takes it, written so that HTML, data tables and Streamlit show it without a file.

    It is kept: compressing a small picture takes longer than all else that a page does for it.
    """
    return _kept.get(content_key(picture), lambda: png_uri(picture), len)


def mosaic_uri(images: np.ndarray, columns: int = 1, *, at_least: int) -> str:
    """``data_uri`` of a ``mosaic`` of images at least so many pixels wide each; kept by the images.

    Args:
        images: as ``mosaic`` takes them.
        columns: images in a row.
        at_least: pixels.
    """

    def make() -> str:
        return png_uri(mosaic(images, columns, scale=scale_for(images.shape[1], at_least)))

    return _kept.get(content_key(images, columns, at_least), make, len)


def png_uri(picture: np.ndarray) -> str:
    """``data_uri`` that is not kept, for what is kept by what it was made of."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")


def _as_rgb(images: np.ndarray) -> np.ndarray:
    """(n, h, w[, c]) values in [0, 1] -> (n, h, w, 3) bytes."""
    values = np.asarray(images, np.float32)
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim != 4 or 0 in values.shape or values.shape[3] not in (1, 3):
        raise ValueError(f"images must be (n, h, w) or (n, h, w, 1 or 3) with n of 1 or more, got {np.shape(images)}")
    low, high = float(values.min()), float(values.max())
    if not (low >= -_TOLERANCE and high <= 1 + _TOLERANCE):
        raise ValueError(f"images must lie in [0, 1], got {low:.4g} to {high:.4g}: divide by the data's scale first")
    pixels = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return np.broadcast_to(pixels, (*pixels.shape[:3], 3))


def _frame_colours(border: Sequence[str | None] | None, n: int) -> np.ndarray:
    """(n, 3) bytes."""
    colours = [None] * n if border is None else list(border)
    if len(colours) != n:
        raise ValueError(f"border must hold one colour or None for each of the {n} images, got {len(colours)}")
    return np.array([theme.rgb(colour or theme.NEUTRAL) for colour in colours], np.uint8)
