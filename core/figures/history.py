"""A model along its training: the latent plane after one epoch, its pseudo-inputs, and the marginal KL over all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.figures import layers, theme
from core.figures.densities import check_grids
from core.figures.drawing import Drawing, drawing
from core.figures.lattice import DIMENSIONS
from core.figures.sheets import Block, sheet, tile_frame
from core.history_records import Course, Scene
from core.intervals import Z_95
from core.records import Estimate

HEIGHT = 440
ROW = 25
"""Pseudo-inputs in a row."""
_TICKS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)


def history_map(scene: Scene, *, what: str = "components") -> Drawing:
    """Regions of q(z), filled, under those of p(z), dashed, after one epoch; the prior's components as diamonds.

    A chosen component is put over it, as the traces of `history_marks`; the legend has room for it.

    Args:
        scene: the plane; its window is that of all epochs, so that what moves in the picture has moved.
        what: the diamonds stand for.
    """
    check_grids(scene.q, scene.p)
    of_q, of_p = layers.regions(scene.q), layers.regions(scene.p)
    traces = [*layers.data_fill(of_q, ""), *layers.data_rims(of_q, ""), *layers.prior_rims(of_p, "")]
    if scene.means is not None:
        traces.append(layers.pseudo_trace(scene.means, "") | {"name": f"{what} ({len(scene.means):,})"})
    legend = [trace["name"] for trace in traces if trace.get("showlegend")]
    if scene.means is not None:
        legend.append(_number(len(scene.means)))
    layout = theme.layout(height=HEIGHT, legend=legend, heads=False)
    layout["margin"] |= {"t": layout["margin"]["t"] + 28}
    box = [[float(side[0]), float(side[-1])] for side in (scene.q.x, scene.q.y)]
    head = (
        f"{theme.words('q(z)', theme.DATA)} filled: {layers.shares_text(of_q)}, "
        f"{theme.words('p(z)', theme.PRIOR)} dashed: {layers.shares_text(of_p)}"
    )
    across = {"range": box[0], "title": theme.axis_title(DIMENSIONS[0], 4)}
    up = {"range": box[1], "title": theme.axis_title(DIMENSIONS[1], 8), "scaleanchor": "x", "constraintoward": "top"}
    return drawing(
        traces,
        layout
        | {
            "xaxis": theme.AXIS | across | {"constrain": "domain"},
            "yaxis": theme.AXIS | up | {"constrain": "domain"},
            "annotations": [_above(head)],
        },
    )


def history_marks(scene: Scene, chosen: int | None) -> list[dict[str, Any]]:
    """A ring around a component, from 0, as traces to put over a `history_map`; none where there is none of it."""
    if chosen is None or scene.means is None or chosen >= len(scene.means):
        return []
    return [_ring(scene.means[chosen], _number(chosen + 1))]


def history_curve(course: Course, index: int) -> Drawing:
    """KL(q(z) || p(z)) after every snapshot with 95 % whiskers, over what a perfect prior would give; one is marked.

    The epochs stand at log(1 + epoch), as the snapshots do. A click on one chooses it: `clicked_epoch`.

    Args:
        course: of the training.
        index: of the snapshot that is looked at.
    """
    places = np.log1p(np.array(course.epochs, np.float64))
    kl = [moment.marginal_kl for moment in course.moments]
    traces = [*_null(course, places), _line(course, places, kl), *_marks(course, places, kl, index)]
    legend = [trace["name"] for trace in traces if trace.get("showlegend")]
    layout = theme.layout(height=HEIGHT, legend=legend)
    layout["margin"] |= {"t": layout["margin"]["t"] + 28}
    ends = [value.value + side * Z_95 * value.se for value in kl for side in (-1, 1)]
    low, high = min(0.0, *ends), max(ends)
    room = 0.06 * max(high - low, 1e-6)
    last = course.epochs[-1]
    ticks = [*(epoch for epoch in _TICKS if 1.5 * epoch < last), last]
    x = {
        "range": [float(places[0]) - 0.15, float(places[-1]) + 0.25],
        "title": theme.axis_title("epochs of training", 4),
    }
    x |= {"tickvals": [math.log1p(epoch) for epoch in ticks], "ticktext": [f"{epoch:,}" for epoch in ticks]}
    y = {"range": [low - room, high + room], "title": theme.axis_title("KL(q(z) ‖ p(z)), nats", 8), "automargin": True}
    at = {"type": "line", "xref": "x", "yref": "y domain", "x0": places[index], "x1": places[index], "y0": 0, "y1": 1}
    axes = {"xaxis": theme.AXIS | x, "yaxis": theme.AXIS | y}
    line = {"color": theme.NEUTRAL, "width": 1.5}
    head = f"<b>marginal KL</b>, epoch {course.epochs[index]:,}: {kl[index]} nats"
    return drawing(traces, layout | axes | {"shapes": [at | {"line": line, "layer": "below"}],
                                              "annotations": [_above(head)]})  # fmt: skip


def history_inputs(scene: Scene) -> Drawing:
    """The stored pseudo-inputs after one epoch in rows, on one grey scale from 0 to 1, in the order of k.

    A chosen one is framed by the shapes of `inputs_frames`.

    Raises:
        ValueError: where there are none.
    """
    if scene.inputs is None:
        raise ValueError("only a VampPrior has pseudo-inputs to show")
    frames = [theme.PSEUDO] * len(scene.inputs)
    return sheet([Block(scene.inputs, 0, 0, min(ROW, len(frames)), 1, "", (), frames)], width=ROW)


def inputs_frames(scene: Scene, chosen: int | None) -> list[dict[str, Any]]:
    """Shapes around a pseudo-input, from 0, in `history_inputs`; none where it is not stored."""
    stored = scene.which.tolist()
    if chosen not in stored:
        return []
    row, column = divmod(stored.index(chosen), ROW)
    return tile_frame(column, row)


def clicked_epoch(event: Mapping[str, Any] | None) -> int | None:
    """The epoch that a click in `history_curve` chose; None where nothing is chosen."""
    points = ((event or {}).get("selection") or {}).get("points") or []
    for point in points:
        mark = point.get("customdata")
        if isinstance(mark, (list, tuple)) and mark and isinstance(mark[0], int | float):
            return int(mark[0])
    return None


def _line(course: Course, places: np.ndarray, kl: list[Estimate]) -> dict[str, Any]:
    still = {"marker": {"opacity": 1.0}}
    notes = [[moment.epoch, str(moment.marginal_kl), str(moment.validation_elbo)] for moment in course.moments]
    whiskers = {"type": "data", "array": np.array([Z_95 * value.se for value in kl], np.float32)}
    return {
        "type": "scatter", "mode": "lines+markers", "x": places.astype(np.float32), "name": "marginal KL",
        "y": np.array([value.value for value in kl], np.float32), "line": {"color": theme.MARGINAL, "width": 2},
        "marker": {"color": theme.MARGINAL, "size": 8, "opacity": 1.0}, "selected": still, "unselected": still,
        "error_y": whiskers | {"thickness": 1.5, "width": 4, "color": theme.MARGINAL}, "customdata": notes,
        "hovertemplate": "epoch %{customdata[0]}<br>marginal KL %{customdata[1]} nats"
        "<br>validation ELBO %{customdata[2]} nats<extra></extra>", "showlegend": False,
    }  # fmt: skip


def _marks(course: Course, places: np.ndarray, kl: list[Estimate], index: int) -> list[dict[str, Any]]:
    """A star on the model that was kept, and a ring around the epoch that is looked at."""
    looks = [(index, "the epoch shown", "circle-open", 17, theme.NEUTRAL)]
    if course.kept is not None:
        looks.append((course.epochs.index(course.kept), "the kept model", "star", 13, theme.MARGINAL))
    still = {"marker": {"opacity": 1.0}}
    return [
        {
            "type": "scatter", "mode": "markers", "x": places[k : k + 1].astype(np.float32),
            "y": np.array([kl[k].value], np.float32), "name": name, "showlegend": symbol == "star",
            "marker": {"symbol": symbol, "size": size, "color": colour, "opacity": 1.0,
                       "line": {"width": 2.5, "color": colour}},
            "hoverinfo": "skip", "selected": still, "unselected": still,
        }
        for k, name, symbol, size, colour in looks
    ]  # fmt: skip


def _null(course: Course, places: np.ndarray) -> list[dict[str, Any]]:
    """What a perfect prior would give with as many images: a dotted line in its 95 % band, where it is known."""
    known = [(place, moment.marginal_kl_null) for place, moment in zip(places, course.moments, strict=True)]
    pairs = [(place, null) for place, null in known if null is not None]
    if not pairs:
        return []
    x = np.array([place for place, _ in pairs], np.float32)
    middle, half = (
        np.array(part, np.float32) for part in zip(*((n.value, Z_95 * n.se) for _, n in pairs), strict=True)
    )
    common = {"type": "scatter", "mode": "lines", "hoverinfo": "skip"}
    band = common | {
        "x": np.concatenate([x, x[::-1]]), "y": np.concatenate([middle + half, (middle - half)[::-1]]),
        "fill": "toself", "fillcolor": theme.rgba(theme.NEUTRAL, 0.22), "line": {"width": 0}, "showlegend": False,
        "name": "perfect prior, 95 %",
    }  # fmt: skip
    line = {"color": theme.NEUTRAL, "width": 2, "dash": "2px,4px"}
    return [band, common | {"x": x, "y": middle, "line": line, "name": "a perfect prior", "showlegend": True}]


def _ring(mean: np.ndarray, name: str) -> dict[str, Any]:
    edge = {"width": 2.5, "color": theme.PRIOR}
    marker = {"symbol": "diamond", "size": 13, "color": theme.PSEUDO, "line": edge, "opacity": 1.0}
    return {
        "type": "scatter", "mode": "markers", "x": mean[:1].astype(np.float32), "y": mean[1:].astype(np.float32),
        "marker": marker, "name": name, "showlegend": True, "hoverinfo": "skip",
    }  # fmt: skip


def _number(k: int) -> str:
    return f"k = {k}"


def _above(text: str) -> dict[str, Any]:
    """A line over the panel."""
    return {
        "text": text, "xref": "x domain", "x": 0, "xanchor": "left", "yref": "y domain", "y": 1, "yanchor": "bottom",
        "yshift": 4, "showarrow": False, "align": "left", "borderpad": 0, "font": {"size": theme.FONT},
    }  # fmt: skip
