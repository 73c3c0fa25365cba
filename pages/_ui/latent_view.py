"""One model's q(z) against its p(z) in a view: picture, words, numbers, and what no difference looks like."""

from __future__ import annotations

import streamlit as st

from core import figures, tables
from core.figures.ready import ready
from core.plain_text import shown_error
from core.records import CheckpointInfo, DensityGrid, Plane
from core.region import Corners
from pages._ui import cache, cache_measures, charts, downloads, layout, numbers, place
from pages._ui.controls import Projection, View

CELLS = 200
CLICK_REACH = 0.03
"""Half the side of the region that a click makes, as a share of the window."""


def key_of(info: CheckpointInfo, projection: Projection | None, seed: int) -> cache.ViewKey:
    """The view of a model: the latent space itself where it has two dimensions."""
    if info.latent_dim == 2 or projection is None:
        return cache.WHOLE
    first, second = projection.dims if projection.kind == "pair" else (0, 0)
    return projection.kind, first, second, seed


def whole_grid(info: CheckpointInfo) -> DensityGrid:
    """q(z) in the latent space itself, of a model in two dimensions."""
    return cache.grids(info.name, info.digest, cache.WHOLE, CELLS)[0]


def draw(
    info: CheckpointInfo,
    key: cache.ViewKey,
    view: View,
    *,
    z: tuple[float, float] | None,
    corners: Corners | None,
    compact: bool,
) -> cache.ViewKey | None:
    """Title, picture, sentence, caption and numbers; the key, or None where there is no such view.

    Args:
        info: the model.
        key: the view.
        view: what is drawn over the densities.
        z: a place to mark, in two latent dimensions.
        corners: a region to outline.
        compact: lower, where figures stand below one another.
    """
    model = (info.name, info.digest)
    charts.heading(layout.title_of(info))
    try:
        shown = cache.view(*model, key)
    except ValueError as error:
        st.warning(f"{layout.title_of(info)}: {shown_error(error)}")
        return None
    q, p = cache.grids(*model, key, CELLS)
    found = cache_measures.distance(*model, view.seed)
    sentence = numbers.verdict(info, found)
    reach = CLICK_REACH * float(q.x[-1] - q.x[0])
    if p is None:
        figure = _scatter(info, key, view, shown.plane, corners)
    else:
        figure = _panels(info, key, view, (q, p), shown.plane, z if key == cache.WHOLE else None, corners, compact)
    place.region_chart(figure, f"panels-{info.name}", sentence, reach=reach, decodes=key == cache.WHOLE)
    st.markdown(sentence)
    charts.caption(_caption(info, view, q, p, shown.plane, len(shown.cloud)))
    _downloads(info, key, view, q, p, shown.plane)
    numbers.metric_strip(info, found)
    return key


def _panels(
    info: CheckpointInfo,
    key: cache.ViewKey,
    view: View,
    grids: tuple[DensityGrid, DensityGrid],
    plane: Plane,
    z: tuple[float, float] | None,
    corners: Corners | None,
    compact: bool,
) -> object:
    model = (info.name, info.digest)
    points, labels = (None, None)
    if view.points is not None:
        points, labels = cache.points(*model, key, view.n, view.seed, view.points)
    return ready(
        figures.density_panels,
        *grids,
        points=points,
        labels=labels if view.classes else None,
        class_names=cache.class_names(*model),
        point_kind=view.points or "samples",
        pseudo_inputs=cache.pseudo_input_places(*model, key),
        axes=plane.axes,
        compact=compact,
        over=figures.marks(z, corners, 3),
    )


def _scatter(info: CheckpointInfo, key: cache.ViewKey, view: View, plane: Plane, corners: Corners | None) -> object:
    """Draws of both, where the prior has no density in the plane."""
    model = (info.name, info.digest)
    found = cache.draws(*model, key, view.n, view.seed)
    labels = found.labels if view.classes else None
    names = cache.class_names(*model)
    over = figures.marks(None, corners, 1 if labels is None else 2)
    return ready(figures.plane_scatter, found.q, found.p, plane.axes, labels=labels, class_names=names, over=over)


def _caption(info: CheckpointInfo, view: View, q: DensityGrid, p: DensityGrid | None, plane: Plane, images: int) -> str:
    exact = f"q(z) is the exact mixture of {'all ' if images == info.images else 'the held-out '}{images:,} posteriors"
    prior = "p(z) the model's own density" if info.latent_dim == 2 else "p(z) the prior's exact marginal"
    parts = [f"{exact}, {prior}; contours hold 50, 80 and 95 % of each distribution"]
    if p is None:
        parts = [f"{exact}; a flow's marginal in a plane is not known, so the prior is shown by {view.n:,} draws"]
    if info.latent_dim > 2:
        across, up = (f"{100 * share:.0f}" for share in plane.explained)
        parts.append(
            f"the axes hold {across} and {up} % of the variance of q and p together: two distributions can look alike "
            f"here and differ in the other {info.latent_dim - 2} dimensions"
        )
    if images != info.images:
        parts.append(f"the direction was found with the other {info.images - images:,} images")
    window = f"the window holds {100 * q.mass:.1f} % of q"
    parts.append(window if p is None else f"{window} and {100 * p.mass:.1f} % of p")
    parts.append("axes of two models are not comparable, shapes and numbers are")
    return figures.caption(
        layout.dataset_title(info.dataset), layout.split_of(info), images, view.seed, "; ".join(parts)
    )


def _downloads(
    info: CheckpointInfo, key: cache.ViewKey, view: View, q: DensityGrid, p: DensityGrid | None, plane: Plane
) -> None:
    model = (info.name, info.digest)
    names = cache.class_names(*model)
    writers = {"Draws": lambda: tables.draws_csv(cache.draws(*model, key, view.n, view.seed), plane.axes, names)}
    if p is not None:
        writers["Densities"] = lambda: tables.grid_csv(q, p, plane.axes)
    downloads.keep(writers, f"{info.name}-{key[0]}")


def null_picture(info: CheckpointInfo, key: cache.ViewKey) -> None:
    """The same three panels for two halves of the images: what no difference looks like."""
    shown = cache.view(info.name, info.digest, key)
    plane, half = shown.plane, len(shown.cloud) // 2
    if half < 1:
        st.markdown(f"**{layout.title_of(info)}**: one image cannot be halved.")
        return
    q, p = cache.null_grids(info.name, info.digest, key, CELLS)
    st.markdown(
        f"**{layout.title_of(info)}**: the same three panels for q(z) of one half of the images, blue, against "
        f"q(z) of the other half, dashed. The colour in the map is the noise of two times {half:,} images: several "
        f"times that of the picture above, where all of them stand against a smooth prior."
    )
    halves = ("q(z), one half", "q(z), other half")
    figure = ready(figures.density_panels, q, p, compact=True, names=halves, axes=plane.axes)
    alt = f"q(z) of two halves of the same images, {half:,} each: all that differs is noise."
    charts.chart(figure, f"null-{info.name}", alt, name=f"{info.name}-null")
    charts.caption(
        f"{layout.dataset_title(info.dataset)}, {layout.split_of(info)} split, {half:,} images against {half:,}, every "
        "second one on either side; both densities exact, nothing drawn at random; contours hold 50, 80 and 95 %."
    )
    downloads.keep({"Densities": lambda: tables.grid_csv(q, p, plane.axes)}, f"{info.name}-null")
