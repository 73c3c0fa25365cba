"""Does the prior cover the data? Aggregated posterior against prior in a two-dimensional latent space, exactly."""

import streamlit as st

from core import figures
from pages._ui import cache, controls, layout, numbers, place

CELLS = 200
DRAWS = 5000

st.title("Does the prior cover the data?")
st.markdown(
    "Where the prior has mass and no image is encoded, the model generates from a **hole**; "
    "where images are encoded and the prior has none, it can never generate them again: a **leak**. "
    "Click anywhere in a panel to see what is decoded there."
)
chosen = layout.require_models()
for info in chosen:
    if reason := layout.why_not_drawn(info):
        st.warning(reason)
models = [info for info in chosen if layout.why_not_drawn(info) is None]
if not models:
    st.stop()
view = controls.view_controls()
pictures = st.container()
st.subheader("What is decoded here?")
z = controls.place_inputs()  # read before the pictures that mark the place are drawn

with pictures:
    for info in models:
        key = (info.name, info.digest)
        q, p = cache.grids(*key, CELLS)
        found = cache.mismatch(*key, DRAWS, view.seed)
        sentence = numbers.verdict(info, found)
        st.subheader(layout.title_of(info))
        numbers.metric_strip(info, found)
        points, labels = (None, None)
        if view.points is not None:
            points, labels = cache.posterior_points(*key, view.n, view.seed, view.points)
        place.density_chart(
            figures.density_panels,
            key=f"panels-{info.name}",
            alt=sentence,
            q=q,
            p=p,
            points=points,
            labels=labels if view.classes else None,
            class_names=cache.class_names(*key),
            point_kind=view.points or "samples",
            pseudo_inputs=cache.pseudo_input_means(*key),
            picked=z,
            compact=len(models) > 1,
        )
        st.markdown(sentence)
        st.caption(
            figures.caption(
                layout.dataset_title(info.dataset),
                layout.split_of(info),
                info.images,
                view.seed,
                f"q(z) is the exact mixture of all {info.images:,} posteriors, p(z) the model's own density; "
                f"contours hold 50, 80 and 95 % of each distribution; the window holds {100 * q.mass:.1f} % of q and "
                f"{100 * p.mass:.1f} % of p. Axes of two models are not comparable, shapes and numbers are",
            )
        )

if z is None:
    st.markdown("Click in a panel above, or type two numbers.")
else:
    for info in models:
        place.panel(info, z, cache.grids(info.name, info.digest, CELLS)[0], view.seed)

null = st.expander("What would no difference look like?", on_change="rerun", key="null")
if null.open:
    for info in models:
        q, p = cache.null_grids(info.name, info.digest, CELLS)
        null.markdown(
            f"**{layout.title_of(info)}**: the same three panels for q(z) of one half of the images, blue, against "
            f"q(z) of the other half, dashed. The colour in the map is the noise of two times {info.images // 2:,} "
            f"images: several times that of the picture above, where {info.images:,} stand against a smooth prior."
        )
        figure = figures.density_panels(q, p, compact=True, names=("q(z), one half", "q(z), other half"))
        halves = f"q(z) of two halves of the same images, {info.images // 2:,} each: all that differs is noise."
        null.plotly_chart(figure, key=f"null-{info.name}", alt=halves)

with st.expander("How is this computed?"):
    st.latex(r"q(z) = \frac1n \sum_{i=1}^n \mathcal N\big(z;\, \mu(x_i), \mathrm{diag}\,\sigma^2(x_i)\big)")
    st.markdown(
        "The aggregated posterior is a mixture of one Gaussian an image, so its density is known exactly: no kernel "
        "density estimate, no bandwidth. Each cell shows the mixture's exact mean density over the cell. The prior is "
        "evaluated the same way where it is a mixture, and at the cells' centres where it is a flow. The map shows "
        "$\\log q(z) - \\log p(z)$ in nats, clipped at ±8; it fades outside both 95 % regions."
    )
    st.latex(r"\mathrm{KL}\big(q(z)\,\|\,p(z)\big) = \mathbb E_{q(z)}\big[\log q(z) - \log p(z)\big]")
