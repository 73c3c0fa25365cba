"""Which prior is best for an encoder? Priors of growing richness fitted to one aggregated posterior."""

import streamlit as st

from pages._ui import ladder, layout, reading

st.title("How rich must a prior be?")
chosen = layout.require_models()
st.latex(
    r"p^\star = \arg\max_p \frac1n\sum_{i=1}^n \mathrm{ELBO}(x_i; p) = \arg\min_p \mathrm{KL}\big(q(z)\,\|\,p(z)\big)"
    r" = q(z) = \frac1n\sum_{i=1}^n q(z|x_i)"
)
st.markdown(
    "For a given encoder the optimal prior is the aggregated posterior itself. It has as many components as there are "
    "training images, so it is expensive, and it knows those images by heart. At the other end N(0, I) ties the code "
    "down more than it needs. The ladder between them: the encoder is frozen, each prior is fitted to the same q(z) of "
    "the **training** images, and measured on images it has **not** seen."
)
for info in chosen[:1]:
    ladder.show(info)
if len(chosen) > 1:
    st.info(f"One encoder at a time: this is {layout.title_of(chosen[0])}, the first model chosen.")

with st.expander("How is this computed?"):
    st.latex(
        r"\max_p\; \mathbb E_{z\sim q_\mathrm{train}(z)} \log p(z) \;\Longleftrightarrow\; "
        r"\min_p\; \mathrm{KL}\big(q_\mathrm{train}(z)\,\|\,p(z)\big)"
    )
    st.markdown(
        "Each step draws training images at random and a fresh code of each. A VampPrior is fitted from two starts, "
        "random training images and what a single pseudo-input has become, and the better fit is kept. The marginal "
        "KL of a split is the mean "
        "of $\\log q(z) - \\log p(z)$ over draws of that split's own exact $q(z)$, all its images as components; "
        "errors are over the images, and differences between priors are paired, image by image. Within a family the "
        "size is chosen on the validation images, so the test images judge it fairly. On the training images the "
        "aggregated posterior has a marginal KL of exactly 0, by definition: what it is worth shows on the others, "
        "where even a perfect prior would keep the dotted value. A prior that is trained together with its encoder "
        "can change q(z) too; that is what the models in the sidebar show."
    )
    reading.link("marginal-kl")
