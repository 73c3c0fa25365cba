"""All components of a mixture prior as one mosaic: what each is like, which are dead, which are duplicates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.component_records import Components
from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.figures.sheets import TILE, image_trace, picture_of, tile_frame

HEIGHT = 480
COARSE, FINE = 12, 28
"""Tiles in a row from which on a tile has fewer pixels, and how many."""
_STILL = {"marker": {"opacity": 0.0}}


def mosaic_picture(images: np.ndarray, found: Components, order: np.ndarray) -> tuple[str, int, int]:
    """The tiles as one PNG, a data URI with its width and height: one grey scale, dead components in a red frame.

    Args:
        images: (K, height, width[, channels]) in [0, 1], by component.
        found: what is known of the components.
        order: (K,) components in the order of the tiles, row by row.

    Raises:
        ValueError: where the lengths do not fit.
    """
    if not len(images) == len(order) == len(found):
        raise ValueError(f"{len(found)} components need as many images and places; got {len(images)}, {len(order)}")
    columns = columns_for(len(found))
    frames = [theme.DEAD if found.dead[k] else None for k in order]
    return picture_of(images[order], columns, frames, FINE if columns > COARSE else TILE)


def component_mosaic(
    picture: tuple[str, int, int],
    found: Components,
    order: np.ndarray,
    hovers: Sequence[str],
) -> Drawing:
    """One picture a component in one image trace, on one grey scale from 0 to 1; a click on a tile tells its component.

    Dead components have a red frame and a cross, duplicated ones a yellow bow tie. What is chosen is put over it, as
    the shapes of `frames`.

    Args:
        picture: of the tiles in this order, as `mosaic_picture` gives it.
        found: what is known of the components.
        order: (K,) components in the order of the tiles, row by row.
        hovers: (K,) what the pointer says, by component.

    Returns:
        A figure whose clicks `clicked_component` reads.

    Raises:
        ValueError: where the lengths do not fit.
    """
    count = len(found)
    if not len(order) == len(hovers) == count:
        raise ValueError(f"{count} components need as many places and words; got {len(order)} and {len(hovers)}")
    columns, (x, y) = columns_for(count), _middles(order)
    traces = [image_trace(picture, 0, 0, columns, math.ceil(count / columns), "tiles")]
    size = max(4.5, min(13.0, 150 / columns))
    marks = (
        ("dead", found.dead, {"symbol": "x", "color": theme.DEAD, "line": {"width": 1, "color": theme.HEX_FFFFFF}}),
        (
            "has a duplicate",
            found.duplicated,
            {"symbol": "bowtie", "color": theme.PSEUDO, "line": {"width": 1, "color": theme.PSEUDO_EDGE}},
        ),
    )
    corner = {"dead": -0.3, "has a duplicate": 0.3}
    for name, which, marker in marks:
        if which.any():
            traces.append(_marks(name, x[which] + corner[name], y[which] - 0.32, marker | {"size": size}))
    traces.append(_tiles(x, y, hovers, HEIGHT / columns))
    rows = math.ceil(count / columns)
    return drawing(traces, _layout(columns, rows, bool(found.dead.any() or found.duplicated.any())))


def frames(order: np.ndarray, chosen: int, second: int | None = None) -> list[dict[str, Any]]:
    """Shapes around tiles of a mosaic: a frame around the chosen component, a dashed one around the second.

    Args:
        order: (K,) components in the order of the tiles.
        chosen: component, from 0.
        second: another one, to go to from the chosen one.
    """
    x, y = _middles(order)
    places = [(chosen, "solid"), *([] if second is None else [(second, "5px,3px")])]
    return [shape for k, dash in places for shape in tile_frame(float(x[k]) - 0.5, float(y[k]) - 0.5, dash)]


def _middles(order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middle of each component's tile, (K,) float32 each."""
    columns = columns_for(len(order))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return (place % columns + 0.5).astype(np.float32), (place // columns + 0.5).astype(np.float32)


def columns_for(count: int) -> int:
    """Tiles in a row: about a square, a little wider where that leaves fewer empty places in the last row."""
    side = math.sqrt(count)
    options = range(math.ceil(side), max(math.ceil(side), int(1.15 * side)) + 1)
    return min(options, key=lambda columns: (-count % columns, columns))


def clicked_component(event: Mapping[str, Any] | None) -> int | None:
    """The component that a click chose, from 0, in the mosaic or in the map; None where nothing is chosen."""
    points = ((event or {}).get("selection") or {}).get("points") or []
    for point in points:
        mark = point.get("customdata")
        if isinstance(mark, (list, tuple)) and len(mark) == 1 and isinstance(mark[0], int | float):
            return int(mark[0])
    return None


def _tiles(x: np.ndarray, y: np.ndarray, hovers: Sequence[str], side: float) -> dict[str, Any]:
    """An invisible marker on every tile, which is what catches clicks."""
    return {
        "type": "scatter", "mode": "markers", "x": x, "y": y, "customdata": [[k] for k in range(len(x))],
        "hovertext": list(hovers), "hovertemplate": "%{hovertext}<extra></extra>", "name": "components",
        "marker": {"symbol": "square", "size": side, "opacity": 0.0, "color": theme.NEUTRAL}, "showlegend": False,
        "selected": _STILL, "unselected": _STILL,
    }  # fmt: skip


def _marks(name: str, x: np.ndarray, y: np.ndarray, marker: dict[str, Any]) -> dict[str, Any]:
    still = {"marker": {"opacity": 1.0}}
    return {
        "type": "scatter", "mode": "markers", "x": x, "y": y, "marker": marker, "name": f"{name} ({len(x):,})",
        "hoverinfo": "skip", "showlegend": True, "selected": still, "unselected": still,
    }  # fmt: skip


def _layout(columns: int, rows: int, legend: bool) -> dict[str, Any]:
    hidden = {"visible": False, "constrain": "domain"}
    common = theme.layout(height=HEIGHT, legend=["x"] if legend else [])
    top = 28 if legend else 4
    common["margin"] = {"l": 2, "r": 2, "t": top, "b": 4, "pad": 0}
    common["legend"] |= {"y": 1, "itemsizing": "constant"}
    return common | {
        "xaxis": hidden | {"range": [-0.1, columns + 0.1], "constraintoward": "left"},
        "yaxis": hidden | {"range": [rows + 0.1, -0.1], "scaleanchor": "x", "constraintoward": "top"},
        "dragmode": "pan",
    }
