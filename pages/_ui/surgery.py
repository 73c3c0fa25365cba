"""The sections of the page that cuts the ELBO apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from core import figures, tables
from core.comparison import AT_CEILING
from core.figures.ready import ready
from core.metrics.latent import ACTIVE_VARIANCE
from core.metrics.points import POINTS, are_points
from core.records import CheckpointInfo, CurvePoint, Estimate
from pages._ui import cache, cache_measures, cards, charts, downloads, drawn, layout

COSTLY, KL_SEED = 20, 0
FEW = 2
"""Models up to which the sentences stand under the picture."""
FEWEST_IMAGES = 2
"""Images from which on a dimension can tell them apart."""
MOST_DIMENSIONS = 500
"""Dimensions up to which each gets a bar."""
ESTIMATES = (
    "elbo", "reconstruction", "average_kl", "mutual_information", "marginal_kl", "log_n", "nll",
    "identity_residual",
)  # fmt: skip
"""What a model's evaluation needs for this page."""
BOUNDS = ("elbo", "nll")
"""What it needs for the looseness of the bound, which every posterior has."""


def test_of(info: CheckpointInfo) -> dict[str, Any]:
    """The model's stored evaluation on the test split, {} where there is none."""
    return info.metrics.get("test", {})


def with_company(chosen: list[CheckpointInfo]) -> list[CheckpointInfo]:
    """The chosen models and, where asked for, all others of their data sets and numbers of dimensions."""
    everyone = st.toggle(
        "Every prior of the same data set and latent dimension",
        key="everyone",
        bind="query-params",
        help="The chosen models stay first.",
    )
    if not everyone:
        return chosen
    kinds = {(info.dataset, info.latent_dim) for info in chosen}
    others = [info for info in layout.usable() if (info.dataset, info.latent_dim) in kinds and info not in chosen]
    drawn.about([*chosen, *cards.in_order(others)])
    return [*chosen, *cards.in_order(others)]


def comparable(models: list[CheckpointInfo]) -> list[list[CheckpointInfo]]:
    """The evaluated models in groups that may share an axis; says which have no evaluation."""
    for sentence in cards.left_out(models):
        st.info(sentence)
    for info in (info for info in models if info.decodes):
        if not all(key in test_of(info) for key in (ESTIMATES if info.of_gaussians else BOUNDS)):
            st.info(f"{layout.title_of(info)} is not evaluated: `python -m core evaluate {info.name} --save`")
    groups = cards.comparable([info for info in models if all(key in test_of(info) for key in ESTIMATES)])
    if len(groups) > 1:
        st.info("Models of different data sets, binarisations or latent dimensions do not share an axis.")
    return groups


def kl_only(info: CheckpointInfo) -> None:
    """The half of the surgery that needs no decoder: imported latents have a KL and no bound."""
    charts.heading(layout.title_of(info))
    st.info(
        "These are imported latents without a decoder: reconstruction, ELBO and likelihood are not known. The KL is, "
        "and its two parts."
    )
    cloud = cache.latents(info.name, info.digest)
    if are_points(cloud.mean, cloud.log_var):
        st.warning(f"{POINTS[0].upper()}{POINTS[1:]}.")
    known = {key: layout.estimate_of(info, key) for key in ("average_kl", "mutual_information", "marginal_kl")}
    if None in known.values():
        st.info(f"It is not evaluated: `python -m core evaluate {info.name} --save`")
        return
    null, log_n = layout.estimate_of(info, "marginal_kl_null"), layout.estimate_of(info, "log_n")
    beside = ("what the bound pays", f"ceiling log n = {log_n.value:.2f}" if log_n else "",
              "match: not known" if null is None else f"match: {null}")  # fmt: skip
    labels = ("Average KL, nats", "= information I(n; z)", "+ marginal KL(q ‖ p)")
    for column, label, value, small in zip(st.columns(3), labels, known.values(), beside, strict=True):
        column.metric(label, str(value), delta=small, delta_color="off", delta_arrow="off", border=True)
    st.markdown(figures.residual_sentence(test_of(info)))
    information([info], f"latents-{info.name}")


def with_bounds(models: list[CheckpointInfo]) -> list[list[CheckpointInfo]]:
    """The models whose bound was measured, in groups that may share an axis."""
    return cards.comparable(models, BOUNDS)


def waterfall(group: list[CheckpointInfo], number: int) -> None:
    """The sum, one block of lines a model, and what it says."""
    rows = cards.rows(group)
    sentences = [figures.surgery_sentence(name, metrics) for name, metrics in rows]
    name = f"surgery-{number}"
    charts.chart(ready(figures.elbo_waterfall, rows), name, " ".join(sentences))
    words = st.container() if len(rows) <= FEW else st.expander("What this says of each model")
    for sentence in sentences:
        words.markdown(sentence)
    _caption(
        group,
        "Numbers are ± one standard error over the images, whiskers 95 % intervals; exact q(z) over all n. "
        + cards.of_seeds(group, [name for name, _ in rows]),
    )
    downloads.keep({"Terms": lambda: tables.terms_csv(rows)}, name)


