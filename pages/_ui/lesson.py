"""What the models teach, on Home: what every prior gains over N(0, I), on all data sets at once."""

from __future__ import annotations

import streamlit as st

from core import results_tables
from core.figures import prior_gains
from core.figures.prior_gains import GainBlock
from core.figures.ready import ready
from core.results_records import ResultGroup
from pages._ui import cache_results, charts, downloads


def draw() -> None:
    """One figure, a sentence for each data set; nothing where there is no model to compare."""
    found = compared()
    groups, blocks = [group for group, _ in found], [block for _, block in found]
    drawn = [block for group, block in found if not group.in_bits]
    if not drawn:
        return
    charts.heading("What does a better prior gain?")
    sentences = [prior_gains.gain_block_sentence(block) for block in blocks]
    charts.chart(ready(prior_gains.prior_gains_figure, drawn), "prior-gains", " ".join(sentences))
    charts.caption(caption(grey=any(group.in_bits for group in groups)))
    for sentence in sentences:
        st.markdown(f"- {charts.plain(sentence)}")
    downloads.keep({"Gains": lambda: results_tables.gains_csv(groups)}, "prior-gains")


def compared() -> list[tuple[ResultGroup, GainBlock]]:
    """The groups with models that gain something over N(0, I) or do not, and these models."""
    groups, _ = cache_results.results()
    blocks = [
        GainBlock(results_tables.short_title(group), [row for row in group.rows if row.plain and "elbo" in row.gains])
        for group in groups
    ]
    return [(group, block) for group, block in zip(groups, blocks, strict=True) if block.rows]


def caption(*, grey: bool) -> str:
    """What the figure shows, and whether images with grey levels were left out of it."""
    left_out = " Images with 256 grey levels have likelihoods of another size and stand in words only." if grey else ""
    return (
        "Test splits: nats per image gained over N(0, I) with the same images, latent dimension and Gaussian "
        "posterior; no difference is 0. Differences are taken image by image where the values of single images are "
        "stored; whiskers are 95 % intervals over the images, hollow marks are within two standard errors of 0. "
        "Where information is cut off at log n, or not known, its part is not told from that of the marginal KL: the "
        "hourglass is the whole KL. Small dots: the same difference under another training seed; without a dot there "
        f"is one seed, and a few tenths of a nat are no ranking.{left_out}"
    )
