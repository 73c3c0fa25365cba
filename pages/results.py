"""How good are the models? Their likelihoods beside published ones, what they cost, and the commands behind them."""

import streamlit as st

from pages._ui import cache_results, changes, drawn, layout, reading, results

st.title("How good are these models?")
changes.watch()
available = layout.usable()
if not available:
    layout.require_models()
drawn.about(available)
groups, problem = cache_results.results()
results.summary(groups)
st.markdown(
    "Models stand in one figure only where data set, binarisation, test images and latent dimension are the same. What "
    "differs from the published trainings is said beside each number."
)
if problem:
    st.warning(f"Which models are not trained yet cannot be told: {problem}")
infos = {info.name: info for info in available}
for key, group in results.chosen(groups).items():
    results.section(group, key, infos)

with st.expander("How is this computed?"):
    st.latex(
        r"-\log p(x) \;\le\; -\mathbb E\, \log \frac1S \sum_{s=1}^S "
        r"\frac{p(x|z_s)\, p(z_s)}{q(z_s|x)}, \qquad z_s \sim q(z|x)"
    )
    st.markdown(
        "The right-hand side is an upper bound on −log p(x) that falls as S grows (Burda, Grosse and Salakhutdinov, "
        "2016, arXiv:1509.00519); the median effective sample size tells how many of the S draws it hangs on. With two "
        "latent dimensions the integral itself is taken on a grid instead. Published numbers are as printed, with S "
        "and what else differs beside them."
    )
    reading.link("nll", "log-p-x-exact", "elbo", "holes", "classifier", reading.DIFFERENCES)
