"""Numbers beside a picture: each with its uncertainty and with what a perfect match would give."""

from __future__ import annotations

import streamlit as st

from core import figures
from core.records import CheckpointInfo, Mismatch, Share
from pages._ui.layout import estimate_of

HOLES = (
    "Share of prior draws where the data has no mass: log q(z) under the 1 % quantile of log q at held-out posterior "
    "draws."
)
LEAKS = "Share of posterior draws where the prior has no mass: log p(z) under the 1 % quantile of log p at prior draws."


def verdict(info: CheckpointInfo, found: Mismatch | None) -> str:
    """What the picture of a model says, in words."""
    if found is None:
        return f"Holes and leaks are not counted: {info.images} images are too few for that."
    return figures.mismatch_sentence(found, estimate_of(info, "marginal_kl"), estimate_of(info, "marginal_kl_null"))


def metric_strip(info: CheckpointInfo, found: Mismatch | None) -> None:
    """Marginal KL, holes, leaks and mutual information, as far as they are known."""
    columns = iter(st.columns(4))
    n = info.metrics.get("test", {}).get("n", 0)
    marginal, information, log_n = (estimate_of(info, key) for key in ("marginal_kl", "mutual_information", "log_n"))
    null = estimate_of(info, "marginal_kl_null")
    if marginal is not None:
        with next(columns):
            _card(
                "Marginal KL(q ‖ p), nats",
                str(marginal),
                "match: 0" if null is None else f"match: {null.value:.2f}",
                f"Test split, n = {n:,}, ± one standard error. The part of the ELBO that a better prior can win back, "
                "down to what a perfect one would have: q(z) is a mixture of n posteriors, and the distribution they "
                "are a sample of is not that mixture.",
            )
    if found is not None:
        for label, share, what in (("Holes", found.holes, HOLES), ("Leaks", found.leaks, LEAKS)):
            with next(columns):
                _share_card(label, share, what)
    if information is not None and log_n is not None:
        with next(columns):
            _card(
                "Information I(x; z), nats",
                str(information),
                f"ceiling log n = {log_n.value:.2f}",
                f"Test split, n = {n:,}, ± one standard error. What the code keeps of the image, from 0 to log n.",
            )


def _share_card(label: str, share: Share, what: str) -> None:
    low, high, null = (100 * value for value in (share.low, share.high, share.null))
    _card(
        label,
        f"{100 * share.value:.1f} %",
        f"{low:.1f}–{high:.1f}, match: {null:.1f} %",
        f"{what} 95 % Wilson interval, {share.n:,} independent items; a perfect match would give {null:.1f} %.",
    )


def _card(label: str, value: str, beside: str, explained: str) -> None:
    st.metric(label, value, delta=beside, delta_color="off", delta_arrow="off", border=True, help=explained)
