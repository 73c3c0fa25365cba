"""Your own images, to train on, and your own latents, to look at without a model."""

import streamlit as st

from pages._ui import own_images, own_latents

st.title("Your own data")
st.markdown(
    "Images become a data set that the page Train offers. Latents of a model that lives elsewhere become an entry in "
    "the sidebar, and every page that needs no decoder works on it. Files stay on this computer."
)
images, latents = st.tabs(["Images", "Latents without a model"], key="own_tab", on_change="rerun", bind="query-params")
if images.open:
    with images:
        own_images.show()
if latents.open:
    with latents:
        own_latents.show()
