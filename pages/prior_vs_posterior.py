"""Does the prior cover the data? Aggregated posterior against prior, exactly, in two dimensions and in many."""

import streamlit as st

from pages._ui import cache, changes, controls, history, latent_view, layout, lineup, maps, place, reading, region_panel
from pages._ui.turns import fragment

AT_ONCE = 2

st.title("Does the prior cover the data?")
st.markdown(
    "Where the prior has mass and no image is encoded, the model generates from a **hole**; "
    "where images are encoded and the prior has none, it can never generate them again: a **leak**. "
    "Click in the picture, or draw a box or a lasso, to see what lives there."
)
chosen = layout.require_models()
for info in chosen:
    if reason := layout.why_not_drawn(info):
        st.warning(reason)
drawable = [info for info in chosen if layout.why_not_drawn(info) is None]
models = drawable[:AT_ONCE]
if not models:
    layout.end()
if len(drawable) > AT_ONCE:
    st.info(f"The first {AT_ONCE} of {len(drawable)} models are shown.")
many = [info.latent_dim for info in models if info.latent_dim > 2]
projection = controls.projection_controls(min(many)) if many else None
maps_only = projection is not None and projection.kind == "tsne" and len(many) == len(models)
view = controls.view_controls(over_densities=not maps_only)


@fragment
def looked_at() -> None:
    """Pictures and what lies at the chosen place: a click runs this part of the page alone."""
    with changes.told():
        pictures = st.container()
        st.header("What is here?")
        flat = [info for info in models if info.latent_dim == 2]
        z = controls.place_inputs() if flat else None  # read before the pictures that mark the place are drawn
        text, corners = region_panel.chosen()
        shown = []
        with pictures:
            for info in models:
                if projection is not None and projection.kind == "tsne" and info.latent_dim > 2:
                    key = maps.draw(info, projection, view, corners)
                else:
                    key = latent_view.key_of(info, projection, view.seed)
                    key = latent_view.draw(info, key, view, z=z, corners=corners, compact=len(models) > 1)
                shown += [(info, key)] if key is not None else []
        if z is None and corners is None:
            st.markdown("Click, or draw a box or a lasso in a picture above, or type numbers.")
        for info in flat:
            if z is not None:
                place.panel(info, z, latent_view.whole_grid(info), view.seed)
        for info, key in shown:
            if corners is not None:
                region_panel.panel(info, key, view.n, view.seed, text)
        null = st.expander("What would no difference look like?", on_change="rerun", key="null", bind="query-params")
        if null.open:
            with null:
                for info, key in shown:
                    if key[0].startswith(cache.MAP):
                        st.markdown("A t-SNE map has no densities to compare: choose another view for this.")
                    else:
                        latent_view.null_picture(info, key)
        hidden = st.expander("Can you find the true picture?", on_change="rerun", key="lineup", bind="query-params")
        if hidden.open:
            with hidden:
                lineup.section(shown, view.seed)


looked_at()
trained = [info for info in models if info.latent_dim == 2 and info.decodes]
if trained:
    history.section(trained, view.seed)

with st.expander("How is this computed?"):
    st.latex(r"q(z) = \frac1n \sum_{i=1}^n \mathcal N\big(z;\, \mu(x_i), \mathrm{diag}\,\sigma^2(x_i)\big)")
    st.markdown(
        "The aggregated posterior is a mixture of one Gaussian an image, so its density is known exactly: no kernel "
        "density estimate, no bandwidth. Each cell shows the mixture's mean density over the cell. The prior is "
        "evaluated the same way where it is a mixture, and at the cells' centres where it is a flow. The map shows "
        "$\\log q(z) - \\log p(z)$ in nats, clipped at ±8; it fades outside both 95 % regions."
    )
    st.latex(r"\mathcal N(z;\mu,\Sigma) \;\longmapsto\; \mathcal N\big(Wz;\; W\mu,\; W\Sigma W^\top\big)")
    st.markdown(
        "In a plane $W$ of a larger space every Gaussian stays a Gaussian, so the marginals there are exact as well. "
        "The most different direction is the weight vector of a logistic regression that tells draws of q from draws "
        "of p; it saw some of the images and the picture shows the others, since in those it saw noise would look like "
        "a difference. All numbers are computed in the full latent space, never in the picture."
    )
    st.latex(r"\mathrm{KL}\big(q(z)\,\|\,p(z)\big) = \mathbb E_{q(z)}\big[\log q(z) - \log p(z)\big]")
    st.markdown(
        "In the line-up one panel is true. In the others the same draws, one an image, are dealt out at random to the "
        "two sides. Without a difference every panel is as likely to be the true one, whatever is looked for: it is "
        "found in 1 of 9 cases, and a binomial tells how often luck does as well. No image is in two line-ups."
    )
    reading.link(
        "marginal-kl", "holes", "leaks", "classifier", "mmd", "typicality", "line-up", "neighbours-of-its-own-side",
        "trustworthiness",
    )  # fmt: skip