def information(group: list[CheckpointInfo], number: int | str) -> None:
    """What the information comes out as when q(z) is made of a minibatch of M posteriors."""
    rows, known = _curves(group, "information_curve")
    if not rows:
        return
    log_n = test_of(known[0])["log_n"]["value"]
    average = {name: layout.stored_estimate(info, "average_kl") for (name, _), info in zip(rows, known, strict=True)}
    first, last = rows[0][1][0], rows[0][1][-1]
    sentence = (
        f"With a minibatch of {first.at} posteriors the information of {rows[0][0]} comes out as {first.estimate} "
        f"nats, with all {last.at:,} as {last.estimate}: an estimate from M posteriors can never exceed log M, and "
        "the marginal KL takes up the rest."
    )
    if last.estimate.value > log_n - AT_CEILING:
        sentence += " Even with all of them it stands at its ceiling: the true information is larger than these tell."
    key = f"information-{number}"
    figure = ready(figures.information_curve, rows, log_n, average)
    charts.chart(figure, key, sentence)
    st.markdown(sentence)
    _caption(known, "random disjoint batches that hold the image's own posterior; whiskers are 95 % intervals")
    downloads.keep({"Curves": lambda: tables.curves_csv(rows)}, key)


def looseness(group: list[CheckpointInfo], number: int) -> None:
    """The importance-weighted bound against the number of samples, and the exact likelihood where it is known."""
    rows, known = _curves(group, "likelihood_curve")
    if not rows:
        return
    pairs = [(name, layout.estimate_of(info, "log_likelihood")) for (name, _), info in zip(rows, known, strict=True)]
    exact = {name: value for name, value in pairs if value is not None}
    first, last = rows[0][1][0], rows[0][1][-1]
    gain = f"{last.estimate.value - first.estimate.value:.2f}"
    sentence = (
        f"{rows[0][0]}: from the ELBO, S = 1, to S = {last.at:,} importance samples the bound rises by {gain} nats to "
        f"{last.estimate}."
    )
    if rows[0][0] in exact:
        sentence += f" The exact value is {exact[rows[0][0]]}."
    key = f"looseness-{number}"
    figure = ready(figures.likelihood_curve, rows, exact)
    charts.chart(figure, key, sentence)
    st.markdown(sentence)
    _caption(
        known,
        "a low share of effective samples means that the bound hangs on few draws and is still loose; the images are "
        "the same at every S, so the rise is known better than the whiskers tell",
    )
    downloads.keep({"Curves": lambda: tables.curves_csv(rows)}, key)


def dimensions(models: list[CheckpointInfo]) -> None:
    """Information and activity of each dimension, and its KL where the prior is a product; one axis for all models."""
    known = []
    for info in models:
        if lacks := _why_no_dimensions(info):
            st.markdown(f"- **{layout.title_of(info)}**: {lacks}.")
            continue
        used, split = cache.dimensions(info.name, info.digest), cache_measures.record(info.name, "per_dimension")
        bars = _pairs(used.information), None if split is None else _pairs(split.average_kl)
        known.append((info, used, split, bars))
    top = max((figures.dimension_top(*bars) for *_, bars in known), default=None)
    for info, used, split, (information, kl) in known:
        sentence = figures.dimensions_sentence(
            layout.title_of(info), used, split, ACTIVE_VARIANCE, no_split=_why_no_split(info)
        )
        key, activity = f"dimensions-{info.name}", np.array(used.activity)
        figure = ready(figures.dimension_bars, information, activity, ACTIVE_VARIANCE, kl, top=top)
        charts.chart(figure, key, sentence)
        st.markdown(sentence)
        method = (
            f"information: exact q(z_j) of all {used.n:,} images at {used.draws:,} draws; active: the posterior mean "
            f"varies by more than {ACTIVE_VARIANCE} over the images; the KL in closed form or by draws of its own, so "
            "that a dash may lie under its bar by chance; a dimension of one model is none of another: compare ranks"
        )
        title, split_name = layout.dataset_title(info.dataset), layout.split_of(info)
        charts.caption(figures.caption(title, split_name, used.n, cache.DIMENSIONS_SEED, method))
        written = partial(tables.dimensions_csv, information, activity, kl)
        downloads.keep({"Dimensions": written}, key)


def _why_no_split(info: CheckpointInfo) -> str:
    if test_of(info).get("information_curve") is None:
        return f"What each costs was not measured: `python -m core evaluate {info.name} --save`."
    return "The prior ties dimensions together, so that the KL is no sum over them."


