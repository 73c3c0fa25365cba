"""Under the map: what is at the place, what lies in the region, ways, and one dimension after another."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import browse, component_table, figures
from core.browser_records import Traversal
from core.component_pictures import usual
from core.figures import component_path, component_words, theme
from core.figures.classes import name_of
from core.figures.ready import ready
from core.figures.sheet_table import sheet_csv
from core.figures.sheets import Block, sheet
from core.gallery import class_counts
from core.region import Corners, inside
from pages._ui import browser, cache, cache_browser, charts, downloads, layout, place, region_panel
from pages._ui.browser import Look, Spot
from pages._ui.component_panel import WIDTH

NEAREST, STEPS, MOST = 8, 9, 50
ACTIVE = 0.01
LONGEST = 9
"""Letters that fit under a picture."""


def at_place(shown: Look, here: Spot) -> None:
    """Exact densities and typicality, and the stored images whose codes are nearest."""
    charts.heading("What is here?")
    st.markdown(f"At {here.name}.")
    place.words(shown.info, here.z, shown.seed)
    found = cache_browser.neighbours(*shown.model, here.z, NEAREST, shown.seed)
    names = cache.class_names(*shown.model)
    classes = None if found.labels is None else [name_of(int(label), names) for label in found.labels]
    words = [
        f"{row}{'' if classes is None else f'<br>{_short(classes[k])}'}<br>{found.distances[k]:.1f} sd"
        for k, row in enumerate(found.rows.tolist())
    ]
    low, middle, high = (f"{value:.1f}" for value in found.usual.nearest)
    sentence = (
        f"The nearest stored image is {found.rows[0]}, {found.distances[0]:.1f} sd away; an image has its own nearest "
        f"one {middle} sd away in the middle, and 90 % between {low} and {high}."
    )
    st.markdown(sentence)
    if not shown.info.pictured:
        st.markdown(" · ".join(word.replace("<br>", ", ") for word in words))
        st.caption("The images did not come along with these latents.")
        return
    pictures, real = cache.images(*shown.model, tuple(found.rows.tolist()))
    what = f"{shown.info.split} images" if real else "reconstructions: the data set is not on this computer"
    block = Block(pictures, 0, 0, NEAREST, 1.2, f"<b>nearest codes</b>, {what}", words, [theme.DATA] * len(pictures))
    charts.chart(ready(sheet, [block], width=WIDTH), "browser-near", sentence, name=f"{shown.info.name}-near")
    method = (
        "Under each image its row, its class where there are any, and the distance from the place to the centre "
        "of a code in standard deviations (sd) of the posteriors, root mean "
        f"square over the {shown.info.latent_dim} dimensions; compared with {found.usual.compared:,} images"
    )
    charts.caption(_caption(shown, method))
    downloads.keep({"Neighbours": lambda: sheet_csv([block])}, f"{shown.info.name}-near")


def _short(name: str) -> str:
    """A class's name as wide as a picture."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def in_region(shown: Look, text: str, corners: Corners) -> None:
    """The class counts of the region, and both galleries where q(z) has a density."""
    charts.heading("What lies in the region?")
    if shown.info.of_gaussians:
        region_panel.panel(shown.info, shown.key, shown.n, shown.seed, text)
    else:
        rows = np.flatnonzero(inside(shown.draws.q, corners))
        st.markdown(f"**{len(rows):,}** of {len(shown.draws.q):,} draws of q(z) lie in the region.")
        if shown.draws.labels is not None and len(rows):
            counts = class_counts(shown.draws.labels, rows)
            st.markdown(region_panel.class_words(counts, cache.class_names(*shown.model)))
        st.caption("Holes and leaks are not counted: q(z|x) is a flow, so that q(z) has no density to count with.")
    chosen = browser.selected_rows(shown, corners)
    if shown.plane is None or not shown.info.of_gaussians:
        st.caption("No ellipses: " + ("a t-SNE map has no place for a posterior." if shown.plane is None
                                      else "q(z|x) is a flow and no Gaussian."))  # fmt: skip
    elif len(chosen):
        some = "" if len(chosen) <= browser.ELLIPSES else f" of the first {browser.ELLIPSES} of {len(chosen):,} images"
        st.caption(f"Ellipses in the map hold 95 % of the posterior{some} of each image with a draw in the region.")


