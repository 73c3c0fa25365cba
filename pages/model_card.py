"""What is this model? Its configuration, training curve, measures, files, and the commands that make it again."""

import streamlit as st

from pages._ui import cache, card, layout

st.title("What is this model?")
st.markdown("Everything that a checkpoint tells of itself. Choose models in the sidebar.")
broken = [info for info in cache.checkpoints() if info.error]
available = layout.usable()
if available:
    for info in layout.require_models():
        card.show(info)
card.broken(broken)
if not available:
    layout.require_models()
