"""The pictures of a sheet as text that a spreadsheet reads: one line a picture, with every pixel of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from core.figures.sheets import Block
from core.tables import write_csv

_TAG = re.compile(r"<[^>]*>")


def sheet_csv(blocks: Sequence[Block]) -> str:
    """Block, place in it from 1, words below, size, then the pixels in [0, 1], row by row, channels innermost.

    Args:
        blocks: as `core.figures.sheets.sheet` draws them.
    """
    longest = max((block.images[0].size for block in blocks), default=0)
    header = ["block", "picture", "words", "height", "width", "channels", *(f"pixel {k + 1}" for k in range(longest))]
    lines = []
    for block in blocks:
        for k, image in enumerate(np.asarray(block.images, np.float32)):
            words = block.words[k] if k < len(block.words) else ""
            channels = image.shape[2] if image.ndim == 3 else 1
            pixels = [f"{value:.4g}" for value in image.ravel().tolist()]
            lines.append([_plain(block.title), k + 1, _plain(words), *image.shape[:2], channels, *pixels])
    return write_csv(header, lines)


def _plain(text: str) -> str:
    """Without the marks that plotly reads."""
    return _TAG.sub(" ", text).strip()
