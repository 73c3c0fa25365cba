"""Why one direction of an autoregressive flow takes d steps: who needs whom, and what each pass calculates."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.tables import write_csv

EMPTY, DROPPED, KEPT, NEEDED = range(4)
"""Cells: nothing yet, calculated and thrown away, calculated and kept, known and needed."""

_COLOURS = (theme.TRANSPARENT, theme.rgba(theme.NEUTRAL, 0.45), theme.PRIOR, theme.DATA)
_BETWEEN = 0.05
_FRAME_MS = 800
MOST = 12
"""Largest d that is drawn."""


def dependency_figure(dim: int = 6, flow: Literal["maf", "iaf"] = "maf") -> Drawing:
    """Four panels: the triangle of dependencies, the textbook's passes, the incremental steps, the single pass.

    The picture shows all steps at once; it has a frame for each step, a button that plays them and a slider. It never
    moves by itself.

    Args:
        dim: d, 2 to ``MOST``.
        flow: "maf", whose samples wait for each other, or "iaf", where the density does.

    Raises:
        ValueError: for another d.
    """
    if not 2 <= dim <= MOST:
        raise ValueError(f"dim is {dim}, expected 2 to {MOST}: more cells cannot be told apart")
    layout = theme.layout(height=450)
    layout["margin"] |= {"t": 60, "b": 130, "l": 44, "r": 8}
    layout["legend"] |= {"y": 0.0, "yref": "container", "yanchor": "bottom"}
    letter, slow, quick = ("z", "Sampling", "Density") if flow == "maf" else ("u", "Density", "Sampling")
    heads = (
        ("Who needs whom", f"{_sub(letter, 'i')} needs {_sub(letter, 1)} … {_sub(letter, 'i−1')}"),
        (f"{slow}, textbook", f"{dim} passes: {dim * dim} outputs, {dim} kept"),
        (f"{slow}, incremental", f"{dim} steps: {dim} outputs, all kept"),
        (f"{quick}", f"1 pass: {dim} outputs, all kept"),
    )
    notes = [note for place, head in enumerate(heads) for note in _heads(place, *head)]
    for place in range(len(heads)):
        layout |= _axes(place, dim, letter)
    frames = [{"name": str(step), "data": _panels(dim, step), "traces": [0, 1, 2, 3]} for step in range(1, dim + 1)]
    controls = {"updatemenus": [_play(dim)], "sliders": [_slider(dim)], "annotations": notes}
    return drawing([*_panels(dim, dim), *_keys()], layout | controls, frames=frames)


def dependency_table(dim: int = 6, flow: Literal["maf", "iaf"] = "maf") -> str:
    """The cells of all panels after the last step as CSV: panel, pass from 1, coordinate from 1, what it is.

    Args:
        dim: d.
        flow: as in `dependency_figure`.
    """
    slow, quick = ("sampling", "density") if flow == "maf" else ("density", "sampling")
    panels = ("who needs whom", f"{slow}, textbook", f"{slow}, incremental", quick)
    states = ("", "calculated and thrown away", "calculated and kept", "known and needed")
    lines = [
        [panel, row + 1, column + 1, states[state]]
        for panel, values in zip(panels, cells(dim, dim), strict=True)
        for (row, column), state in np.ndenumerate(values)
        if state != EMPTY
    ]
    return write_csv(["panel", "pass", "coordinate", "what"], lines)


def cells(dim: int, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The four panels after some steps, (d, d) each: row i or pass i from the top, column j from the left.

    Args:
        dim: d.
        step: 0 to d.
    """
    row, column = np.indices((dim, dim))
    done = row < step
    triangle = np.where(done & (column < row), NEEDED, np.where(done & (column == row), KEPT, EMPTY))
    textbook = np.where(done, np.where(column == row, KEPT, DROPPED), EMPTY)
    incremental = np.where(done & (column == row), KEPT, EMPTY)
    single = np.where((row == 0) & (step > 0), KEPT, EMPTY)
    return triangle, textbook, incremental, single


