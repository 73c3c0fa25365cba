"""Parts of a page: what is chosen, how a picture of a model is worded, the place panel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core import figures
from core.records import CheckpointInfo, Estimate, Mismatch, Share
from pages._ui import cache, controls

PRIOR_TITLES = {
    "standard": "Standard normal",
    "mog": "Mixture of Gaussians",
    "vamp": "VampPrior",
    "aggregated": "Aggregated posterior",
    "realnvp": "RealNVP",
    "maf": "MAF",
    "iaf": "IAF",
}
DATASET_TITLES = {
    "digits": "Digits",
    "mnist": "MNIST",
    "fashion_mnist": "FashionMNIST",
    "omniglot": "Omniglot",
    "caltech101_silhouettes": "Caltech-101 Silhouettes",
    "freyfaces": "Frey faces",
}


def prior_title(info: CheckpointInfo) -> str:
    """The prior in words."""
    return PRIOR_TITLES.get(info.prior, info.prior)


def dataset_title(name: str) -> str:
    """The data set in words; the key itself for somebody's own."""
    return DATASET_TITLES.get(name, name)


def title_of(info: CheckpointInfo) -> str:
    """Data set, prior and latent dimension, in words."""
    return f"{dataset_title(info.dataset)}, {prior_title(info)} prior, d = {info.latent_dim}"


def usable() -> list[CheckpointInfo]:
    """The checkpoints that can be shown."""
    return [info for info in cache.checkpoints() if not info.error]


def require_models() -> list[CheckpointInfo]:
    """The chosen models; where there are none, says what to do and ends the page."""
    available = usable()
    if not available:
        st.info(
            "There are no trained models yet. Train one with "
            "`python -m core train --dataset digits --prior vamp`, then reload.",
            icon=":material/model_training:",
        )
        st.stop()
    chosen = controls.chosen_models(available)
    if not chosen:
        st.info("Choose a model in the sidebar.", icon=":material/arrow_back:")
        st.stop()
    return chosen


def why_not_drawn(info: CheckpointInfo) -> str | None:
    """Why the latent plane of a model cannot be drawn, None where it can."""
    if info.latent_dim != 2:
        return f"{title_of(info)}: this picture is for two latent dimensions, and this model has {info.latent_dim}."
    if not info.images:
        return f"{title_of(info)}: the checkpoint holds no latents, so there is no q(z) to draw. Train it again."
    return None


def link_to(page: str, label: str, info: CheckpointInfo) -> None:
    """A link to a page that shows this model."""
    st.page_link(
        Path(__file__).parents[1] / f"{page}.py",
        label=label,
        icon=":material/bubble_chart:",
        query_params={"models": info.name},
    )


def estimate_of(info: CheckpointInfo, key: str, split: str = "test") -> Estimate | None:
    """A stored metric, None where the model was not evaluated."""
    stored = info.metrics.get(split, {}).get(key)
    return None if stored is None else Estimate(stored["value"], stored["se"])


def metric_strip(info: CheckpointInfo, found: Mismatch) -> None:
    """Four numbers, each with its uncertainty and what it would be for a perfect match."""
    marginal, information, log_n = (estimate_of(info, key) for key in ("marginal_kl", "mutual_information", "log_n"))
    n = info.metrics.get("test", {}).get("n", 0)
    with st.container(horizontal=True):
        if marginal is not None:
            st.metric(
                "Marginal KL(q(z) ‖ p(z))",
                f"{marginal} nats",
                delta="perfect match: 0",
                delta_color="off",
                delta_arrow="off",
                border=True,
                help=f"Test split, n = {n:,}, ± one standard error. The only part of the ELBO a better prior can reduce.",
            )
        _share_metric(
            "Holes", found.holes, "Share of prior draws where the data has no mass: log q(z) under the 1 % quantile of "
            "log q at held-out posterior draws.",
        )  # fmt: skip
        _share_metric(
            "Leaks", found.leaks, "Share of posterior draws where the prior has no mass: log p(z) under the 1 % quantile "
            "of log p at prior draws.",
        )  # fmt: skip
        if information is not None and log_n is not None:
            st.metric(
                "Mutual information I(x; z)",
                f"{information} nats",
                delta=f"ceiling log n = {log_n.value:.2f}",
                delta_color="off",
                delta_arrow="off",
                border=True,
                help="Nats about the image that its code keeps. It lies between 0 and log n.",
            )


def _share_metric(label: str, share: Share, what: str) -> None:
    low, high = 100 * share.low, 100 * share.high
    st.metric(
        label,
        f"{100 * share.value:.1f} %",
        delta=f"[{low:.1f}, {high:.1f}], perfect match: {100 * share.null:.1f} %",
        delta_color="off",
        delta_arrow="off",
        border=True,
        help=f"{what} n = {share.n:,} draws; 95 % Wilson interval; the null goes through the same count.",
    )


def density_chart(build: Callable[..., Any], key: str, alt: str, **arguments: Any) -> None:
    """A figure whose clicks become the place to decode."""

    def take_click() -> None:
        z = figures.clicked(st.session_state.get(key))
        if z is not None:
            controls.set_place(z)

    st.plotly_chart(
        build(**arguments),
        key=key,
        on_select=take_click,
        selection_mode="points",
        alt=alt,
        config={"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]},
    )


def place_panel(info: CheckpointInfo, z: tuple[float, float], step: float, seed: int) -> None:
    """What the model decodes at a place, its surroundings, and how ordinary the place is."""
    here = cache.place(info.name, info.digest, z, seed)
    pictures = cache.decoded_around(info.name, info.digest, z, step, 5)
    single, around, words = st.columns([1, 2, 3], gap="medium")
    scale = figures.scale_for(pictures.shape[1], 112)
    words_alt = f"decoded at z = ({z[0]:.2f}, {z[1]:.2f})"
    single.image(figures.mosaic(pictures[12:13], 1, scale=scale), alt=f"Image {words_alt}", caption="mean of p(x|z)")
    border = ["#F0E442" if index == 12 else None for index in range(25)]
    around.image(
        figures.mosaic(pictures, 5, border=border, scale=max(1, scale // 2)),
        alt=f"25 images around the one {words_alt}",
        caption=f"around it, {step:.2g} apart",
    )
    with words:
        st.markdown(
            f"**{title_of(info)}**  \n"
            f"log q = **{here.log_q:.2f}**, log p = **{here.log_p:.2f}**, "
            f"log q − log p = **{here.log_q - here.log_p:+.2f}** nats"
        )
        st.markdown(
            f"More typical than {100 * here.percentile_q:.0f} % of the data's codes and than "
            f"{100 * here.percentile_p:.0f} % of the prior's draws. {_verdict(here.percentile_q, here.percentile_p)}"
        )
        st.caption(f"Shares of {here.draws:,} draws each, seed {seed}; a code's own component is left out of q.")


def _verdict(of_q: float, of_p: float) -> str:
    if of_q < 0.01 <= of_p:
        return "**A hole**: the prior generates here, and no image was ever encoded near."
    if of_p < 0.01 <= of_q:
        return "**A leak**: images are encoded here, and the prior hardly ever generates them."
    if of_q < 0.01 and of_p < 0.01:
        return "Neither images nor prior draws come here; the picture is an extrapolation."
    return "Both distributions come here."
