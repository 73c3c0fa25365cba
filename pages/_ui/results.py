"""The parts of the page Results: one section for models that may be compared."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core import results_tables, results_words
from core.figures import results as figures
from core.figures.kept import once
from core.figures.ready import ready
from core.figures.verdicts import caption
from core.records import CheckpointInfo
from core.report import Table
from core.results import SPLIT
from core.results_records import ResultGroup
from pages._ui import charts, controls, downloads, layout

EVERYTHING = "all"
COMMANDS = "# Row by row. Each trains a model, measures it and stores both; with --replace where it is there."


def summary(groups: Sequence[ResultGroup]) -> None:
    """Ours against published in one line each; that there is nothing published where there is not."""
    found = [(group, one) for group in groups for one in once(results_words.comparisons, group)]
    lines = []
    for group, one in found:
        lines.append(
            f"- **{layout.dataset_title(group.dataset)}, {one.row.title}: {one.ours}** here, {one.published.nll} "
            f"published: {results_words.better_words(one)}"
        )
    if not lines:
        st.markdown("No model here has the data, the binarisation and the dimension of a published number.")
        return
    st.markdown("−log p(x) on the test images, nats per image, beside published models of the same kind:")
    st.markdown("\n".join(lines))


def chosen(groups: Sequence[ResultGroup]) -> dict[str, ResultGroup]:
    """The group that is looked at, the first one unless another is chosen, or all of them, by their keys."""
    found = keyed(groups)
    if len(found) < 2:
        return found
    titles: dict[str, str] = {}
    for key, group in found.items():
        title = results_tables.short_title(group)
        titles[key] = title if title not in titles.values() else f"{title} ({key})"
    picked = controls.pick_one("Models of", {**titles, EVERYTHING: "all data sets"}, "group", width=420)
    return {key: group for key, group in found.items() if picked in (key, EVERYTHING)}


def keyed(groups: Sequence[ResultGroup]) -> dict[str, ResultGroup]:
    """Groups by what stands for them in an address, in keys and in names of files; equal ones are numbered."""
    found: dict[str, ResultGroup] = {}
    for group in groups:
        base = _key(group)
        names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
        found[next(name for name in names if name not in found)] = group
    return found


def section(group: ResultGroup, name: str, infos: dict[str, CheckpointInfo]) -> None:
    """Figure, sentences, tables, commands and links of one group."""
    charts.heading(results_tables.group_title(group))
    key = f"results-{name}"
    if group.measured:
        charts.chart(ready(figures.results_figure, group), key, once(figures.results_sentence, group))
        charts.caption(once(_caption, group))
    st.markdown(once(_told, group))
    links = {row.name: layout.address("model_card", infos[row.name]) for row in group.rows if row.name in infos}
    for shown in once(_tables, group):
        charts.table(shown, links)
    if group.measured:
        downloads.keep({"Results": lambda: results_tables.results_csv([group])}, key)
    with st.expander("Which commands make these numbers again?"):
        st.code("\n".join([COMMANDS, *(command for row in group.rows for command in row.commands)]), "bash",
                wrap_lines=True)  # fmt: skip


def _key(group: ResultGroup) -> str:
    """Data, dimension, binarisation and number of images as one word."""
    words = (layout.dataset_title(group.dataset), group.latent_dim, group.binarisation, group.n)
    return re.sub(r"[^\w.-]+", "-", "-".join(map(str, words)))


def _told(group: ResultGroup) -> str:
    """What the figure says, where there is one, and what is to be known beside it."""
    found = [charts.plain(figures.results_sentence(group)), ""] if group.measured else []
    return "\n".join(found + [f"- {charts.plain(told)}" for told in results_words.group_sentences(group)])


def _tables(group: ResultGroup) -> list[Table]:
    """How good the models are, what their bounds are made of, what a better prior gains; the last two where known."""
    found = [(results_tables.quality_table(group), _of_quality(group))]
    for table, told in ((results_tables.split_table(group), _of_split), (results_tables.gains_table(group), _of_gains)):
        if table is not None:
            found.append((table, told(group)))
    return [replace(table, caption=told) for table, told in found]


def _caption(group: ResultGroup) -> str:
    hollow = "; hollow: published, ± as printed there" if group.published else ""
    return caption(
        results_tables.group_title(group),
        SPLIT,
        group.n,
        group.seed or 0,
        "Numbers are ± one standard error over the images, whiskers 95 % intervals over them; models share the images, "
        f"so their differences are known better than the whiskers tell{hollow}",
    )


def _of_quality(group: ResultGroup) -> str:
    if not group.measured:
        return "Nothing is measured here yet; the commands below train these models and measure them."
    exact = "exact, by quadrature" if all(row.exact for row in group.measured) else "importance-weighted with S samples"
    return (
        f"Test split, n = {group.n:,}, −log p(x) {exact}, ± one standard error over the images. Over training seeds: "
        "mean ± one standard deviation of (so many) trainings of one recipe; with one seed, differences of a few "
        "tenths of a nat are no ranking. Effective: median effective sample size. Epochs: trained, and the one that "
        "was kept."
    )


def _of_split(group: ResultGroup) -> str:
    return (
        f"Test split, n = {group.n:,}, nats per image ± one standard error. ELBO = reconstruction − information − "
        "marginal KL. Its null: the marginal KL of a perfect prior, where it is known. Holes: prior draws where no "
        "data is, a match gives 1 %. Effective components: of a mixture prior, as equally used ones; match: of draws "
        "of the prior. Classifier: how well prior and q(z) are told apart by the better of two, a match "
        "gives 50 %. Both with 95 % intervals; the classifier's allows for the choice."
    )


def _of_gains(group: ResultGroup) -> str:
    return (
        f"Test split, n = {group.n:,}: nats per image gained over N(0, I) with the Gaussian posterior, so that more is "
        "better, ± one standard error over the images; no difference is 0, bold is more than two standard errors from "
        "it. Paired: taken image by image. Other training seeds: the gain when both were trained under another seed."
    )
