"""The frame around every page: its title, the navigation and the shared sidebar.

To add a page, write ``pages/<name>.py`` and add one line to ``PAGES``; its address is ``/<name>``.
"""

from contextlib import suppress
from pathlib import Path

import streamlit as st

from pages._ui import address, changes, drawn, frame, layout, links, login, report
from pages._ui.sidebar import draw_sidebar
from pages._ui.turns import turns

# section, file, title, icon, what the page shows (tooltip). The first page is the one at "/".
PAGES = [
    ("Overview", "home.py", "Home", ":material/home:", "What Priorscope shows and which models are here."),
    (
        "Overview",
        "tour.py",
        "Tour",
        ":material/tour:",
        "Eight questions about priors, with live answers.",
    ),
    (
        "Overview",
        "compare.py",
        "Compare",
        ":material/compare:",
        "Models side by side: paired differences, latent spaces with one selection, pictures from the same noise.",
    ),
    (
        "Latent space",
        "prior_vs_posterior.py",
        "Prior vs posterior",
        ":material/bubble_chart:",
        "Where the aggregated posterior and the prior agree and where they do not.",
    ),
    (
        "Latent space",
        "latent_browser.py",
        "Latent browser",
        ":material/explore:",
        "What each place in latent space decodes to, at once, and how typical the place is.",
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
        "The bound",
        "variational_posterior.py",
        "Variational posterior",
        ":material/target:",
        "How far q(z|x) is from the true posterior of an image, and whose fault that is.",
    ),
    (
        "Flows",
        "flow_timing.py",
        "Flow timing",
        ":material/timer:",
        "What each direction of a flow costs, by the textbook and by a better inversion.",
    ),
    (
        "Models",
        "results.py",
        "Results",
        ":material/leaderboard:",
        "The likelihood of every model beside published numbers, with what it cost and the command behind it.",
    ),
    (
        "Models",
        "model_card.py",
        "Model card",
        ":material/badge:",
        "What a checkpoint is: configuration, training curve, measures, files, and the commands that make it again.",
    ),
    (
        "Models",
        "your_data.py",
        "Your data",
        ":material/upload_file:",
        "Upload your own images to train on, or the latents of a model that lives elsewhere.",
    ),
    (
        "Models",
        "train.py",
        "Train",
        ":material/model_training:",
        "Train a model with any prior, on your own data too, and watch its curve.",
    ),
    (
        "Help",
        "reading.py",
        "Read the numbers",
        ":material/menu_book:",
        "What each number is, what it would be if there were no difference, and what fools it.",
    ),
]

# An emoji, because a Material icon as favicon is fetched from another host.
st.set_page_config(page_title="Priorscope", page_icon="🔭", layout="wide", initial_sidebar_state=280)

with turns.taken():
    login.gate()
    frame.style()
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

    current = st.navigation(sections, expanded=True)
    drawn.start(current.title)
    links.remember(PAGES)
    with address.watched(current.url_path, followed=links.follow()), changes.told():
        draw_sidebar()
        if links.waiting():
            st.rerun()
        with suppress(layout.PageEnd):
            current.run()
        report.offer(current.url_path)
