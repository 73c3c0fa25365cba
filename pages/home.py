"""Home: a live picture of the question, the models side by side in numbers, and a card for each."""

from functools import partial

import streamlit as st

from core import figures, tables
from core.figures.ready import ready
from core.plain_text import shown
from pages._ui import cards, charts, downloads, drawn, hero, layout, lesson, reading

st.title("What does a VAE's prior do?")
featured, *_ = layout.require_models()
available = layout.usable()
drawn.about(available)
layout.link_to("tour", "New here? Take the tour: eight questions", icon=":material/tour:")

reason = layout.why_not_drawn(featured)
if reason is None:
    hero.draw(featured)
else:
    st.info(reason)
lesson.draw()

for place, dataset in enumerate(cards.datasets(available)):
    group = cards.in_order(info for info in available if info.dataset == dataset)
    charts.heading(layout.dataset_title(dataset))
    for number, comparable in enumerate(cards.comparable(group)):
        rows = cards.rows(comparable)
        key = f"split-{shown(dataset)}-{place}-{number}"
        charts.chart(ready(figures.elbo_split, rows), key, cards.split_sentence(rows))
        charts.caption(cards.split_caption(comparable))
        downloads.keep({"Terms": partial(tables.terms_csv, rows)}, key)
    for sentence in cards.left_out(group):
        st.caption(sentence)
    cards.draw(group)

with st.expander("How is this computed?"):
    st.latex(
        r"\mathrm{ELBO} = \mathbb E_q \log p(x|z) - \mathrm I_q[x, z] - \mathrm{KL}\big(q(z)\,\|\,p(z)\big), \qquad "
        r"q(z) = \frac1n \sum_{i=1}^n q(z|x_i)"
    )
    st.markdown(
        "The picture shows q(z), the exact mixture of the posteriors of all test images, against the prior. What a "
        "prior gains is the difference of its model's ELBO from that of N(0, I) on the same images, taken apart in the "
        "same three terms. Each page linked above shows one of these in full."
    )
    reading.link("elbo", "reconstruction", "information-i-n-z", "marginal-kl", "holes", "leaks", reading.DIFFERENCES)
