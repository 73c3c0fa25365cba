"""The first four steps of the guided tour: what a prior is for, what N(0, I) lacks, what is optimal, how many modes."""

from __future__ import annotations

from core import figures, tables, tour
from core.figures import tour_words
from core.figures.ready import ready
from core.figures.sheet_table import sheet_csv
from core.figures.sheets import Block, sheet
from core.figures.theme import DATA, PRIOR
from core.ladder_records import Ladder
from core.records import CheckpointInfo
from core.tour import STANDARD, Cast
from pages._ui import cache, cache_tour, cards, charts, downloads, ladder, latent_view, layout, surgery
from pages._ui.tour import Link, Shown

SEED, POINTS = 0, 2000
ROWS, ACROSS = 3, 8
"""Rows of generated images, and images in a row."""


def samples(own: Cast, large: Cast) -> Shown:
    """Where samples come from."""
    answers, missing = {}, []
    for of in (own, large):
        for info in of.find(STANDARD):
            if (found := tour.stored(info, "distance")) is not None:
                answers[of.title] = tour_words.samples_answer(found)
            elif of is own:
                missing.append(tour.missing_measure(info, "distance between prior and codes"))
    info = own.models[STANDARD]
    return Shown(
        answers,
        "both blocks would show images of one kind, as many failures in one as in the other; holes would be about 1 % "
        "of the draws and the classifier right half of the time.",
        (lambda: _pictures(info)) if info.images else None,
        (Link("latent_browser", "See it in full: what each place decodes to", (info,)),),
        (info,),
        (*missing, *_without_latents(info)),
    )


def _without_latents(info: CheckpointInfo) -> tuple[str, ...]:
    reason = layout.why_not_drawn(info)
    return () if reason is None else (reason,)


def _pictures(info: CheckpointInfo) -> None:
    """Images decoded at draws of the prior beside those decoded at codes of test images."""
    of_p, of_q = cache_tour.drawn_pictures(info.name, info.digest, ROWS * ACROSS, SEED)
    blocks = [
        Block(of_p, 0, 0, ACROSS, title="<b>z drawn from the prior N(0, I)</b>", frames=[PRIOR] * len(of_p)),
        Block(of_q, ACROSS + 0.5, 0, ACROSS, title="<b>z drawn from q(z), codes of images</b>",
              frames=[DATA] * len(of_q)),
    ]  # fmt: skip
    alt = f"{len(of_p)} images decoded at draws of the prior beside {len(of_q)} decoded at codes of test images"
    charts.chart(ready(sheet, blocks), "tour-samples", alt)
    charts.caption(
        figures.caption(
            layout.dataset_title(info.dataset), layout.split_of(info), info.images, SEED,
            f"{info.name}: means of p(x|z) at {len(of_p)} independent draws of each, none picked out, one grey scale",
        )
    )  # fmt: skip
    downloads.keep({"Images": lambda: sheet_csv(blocks)}, "tour-samples")


def standard(own: Cast, large: Cast) -> Shown:
    """Why N(0, I) is a poor prior, where it is one."""
    answers, missing = {}, []
    for of in (own, large):
        for info in of.find(STANDARD):
            marginal, found = tour.estimate(info, "marginal_kl"), tour.stored(info, "distance")
            if marginal is not None and found is not None:
                null = tour.estimate(info, "marginal_kl_null")
                answers[of.title] = tour_words.standard_answer(marginal, null, found)
            elif of is own:
                missing.append(tour.missing_measure(info, "marginal KL"))
    info = own.models[STANDARD]
    alt = str(answers.get(own.title, "q(z) filled, N(0, I) dashed, and log q(z) − log p(z)"))
    return Shown(
        answers,
        "the dashed contours would lie on the blue ones and the right panel would be blank, up to the noise of "
        "finitely many images; holes and leaks would be 1 % on average.",
        (lambda: _densities(info, alt)) if info.images else None,
        (
            Link("prior_vs_posterior", "See it in full: prior against posterior", (info,)),
            Link("prior_vs_posterior", "Can you see it? Find the true picture", (info,), {"lineup": "true"}),
        ),
        (info,),
        (*missing, *_without_latents(info)),
    )


