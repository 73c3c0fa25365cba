"""How good are the models? Their likelihoods beside published ones, what they cost, and the commands behind them."""

import streamlit as st

from pages._ui import cache_results, drawn, layout, results

st.title("How good are these models?")
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
for group in groups:
    results.section(group, infos)
