"""The map of the latent browser as bytes: points with their marks, a field behind them, lines of equal share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.bundle import pack
from core.figures import classes, theme
from core.figures.contours import contour_line
from core.figures.signed import signed_map
from core.records import HDR_SHARES, DensityGrid, Draws

COLOURS = {"label": "Class", "q": "log q", "p": "log p", "ratio": "log q − log p"}
STEPS = 24
"""Different colours of points that stand for a density."""
LIMIT = 8.0
"""Nats at which the log ratio is clipped."""
FIELD_ALPHA = 0.85
FAINT = 0.5
"""Size and opacity of points before a field, as a share of what they are elsewhere."""
PRIOR_CLASS = -1
LINES = (0.5, 0.95)
"""Shares of a distribution inside its lines."""

Ends = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Densities:
    """log q and log p at the draws of a view, in nats, in all d dimensions.

    Attributes:
        q_q, q_p: log q at the draws of q (own component left out) and of p; None where it is not known.
        p_q, p_p: log p at the draws of q and of p.
    """

    q_q: np.ndarray | None
    q_p: np.ndarray | None
    p_q: np.ndarray
    p_p: np.ndarray


@dataclass(frozen=True)
class MapView:
    """What is drawn.

    Attributes:
        draws: of q(z) and p(z) with their places.
        axes: names of the two axes.
        part: the window: its ends across and up.
        q, p: densities in it, None where they are not known.
        colour: a key of ``COLOURS``.
        densities: at the draws; needed for the colours of points where the grid is not known.
        is_map: whether the places are those of a t-SNE map, which has no inverse.
        class_names: by class.
        whole: whether the plane is the latent space itself, so that a cell of a grid is the density of the code.
        q_known: whether q(z) has a known density at all.
    """

    draws: Draws
    axes: tuple[str, str]
    part: Ends
    q: DensityGrid | None
    p: DensityGrid | None
    colour: str
    densities: Densities | None
    is_map: bool
    class_names: Sequence[str]
    whole: bool
    q_known: bool


def view_bundle(shown: MapView, identity: str) -> bytes:
    """The map as one block for ``core.bundle``.

    Args:
        shown: what is drawn.
        identity: under which the browser keeps it.

    Raises:
        ValueError: for a colour that there is not, or one that needs densities and has none.
    """
    if shown.colour not in COLOURS:
        raise ValueError(f"colour is {shown.colour!r}, expected one of {', '.join(COLOURS)}")
    with_prior = shown.p is None
    q, p = shown.draws.q, shown.draws.p if with_prior else np.empty((0, 2), np.float32)
    points = np.concatenate([q, p]).astype(np.float32)
    labels = np.zeros(len(q), np.int64) if shown.draws.labels is None else shown.draws.labels
    klass = np.concatenate([labels, np.full(len(p), PRIOR_CLASS)]).astype(np.int32)
    style, styles, legend = _marks(shown, len(p))
    size, alpha = theme.point_size(len(points))
    if shown.colour != "label" and has_field(shown.q, shown.p, shown.colour):
        size, alpha = FAINT * size, FAINT * alpha  # the field is looked at
    arrays: dict[str, np.ndarray] = {
        "points": points, "klass": klass, "style": style,
        "order": np.random.default_rng(0).permutation(len(points)).astype(np.int32),
    }  # fmt: skip
    meta: dict[str, Any] = {
        "id": identity, "kind": "map" if shown.is_map else "plane", "axes": list(shown.axes), "styles": styles,
        "window": {"x": list(shown.part[0]), "y": list(shown.part[1])}, "point_size": size / 2, "alpha": alpha,
        "unpicked_alpha": theme.UNPICKED_ALPHA, "legend": legend, "lines": [],
        "place_name": "z" if shown.whole else ", ".join(shown.axes), "whose": _whose(shown), "unknown": _unknown(shown),
    }  # fmt: skip
    if shown.is_map:
        arrays["codes"] = np.concatenate([shown.draws.q_z, shown.draws.p_z]).astype(np.float32)
    _add_grids(shown, meta, arrays)
    return pack(meta, arrays)


def square(places: np.ndarray, margin: float = 0.04) -> Ends:
    """The smallest square around (n, 2) places, plus a margin."""
    low, high = places.min(0).astype(np.float64), places.max(0).astype(np.float64)
    half = max(float((high - low).max()) / 2, 1e-3) * (1 + 2 * margin)
    (x, y) = (low + high) / 2
    return (float(x) - half, float(x) + half), (float(y) - half, float(y) + half)


def _marks(shown: MapView, priors: int) -> tuple[np.ndarray, list[dict[str, Any]], list[dict[str, Any]]]:
    """Style of each point, the styles, and the legend."""
    ring = {"colour": theme.PRIOR, "symbol": "circle", "hollow": True, "edge": theme.POINT_EDGE}
    if shown.colour != "label" and not has_field(shown.q, shown.p, shown.colour):
        return _by_density(shown, priors)
    if shown.colour != "label" or shown.draws.labels is None:
        dot = {"colour": theme.DATA if shown.colour == "label" else theme.NEUTRAL, "symbol": "circle", "hollow": False}
        styles, style = [dot | {"edge": theme.POINT_EDGE}], np.zeros(len(shown.draws.q), np.uint8)
        names = ["draws of q(z)"]
    else:
        place, told = classes.named(shown.draws.labels, shown.class_names)
        styles = [_style(*theme.class_style(k)) for k in range(len(told))]
        style, names = place.astype(np.uint8), list(told)
    legend = [{"name": name, "style": k, "counted": True} for k, name in enumerate(names)]
    if priors:
        styles.append(ring)
        legend.append({"name": "draws of p(z)", "style": len(styles) - 1, "counted": True})
    return np.concatenate([style, np.full(priors, len(styles) - 1, np.uint8)]), styles, legend


def _by_density(shown: MapView, priors: int) -> tuple[np.ndarray, list[dict[str, Any]], list[dict[str, Any]]]:
    """Points coloured by their own density: by rank, or for the ratio in nats on the signed scale."""
    found = shown.densities
    if found is None:
        raise ValueError("points coloured by density need the densities at the draws")
    pairs = {"q": (found.q_q, found.q_p), "p": (found.p_q, found.p_p)}
    if shown.colour == "ratio":
        of_q = None if found.q_q is None else found.q_q - found.p_q
        of_p = None if found.q_p is None else found.q_p - found.p_p
        of = (of_q, of_p)
    else:
        of = pairs[shown.colour]
    at_q, at_p = of
    if at_q is None or at_p is None:
        raise ValueError("log q is not known here")
    values = np.concatenate([at_q, at_p[:priors]])
    if shown.colour == "ratio":
        step = np.clip((values + LIMIT) / (2 * LIMIT), 0, 1)
        colours = [_signed(k / (STEPS - 1)) for k in range(STEPS)]
        ends = (f"orange: p outweighs q by {LIMIT:g} nats or more", "blue: q outweighs p")
    else:
        step = values.argsort().argsort() / max(len(values) - 1, 1)
        base = theme.DATA if shown.colour == "q" else theme.PRIOR
        colours = [theme.rgba(base, 0.08 + 0.92 * k / (STEPS - 1)) for k in range(STEPS)]
        ends = (f"least {COLOURS[shown.colour]} of these draws", f"most {COLOURS[shown.colour]}")
    styles = [_style(colour, "circle") | {"edge": theme.NEUTRAL} for colour in colours]
    styles += [style | {"symbol": "diamond"} for style in styles]
    style = np.round(step * (STEPS - 1)).astype(np.uint8)
    style[len(style) - priors :] += STEPS
    legend = [{"name": name, "style": k, "counted": False} for name, k in zip(ends, (0, STEPS - 1), strict=True)]
    if priors:
        legend.append({"name": "diamonds: draws of p(z)", "style": 2 * STEPS - 1, "counted": False})
    return style, styles, legend


def _style(colour: str, symbol: str) -> dict[str, Any]:
    return {"colour": colour, "symbol": symbol, "hollow": False, "edge": theme.POINT_EDGE}


def _signed(share: float) -> str:
    scale = theme.signed_scale()
    return str(scale[round(share * (len(scale) - 1))][1])


def has_field(q: DensityGrid | None, p: DensityGrid | None, colour: str) -> bool:
    """Whether there is a grid of what the colours stand for; where there is none the points are coloured."""
    needed = {"q": (q,), "p": (p,), "ratio": (q, p)}.get(colour, (None,))
    return all(grid is not None for grid in needed)


def _add_grids(shown: MapView, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    grid = shown.q or shown.p
    if grid is None:
        return
    half = (grid.x[1] - grid.x[0]) / 2
    ends = [[float(side[0] - half), float(side[-1] + half)] for side in (grid.x, grid.y)]
    meta |= {"field_window": {"x": ends[0], "y": ends[1]}, "cells": len(grid.x)}
    if shown.whole:  # elsewhere a cell holds the marginal in the plane, which is not the density of a code
        for name, one in (("q_cells", shown.q), ("p_cells", shown.p)):
            if one is not None:
                arrays[name] = np.ascontiguousarray(one.log_density, np.float32)
    if has_field(shown.q, shown.p, shown.colour):
        arrays["field"] = _field_pixels(shown)
    for name, one, colour, dash in (("q", shown.q, theme.DATA, []), ("p", shown.p, theme.PRIOR, [7, 5])):
        if one is None:
            continue
        for share in LINES:
            level = one.levels[HDR_SHARES.index(share)]
            if not np.isfinite(level):
                continue
            x, y = contour_line(one.x, one.y, one.log_density, level)
            arrays[f"line_{name}_{share}"] = np.stack([x, y], 1)
            meta["lines"].append({"array": f"line_{name}_{share}", "colour": colour, "dash": dash, "width": 1.6})


def _field_pixels(shown: MapView) -> np.ndarray:
    """(ny, nx, 4) uint8, the highest row on top."""
    q, p = shown.q, shown.p
    if shown.colour == "ratio" and q is not None and p is not None:
        signed = signed_map(q, p, LIMIT)[::-1]
        alpha = np.abs(signed / LIMIT) ** 0.7
        sides = np.where((signed > 0)[..., None], theme.rgb(theme.LEAK), theme.rgb(theme.HOLE))
        return np.concatenate([sides, (235 * alpha)[..., None]], 2).round().astype(np.uint8)
    grid, colour = (q, theme.DATA) if shown.colour == "q" else (p, theme.PRIOR)
    assert grid is not None  # as ``has_field`` found
    flat = grid.log_density.astype(np.float64).ravel()
    order = np.argsort(-flat, kind="stable")
    mass = np.exp(flat[order] - flat[order[0]])
    above = np.empty(len(flat))
    above[order] = np.cumsum(mass) / mass.sum()  # share of the window's mass in cells at least as dense
    alpha = 255 * FIELD_ALPHA * (1 - above.reshape(grid.log_density.shape)[::-1])
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = theme.rgb(colour), alpha.round()
    return pixels


def _whose(shown: MapView) -> list[str]:
    """Whose draw a point is, by class + 1."""
    labels = shown.draws.labels
    if labels is None:
        return ["one of p(z)", "one of q(z)"]
    count = max(int(labels.max(initial=0)) + 1, len(shown.class_names))
    return ["one of p(z)", *(f"one of q(z), {classes.name_of(k, shown.class_names)}" for k in range(count))]


def _unknown(shown: MapView) -> dict[str, str]:
    return {
        "q": "log q: click, the server works it out" if shown.q_known else "log q is not known: q(z|x) is a flow",
        "p": "log p: click, the server works it out",
    }