def between(shown: Look, first: Spot, second: Spot, chosen: bool) -> None:
    """Three ways between two codes, decoded, with both densities along them."""
    charts.heading("What lies between two places?")
    lead = f"From {first.name} to {second.name}."
    st.markdown(lead if chosen else f"{lead} Let a click set the end of a way, or type it, for a way from the place.")
    found, compared = cache_browser.between(*shown.model, first.z, second.z), cache.reference(*shown.model, shown.seed)
    named, ordinary = found.named(), usual(compared)
    if found.along is None:
        st.markdown("There is no way along the prior: it is no flow, no Gaussian and no mixture of Gaussians.")
    sentence = component_words.path_sentence(named, ordinary)
    key = f"{shown.info.name}-ways"
    if shown.info.decodes:
        size, blocks = WIDTH / len(found.linear.shown), []
        steps = [f"t = {t:.3g}" for t in found.linear.t[found.linear.shown].tolist()]
        for k, (name, way) in enumerate(named):
            words = steps if k + 1 == len(named) else []
            blocks.append(Block(way.images, 0, k * (size + 0.4), len(way.images), size, f"<b>{name}</b>", words,
                                [theme.PRIOR] * len(way.images)))  # fmt: skip
        charts.chart(
            ready(sheet, blocks, width=WIDTH), "browser-ways", f"Images on {len(named)} ways. {lead}", name=key
        )
    charts.chart(ready(component_path.path_figure, named, ordinary), "browser-along", sentence, name=f"{key}-densities")
    st.markdown(sentence)
    method = (
        f"{len(found.linear.t)} places on each way; images are means of p(x|z); spherical: on a great circle around "
        "the origin; along the prior: the great circle in the noise that the prior makes its draws of; bands: "
        f"{compared.draws:,} draws of each distribution, a code's own posterior left out; on the ways it is in log q, "
        "which may peak where an image is encoded"
    )
    charts.caption(_caption(shown, method))
    downloads.keep({"Ways": lambda: component_table.path_csv(named)}, key)


def dimensions(shown: Look, here: Spot) -> None:
    """The most active dimensions one by one, decoded."""
    charts.heading("What does each dimension do?")
    d = shown.info.latent_dim
    count = d
    if d > 2:
        typed = st.number_input("Dimensions shown", min_value=1, max_value=min(d, MOST), value=min(d, 8), key="dims",
                                bind="query-params", width=170)  # fmt: skip
        count = int(typed)
    found = cache_browser.traversals(*shown.model, here.z, count, STEPS, shown.seed)
    activity = cache_browser.ranges(*shown.model, shown.seed).activity
    active = int((activity > ACTIVE).sum())
    sentence = (
        f"{active} of {d} dimensions are active: the centre of the code varies over the images by more than "
        f"{ACTIVE} in them. The most active one is z{component_words.subscript(found[0].dimension + 1)}, "
        f"{found[0].activity:.2f}."
    )
    size, blocks = 0.82, [_row(one, k, 0.82) for k, one in enumerate(found)]
    charts.chart(
        ready(sheet, blocks, width=max(WIDTH, STEPS * size)), "browser-dims", sentence, name=f"{shown.info.name}-dims"
    )
    st.markdown(sentence)
    method = (
        f"Each row changes one dimension from the 1 % to the 99 % quantile of {browse.DRAWS:,} draws of q(z) in it and "
        f"leaves the others as at {here.name}; sorted by activity, the variance of the code's centre over the images; "
        "images are means of p(x|z)"
    )
    charts.caption(_caption(shown, method))
    downloads.keep({"Traversals": lambda: sheet_csv(blocks)}, f"{shown.info.name}-dims")


def _row(one: Traversal, k: int, size: float) -> Block:
    low, high = (f"{value:.2f}".replace("-", "−") for value in (one.values[0], one.values[-1]))
    head = f"<b>z{component_words.subscript(one.dimension + 1)}</b>, activity {one.activity:.2g}, from {low} to {high}"
    frames = [theme.PRIOR] * len(one.images)
    return Block(one.images, 0, k * (size + 0.4), len(one.images), size, head, (), frames)


def _caption(shown: Look, method: str) -> str:
    info = shown.info
    return figures.caption(layout.dataset_title(info.dataset), layout.split_of(info), info.images, shown.seed, method)
