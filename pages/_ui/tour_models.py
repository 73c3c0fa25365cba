"""The last four steps of the guided tour: models trained with other priors and posteriors, and what flows cost."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import comparison, component_table, figures, results_tables, tables, timing_tables, tour
from core.comparison import Difference, Measured
from core.component_records import order
from core.figures import component_mosaic, component_words, flow_timing_words, prior_gains, tour_model_words, tour_words
from core.figures.ready import ready, with_layout
from core.flow_timing_file import list_runs
from core.flow_timing_records import FlowRun
from core.plain_text import shown_error
from core.records import CheckpointInfo, Estimate
from core.tour import MOG, REALNVP, STANDARD, VAMP, WITH_IAF, WITH_REALNVP, Cast, Part
from pages._ui import cache, cache_compare, cache_components, cache_tour, cards, charts, downloads, layout, lesson
from pages._ui.flow_timing import FIRST_D
from pages._ui.tour import Link, Shown
from pages._ui.tour_priors import SEED


def coupled(own: Cast, large: Cast) -> Shown:
    """A mixture of Gaussians or a VampPrior."""
    answers = {}
    for of in (own, large):
        if (gap := _difference(of, VAMP, MOG)) is not None:
            answers[of.title] = tour_model_words.pair_answer(gap)
            continue
        for info in of.find(STANDARD):
            fitted, _ = cache_tour.ladder(info)
            if fitted is not None and (answer := tour_words.coupled_answer(fitted)) is not None:
                answers[of.title] = answer
    models = tuple(info for info in own.find(VAMP, MOG) if layout.why_not_drawn(info) is None)
    return Shown(
        answers,
        "the two bounds would be the same, and every component would be used by its weight.",
        (lambda: _tiles(models)) if models else None,
        (
            *(Link("pseudo_inputs", "See it in full: each pseudo-input", (info,)) for info in own.find(VAMP)),
            Link("compare", "The models side by side", tuple(own.find(STANDARD, MOG, VAMP))),
        ),
        models or tuple(own.find(STANDARD)),
        _lacking(own, MOG, VAMP),
    )


def _tiles(models: tuple[CheckpointInfo, ...]) -> None:
    """The pseudo-inputs of the VampPrior beside what the components of the mixture decode to."""
    for info, column in zip(models, st.columns(2, gap="medium"), strict=False):
        model, word = (info.name, info.digest), "pseudo-inputs" if info.prior == "vamp" else "components"
        found = cache_components.components(*model, SEED)
        names, by_usage = cache.class_names(*model), order(found, "usage")
        picture = cache_components.mosaic(*model, SEED, "usage", info.prior != "vamp")
        hovers = component_words.hover_words(found, names)
        tiles = ready(component_mosaic.component_mosaic, picture, found, by_usage, hovers)
        figure = with_layout(tiles, shapes=component_mosaic.frames(by_usage, int(by_usage[0])))
        sentence = component_words.usage_sentence(found, word)
        shown = "pseudo-inputs" if info.prior == "vamp" else "what the mean of each component decodes to"
        with column:
            charts.heading(f"{info.prior_title}, K = {len(found):,}", level=3)
            charts.chart(figure, f"tour-tiles-{info.prior}", f"{info.prior_title}: {shown}. {sentence}")
            charts.caption(
                figures.caption(
                    layout.dataset_title(info.dataset), layout.split_of(info), found.images, SEED,
                    f"{info.name}: {shown}, the most used first and framed. {sentence}",
                )
            )  # fmt: skip
            downloads.keep(
                {"Components": partial(component_table.components_csv, found, names)}, f"tour-tiles-{info.prior}"
            )


def flows(own: Cast, large: Cast) -> Shown:
    """A flow as the prior, and why not an IAF."""
    run, reason = _timings()
    answers = {}
    if run is not None and (cost := tour_model_words.direction_answer(run, _dimension(run))) is not None:
        answers[f"Flows, d = {_dimension(run)}"] = cost
    for of in (own, large):
        if (gap := _difference(of, REALNVP, STANDARD)) is not None:
            answers[of.title] = tour_model_words.flow_gain_answer("RealNVP", gap)
    missing = _lacking(own, REALNVP)
    if run is None:
        missing = (*missing, f"{reason} `python -m core flow-timing` measures them here.")
    query = {} if run is None else {"timing_d": str(_dimension(run))}
    return Shown(
        answers,
        "both flows would take the same time in either panel, a ratio of 1 and lines of one slope.",
        (lambda: _clock(run)) if run is not None else None,
        (
            Link("flow_timing", "See it in full: what each direction costs", (), query),
            *(Link("prior_vs_posterior", "RealNVP as a prior", (info,)) for info in own.find(REALNVP)),
        ),
        (),
        missing,
    )


def _timings() -> tuple[FlowRun | None, str]:
    """The newest run that can be used, and why there is none."""
    try:
        stored = list_runs()
    except ValueError as error:
        return None, f"The timings of flows cannot be read: {shown_error(error)}."
    run = next((item.run for item in stored if item.run is not None), None)
    return run, "" if run is not None else "There are no timings of flows here."


def _dimension(run: FlowRun) -> int:
    """Where the page Flow timing starts."""
    return FIRST_D if FIRST_D in run.settings.dims else run.settings.dims[-1]


def _clock(run: FlowRun) -> None:
    """Time against d of drawing and of the density of given codes."""
    says = f"{flow_timing_words.verdict(run, _dimension(run))} {flow_timing_words.mirror(run, _dimension(run))}"
    charts.chart(ready(figures.flow_timing_figure, run), "tour-timing", says)
    charts.caption(
        "Time of a batch against d, both axes logarithmic; whiskers are quartiles, dotted lines have slopes 0 and 1. "
        "Textbook: d passes; incremental: the same result with the arithmetic of about one. "
        f"{flow_timing_words.settings_words(run)}"
    )
    downloads.keep({"Timings": partial(timing_tables.timings_csv, run)}, "tour-timing")


def rich(own: Cast, large: Cast) -> Shown:
    """Whether the posterior is rich enough."""
    answers, missing = {}, _lacking(own, WITH_IAF, WITH_REALNVP)
    base = own.models[STANDARD]
    gap = tour.estimate(base, "bound_gap")
    if gap is not None:
        others = {}
        for part in (WITH_IAF, WITH_REALNVP):
            difference = _difference(own, part, STANDARD, "bound_gap")
            if difference is not None:
                info = own.models[part]
                others[info.posterior_title] = (tour.estimate(info, "bound_gap") or gap, difference)
        answers[own.title] = tour_model_words.gap_answer(gap, others)
    else:
        missing = (*missing, tour.missing_measure(base, "gap of the bound"))
    for info in large.find(STANDARD):
        gained, samples = tour.estimate(info, "importance_gain"), info.metrics.get(tour.SPLIT, {}).get("samples")
        if gained is not None and samples:
            answers[large.title] = tour_model_words.gap_at_least_answer(gained, samples)
    every = own.find(STANDARD, WITH_IAF, WITH_REALNVP)
    models = tuple(info for info in every if _elbo(info) is not None and tour.stored(info, "likelihood_curve"))
    return Shown(
        answers,
        "q(z|x) would be the true posterior: the gap would be 0 and every line flat, since one sample would do.",
        (lambda: _bounds(models)) if models else None,
        (
            Link("variational_posterior", "See it in full: single images' posteriors", (base,)),
            Link("elbo_surgery", "How loose the bounds are", models or (base,)),
        ),
        models or (base,),
        missing,
    )


def _bounds(models: tuple[CheckpointInfo, ...]) -> None:
    """The bounds of some posteriors against the number of samples, and log p(x)."""
    titles = {info.name: f"{info.posterior_title} posterior" for info in models}
    rows = [(titles[info.name], tour.stored(info, "likelihood_curve")) for info in models]
    pairs = [(titles[info.name], tour.estimate(info, "log_likelihood")) for info in models]
    exact = {name: value for name, value in pairs if value is not None}
    alt = "; ".join(
        f"{name}: ELBO {points[0].estimate}, log p(x) {exact.get(name, 'not known')}" for name, points in rows
    )
    charts.chart(
        ready(figures.likelihood_curve, rows, exact), "tour-bounds", f"Bounds against importance samples. {alt}"
    )
    test = models[0].metrics[tour.SPLIT]
    charts.caption(
        figures.caption(
            layout.dataset_title(models[0].dataset), "test", test["n"], test["seed"],
            f"{', '.join(titles)}: S = 1 is the ELBO; all models and all S share the images, so differences are known "
            "better than the whiskers tell",
        )
    )  # fmt: skip
    downloads.keep({"Curves": lambda: tables.curves_csv(rows)}, "tour-bounds")


def gained(own: Cast, large: Cast) -> Shown:
    """What the priors really gained."""
    found = [
        (group, block)
        for of in (own, large)
        for group, block in lesson.compared()
        if (group.dataset, group.latent_dim) == (of.dataset, of.latent_dim) and not group.in_bits
    ]
    groups, blocks = [group for group, _ in found], [block for _, block in found]
    answers = {block.title: tour_model_words.gained_answer(block) for block in blocks}

    def draw() -> None:
        alt = " ".join(prior_gains.gain_block_sentence(block) for block in blocks)
        charts.chart(ready(prior_gains.prior_gains_figure, blocks), "tour-gains", alt)
        charts.caption(lesson.caption(grey=False))
        downloads.keep({"Gains": partial(results_tables.gains_csv, groups)}, "tour-gains")

    others = cards.in_order(info for info in own.models.values() if info.of_gaussians)
    return Shown(
        answers,
        "every mark would be at 0 within its whisker; one in twenty whiskers misses 0 by chance alone.",
        draw if blocks else None,
        (
            Link("compare", "See it in full: models side by side", tuple(others)),
            Link("results", "All models beside published ones"),
            Link("train", "Train one of your own"),
        ),
        tuple(others),
        _lacking(own, MOG, VAMP, REALNVP),
    )


def _difference(of: Cast, part: Part, against: Part, measure: str = "elbo") -> Difference | None:
    """How far a measure of one part is from that of another, None where one of them or its measure is not there."""
    pair = of.find(part, against)
    if len(pair) < 2:
        return None
    return comparison.difference(_measured(pair[0]), _measured(pair[1]), measure)


def _measured(info: CheckpointInfo) -> Measured:
    return cache_compare.measured(info, info.prior_title)[0]


def _lacking(own: Cast, *parts: Part) -> tuple[str, ...]:
    """What is said of models that are not there or were not measured."""
    absent = [tour.missing_model(own, part) for part in parts if part not in own.models]
    return (*absent, *(tour.missing_measure(info, "ELBO") for info in own.find(*parts) if _elbo(info) is None))


def _elbo(info: CheckpointInfo) -> Estimate | None:
    return tour.estimate(info, "elbo")