def _panels(dim: int, step: int) -> list[dict[str, Any]]:
    places = np.arange(1, dim + 1)
    edges = [[k / 4, colour] for k, colour in enumerate(_COLOURS)]
    scale = [[at, colour] for k, (_, colour) in enumerate(edges) for at in (k / 4, (k + 1) / 4)]
    found = []
    for place, values in enumerate(cells(dim, step)):
        axis = str(place + 1) if place else ""
        found.append(
            {
                "type": "heatmap", "x": places, "y": places, "z": values.astype(np.int8), "zmin": -0.5, "zmax": 3.5,
                "xaxis": f"x{axis}", "yaxis": f"y{axis}", "colorscale": scale, "showscale": False, "xgap": 3, "ygap": 3,
                "hoverinfo": "skip",
            }
        )  # fmt: skip
    return found


def _keys() -> list[dict[str, Any]]:
    names = ("calculated and kept", "calculated and thrown away", "known, and needed for this row")
    looks = zip(names, (KEPT, DROPPED, NEEDED), strict=True)
    return [
        {
            "type": "scatter", "mode": "markers", "name": name, "x": [None], "y": [None], "showlegend": True,
            "marker": {"symbol": "square", "size": 14, "color": _COLOURS[kind]}, "hoverinfo": "skip",
        }
        for name, kind in looks
    ]  # fmt: skip


def _domain(place: int) -> tuple[float, float]:
    width = (1 - 3 * _BETWEEN) / 4
    left = place * (width + _BETWEEN)
    return left, left + width


def _heads(place: int, title: str, below: str) -> list[dict[str, Any]]:
    common = {"xref": "paper", "yref": "paper", "y": 1, "x": _domain(place)[0], "xanchor": "left", "showarrow": False}
    common |= {"yanchor": "bottom"}
    return [
        common | {"text": f"<b>{title}</b>", "yshift": 28, "font": {"size": theme.FONT}},
        common | {"text": below, "yshift": 8, "font": {"size": theme.FONT_SMALL}},
    ]


def _axes(place: int, dim: int, letter: str) -> dict[str, Any]:
    axis = str(place + 1) if place else ""
    names = [_sub(letter, k) for k in range(1, dim + 1)]
    values = list(range(1, dim + 1))
    common = {"tickvals": values, "ticks": "", "range": [0.5, dim + 0.5], "fixedrange": True}
    x = common | {"ticktext": names, "domain": list(_domain(place)), "anchor": f"y{axis}"}
    rows = names if place == 0 else [str(value) for value in values]
    y = common | {"ticktext": rows, "range": [dim + 0.5, 0.5], "anchor": f"x{axis}", "domain": [0.0, 1.0]}
    if place:
        y["title"] = theme.axis_title("pass" if place != 2 else "step", 2)
    return {f"xaxis{axis}": theme.AXIS | x, f"yaxis{axis}": theme.AXIS | y}


def _sub(letter: str, index: int | str) -> str:
    return f"{letter}<sub>{index}</sub>"


def _play(dim: int) -> dict[str, Any]:
    frames = [str(step) for step in range(1, dim + 1)]
    how = {"frame": {"duration": _FRAME_MS, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    stop = {"frame": {"duration": 0, "redraw": True}, "mode": "immediate"}
    return {
        "type": "buttons", "direction": "left", "showactive": False, "x": 0, "xanchor": "left", "y": 0,
        "yanchor": "top", "pad": {"t": 42, "l": 0}, "bgcolor": theme.HEX_E8EDF2,
        "font": {"size": theme.FONT_SMALL, "color": theme.HEX_16202B},
        "buttons": [
            {"label": "▶ Play", "method": "animate", "args": [frames, how | {"fromcurrent": False}]},
            {"label": "Stop", "method": "animate", "args": [[None], stop]},
        ],
    }  # fmt: skip


def _slider(dim: int) -> dict[str, Any]:
    how = {"frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    steps = [{"label": str(step), "method": "animate", "args": [[str(step)], how]} for step in range(1, dim + 1)]
    return {
        "active": dim - 1, "steps": steps, "x": 0.16, "len": 0.2, "y": 0, "yanchor": "top", "pad": {"t": 34},
        "currentvalue": {"visible": False}, "font": {"size": theme.FONT_SMALL}, "ticklen": 4,
    }  # fmt: skip
