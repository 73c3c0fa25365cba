"""Cards of the models: what the prior generates, what it is, what it costs in nats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from core import figures
from core.comparison import at_ceiling
from core.datasets.titles import dataset_place
from core.records import CheckpointInfo, Estimate
from core.seed_spread import over_seeds, seeds_sentence
from pages._ui import cache, layout

TERMS = ("reconstruction", "mutual_information", "marginal_kl", "log_n")


def datasets(infos: list[CheckpointInfo]) -> list[str]:
    """Data sets of the models in the order in which they are offered, own ones after them, the bundled digits last."""
    return sorted({info.dataset for info in infos}, key=dataset_place)


def in_order(infos: Iterable[CheckpointInfo]) -> list[CheckpointInfo]:
    """By latent dimension, then the priors from the simplest on."""
    order = cache.prior_kinds()
    return sorted(infos, key=lambda info: (info.latent_dim, order.index(info.prior), not info.of_gaussians, info.name))


def comparable(infos: list[CheckpointInfo], needed: Iterable[str] = TERMS) -> list[list[CheckpointInfo]]:
    """The evaluated models in groups that may stand in one figure: the same images, binarised the same way.

    Models of another latent dimension stand apart too: their parts of the KL are of another size.

    Args:
        infos: the models.
        needed: what a model's evaluation must hold.
    """
    groups: dict[tuple[Any, ...], list[CheckpointInfo]] = {}
    for info in infos:
        test = info.metrics.get("test", {})
        if all(term in test for term in needed):
            images = (info.dataset, info.binarisation, info.data_seed, info.likelihood, info.image_shape, test.get("n"))
            same = (*images, info.latent_dim)
            groups.setdefault(same, []).append(info)
    return list(groups.values())


def rows(infos: list[CheckpointInfo]) -> list[tuple[str, dict[str, Any]]]:
    """Rows of the ELBO figure, each under a name of its own."""
    labels = [f"{info.prior_title}{_posterior(info)}, d = {info.latent_dim}" for info in infos]
    return [
        (label if labels.count(label) == 1 else f"{label} ({info.name})", info.metrics["test"])
        for info, label in zip(infos, labels, strict=True)
    ]


def _posterior(info: CheckpointInfo) -> str:
    return "" if info.of_gaussians else f", {info.posterior_title} posterior"


def left_out(infos: list[CheckpointInfo]) -> list[str]:
    """What is said of the evaluated models whose KL cannot be taken apart."""
    return [
        f"{layout.title_of(info)}: its KL is not taken apart. q(z|x) of this model is a flow, so q(z) is no mixture of "
        f"Gaussians, and with n = {info.metrics['test']['n']:,} images its density is too costly. The average KL is "
        f"{layout.estimate_of(info, 'average_kl')} nats."
        for info in infos
        if not info.of_gaussians and "average_kl" in info.metrics.get("test", {}) and not comparable([info])
    ]


_CEILING = "the information is at its ceiling log n, so what the encoder carries above it counts as marginal KL"


def split_sentence(rows: list[tuple[str, dict[str, Any]]]) -> str:
    """The figure in words. Where the information is cut off at log n the marginal KL ranks no priors."""
    ordered = sorted((row[1]["marginal_kl"]["value"], row[1]["marginal_kl"]["se"], row[0]) for row in rows)
    (low, low_se, best), (high, high_se, worst) = ordered[0], ordered[-1]
    if any(at_ceiling(test) for _, test in rows):
        return (
            f"The marginal KL runs from {Estimate(low, low_se)} to {Estimate(high, high_se)} nats, and says nothing of "
            f"which prior is better: {_CEILING}."
        )
    if len(rows) == 1:
        return f"The marginal KL of {best} is {Estimate(low, low_se)} nats."
    return (
        f"The marginal KL is smallest for {best}: {Estimate(low, low_se)} nats, "
        f"and largest for {worst}: {Estimate(high, high_se)} nats."
    )


def split_caption(infos: list[CheckpointInfo]) -> str:
    """What stands under the figure of comparable models."""
    test = infos[0].metrics["test"]
    return figures.caption(
        layout.dataset_title(infos[0].dataset),
        "test",
        test["n"],
        test["seed"],
        "ELBO = reconstruction − mutual information − marginal KL, exact q(z) over all n; numbers are ± one standard "
        f"error over the images, whiskers 95 % intervals{_beyond(infos)}. "
        f"{of_seeds(infos, [label for label, _ in rows(infos)])}",
    )


def _beyond(infos: list[CheckpointInfo]) -> str:
    """What of the marginal KL is no prior's doing, for the caption."""
    tests = [info.metrics["test"] for info in infos]
    if any(at_ceiling(test) for test in tests):
        return f"; {_CEILING}: the two are not to be read apart"
    return "; a perfect prior would end the marginal KL at the diamond" if "marginal_kl_null" in tests[0] else ""


def of_seeds(infos: list[CheckpointInfo], labels: list[str]) -> str:
    """How many training seeds stand behind each model and how far apart they are; for the end of a caption."""
    found = {label: over_seeds(info, "elbo") for info, label in zip(infos, labels, strict=True)}
    return seeds_sentence({label: spread for label, spread in found.items() if spread is not None})


def draw(infos: list[CheckpointInfo]) -> None:
    """A card for each model."""
    if any(info.decodes for info in infos):
        st.caption("On the cards: means of p(x|z) at draws of each prior, not draws of the pixels.")
    with st.grid(min_column_width=220):
        for info in infos:
            with st.container(border=True):
                _card(info)


def _card(info: CheckpointInfo) -> None:
    name = layout.parts_name(info)
    if info.decodes:
        st.image(
            cache.sample_uri(info.name, info.digest, 16, 4, 48),
            alt=f"16 images generated from the {name}: means of p(x|z) at independent draws of z, seed 0",
            width="stretch",
        )
    else:
        st.markdown("Imported latents: without a decoder nothing is generated.")
    st.markdown(f"**{name}**, d = {info.latent_dim}")
    elbo, average, information, marginal = (
        layout.estimate_of(info, key) for key in ("elbo", "average_kl", "mutual_information", "marginal_kl")
    )
    if elbo is not None and information is not None and marginal is not None:
        parts = f"{information} (information) + {marginal} (marginal)"
        if average is not None and at_ceiling(info.metrics["test"]):
            parts = f"{average}, its information at the ceiling log n"
        st.caption(f"ELBO {elbo} nats  \nKL = {parts}")
    elif elbo is not None and average is not None:
        st.caption(f"ELBO {elbo} nats  \nKL = {average}")
    elif average is not None and information is not None and marginal is not None:
        st.caption(f"KL {average} nats = {information} (information) + {marginal} (marginal)")
    else:
        st.caption(f"Not evaluated yet: `python -m core evaluate {info.name} --save`")
    with st.container(horizontal=True, gap="small"):
        layout.link_to(_page_of(info), "Open", info)
        layout.link_to("model_card", "Model card", info, icon=":material/badge:")


def _page_of(info: CheckpointInfo) -> str:
    """The page that tells most of a model."""
    if info.of_gaussians:
        return "prior_vs_posterior"
    return "variational_posterior" if info.latent_dim == 2 else "elbo_surgery"
