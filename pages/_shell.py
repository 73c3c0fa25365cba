"""The frame around every page: its title, the navigation and the shared sidebar.

To add a page, write ``pages/<name>.py`` and add one line to ``PAGES``; its address is ``/<name>``.
"""

from pathlib import Path

import streamlit as st

from pages._ui.sidebar import draw_sidebar

# section, file, title, icon, what the page shows (tooltip). The first page is the one at "/".
PAGES = [
    ("Overview", "home.py", "Home", ":material/home:", "What Priorscope shows and which models are here."),
    (
        "Latent space",
        "prior_vs_posterior.py",
        "Prior vs posterior",
        ":material/bubble_chart:",
        "Where the aggregated posterior and the prior agree and where they do not.",
    ),
    (
        "Latent space",
        "pseudo_inputs.py",
        "Pseudo-inputs",
        ":material/apps:",
        "What each component of a VampPrior generates, how much it is used, which are dead or duplicates.",
    ),
    (
        "The bound",
        "elbo_surgery.py",
        "ELBO surgery",
        ":material/content_cut:",
        "What the bound is made of, and which part of it a better prior can win back.",
    ),
    (
        "The bound",
        "optimal_prior.py",
        "Optimal prior",
        ":material/stairs_2:",
        "Priors of growing richness against the aggregated posterior itself.",
    ),
    (
        "Flows",
        "flow_timing.py",
        "Flow timing",
        ":material/timer:",
        "What each direction of a flow costs, by the textbook and by a better inversion.",
    ),
]

# An emoji, because a Material icon as favicon is fetched from another host.
st.set_page_config(page_title="Priorscope", page_icon="🔭", layout="wide", initial_sidebar_state=280)
# Streamlit leaves 80 pixels on both sides; three panels beside each other need them at 1280.
st.html("<style>[data-testid=stMainBlockContainer] { padding-left: 2.5rem; padding-right: 2.5rem; }</style>")

folder = Path(__file__).resolve().parent
sections: dict[str, list[st.Page]] = {}
for section, file, title, icon, shows in PAGES:
    page = st.Page(
        folder / file,
        title=title,
        icon=icon,
        url_path=Path(file).stem,
        default=file == PAGES[0][1],
        help=shows,
    )
    sections.setdefault(section, []).append(page)

current = st.navigation(sections)
draw_sidebar()
current.run()