def _densities(info: CheckpointInfo, alt: str) -> None:
    """q(z), p(z) and the signed map."""
    model, key = (info.name, info.digest), cache.WHOLE
    q, p = cache.grids(*model, key, latent_view.CELLS)
    if p is None:
        raise ValueError(f"{info.name} has two latent dimensions, so its prior has a density there")
    points, labels = cache.points(*model, key, POINTS, SEED, "samples")
    axes = cache.view(*model, key).plane.axes
    figure = ready(
        figures.density_panels,
        q,
        p,
        points=points,
        labels=labels,
        class_names=cache.class_names(*model),
        axes=axes,
        compact=True,
    )
    charts.chart(figure, "tour-densities", alt)
    charts.caption(
        figures.caption(
            layout.dataset_title(info.dataset), layout.split_of(info), info.images, SEED,
            f"{info.name}: q(z) is the exact mixture of all {info.images:,} posteriors; contours hold 50, 80 and 95 % "
            f"of each; dots are {POINTS:,} draws of q(z), marked by class; the map is log q(z) − log p(z)",
        )
    )  # fmt: skip
    downloads.keep({"Densities": lambda: tables.grid_csv(q, p, axes)}, "tour-densities")


def optimal(own: Cast, large: Cast) -> Shown:
    """Which prior is optimal, and what it costs."""
    ladders, missing = _ladders(own, large)
    answers = {title: answer for title, found in ladders if (answer := tour_words.optimal_answer(found)) is not None}
    info = own.models[STANDARD]
    whole = all(key in surgery.test_of(info) for key in surgery.ESTIMATES)
    if not whole:
        missing.append(tour.missing_measure(info, "bound"))
    return Shown(
        answers,
        "the marginal KL would reach no further than the mark of a perfect prior; with p(z) = q(z) of the same images "
        "it is exactly 0.",
        (lambda: _parts(info)) if whole else None,
        (
            Link("elbo_surgery", "See it in full: ELBO surgery", (info,)),
            Link("optimal_prior", "What the optimal prior costs", (info,)),
        ),
        (info,),
        tuple(missing),
    )


def _parts(info: CheckpointInfo) -> None:
    """The bound and its parts, of which only one holds the prior."""
    rows = cards.rows([info])
    sentence = figures.surgery_sentence(*rows[0])
    charts.chart(ready(figures.elbo_waterfall, rows), "tour-surgery", sentence)
    test = surgery.test_of(info)
    charts.caption(
        figures.caption(
            layout.dataset_title(info.dataset), "test", test["n"], test["seed"],
            f"{info.name}: numbers are ± one standard error over the images, whiskers 95 % intervals; exact q(z) over "
            "all n. Of these parts only the marginal KL holds the prior, as long as encoder and decoder stay",
        )
    )  # fmt: skip
    downloads.keep({"Terms": lambda: tables.terms_csv(rows)}, "tour-surgery")


def modes(own: Cast, large: Cast) -> Shown:
    """Whether many modes are needed."""
    ladders, missing = _ladders(own, large)
    answers = {title: answer for title, found in ladders if (answer := tour_words.modes_answer(found)) is not None}
    info = own.models[STANDARD]
    found = next((each for title, each in ladders if title == own.title), None)
    return Shown(
        answers,
        "a mixture would gain what one Gaussian gains, and all would lie on the line at 0 where N(0, I) is; what a "
        "perfect prior would gain is dotted, where it is known.",
        (lambda: ladder.picture(info, found)) if found is not None else None,
        (Link("optimal_prior", "See it in full: the ladder of priors", (info,)),),
        (info,),
        tuple(missing),
    )


def _ladders(own: Cast, large: Cast) -> tuple[list[tuple[str, Ladder]], list[str]]:
    """The ladders that are there, by data set in words, and what is said where the tour's own is not."""
    found, missing = [], []
    for of in (own, large):
        for info in of.find(STANDARD):
            fitted, reason = cache_tour.ladder(info)
            if fitted is not None:
                found.append((of.title, fitted))
            elif reason:
                missing.append(f"The ladder of {info.name} cannot be used: {reason}")
            elif of is own:
                missing.append(tour.missing_ladder(info))
    return found, missing