def _why_no_dimensions(info: CheckpointInfo) -> str:
    if not info.of_gaussians:
        return "q(z|x) of this model is a flow, whose density in one dimension is not known"
    if info.images < FEWEST_IMAGES:
        return f"it takes the codes of {FEWEST_IMAGES} images or more, and the checkpoint holds {info.images}"
    if info.latent_dim > MOST_DIMENSIONS:
        return f"{info.latent_dim:,} dimensions are too many to be shown one by one"
    return ""


def _pairs(values: Sequence[Estimate]) -> np.ndarray:
    return np.array([[each.value, each.se] for each in values])


def costly_images(info: CheckpointInfo) -> None:
    """The images with the highest KL, with their reconstructions."""
    if not info.images:
        st.markdown(f"- **{layout.title_of(info)}**: the checkpoint holds no latents.")
        return
    kl, se, rows = cache.image_kl(info.name, info.digest, KL_SEED)
    order = kl.argsort()[::-1]
    if not info.pictured:
        _costly_rows(info, kl, se, rows, order)
        return
    top, median = order[:COSTLY], float(kl[order[len(order) // 2]])
    pictures, real = cache.images(info.name, info.digest, tuple(rows[top].tolist()))
    words = [f"{kl[k]:.1f}" + (f" ± {se[k]:.1f}" if se[k] else "") for k in top]
    centre = "the posterior's mean" if info.of_gaussians else "the centre of the base, sent through the flow"
    what = "images" if real else "images, shown by their reconstructions (the data set is not on this computer)"
    st.markdown(
        f"**{layout.title_of(info)}**: the {len(top)} {info.split} {what} whose codes cost most, with "
        f"KL(q(z|x) ‖ p(z)) in nats; the median image costs {median:.1f}."
        + (f" Below each, what the model makes of it: the mean of p(x|z) at {centre}." if real and info.decodes else "")
    )
    both = real and info.decodes
    below = cache.reconstructed(info.name, info.digest, tuple(rows[top].tolist())) if both else None
    _row(pictures, below, words)
    _kl_caption(info)


def _costly_rows(info: CheckpointInfo, kl: np.ndarray, se: np.ndarray, rows: np.ndarray, order: np.ndarray) -> None:
    """The rows with the highest KL, where the images did not come along with the latents."""
    top = order[:COSTLY]
    st.markdown(
        f"**{layout.title_of(info)}**: the {len(top)} rows of the {info.split} split whose codes cost most; the median "
        f"costs {float(kl[order[len(order) // 2]]):.1f} nats. The images did not come along with the latents."
    )
    table = {"row": rows[top].tolist(), "KL(q(z|x) ‖ p(z)), nats": kl[top].tolist(), "standard error": se[top].tolist()}
    st.dataframe(table, hide_index=True, height=220, alt=f"The {len(top)} rows whose codes cost most, with their KL")
    _kl_caption(info)


def _kl_caption(info: CheckpointInfo) -> None:
    method = "closed form for Gaussians and N(0, I), else the mean over 16 draws with its standard error"
    st.caption(figures.caption(layout.dataset_title(info.dataset), layout.split_of(info), info.images, KL_SEED, method))


def _row(pictures: np.ndarray, below: np.ndarray | None, words: list[str]) -> None:
    """Pictures side by side, each over its reconstruction, with its KL as words and as alternative text."""
    pairs = [pictures[k : k + 1] if below is None else np.stack([pictures[k], below[k]]) for k in range(len(pictures))]
    uris = [figures.mosaic_uri(pair, at_least=64) for pair in pairs]
    alt = [f"image with the KL of rank {k + 1}, {word} nats" for k, word in enumerate(words)]
    st.image(uris, caption=words, width=76, alt=alt)


def _curves(
    group: list[CheckpointInfo], key: str
) -> tuple[list[tuple[str, Sequence[CurvePoint]]], list[CheckpointInfo]]:
    """Named curves of the models that have them, and these models; says which lack them."""
    named = zip(cards.rows(group), group, strict=True)
    found = [(name, cache_measures.record(info.name, key), info) for (name, _), info in named]
    for _, curve, info in found:
        if curve is None and not info.of_gaussians:
            st.markdown(f"- **{layout.title_of(info)}**: this curve is for Gaussian ones, and q(z|x) here is a flow.")
        elif curve is None:
            st.info(f"{layout.title_of(info)} has no such curve: `python -m core evaluate {info.name} --save`")
    known = [(name, curve, info) for name, curve, info in found if curve is not None]
    return [(name, curve) for name, curve, _ in known], [info for _, _, info in known]


def _caption(group: list[CheckpointInfo], method: str) -> None:
    test = test_of(group[0])
    n, seed = test.get("n") or group[0].images, test.get("seed", 0)
    charts.caption(figures.caption(layout.dataset_title(group[0].dataset), "test", n, seed, method))
