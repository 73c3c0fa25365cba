"""The live picture on Home: the featured model's q(z) and p(z) in one plane, and what it says."""

from __future__ import annotations

import streamlit as st

from core import figures, tables
from core.records import CheckpointInfo
from pages._ui import cache, cache_measures, changes, charts, controls, downloads, latent_view, layout, numbers, place
from pages._ui.turns import fragment

POINTS = 2000
PRINCIPAL = controls.Projection("pca", (0, 0), 0.0, 0)


@fragment
def draw(info: CheckpointInfo) -> None:
    """The picture on the left, words and the decoded place on the right; nothing for a flow in many dimensions.

    A fragment: a click in the picture changes nothing else on Home, whose many cards and figures cost more than it.
    """
    with changes.told():
        _draw(info)


def _draw(info: CheckpointInfo) -> None:
    model, key = (info.name, info.digest), latent_view.key_of(info, PRINCIPAL, 0)
    q, p = cache.grids(*model, key, latent_view.CELLS)
    if p is None:
        return
    left, right = st.columns([3, 2], gap="large")
    with right:
        words, inputs = st.container(), st.container()
    z = None
    if key == cache.WHOLE:
        with inputs:
            z = controls.place_inputs()  # read before the picture that marks the place is drawn
    sentence = numbers.verdict(info, cache_measures.distance(*model, 0))
    points, labels = cache.points(*model, key, POINTS, 0, "samples")
    with left:
        place.density_chart(
            figures.hero,
            key=f"hero-{info.name}",
            alt=sentence,
            q=q,
            p=p,
            points=points,
            labels=labels,
            class_names=cache.class_names(*model),
            over=figures.marks(z, None, 1),
            axes=cache.view(*model, key).plane.axes,
        )
        charts.caption(
            figures.caption(
                layout.dataset_title(info.dataset),
                layout.split_of(info),
                info.images,
                0,
                f"Exact densities; contours hold 50, 80 and 95 % of each; dots are {POINTS:,} draws of q(z), marked by "
                "class",
            )
        )
        axes = cache.view(*model, key).plane.axes
        downloads.keep({"Densities": lambda: tables.grid_csv(q, p, axes)}, f"{info.name}-hero")
    with words:
        st.markdown(
            "A VAE is trained so that the codes of its images, the **aggregated posterior q(z)** in blue, match the "
            "**prior p(z)** it generates from, dashed. They do not match by themselves: what is left over is the "
            "marginal KL, the part of the ELBO that a better prior can win back for this encoder."
        )
        st.markdown(f"**{layout.title_of(info)}.** {sentence}")
        layout.link_to("prior_vs_posterior", "Look closer: prior against posterior", info)
    if key == cache.WHOLE:
        with inputs:
            if z is None:
                what = "decode an image there" if info.decodes else "see how usual a code is there"
                st.caption(f"Click anywhere in the picture to {what}.")
            else:
                place.panel(info, z, q, 0, narrow=True)
