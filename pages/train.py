"""Train a model: settings in, a process of its own, its curve while it runs, the model in the sidebar."""

import streamlit as st

from pages._ui import reading, train_form, train_runs

st.title("Train a model of your own")
st.markdown(
    "Any prior, on any data set, your own included. The training is a process of its own: it goes on when this page is "
    "left or closed, and when the server is stopped. What is set below to begin with takes a minute or two."
)
busy = train_runs.show_running()
with st.expander("Train another" if busy else "What to train", expanded=not busy, icon=":material/model_training:"):
    train_form.show()
train_runs.show_ended()

with st.expander("How is a model trained?"):
    st.latex(
        r"\max_{\theta,\phi,\psi}\; \frac1n\sum_{i=1}^n \mathbb E_{q_\phi(z|x_i)}\big[\log p_\theta(x_i|z)\big] "
        r"- \beta\,\mathbb E_{q_\phi(z|x_i)}\big[\log q_\phi(z|x_i) - \log p_\psi(z)\big]"
    )
    st.markdown(
        "Adam on encoder, decoder and prior together, with one draw of z for each image and step. The weight β of the "
        "KL grows from 0 to 1 over the warm-up epochs; without it dimensions that begin as noise may stay noise. The "
        "learning rate falls along half a cosine. After each epoch the bound of the validation images is measured at "
        "β = 1; the weights with the best one are kept, and training ends early when it has not become better for as "
        "many epochs as the patience says. Then the model is measured on the test images, which takes its own time.\n\n"
        "The state (weights, optimiser, random numbers, place in the epoch) is written every ten seconds. A training "
        "that was cancelled or killed goes on from there and ends at the same weights as one that was not disturbed."
    )
    reading.link("elbo", "reconstruction")
