"""Blocks of pictures with words under them, on one sheet: what a component generates, what is near it.

One tile is one unit of the axes, the first row at the top. All pictures are on one grey scale, 0 black and 1 white.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.figures.images import mosaic, png_uri, scale_for
from core.figures.kept import Kept, content_key

TILE = 56
"""Pixels that a picture has at least on a side before the browser scales it."""
FRAME = 2
WIDTH = 900
"""Pixels that a sheet is laid out for; on a wider page it keeps its size, on a narrower one it shrinks."""
HEAD, WORDS = 0.36, 22
"""Room above a block for its title, in tiles of 78 pixels; pixels below a row of pictures for a line of words."""


@dataclass(frozen=True)
class Block:
    """Pictures in rows of ``columns``, the upper left corner at (x, y), each ``size`` tiles wide.

    Attributes:
        images: (n, height, width[, channels]) in [0, 1].
        x, y: in tiles.
        columns: pictures in a row.
        size: of a picture, in tiles.
        title: above the block.
        words: below each picture, only where they stand in one row; may be empty.
        frames: colour of each frame, None for grey; may be empty.
    """

    images: np.ndarray
    x: float | int
    y: float | int
    columns: int
    size: float | int = 1
    title: str = ""
    words: Sequence[str] = ()
    frames: Sequence[str | None] = ()

    @property
    def rows(self) -> int:
        """Rows of pictures."""
        return math.ceil(len(self.images) / self.columns)

    @property
    def right(self) -> float | int:
        """Right end, in tiles."""
        return self.x + self.size * min(self.columns, len(self.images))

    @property
    def bottom(self) -> float | int:
        """Lower end, in tiles, without the words."""
        return self.y + self.size * self.rows


def sheet(blocks: Sequence[Block], *, width: float | int | None = None) -> Drawing:
    """The blocks on one sheet, each one image trace.

    Args:
        blocks: what to show where.
        width: of the sheet in tiles; by default up to the right end of the blocks.

    Raises:
        ValueError: without blocks, or with words for a block of several rows.
    """
    if not blocks:
        raise ValueError("a sheet needs one block of pictures or more")
    for block in blocks:
        if block.words and block.rows > 1:
            raise ValueError(f"words stand under one row of pictures; this block has {block.rows}")
    across = width or max(block.right for block in blocks)
    pixels = WIDTH / across
    bottom = max(block.bottom + (_lines(block) * WORDS / pixels) for block in blocks)
    top = min(block.y - (_title_room(block) / pixels if block.title else 0.03) for block in blocks)
    notes = [note for block in blocks for note in [*_titles(block), *_words(block)]]
    hidden = {"visible": False, "fixedrange": True, "constrain": "domain"}
    layout: dict[str, Any] = {
        "height": max(60, round((bottom - top) * pixels) + 4), "margin": {"l": 0, "r": 0, "t": 2, "b": 2, "pad": 0},
        "paper_bgcolor": theme.TRANSPARENT, "plot_bgcolor": theme.TRANSPARENT, "font": {"size": theme.FONT_SMALL},
        "uirevision": "keep", "annotations": notes, "dragmode": False,
        "xaxis": hidden | {"range": [0, across], "constraintoward": "left"},
        "yaxis": hidden | {"range": [bottom, top], "scaleanchor": "x", "constraintoward": "top"},
    }  # fmt: skip
    return drawing([_trace(block) for block in blocks], layout)


_kept: Kept[tuple[str, int, int]] = Kept(16 * 2**20)


def picture_of(
    images: np.ndarray, columns: int, frames: Sequence[str | None] = (), tile: int = TILE
) -> tuple[str, int, int]:
    """Framed pictures in rows as a PNG: its data URI, width and height in pixels.

    Args:
        images: (n, height, width[, channels]) in [0, 1].
        columns: pictures in a row.
        frames: (n,) colours, None for grey; may be empty.
        tile: pixels that a picture has at least on a side.
    """

    def make() -> tuple[str, int, int]:
        scale = scale_for(images.shape[2], tile)
        large = images.repeat(scale, axis=1).repeat(scale, axis=2)
        sheet = mosaic(large, columns, pad=FRAME, border=list(frames) or None)
        return png_uri(sheet), sheet.shape[1], sheet.shape[0]

    return _kept.get(content_key(images, columns, tuple(frames), tile), make, lambda picture: len(picture[0]))


def image_trace(
    picture: tuple[str, int, int], x: float | int, y: float | int, width: float | int, height: float | int, name: str
) -> dict[str, Any]:
    """A picture as one trace, its upper left corner at (x, y), in the units of the axes."""
    step, rise = width / picture[1], height / picture[2]
    return {
        "type": "image", "source": picture[0], "x0": x + step / 2, "y0": y + rise / 2, "dx": step, "dy": rise,
        "hoverinfo": "skip", "zsmooth": "fast", "name": name,
    }  # fmt: skip


def tile_frame(left: float | int, top: float | int, dash: str = "solid") -> list[dict[str, Any]]:
    """Shapes around a tile, its upper left corner there: black in a white halo, seen on any picture in both themes."""
    box = {"type": "rect", "x0": left, "x1": left + 1, "y0": top, "y1": top + 1}
    halo = box | {"line": {"color": theme.PICKED_HALO, "width": 6}}
    inner = box | {"line": {"color": theme.PRIOR, "width": 3, "dash": dash}}
    return [halo, inner]


def _trace(block: Block) -> dict[str, Any]:
    picture = picture_of(block.images, block.columns, block.frames)
    name = block.title or "pictures"
    return image_trace(picture, block.x, block.y, block.size * block.columns, block.size * block.rows, name)


def _lines(block: Block) -> int:
    return max((word.count("<br>") + 1 for word in block.words if word), default=0)


def _title_room(block: Block) -> int:
    """Pixels over a block for its title."""
    return 26 + 19 * block.title.count("<br>")


def _titles(block: Block) -> list[dict[str, Any]]:
    if not block.title:
        return []
    return [
        {
            "text": block.title, "x": block.x, "y": block.y, "xanchor": "left", "yanchor": "bottom", "showarrow": False,
            "align": "left", "borderpad": 0, "font": {"size": theme.FONT},
        }
    ]  # fmt: skip


def _words(block: Block) -> list[dict[str, Any]]:
    return [
        {
            "text": word, "x": block.x + block.size * (k + 0.5), "y": block.bottom, "xanchor": "center",
            "yanchor": "top", "showarrow": False, "borderpad": 1, "font": {"size": theme.FONT_SMALL},
        }
        for k, word in enumerate(block.words)
        if word
    ]  # fmt: skip
