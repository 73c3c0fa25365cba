"""What has each pseudo-input learned? All of them, the one that is chosen, and how the prior is sampled with them."""

import streamlit as st

from core.figures import component_words
from pages._ui import (
    cache_components,
    cache_measures,
    changes,
    component_panel,
    component_sections,
    components,
    history,
    layout,
    reading,
)
from pages._ui.turns import fragment

st.title("What has each pseudo-input learned?")
chosen = layout.require_models()
st.markdown(
    "The VampPrior mixes the encoder's own posteriors at $K$ learned images $u_k$, the **pseudo-inputs**. Click a tile "
    "or a place in the map, or use the arrow keys."
)
fit = []
for info in chosen:
    reason = layout.why_not_drawn(info)
    if reason is None and (why := cache_components.why_not(info.name, info.digest)):
        reason = f"{layout.title_of(info)}: {why}."
    if reason is None:
        fit.append(info)
    else:
        st.info(reason)
if not fit:
    others = [info for info in layout.usable() if info.prior == "vamp" and layout.why_not_drawn(info) is None]
    if others:
        st.markdown("Models with pseudo-inputs:")
    for info in others:
        layout.link_to("pseudo_inputs", layout.title_of(info), info)
    layout.end()
info = fit[0]
if len(fit) > 1:
    st.info(f"One prior at a time: {layout.title_of(info)}, the first of {len(fit)} chosen models with components.")
if info.prior != "vamp":
    st.markdown(components.no_inputs(info))
if unusable := cache_measures.components(info.name, info.digest)[1]:
    st.info(f"Everything is calculated now: {unusable}.")


with changes.told():
    strip = st.container()
    look = components.look(info)
    found = cache_components.components(info.name, info.digest, look.seed)
    with strip:
        components.strip(found)
    st.markdown(f"**{layout.title_of(info)}**: {component_words.usage_sentence(found, components.word_of(info))}")

    @fragment
    def looked_at() -> None:
        """All that a chosen component changes: a click runs this part of the page alone."""
        with changes.told():
            choice = components.choose(look, found)
            components.pictures(info, choice, found)
            components.about(info, choice, found)
            if not info.decodes:
                components.without_pictures(info, choice, found)
                return
            component_panel.chosen(info, choice, found)
            training_images = st.container()  # filled last: all training images are looked through
            component_sections.between(info, choice, found)
            if info.latent_dim == 2:
                history.section([info], choice.seed, choice.k, on_request=True)
            with training_images:
                component_panel.memorised(info, choice, found)

    looked_at()
    if info.decodes:
        component_sections.two_steps(info, look)
    component_sections.usage(info, look, found)
    if info.prior == "vamp":
        component_sections.across_data_sets(info, look, found)

with st.expander("How is this computed?"):
    st.latex(
        r"p(k|z) = \frac{w_k\, q(z|u_k)}{\sum_j w_j\, q(z|u_j)}, \qquad r_k = \mathbb E_{q(z)}\, p(k|z), \qquad "
        r"K_\mathrm{eff} = \exp\Big(-\sum_k r_k \log r_k\Big)"
    )
    st.markdown(
        "Responsibilities are computed in log space from the exact components. $q(z)$ is made of images that were "
        "not trained on, and every image gives equally many draws; errors are over the images. A prior that is "
        "$q(z)$ has $r_k = w_k$, and with finitely many images its entropy still comes out a little lower: the same "
        "number is therefore computed for as many draws of the prior itself, one for each image. A component is dead "
        "under a tenth of $1/K$."
    )
    st.latex(
        r"D_B(i, j) = \frac14 \sum_a \frac{(\mu_{ia}-\mu_{ja})^2}{\sigma_{ia}^2+\sigma_{ja}^2} + \frac12 \sum_a "
        r"\log\frac{\sigma_{ia}^2+\sigma_{ja}^2}{2\,\sigma_{ia}\sigma_{ja}} < 0.1"
    )
    st.markdown(
        "makes two components duplicates. A pseudo-input is compared with training images in pixels: where they are "
        "binary by what a **draw** of it differs from them, else by grey values. A blurred average is near to many of "
        "them; a copy comes nearer to a training image than new images do, and to no other. Pseudo-inputs that were "
        "started from training images may still be near them. The mean of $p(x|z)$ is not a sample: switch the samples "
        "to draws to see one."
    )
    reading.link("effective-components", "typicality")
