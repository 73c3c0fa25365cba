"""What is the ELBO made of? Both readings of the bound, cut apart, with every part's uncertainty and null."""

import streamlit as st

from core import figures
from pages._ui import charts, layout, reading, surgery

st.title("What is the ELBO made of?")
chosen = layout.require_models()
st.latex(
    r"\mathrm{ELBO} = \log p(x) - \underbrace{\mathrm{KL}\big(q(z|x)\,\|\,p(z|x)\big)}_{\text{how loose the bound is}}"
    r"\;=\; \underbrace{\mathbb E_{q}\log p(x|z)}_{\text{reconstruction}}"
    r"\;-\; \underbrace{\mathrm I_q[x, z]}_{\text{information}}"
    r"\;-\; \underbrace{\mathrm{KL}\big(q(z)\,\|\,p(z)\big)}_{\text{marginal KL}}"
)
st.markdown(
    "Two readings of one number, over the data set. From the left: what the bound misses of the likelihood. From the "
    "right: what reconstruction costs. With the encoder and decoder as they are, **only the last of the three parts "
    "depends on the prior**: a better one can win back the marginal KL and nothing else. Trained together with them it "
    "can change all three: Home shows what each prior gained, and in which part. The marginal KL pulls $q(z)$ to the "
    "prior; the information, written $I(n; z)$ in the figures with $n$ for the image, is what the bound pays for codes "
    "that tell images apart. With $p(z) = q(z)$ of these very images the marginal KL would be 0; on new images even "
    "the $q(z)$ of the whole population leaves some, which is what is called a perfect prior's here."
)
models = surgery.with_company(chosen)
groups = surgery.comparable(models)
bounds = surgery.with_bounds(models)
latents = [info for info in models if not info.decodes]
if not bounds and not latents:
    layout.end()

for number, group in enumerate(groups):
    if len(groups) > 1:
        charts.heading(layout.dataset_title(group[0].dataset))
    surgery.waterfall(group, number)

if groups:
    charts.heading("Do the three terms add up?")
    st.markdown(
        "Average KL, information and marginal KL are estimated from three separate sets of draws, so that their "
        "residual can be wrong. It has to be zero within its noise."
    )
for info in (info for group in groups for info in group):
    st.markdown(f"- **{layout.title_of(info)}**: {figures.residual_sentence(surgery.test_of(info))}")

if groups:
    charts.heading("Why all n posteriors, and not a minibatch?")
for number, group in enumerate(groups):
    surgery.information(group, number)

for info in latents:
    surgery.kl_only(info)

if bounds:
    charts.heading("How loose is the bound?")
for number, group in enumerate(bounds):
    surgery.looseness(group, number)

charts.heading("Which dimensions carry the code?")
surgery.dimensions(chosen)

charts.heading("Which images cost most?")
for info in chosen:
    surgery.costly_images(info)

with st.expander("How is this computed?"):
    st.latex(
        r"\frac1n\sum_{i=1}^n \mathrm{KL}\big(q(z|x_i)\,\|\,p(z)\big) = \mathrm I_q[x,z] + "
        r"\mathrm{KL}\big(q(z)\,\|\,p(z)\big), \qquad q(z) = \frac1n\sum_{i=1}^n q(z|x_i)"
    )
    st.markdown(
        "$q(z)$ is a mixture of all $n$ posteriors of the split, evaluated exactly in double precision. The "
        "information is the mean of $\\log q(z|x_i) - \\log q(z)$, between 0 and $\\log n$; the marginal KL that of "
        "$\\log q(z) - \\log p(z)$. Errors are over the images. Even the best prior keeps a marginal KL: $q(z)$ is a "
        "mixture of $n$ posteriors, and the population they are a sample of is not that mixture. This null is half "
        "the mean of $\\log q(z) - \\log q_{-i}(z)$, with image $i$ left out. The importance-weighted bound is a "
        "lower bound on $\\log p(x)$ that tightens with the number of samples; with two latent dimensions $\\log "
        "p(x)$ is also integrated on a grid, and what the ELBO lies below it is "
        "$\\mathrm{KL}(q(z|x)\\,\\|\\,p(z|x))$. The information of one dimension is the same with $z_j$ in the "
        "place of $z$: no prior is in it. Where the prior is a product over dimensions, the average KL is a sum over "
        "them, and in each the KL is the information and the marginal KL of that dimension."
    )
    reading.link(
        "elbo", "reconstruction", "information-i-n-z", "marginal-kl", "looseness", "nll", "active-units",
        "information-of-a-dimension",
    )  # fmt: skip
