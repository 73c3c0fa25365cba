"""Draws of q(z) and of p(z) as points of one map, neither hidden under the other, and how to read what is selected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.figures import classes, theme
from core.figures.drawing import Drawing, drawing
from core.figures.layers import MAX_POINTS
from core.records import Embedding

_LAYERS = 8
"""Times that draws of p are laid over draws of q, an eighth of each at a time."""
_CLASSES = "q by class"


def embedding_map(embedding: Embedding, labels: np.ndarray | None = None, class_names: Sequence[str] = ()) -> Drawing:
    """The t-SNE map: draws of q as blue discs, of p as hollow vermilion diamonds; with labels, q by class beside it.

    The points lie over one another by turns, an eighth of q, an eighth of p, and so on. Both panels show one window and
    move as one. There are no numbers on the axes, since positions, sizes and gaps of such a map are not to scale. Every
    point carries ``customdata`` ["q" or "p", row].

    Args:
        embedding: of equal numbers of draws.
        labels: (n,) class of the image behind each draw of q, from 0.
        class_names: their names; numbers where none are given.

    Raises:
        ValueError: for wrong shapes, more points than a browser can hover over, or labels that are not one a draw.

    References:
        van der Maaten, Hinton (2008), Visualizing data using t-SNE.
        Wattenberg, Viégas, Johnson (2016), How to use t-SNE effectively.
    """
    sources = [f"draw {row}" for row in range(len(embedding.q))]
    blank = {"showticklabels": False, "ticks": "", "title": None}
    return _map(embedding.q, embedding.p, labels, class_names, (blank, blank), sources)


def plane_scatter(
    q: np.ndarray,
    p: np.ndarray,
    axes: tuple[str, str] = ("z₁", "z₂"),
    *,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
) -> Drawing:
    """Draws of q and p in a plane of latent space, where the prior has no exact density to draw (flows).

    Looks and ``customdata`` are those of `embedding_map`; the axes are to scale and have numbers.

    Args:
        q: (n, 2) draws of the aggregated posterior, projected.
        p: (m, 2) draws of the prior, projected in the same way.
        axes: what the two axes are called.
        labels: (n,) class of the image behind each draw of q, from 0.
        class_names: their names; numbers where none are given.

    Raises:
        ValueError: as `embedding_map`.
    """
    titles = tuple({"title": theme.axis_title(words, off)} for words, off in zip(axes, (4, 12), strict=True))
    return _map(q, p, labels, class_names, (titles[0], titles[1]), [f"draw {row}" for row in range(len(q))])


def source_marks(size: int, opacity: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Markers of draws of q, discs, and of p, hollow diamonds: told apart without their colours too."""
    disc = {"color": theme.DATA, "symbol": "circle", "size": size, "opacity": opacity, "line": {"width": 0}}
    ring = {"color": theme.PRIOR, "symbol": "diamond-open", "size": size + 1, "opacity": opacity, "line": {"width": 1}}
    return disc, ring


def _map(
    q: np.ndarray,
    p: np.ndarray,
    labels: np.ndarray | None,
    class_names: Sequence[str],
    axes: tuple[dict[str, Any], dict[str, Any]],
    sources: Sequence[str],
) -> Drawing:
    _check(q, p, labels)
    size, opacity = theme.point_size(len(q) + len(p))
    traces = _shared(q, p, size, opacity, _hovers(sources, labels, class_names))
    heads = [f"{theme.words('q(z)', theme.DATA)} discs, {theme.words('p(z)', theme.PRIOR)} hollow diamonds"]
    if labels is not None:
        index, names = classes.named(labels, class_names)
        traces += [_by_class(q, index, len(names), size + 1, opacity, _hovers(sources, labels, class_names))]
        traces += [_legend_entry(index, name) for index, name in enumerate(names)]
        heads.append(f"{theme.words('q(z)', theme.DATA)} by class")
    legend = [trace["name"] for trace in traces if trace["showlegend"]]
    layout = theme.layout(height=470 + 22 * theme.legend_rows(legend), legend=legend)
    layout["margin"] |= {"t": layout["margin"]["t"] + 30, "b": 56 if axes[0]["title"] else 14}
    layout |= {
        "dragmode": "lasso",
        "annotations": [_head(words, axis) for words, axis in zip(heads, ("", "2"), strict=False)],
    }
    return drawing(traces, layout | _linked(q, p, axes, len(heads)))


def _check(q: np.ndarray, p: np.ndarray, labels: np.ndarray | None) -> None:
    for name, z in (("q", q), ("p", p)):
        if z.ndim != 2 or z.shape[1] != 2 or len(z) == 0 or not np.isfinite(z).all():
            raise ValueError(f"{name} must be (n, 2) finite numbers, got shape {z.shape}")
    if len(q) + len(p) > MAX_POINTS:
        raise ValueError(
            f"q and p must have at most {MAX_POINTS:,} points together, got {len(q) + len(p):,}: pass fewer"
        )
    if labels is not None and (labels.shape != q.shape[:1] or labels.min(initial=0) < 0):
        raise ValueError(f"labels must be {q.shape[:1]} whole numbers from 0, got shape {labels.shape}")


