"""What pages say about models: their titles, which are chosen, links between pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlencode

import streamlit as st

from core.datasets.titles import dataset_title
from core.records import CheckpointInfo, Estimate
from pages._ui import cache, controls, drawn

SHOW = "show"
"""What a link adds to the address. Not "models": a widget that is there keeps its value, whatever a link says."""


def code(text: str) -> str:
    """A text as code: nothing in it is Markdown."""
    return "`" + text.replace("`", "´").replace("\n", " ") + "`"


def prior_name(info: CheckpointInfo) -> str:
    """The prior in words, the word "prior" once."""
    return info.prior_title if info.prior_title.lower().endswith("prior") else f"{info.prior_title} prior"


def parts_name(info: CheckpointInfo) -> str:
    """The prior in words, and the posterior where it is not the Gaussian one."""
    return prior_name(info) if info.of_gaussians else f"{prior_name(info)}, {info.posterior_title} posterior"


def title_of(info: CheckpointInfo) -> str:
    """Data set, prior, posterior where it is not the Gaussian one, and latent dimension, in words."""
    return f"{dataset_title(info.dataset)}, {parts_name(info)}, d = {info.latent_dim}"


class PageEnd(Exception):
    """The page has said all that it can. The shell goes on from here, which it could not after ``st.stop``."""


def end() -> NoReturn:
    """End the page, not the frame around it.

    Raises:
        PageEnd: always; the shell catches it.
    """
    raise PageEnd


def usable() -> list[CheckpointInfo]:
    """The checkpoints that can be shown."""
    return [info for info in listed() if not info.error]


def listed() -> list[CheckpointInfo]:
    """All checkpoints, broken ones too, as they are while this page is drawn."""
    page = drawn.here()
    if page.listed is None:
        page.listed = cache.checkpoints()
    return page.listed


def require_models() -> list[CheckpointInfo]:
    """The chosen models; where there are none, says what to do and ends the page."""
    available = usable()
    if not available:
        st.info(
            "There are no trained models yet. Train one with "
            "`python -m core train --dataset digits --prior vamp`, then reload.",
            icon=":material/model_training:",
        )
        end()
    chosen = controls.chosen_models(available)
    if not chosen:
        st.info("Choose a model in the sidebar.", icon=":material/arrow_back:")
        end()
    return chosen


def scale_words(info: CheckpointInfo) -> str:
    """How values between 0 and 1 are shown in pictures."""
    return "on one grey scale" if info.image_shape[0] == 1 else "in colours from 0 to 1"


def split_of(info: CheckpointInfo) -> str:
    """The split behind q(z), and how much of it where that is not all."""
    return info.split if info.images == info.total else f"{info.split} ({info.images:,} of {info.total:,} images)"


def why_no_mixture(info: CheckpointInfo) -> str | None:
    """Why q(z) of a model has no density that can be drawn or fitted, None where it has one."""
    if info.of_gaussians:
        return None
    where = (
        "The page Variational posterior shows how near q(z|x) comes to the true posterior."
        if info.latent_dim == 2
        else "The page ELBO surgery shows its bound and how loose it is."
    )
    return (
        f"{title_of(info)}: q(z|x) of this model is a flow, so q(z) is no mixture of Gaussians and its density costs a "
        f"pass of the flow for every image at every place. {where}"
    )


def why_not_decoded(info: CheckpointInfo) -> str | None:
    """Why no code of a model can be turned into an image, None where it can."""
    if info.decodes:
        return None
    return (
        f"{title_of(info)}: these are imported latents without a decoder, so nothing can be decoded or generated. What "
        "is said of q(z), of p(z) and of the KL between them is known all the same."
    )


def why_not_drawn(info: CheckpointInfo) -> str | None:
    """Why the latent plane of a model cannot be drawn, None where it can."""
    if reason := why_no_mixture(info):
        return reason
    if info.latent_dim < 2:
        return f"{title_of(info)}: a plane needs two latent dimensions or more, and this model has one."
    if not info.images:
        return f"{title_of(info)}: the checkpoint holds no latents, so there is no q(z) to draw. Train it again."
    return None


def link_to(
    page: str,
    label: str,
    *infos: CheckpointInfo,
    icon: str = ":material/bubble_chart:",
    query: Mapping[str, str] | None = None,
) -> None:
    """A link to a page that shows these models; ``links.follow`` reads what it adds to the address.

    Args:
        page: name of its file, without ending.
        label: of the link.
        infos: models that the page chooses; without any, those that are chosen stay.
        icon: before the label.
        query: what else stands in the address, by key of a widget of that page.
    """
    shown = {SHOW: [info.name for info in infos]} if infos else {}
    st.page_link(
        Path(__file__).parents[1] / f"{page}.py", label=label, icon=icon, query_params={**shown, **(query or {})}
    )


def address(page: str, info: CheckpointInfo) -> str:
    """Where a link in Markdown leads that opens a page with a model in a tab of its own."""
    return f"{page}?" + urlencode({"models": info.name})


def stored_estimate(info: CheckpointInfo, key: str, split: str = "test") -> Estimate:
    """A stored metric of an evaluated model.

    Raises:
        KeyError: where it was not evaluated.
    """
    stored = info.metrics[split][key]
    return Estimate(stored["value"], stored["se"])


def estimate_of(info: CheckpointInfo, key: str, split: str = "test") -> Estimate | None:
    """A stored metric, None where the model was not evaluated."""
    stored = info.metrics.get(split, {}).get(key)
    return None if stored is None else Estimate(stored["value"], stored["se"])
