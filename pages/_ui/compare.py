"""Which models stand side by side, with which one they are compared, and their numbers."""

from __future__ import annotations

import streamlit as st

from core import comparison, figures
from core.comparison import Measured
from core.figures import compare_words, differences
from core.figures.kept import once
from core.figures.ready import ready
from core.plain_text import shown_error
from core.records import CheckpointInfo, Distance
from core.report import Table
from pages._ui import cache_compare, cache_measures, cards, charts, controls, downloads, drawn, layout

OF_TRAINING = {"parameters": "parameters", "epochs": "epochs of training", "seconds": "seconds of training"}
"""What is told of a training, with its name in the table."""


def models(chosen: list[CheckpointInfo]) -> list[CheckpointInfo]:
    """The models that are compared, the one that the others are compared with first.

    The chosen ones that may stand in one table, or all of the same kind: a model alone gets company. Those that cannot
    be compared with the first chosen one are told with the reason.
    """
    alone = len(chosen) == 1
    everyone = st.toggle(
        "Every model of the same data set and latent dimension"
        + (": one model alone is always shown beside the others" if alone else ""),
        key="everyone",
        bind="query-params",
        help="The chosen models stay first.",
        disabled=alone,
    )
    first = chosen[0]
    company = [*chosen, *_company(chosen)] if alone or everyone else chosen
    fit = []
    for info in company:
        reason = comparison.why_apart(first, info)
        if reason is None:
            fit.append(info)
        else:
            st.warning(f"{layout.title_of(info)} is not compared with {layout.title_of(first)}: {shown_error(reason)}.")
    if len(fit) > controls.MAX_MODELS:
        st.info(f"The first {controls.MAX_MODELS} of {len(fit)} models are shown.")
    if len(fit) == 1:
        st.info(
            "There is no other model of these images yet. Train one with another prior: "
            + layout.code(
                f"python -m core train --dataset {first.dataset} --prior vamp --latent-dim {first.latent_dim}"
            )
        )
    fit = _reference_first(fit[: controls.MAX_MODELS])
    drawn.about(fit)
    return fit


def _reference_first(infos: list[CheckpointInfo]) -> list[CheckpointInfo]:
    """The models with the one that the others are compared with in front."""
    titles = dict(zip([info.name for info in infos], labels(infos), strict=True))
    picked = controls.pick_one("Compared with", titles, "against", index=comparison.reference(infos))
    return sorted(infos, key=lambda info: info.name != picked)


def labels(infos: list[CheckpointInfo]) -> list[str]:
    """A short name for each of some models, different for all of them."""
    dims = len({info.latent_dim for info in infos}) > 1
    short = [_short(info, dims) for info in infos]
    return [
        label if short.count(label) == 1 else f"{label} ({info.name})" for info, label in zip(infos, short, strict=True)
    ]


def numbers(infos: list[CheckpointInfo]) -> None:
    """The figure of gains over the first model, sentences, and the table."""
    measured = [_measured(info, label) for info, label in zip(infos, labels(infos), strict=True)]
    compared = [model for model in measured if "elbo" in model.evaluation]
    _not_evaluated(infos)
    if not any(model.evaluation for model in measured):
        return
    first = measured[0]
    rows = [(model.label, once(comparison.gains, model, first)) for model in compared if model is not first]
    rows = [(label, gained) for label, gained in rows if gained]
    if rows:
        sentences = once(compare_words.gain_sentences, measured)
        charts.chart(ready(differences.gains_figure, rows, first.label), "gains", " ".join(sentences))
        charts.caption(_caption(infos, measured))
        downloads.keep({"Differences": lambda: compare_words.differences_csv(measured)}, "gains")
        for sentence in sentences:
            st.markdown(f"- {charts.plain(sentence)}")
    charts.table(_table(infos, measured))


def _table(infos: list[CheckpointInfo], measured: list[Measured]) -> Table:
    facts = [_facts(info) for info in infos]
    distances = [_distance(info) for info in infos]
    found = once(compare_words.comparison_table, measured, distances, facts)
    return Table(found.header, found.rows, _caption(infos, measured), found.bold)


def _facts(info: CheckpointInfo) -> dict[str, str]:
    told = cache_measures.training(info.name)
    known = {name: told.get(key) for key, name in OF_TRAINING.items()}
    numbers = {name: f"{value:,.0f}" for name, value in known.items() if isinstance(value, int | float)}
    seeds = {"training seeds": f"{len(info.seeds)}"} if info.seeds else {}
    return {"latent dimension d": f"{info.latent_dim}", **numbers, **seeds}


def _distance(info: CheckpointInfo) -> Distance | None:
    """As it was stored with the evaluation: nothing is counted for a table."""
    return cache_measures.record(info.name, "distance")


def _caption(infos: list[CheckpointInfo], measured: list[Measured]) -> str:
    test = next((model.evaluation for model in measured if "n" in model.evaluation), {})
    told = once(compare_words.pairing_words, measured)
    return figures.caption(
        layout.dataset_title(infos[0].dataset),
        "test",
        test.get("n", 1),
        test.get("seed", 0),
        f"Numbers are ± one standard error over the images; {told}, and bold or filled beyond two standard errors; "
        f"whiskers and brackets are 95 % intervals. {once(compare_words.whole_kl_words, measured)} "
        f"{once(compare_words.few_draws_words, measured)} "
        f"{cards.of_seeds(infos, [model.label for model in measured])}".replace("  ", " "),
    )


def _measured(info: CheckpointInfo, label: str) -> Measured:
    found, why = cache_compare.measured(info, label)
    if why:
        st.warning(f"{layout.title_of(info)}: differences are not paired. {why}")
    return found


def _not_evaluated(infos: list[CheckpointInfo]) -> None:
    for info in infos:
        if not info.metrics.get("test"):
            st.info(f"{layout.title_of(info)} is not evaluated: `python -m core evaluate {info.name} --save`")


def _company(chosen: list[CheckpointInfo]) -> list[CheckpointInfo]:
    first = chosen[0]
    others = [
        info
        for info in layout.usable()
        if info not in chosen and info.latent_dim == first.latent_dim and comparison.why_apart(first, info) is None
    ]
    return cards.in_order(others)


def _short(info: CheckpointInfo, dims: bool) -> str:
    posterior = "" if info.of_gaussians else f", {info.posterior_title} posterior"
    return f"{info.prior_title}{posterior}" + (f", d = {info.latent_dim}" if dims else "")
