"""Home: a live picture of the question, the models side by side in numbers, and a card for each."""

import streamlit as st

from core import figures
from pages._ui import cache, cards, controls, layout, numbers, place

CELLS = 200
DRAWS = 5000

st.title("What does a VAE's prior do?")
featured, *_ = layout.require_models()
available = layout.usable()
key = (featured.name, featured.digest)

if layout.why_not_drawn(featured) is None:
    left, right = st.columns([3, 2], gap="large")
    with right:
        words, inputs = st.container(), st.container()
    with inputs:
        z = controls.place_inputs()  # read before the picture that marks the place is drawn
    q, p = cache.grids(*key, CELLS)
    sentence = numbers.verdict(featured, cache.mismatch(*key, DRAWS, 0))
    points, labels = cache.posterior_points(*key, 2000, 0, "samples")
    with left:
        place.density_chart(
            figures.hero,
            key=f"hero-{featured.name}",
            alt=sentence,
            q=q,
            p=p,
            points=points,
            labels=labels,
            class_names=cache.class_names(*key),
            picked=z,
        )
        st.caption(
            figures.caption(
                layout.dataset_title(featured.dataset),
                layout.split_of(featured),
                featured.images,
                0,
                "Exact densities; contours hold 50, 80 and 95 % of each; dots are 2,000 draws of q(z), marked by class",
            )
        )
    with words:
        st.markdown(
            "A VAE is trained so that the codes of its images, the **aggregated posterior q(z)** in blue, match the "
            "**prior p(z)** it generates from, dashed. They do not match by themselves: what is left over is the "
            "marginal KL, the part of the ELBO that a better prior can win back."
        )
        st.markdown(f"**{layout.title_of(featured)}.** {sentence}")
        layout.link_to("prior_vs_posterior", "Look closer: prior against posterior", featured)
    with inputs:
        if z is None:
            st.caption("Click anywhere in the picture to decode an image there.")
        else:
            place.panel(featured, z, q, 0, narrow=True)

for dataset in cards.datasets(available):
    group = cards.in_order(info for info in available if info.dataset == dataset)
    st.header(layout.dataset_title(dataset))
    for number, comparable in enumerate(cards.comparable(group)):
        rows = cards.rows(comparable)
        st.plotly_chart(figures.elbo_split(rows), key=f"split-{dataset}-{number}", alt=cards.split_sentence(rows))
        st.caption(cards.split_caption(comparable))
    cards.draw(group)
