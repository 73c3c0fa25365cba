"""What is this model? Its configuration, training curve, measures, files, and the commands that make it again."""

import streamlit as st

from pages._ui import card, layout, reading

st.title("What is this model?")
st.markdown("Everything that a checkpoint tells of itself. Choose models in the sidebar.")
broken = [info for info in layout.listed() if info.error]
available = layout.usable()
if available:
    for info in layout.require_models():
        card.show(info)
card.broken(broken)
if not available:
    layout.require_models()

with st.expander("How is this computed?"):
    st.latex(r"\mathrm{ELBO} = \mathbb E_q \log p(x|z) - \frac1n\sum_{i=1}^n \mathrm{KL}\big(q(z|x_i)\,\|\,p(z)\big)")
    st.latex(
        r"\frac1n\sum_{i=1}^n \mathrm{KL}\big(q(z|x_i)\,\|\,p(z)\big) = \mathrm I_q[x, z] + "
        r"\mathrm{KL}\big(q(z)\,\|\,p(z)\big)"
    )
    st.markdown(
        "The curve shows the ELBO of training and validation images after each epoch. The table holds what the command "
        "under it measured on the test images, each number with what it would be if there were no difference."
    )
    reading.link("elbo", "information-i-n-z", "marginal-kl", "nll", "looseness", "holes", "leaks", "classifier")
