"""The sidebar every page shares: which models, and which checkpoints are broken and why."""

from __future__ import annotations

import streamlit as st

from pages._ui import changes, layout
from pages._ui.controls import chosen_models, pick_models
from pages._ui.downloads import image_format


def draw_sidebar() -> None:
    """Draw it; the choice is read with ``controls.chosen_models``."""
    listed = layout.listed()
    broken, usable = [info for info in listed if info.error], [info for info in listed if not info.error]
    changed = changes.since_last_run(listed)
    with st.sidebar:
        pick_models(usable)
        image_format()
        if broken:
            with st.expander(f"{len(broken)} unusable", icon=":material/warning:"):
                for info in broken:
                    st.text(f"{info.name}\n{info.error}")
    changes.remember(chosen_models(usable))
    changes.tell(changed)
