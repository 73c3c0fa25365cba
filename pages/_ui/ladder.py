"""The ladder of priors: the stored one, or one that is fitted again with other settings."""

from __future__ import annotations

import streamlit as st

from core import figures, jobs, tables
from core.errors import CheckpointError
from core.figures.ready import ready
from core.ladder_records import Ladder
from core.plain_text import shown_error
from core.records import CheckpointInfo
from pages._ui import cache_ladder, charts, downloads, layout
from pages._ui import jobs as job_panel

SPLITS = ("train", "validation", "test")
STEPS = 2000
"""Steps of the ladders that the command line fits unless told otherwise."""


def show(info: CheckpointInfo) -> None:
    """Answers, picture and table of one model's ladder, and the settings to fit another."""
    charts.heading(layout.title_of(info))
    if reason := layout.why_no_mixture(info):
        st.info(reason)
        return
    answers, below = st.container(), st.container()
    try:
        stored = cache_ladder.ladder(info.name, info.digest)
    except CheckpointError as error:
        st.error(f"The stored ladder cannot be used: {shown_error(error)}")
        stored = None
    steps, seed = (STEPS, 0) if stored is None else (stored.steps, stored.seed)
    with st.expander("Fit it again with other settings", key="again", on_change="rerun", bind="query-params"):
        chosen = _settings(steps, seed)
    with below:
        found = stored if stored is not None and chosen == (steps, seed) else _fitted(info, *chosen)
        if found is not None:
            picture(info, found)
            with st.expander("All fits as a table"):
                st.dataframe(
                    figures.ladder_table(found),
                    hide_index=True,
                    alt="Marginal KL of every prior that was fitted, on each split",
                )
    with answers:
        for answer in () if found is None else figures.ladder_answers(found):
            question, _, rest = answer.partition("? ")
            st.markdown(f"**{question}?** {rest}")
        if found is not None and (left_out := figures.left_out_words(found)):
            st.warning(left_out)


def _settings(steps: int, seed: int) -> tuple[int, int]:
    """Steps of each fit and the seed; where nothing is typed, those of the stored ladder."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed_steps = st.number_input(
            "Steps of each fit", min_value=50, max_value=50_000, value=None, step=500, key="steps",
            bind="query-params", width=180, placeholder=f"{steps:,}",
        )  # fmt: skip
        typed_seed = st.number_input(
            "Seed", min_value=0, max_value=2**31 - 1, value=None, key="ladder_seed", bind="query-params", width=140,
            placeholder=str(seed),
        )  # fmt: skip
    return int(steps if typed_steps is None else typed_steps), int(seed if typed_seed is None else typed_seed)


def _fitted(info: CheckpointInfo, steps: int, seed: int) -> Ladder | None:
    """The ladder that a job has fitted with these settings; until there is one, what can be done about it."""
    arguments = ["ladder", info.name, "--steps", str(steps), "--seed", str(seed)]
    needed = "The data set must be on this computer."
    if not info.decodes:
        needed = (
            f"The {info.images:,} stored posteriors are cut into 60, 20 and 20 % for it; the VampPrior, which needs "
            "the encoder, is left out."
        )
    command = f"python -m core {' '.join(arguments)}"
    about = (
        f"Some twenty priors fitted to the codes of {info.name}, in fits of {steps:,} steps: minutes. {needed} From a "
        f"terminal, to store it with the checkpoint: `{command}`"
    )
    # The digest makes another encoder another job; the command itself refuses a checkpoint that has changed.
    words = [*arguments, "--digest", info.digest, "--output", jobs.RESULT]
    return job_panel.require(words, cache_ladder.fitted_ladder, button="Fit the ladder", about=about)


def picture(info: CheckpointInfo, found: Ladder) -> None:
    """The figure of a ladder with its caption and its numbers."""
    name = f"{info.name}-ladder"
    answers = (
        " ".join(figures.ladder_answers(found))
        or f"What {len(found.rungs)} priors gain over {figures.reference_name(found)}."
    )
    charts.chart(ready(figures.ladder_figure, found), f"ladder-{info.name}", answers, name=name)
    standardised = figures.standardised_words(found)
    null = "what a perfect prior would gain is not known: the posteriors hardly overlap"
    if found.test_null is not None:
        null = f"a perfect prior would still have a marginal KL of {found.test_null} nats on the test images"
    charts.caption(
        figures.caption(
            layout.dataset_title(info.dataset),
            "train, validation and test" if info.decodes else f"stored {info.split}",
            found.n_train,
            found.seed,
            f"{_of_splits(info, found)}; whiskers are 95 % intervals over the images, of the difference to "
            f"{figures.reference_name(found)}; {null}" + (f"; {standardised}" if standardised else ""),
        )
    )
    downloads.keep({"Ladder": lambda: _csv(found)}, name)


def _of_splits(info: CheckpointInfo, found: Ladder) -> str:
    """What the priors were fitted to, chosen by and judged on; imported latents have no splits and are cut in three."""
    train, validation, test = (f"{n:,}" for n in (found.n_train, found.n_validation, found.n_test))
    if not info.decodes:
        return (
            f"fitted to {train} of the posteriors in fits of {found.steps:,} steps; sizes chosen on {validation} "
            f"others, judged on the remaining {test}"
        )
    return (
        f"fitted to {train} training images in fits of {found.steps:,} steps; sizes chosen on {validation} validation "
        f"images, judged on {test} test images"
    )


def _csv(found: Ladder) -> str:
    header = ["kind", "prior", "components", "fitted numbers", "seconds"]
    for split in SPLITS:
        header += [f"{split} {what}" for what in ("marginal KL, nats", "standard error", "gain, nats", "its error")]
    lines = []
    for rung in found.rungs:
        pairs = [(getattr(rung, split), getattr(rung, f"{split}_gain")) for split in SPLITS]
        numbers = [number for kl, gain in pairs for number in (kl.value, kl.se, gain.value, gain.se)]
        lines.append([rung.kind, rung.title, rung.components or "", rung.parameters, rung.seconds, *numbers])
    return tables.write_csv(header, lines)