def _hovers(sources: Sequence[str], labels: np.ndarray | None, class_names: Sequence[str]) -> list[str]:
    """What the pointer says at each draw of q."""
    if labels is None:
        return [f"q(z): {source}" for source in sources]
    names = [classes.name_of(k, class_names) for k in labels.tolist()]
    return [f"q(z): {source}<br>class {name}" for source, name in zip(sources, names, strict=True)]


def _shared(q: np.ndarray, p: np.ndarray, size: int, opacity: float, hovers: Sequence[str]) -> list[dict[str, Any]]:
    """Draws of q and of p in layers by turns: a WebGL trace draws its symbols one kind after the other, not by row."""
    disc, ring = source_marks(size, opacity)
    traces = []
    for layer in range(_LAYERS):
        for name, z, marker in (("q", q, disc), ("p", p, ring)):
            rows = list(range(layer, len(z), _LAYERS))
            words = [hovers[row] if name == "q" else f"p(z): draw {row}" for row in rows]
            if rows:
                traces.append(_points(z[rows], "", name, marker, [[name, row] for row in rows], words))
    return traces


def _by_class(
    q: np.ndarray, index: np.ndarray, count: int, size: int, opacity: float, hovers: Sequence[str]
) -> dict[str, Any]:
    """Draws of q in the colours and shapes of their classes."""
    symbols = np.array([theme.class_symbol_code(k) for k in range(count)], np.uint8)[index]
    marker = {
        "color": index.astype(np.float32), "colorscale": theme.class_scale(count), "cmin": -0.5, "cmax": count - 0.5,
        "symbol": symbols, "size": size, "opacity": opacity,
        "line": {"width": 0.5, "color": theme.POINT_EDGE},
    }  # fmt: skip
    return _points(q, "2", _CLASSES, marker, [["q", row] for row in range(len(q))], hovers)


def _points(
    z: np.ndarray, axis: str, name: str, marker: dict[str, Any], marks: list[list[Any]], words: Sequence[str]
) -> dict[str, Any]:
    # Lists, not an array: a two-dimensional array reaches Streamlit's event as an object without a length.
    return {
        "type": "scattergl", "mode": "markers", "name": name, "x": z[:, 0].astype(np.float32),
        "y": z[:, 1].astype(np.float32), "xaxis": f"x{axis}", "yaxis": f"y{axis}", "marker": marker,
        "customdata": marks, "hovertext": list(words), "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": False, "selected": {"marker": {"opacity": 1.0}},
        "unselected": {"marker": {"opacity": theme.UNPICKED_ALPHA}},
    }  # fmt: skip


def _legend_entry(index: int, name: str) -> dict[str, Any]:
    """An empty trace that shows a class in the legend."""
    colour, symbol = theme.class_style(index)
    marker = {"color": colour, "symbol": symbol, "size": 9, "line": {"width": 0.5, "color": theme.NEUTRAL}}
    return {
        "type": "scatter", "mode": "markers", "name": name, "x": [None], "y": [None], "xaxis": "x2", "yaxis": "y2",
        "marker": marker, "showlegend": True, "hoverinfo": "skip",
    }  # fmt: skip


def _head(words: str, axis: str) -> dict[str, Any]:
    """Name of a panel, which is its legend too, above it and moving with it."""
    return {
        "text": words, "align": "left", "xref": f"x{axis} domain", "yref": f"y{axis} domain", "x": 0, "y": 1,
        "xanchor": "left", "yanchor": "bottom", "yshift": 2, "borderpad": 0, "showarrow": False,
        "font": {"size": theme.FONT_TITLE},
    }  # fmt: skip


def _linked(q: np.ndarray, p: np.ndarray, given: tuple[dict[str, Any], dict[str, Any]], panels: int) -> dict[str, Any]:
    """One panel, or two on the same window that pan and zoom as one, in equal scale."""
    both = np.concatenate([q, p]).astype(np.float64)
    low, high = both.min(axis=0), both.max(axis=0)
    margin = 0.03 * max(float((high - low).max()), 1e-9)
    ranges = [[float(a) - margin, float(b) + margin] for a, b in zip(low, high, strict=True)]
    domains = ((0.0, 1.0),) if panels == 1 else ((0.0, 0.49), (0.51, 1.0))
    axes: dict[str, Any] = {}
    for axis, domain in zip(("", "2"), domains, strict=False):
        across = theme.AXIS | {"domain": domain, "range": ranges[0], "anchor": f"y{axis}"} | given[0]
        up = theme.AXIS | {"range": ranges[1], "anchor": f"x{axis}"} | given[1]
        if axis:
            across |= {"matches": "x"}
            up |= {"matches": "y", "showticklabels": False, "title": None}
        else:
            up |= {"scaleanchor": "x"}
        axes |= {f"xaxis{axis}": across | {"constrain": "domain"}, f"yaxis{axis}": up | {"constrain": "domain"}}
        axes[f"yaxis{axis}"]["constraintoward"] = "top"
    return axes
