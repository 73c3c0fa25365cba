"""Where a component lies: its region over the aggregated posterior, among all components, in a latent plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.figures import layers, theme
from core.figures.component_mosaic import HEIGHT
from core.figures.drawing import Drawing, drawing
from core.figures.lattice import lattice_points
from core.records import DensityGrid

LATTICE = 41
SHARES = (0.5, 0.95)
"""Mass of the component inside its two ellipses."""
_STILL = {"marker": {"opacity": 0.0}}


def component_map(
    q: DensityGrid,
    means: np.ndarray,
    owners: tuple[np.ndarray, np.ndarray],
    *,
    ways: Sequence[str] = (),
    axes: tuple[str, str] = ("z₁", "z₂"),
    what: str = "pseudo-inputs",
) -> Drawing:
    """All components over the regions of q(z); a click chooses the component responsible there.

    What is chosen is put over it, as the traces of `component_marks`; the legend has room for them.

    Args:
        q: aggregated posterior in the plane.
        means: (K, 2) of the components in the plane.
        owners: component and responsibility at each of the ``LATTICE`` x ``LATTICE`` places of ``lattice_points``.
        ways: names of those to a second component, () where none is chosen.
        axes: what the axes are called.
        what: the diamonds stand for.

    Returns:
        A figure whose clicks `core.figures.clicked_component` reads.

    Raises:
        ValueError: where the owners are not those of the lattice.
    """
    if len(owners[0]) != LATTICE**2:
        raise ValueError(f"owners must be given at {LATTICE}² places, got {len(owners[0])}")
    of_q = layers.regions(q)
    traces = [*layers.data_fill(of_q, ""), *layers.data_rims(of_q, "")]
    diamonds: dict[str, Any] = dict(layers.pseudo_trace(means, ""))
    marker = diamonds["marker"] | {"opacity": 0.75}
    diamonds |= {"name": what, "marker": marker}
    traces += [diamonds, _lattice(q, owners)]
    legend = [trace["name"] for trace in traces if trace.get("showlegend")] + [_name("chosen", len(means))]
    legend += [*ways, _name("second", len(means))] if ways else []
    layout = theme.layout(height=HEIGHT, legend=legend)
    layout["margin"] |= {"l": 58, "r": 4, "b": 50}
    box = [[float(side[0]), float(side[-1])] for side in (q.x, q.y)]
    up = {"range": box[1], "title": theme.axis_title(axes[1], 8), "scaleanchor": "x", "constraintoward": "top"}
    layout |= {
        "xaxis": theme.AXIS | {"range": box[0], "title": theme.axis_title(axes[0], 4), "constrain": "domain"},
        "yaxis": theme.AXIS | up | {"constrain": "domain"},
        "dragmode": "pan",
    }
    return drawing(traces, layout)


def component_marks(
    means: np.ndarray,
    covariances: np.ndarray,
    chosen: int,
    second: int | None = None,
    paths: Sequence[tuple[str, np.ndarray]] = (),
) -> list[dict[str, Any]]:
    """The 50 and 95 % regions of the chosen component and of a second one, and ways between the two.

    Args:
        means: (K, 2) of the components in the plane.
        covariances: (K, 2, 2) of the components in the plane.
        chosen: component, from 0.
        second: another one.
        paths: each a name of ``theme.WAYS`` and (m, 2) places.

    Returns:
        Traces to put over a `component_map`.
    """
    traces = [_path(name, at) for name, at in paths]
    for k, name in ((second, "second"), (chosen, "chosen")):
        if k is not None:
            traces += _component(means[k], covariances[k], name, k)
    return traces


def lattice_of(q: DensityGrid) -> np.ndarray:
    """The (LATTICE², 2) places where the owners are needed."""
    return lattice_points(q, LATTICE)


def ellipse(mean: np.ndarray, covariance: np.ndarray, share: float, points: int = 73) -> np.ndarray:
    """The rim of the region that holds a share of a two-dimensional Gaussian, closed, (points, 2).

    y = mean + L (cos a, sin a) sqrt(-2 log(1 - share)) with L L^T the covariance.
    """
    angle = np.linspace(0, 2 * np.pi, points)
    return mean + (ellipse_factor(covariance, share) @ np.stack([np.cos(angle), np.sin(angle)])).T


def ellipse_factor(covariance: np.ndarray, share: float) -> np.ndarray:
    """L sqrt(-2 log(1 - share)), (2, 2) lower triangular: it makes that region's rim of the unit circle."""
    return np.linalg.cholesky(covariance) * np.sqrt(-2 * np.log1p(-share))


def _component(mean: np.ndarray, covariance: np.ndarray, name: str, k: int) -> list[dict[str, Any]]:
    dash = "8px,5px" if name == "chosen" else "2px,4px"
    rims = [ellipse(mean, covariance, share) for share in SHARES]
    lines = [
        _line(rim, {"color": theme.PRIOR, "width": 3, "dash": dash})
        | {"name": _name(name, k + 1), "meta": share, "legendgroup": name, "showlegend": share == SHARES[0]}
        for share, rim in zip(SHARES, rims, strict=True)
    ]
    marker = {"symbol": "diamond", "size": 11, "color": theme.PSEUDO, "opacity": 1.0}
    dot = {"type": "scatter", "mode": "markers", "x": mean[:1], "y": mean[1:], "hoverinfo": "skip", "name": name}
    still = {"marker": {"opacity": 1.0}}
    edge = {"line": {"width": 2, "color": theme.PRIOR}}
    return [*lines, dot | {"marker": marker | edge, "showlegend": False, "selected": still, "unselected": still}]


def _name(which: str, number: int) -> str:
    return f"{which}: k = {number}"


def _path(name: str, at: np.ndarray) -> dict[str, Any]:
    colour, dash, _ = theme.WAYS[name]
    return _line(at, {"color": colour, "width": 3, "dash": dash}) | {"name": name, "showlegend": True}


def _line(at: np.ndarray, line: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "x": at[:, 0].astype(np.float32), "y": at[:, 1].astype(np.float32),
        "line": line, "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip


def _lattice(q: DensityGrid, owners: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    """Invisible markers everywhere: hover tells whose place it is, a click chooses that component."""
    at = lattice_of(q)
    found, share = owners[0].tolist(), owners[1].tolist()
    return {
        "type": "scattergl", "mode": "markers", "x": at[:, 0].astype(np.float32), "y": at[:, 1].astype(np.float32),
        "customdata": [[k] for k in found], "name": "lattice", "showlegend": False,
        "hovertext": [f"k = {k + 1} is responsible here: {100 * s:.0f} %" for k, s in zip(found, share, strict=True)],
        "hovertemplate": "%{hovertext}<extra></extra>", "selected": _STILL, "unselected": _STILL,
        "marker": {"size": 12, "opacity": 0.0, "color": theme.NEUTRAL},
    }  # fmt: skip
