"""The guided tour: eight questions about priors, one at a time, each with an answer and a figure from live models."""

import streamlit as st

from pages._ui import layout, tour, tour_steps

st.title("Eight questions about priors")
if not layout.usable():
    layout.require_models()
step, dataset = tour.choose(len(tour_steps.STEPS))
if step == 1:
    st.markdown(
        "What a lecture on VAE priors asks, answered by the models that are here. Every number is read from what was "
        "measured of them as this page is drawn. Go on with the buttons or with the arrow keys ← and →."
    )
tour.show(tour_steps.STEPS[step - 1], step, *tour.casts(dataset))
