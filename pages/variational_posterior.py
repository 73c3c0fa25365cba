"""Is the posterior rich enough? One image's true posterior beside q(z|x), and what the gap of its bound consists of."""

import streamlit as st

from pages._ui import charts, layout, posterior, reading

st.title("Is the posterior rich enough?")
chosen = layout.require_models()
st.latex(r"\log p(x) - \mathrm{ELBO}(x) = \mathrm{KL}\big(q(z|x)\,\|\,p(z|x)\big)")
st.markdown(
    "The bound is loose by how far the encoder's $q(z|x)$ is from the true posterior $p(z|x)$. "
    "It may be of too simple a shape (the **approximation gap**), which a flow can mend, or the encoder may have put "
    "it in the wrong place (the **amortisation gap**), which a flow mends only in part."
)
fit = []
for info in chosen:
    reason = posterior.why_not(info)
    if reason is None:
        fit.append(info)
    else:
        st.info(reason)
if not fit:
    layout.end()
info = fit[0]
if len(fit) > 1:
    st.info(f"One model at a time, beside those with another posterior: {layout.title_of(info)}.")
models = posterior.with_siblings(info)

charts.heading("What does each posterior lose?")
st.markdown(f"**{layout.dataset_title(info.dataset)}, {layout.prior_name(info)}, d = 2**")
posterior.means(models)

charts.heading("Where does it lose most?")
row, seed = posterior.choose(info)
charts.heading(f"What should the code of image {row:,} be?", level=3)
posterior.image(models, row, seed)

charts.heading("A flow prior is a flow posterior")
st.markdown(
    "A flow $g$ in the prior can be moved: with prior $N(0, I)$ over $u = g^{-1}(z)$, posterior $g^{-1}(q(z|x))$ and "
    "decoder $p(x|g(u))$ the bound of **every image** is the same. The flow of the prior has become one of the "
    "posterior, the same for all images, and the decoder has to contain it too."
)
posterior.theorem(info, seed)

with st.expander("How is this computed?"):
    st.latex(r"\log p(x) = \log \int p(x|z)\, p(z)\, \mathrm dz, \qquad p(z|x) = p(x|z)\, p(z) / p(x)")
    st.markdown(
        "The plane is cut into squares. A map of the whole plane tells which of them hold a share of $p(z|x)$ above "
        "$e^{-14}$; these and those of $q(z|x)$ are cut into quarters until the four grids of twice the spacing agree "
        "on $\\log p(x)$ to $10^{-3}$ nats. $\\log p(x)$ is the sum over their centres, its error the largest "
        "difference from one of the four, with rounding. The KL is a sum over centres too, the gap a mean over draws "
        "of $q(z|x)$: they share $\\log p(x)$ and nothing else. The pictures are read between the centres by "
        "polynomials of degree 5. The best Gaussian minimises $\\mathrm{KL}(q\\,\\|\\,p(z|x))$ over means and "
        "variances for this image: what is left with it is the fault of the shape, the rest that of an encoder which "
        "serves all images (Cremer, Li and Duvenaud, 2018, arXiv:1801.03558)."
    )
    reading.link("looseness", "log-p-x-exact", "elbo")
