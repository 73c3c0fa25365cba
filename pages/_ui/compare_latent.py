"""The same images in the latent spaces of several models: one selection in all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core import figures, region
from core.figures import compare_words, multiples
from core.figures.classes import name_of
from core.figures.ready import ready
from core.plain_text import shown_error
from core.records import CheckpointInfo
from core.report import Table
from pages._ui import cache, cache_compare, charts, components, controls, downloads, layout
from pages._ui.compare import labels

IMAGES = 500
"""Images that are drawn unless another number is asked for."""


@dataclass(frozen=True)
class Chosen:
    """What is looked at.

    Attributes:
        seed: of images, draws and noise.
        row: the chosen image by its row in the split, None where none is.
        rows: (m,) images that are selected by a box or a lasso, by row; empty where none are.
        shown: (n,) images whose codes are drawn, by row.
    """

    seed: int
    row: int | None
    rows: np.ndarray
    shown: np.ndarray


def show(infos: list[CheckpointInfo]) -> Chosen:
    """Densities of every model with the same images over them, and what is selected."""
    reasons = [reason for info in infos if (reason := layout.why_not_drawn(info))]
    fit = [info for info in infos if layout.why_not_drawn(info) is None]
    if reasons:
        st.info("  \n".join(reasons))
    row, n, means, seed = _controls(planes=any(info.latent_dim > 2 for info in fit))
    if not fit:
        return Chosen(seed, row, np.array([], int), np.array([], int))
    models = tuple((info.name, info.digest) for info in fit)
    shown = cache_compare.rows(models, n, seed)
    picture = st.container()
    inside, panel, text = _region(fit)
    selected = None
    if inside is not None:
        info = fit[panel]
        key = components.key_of(info, seed)
        selected = region.inside(cache_compare.points(*models[panel], key, models, n, seed, means), inside)
    with picture:
        _figure(fit, models, shown, (n, seed, means), row, selected)
    rows = np.array([], int) if selected is None else shown[selected]
    _selection(fit, shown, rows, row, text)
    return Chosen(seed, row, rows, shown)


def neighbours(infos: list[CheckpointInfo], seed: int) -> None:
    """Share of nearest neighbours that each pair of models has in common."""
    fit = [info for info in infos if info.of_gaussians and info.images > 0]
    if len(fit) < 2:
        st.markdown("Two models with Gaussian posteriors are needed for this.")
        return
    names = labels(fit)
    cells = [[compare_words.NOTHING for _ in fit] for _ in fit]
    chance = images = 0.0
    for i, first in enumerate(fit):
        for j in range(i):
            try:
                share, chance, images = cache_compare.neighbours(
                    (first.name, first.digest), (fit[j].name, fit[j].digest), seed
                )
            except ValueError as error:
                st.markdown(f"{names[i]} and {names[j]}: {shown_error(error)}.")
                continue
            cells[i][j] = cells[j][i] = f"{100 * share.value:.1f} ± {100 * share.se:.1f} %"
    charts.table(
        Table(
            ("model", *names),
            tuple((name, *row) for name, row in zip(names, cells, strict=True)),
            f"Share of an image's ten nearest neighbours, by posterior means, that are among its ten nearest in the "
            f"other model; ± one standard error over {int(images):,} {fit[0].split} images, seed {seed}. Unrelated "
            f"spaces would share {100 * chance:.2g} %, one space 100 %.",
        )
    )


def _controls(*, planes: bool) -> tuple[int | None, int, bool, int]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        row = st.number_input(
            "Image (row of the split)", min_value=0, max_value=10**7, value=None, key="row", bind="query-params",
            width=190, placeholder="click a point, or type",
            help="Its posterior is outlined in every panel: the region that holds 95 % of it.",
        )  # fmt: skip
        n = st.number_input(
            "Images shown", min_value=50, max_value=5000, value=IMAGES, step=250, key="images",
            bind="query-params", width=140, help="At random, the same ones in every panel.",
        )  # fmt: skip
        seed = components.seed_control(planes=planes)
        means = st.toggle(
            "Means instead of draws", key="means", bind="query-params",
            help="One draw of q(z|x) for each image, with the same noise in every model, or its mean. Means alone look "
            "narrower than q(z).",
        )  # fmt: skip
    return (None if row is None else int(row)), int(n), bool(means), seed


def _region(fit: list[CheckpointInfo]) -> tuple[region.Corners | None, int, str]:
    """The box or lasso and in which panel it lies, typed or drawn."""
    names, titles = [info.name for info in fit], labels(fit)
    if st.session_state.get("lasso_in", names[0]) not in names:
        st.session_state["lasso"] = ""  # it was drawn in the panel of a model that is not shown any more
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Selection", key="lasso", bind="query-params", max_chars=1500,
            placeholder="box or lasso from the tools of the picture, or type: left right bottom top",
        ).strip()  # fmt: skip
        within = controls.pick_one("in the panel of", dict(zip(names, titles, strict=True)), "lasso_in", width=260)
    place = names.index(within)
    if not text:
        return None, place, ""
    try:
        return region.parse(text), place, titles[place]
    except ValueError as error:
        st.error(shown_error(error).capitalize())
        return None, place, ""


def _figure(
    fit: list[CheckpointInfo],
    models: tuple[tuple[str, str], ...],
    shown: np.ndarray,
    drawn: tuple[int, int, bool],
    row: int | None,
    selected: np.ndarray | None,
) -> None:
    n, seed, means = drawn
    keys = [components.key_of(info, seed) for info in fit]
    part = cache_compare.window(tuple((*model, key) for model, key in zip(models, keys, strict=True)))
    panels = []
    for model, key, label in zip(models, keys, labels(fit), strict=True):
        q, p = cache_compare.grids(*model, key, part.x, part.y)
        panels.append(
            multiples.Panel(
                label,
                q,
                p,
                cache_compare.points(*model, key, models, n, seed, means),
                cache_compare.prior_points(*model, key, n, seed) if p is None else None,
                None if row is None else cache_compare.posterior(*model, key, row),
                cache.view(*model, key).plane.axes,
            )
        )
    figure = ready(
        multiples.multiples,
        panels,
        shown,
        labels=cache_compare.labels(*models[0], shown),
        class_names=cache.class_names(*models[0]),
        selected=selected,
    )

    def take() -> None:
        event = st.session_state.get("multiples")
        corners, place = figures.outlined(event), multiples.outlined_in(event, len(fit))
        if corners is not None and place is not None:
            st.session_state["lasso"], st.session_state["lasso_in"] = region.write(corners), fit[place].name
        elif (found := multiples.picked_row(event)) is not None:
            st.session_state["row"] = found

    alt = (
        f"Densities of q(z), filled, and p(z), dashed, of {', '.join(labels(fit))} in one window, and the map of "
        "log q − log p under each."
    )
    charts.chart(figure, "multiples", alt, on_select=take, regions=True)
    many = any(info.latent_dim > 2 for info in fit)
    plane = "; more than two dimensions are shown in the principal plane of q and p together, where both are exact"
    charts.caption(
        figures.caption(
            layout.dataset_title(fit[0].dataset),
            layout.split_of(fit[0]),
            len(shown),
            seed,
            f"Above q(z), blue and filled, p(z), vermilion and dashed, each with the regions that hold 50, 80 and 95 % "
            f"of it, and {'the mean' if means else 'one draw'} of q(z|x) of the same images in every panel; below log "
            f"q − log p in nats, clipped at ±8: orange holes, blue leaks{plane if many else ''}. One window for all: "
            "sizes can be compared, positions cannot",
        )
    )
    downloads.keep({"Codes": lambda: _codes_csv(fit, panels, shown)}, "multiples")


def _codes_csv(fit: list[CheckpointInfo], panels: list[multiples.Panel], shown: np.ndarray) -> str:
    from core.tables import write_csv

    header = ["row", *(f"{info.name} {axis}" for info in fit for axis in ("x", "y"))]
    places = np.concatenate([panel.points for panel in panels], axis=1)
    return write_csv(header, ([row, *place] for row, place in zip(shown.tolist(), places.tolist(), strict=True)))


def _selection(fit: list[CheckpointInfo], shown: np.ndarray, rows: np.ndarray, row: int | None, panel: str) -> None:
    """What is selected in words."""
    first = (fit[0].name, fit[0].digest)
    if row is not None and cache_compare.posterior(*first, components.key_of(fit[0], 0), row) is None:
        st.warning(f"The posterior of image {row:,} is not stored: choose a row of the {fit[0].split} split.")
    if not panel:
        return
    st.markdown(f"**{len(rows):,} of {len(shown):,}** images lie in the selection in {charts.plain(panel)}.")
    classes, names = cache_compare.labels(*first, shown), cache.class_names(*first)
    if classes is not None and len(rows):
        inside = cache_compare.labels(*first, rows)
        chosen, whole = (_counts(part, names) for part in (inside, classes))
        st.markdown(charts.plain(compare_words.counts_sentence(chosen, whole)))


def _counts(classes: np.ndarray | None, names: tuple[str, ...]) -> dict[str, int]:
    values, counts = np.unique(np.array([], int) if classes is None else classes, return_counts=True)
    return {name_of(int(k), names): int(count) for k, count in zip(values, counts, strict=True)}
