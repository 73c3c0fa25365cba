"""The timings of a run: cards, the picture of time against d, the tables, and the diagram of who waits for whom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import streamlit as st

from core import figures, timing_tables
from core.figures import flow_timing_words as words
from core.figures.kept import once
from core.figures.ready import ready
from core.flow_timing_compare import at
from core.flow_timing_records import FlowRun
from pages._ui import charts, downloads
from pages._ui.flow_runs import Shown, forget_missing
from pages._ui.turns import fragment

FLOWS, METHODS, TASKS = tuple(words.FLOWS), ("naive", "incremental", "fixed_point"), tuple(words.TASKS)
FIRST_D = 64
"""Of the cards, where it was measured; else the largest."""


@dataclass(frozen=True)
class Lines:
    """What is drawn of a run."""

    tasks: tuple[str, ...]
    flows: tuple[str, ...]
    methods: tuple[str, ...]


def dimension(run: FlowRun) -> int:
    """d of cards, tables and words."""
    dims = list(run.settings.dims)
    forget_missing("timing_d", dims)
    first = _first(run)
    chosen = st.segmented_control(
        "Dimension d", dims, default=first, required=True, key="timing_d",
        bind="query-params", help="Of the cards and of the tables. The picture shows all of them.",
    )  # fmt: skip
    return int(chosen or first)  # an address may leave it empty


def _first(run: FlowRun) -> int:
    return FIRST_D if FIRST_D in run.settings.dims else run.settings.dims[-1]


def lines() -> Lines:
    """Panels, flows and inversions of the picture, in one row."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        tasks = st.pills(
            "Panels", TASKS, selection_mode="multi", default=TASKS[:2], key="panels", bind="query-params",
            format_func=words.SHORT.__getitem__,
        )  # fmt: skip
        flows = st.pills(
            "Flows", FLOWS, selection_mode="multi", default=FLOWS[:2], key="timed_flows", bind="query-params",
            format_func=words.FLOWS.__getitem__,
        )  # fmt: skip
        methods = st.pills(
            "Inversions", METHODS, selection_mode="multi", default=METHODS[:2], key="inversions", bind="query-params",
            format_func=words.METHODS.__getitem__,
        )  # fmt: skip
    pairs = ((TASKS, tasks), (FLOWS, flows), (METHODS, methods))
    return Lines(*(tuple(name for name in names if name in kept) for names, kept in pairs))


def say(run: FlowRun, dim: int) -> None:
    """The verdict, and whether the machine was quiet."""
    st.markdown(once(words.verdict, run, dim))
    if warning := words.unrest(run):
        st.caption(f":material/warning: {warning}")


def of_own_samples(run: FlowRun) -> str:
    """What a posterior costs, in a sentence: of the d that the cards begin with, as it stands far from them."""
    return once(words.own, run, _first(run))


def cards(run: FlowRun, dim: int) -> None:
    """MAF and IAF, each with sampling, density, and the density of its own samples."""
    for flow in ("maf", "iaf"):
        for column, task in zip(st.columns(len(TASKS)), TASKS, strict=True):
            with column.container(border=True, height="stretch", gap="xxsmall"):
                passes, beaten, rows = once(_measured, run, flow, task, dim)
                st.metric(
                    f"{words.FLOWS[flow]}: {words.TASKS[task][0].lower()}{words.TASKS[task][1:]}", passes, delta=beaten,
                    delta_color="off", delta_arrow="off", help=_explained(flow, task),
                )  # fmt: skip
                st.markdown(rows)
    st.caption(
        f"Large: network passes a layer by the textbook. Below: time of {run.settings.batch:,} points, median "
        "[quartiles], and points a second."
    )


def _measured(run: FlowRun, flow: str, task: str, dim: int) -> tuple[str, str | None, str]:
    """Network passes of a layer, what the quicker inversion makes of them, and times and rates in lines of Markdown."""
    single = at(run, flow, task, "", dim)
    found = [at(run, flow, task, method, dim) for method in ("naive", "incremental")]
    waits = (flow, task) in words.SEQUENTIAL
    passes = f"{dim} pass{'es' if dim > 1 else ''}" if waits else "1 pass"
    naive, quick = found
    beaten = words.beaten(naive, quick) if naive and quick else None
    rows = [
        (f"{words.METHODS[timing.method]} " if waits else "") + f"**{words.spread(timing)}**, {words.rate(timing)}/s"
        for timing in (single, *found)
        if timing is not None
    ]
    return passes, beaten, "  \n".join(f":small[{row}]" for row in rows) or "not measured"


def _explained(flow: str, task: str) -> str:
    return {
        ("maf", "sample"): "Draw u, give z. z₁ must be known before z₂ can be calculated, and so on.",
        ("maf", "density"): "log p(z) of points that are given: all that the network needs is there.",
        ("maf", "own_density"): "Draw z and give log p(z) of these very points: it falls out of drawing them.",
        ("iaf", "sample"): "Draw u, give z: all that the network needs is there.",
        ("iaf", "density"): "log p(z) of points that are given. u₁ must be known before u₂, and so on.",
        ("iaf", "own_density"): "Draw z and give log p(z) of these very points: their u is still known. All that a "
        "posterior is asked for.",
    }[
        flow, task
    ] + " Large: network passes a layer by the textbook. Below: median time of a batch [quartiles], points a second."


def picture(shown: Shown, chosen: Lines, dim: int) -> None:
    """Time against d, its caption and its numbers."""
    run, other = shown.run, shown.other
    says = f"{once(words.verdict, run, dim)} {once(words.mirror, run, dim)}"
    try:
        figure = ready(
            figures.flow_timing_figure, run, tasks=chosen.tasks, flows=chosen.flows, methods=chosen.methods, other=other
        )
    except ValueError:
        st.info("Nothing is left to draw: choose a flow and a panel above.")
    else:
        charts.chart(figure, "flow-timing", says)
    beside = ""
    if other is not None:
        where = f"{words.moment(other.stamp)}, {words.place_words(other)}"
        beside = f" Hollow: {where}, {other.settings.batch:,} points a batch."
    charts.caption(
        "Time of a batch against d, both axes logarithmic; whiskers are quartiles, dotted lines have slopes 0 and 1. "
        f"Sampling draws u and gives z, density gives log p(z) of given z. {words.settings_words(run)}{beside}"
    )
    for reason in run.left_out:
        st.caption(f"Left out: {reason}.")
    tables = {"Timings": partial(timing_tables.timings_csv, run), "Checks": partial(timing_tables.checks_csv, run)}
    if other is not None:
        tables["Two runs"] = partial(timing_tables.comparison_csv, run, other)
    downloads.keep(tables, "flow-timing")


def tables(shown: Shown, dim: int) -> None:
    """The times at one d, the errors of what was timed, and the second run beside the first."""
    run = shown.run
    st.header(f"Times and errors at d = {dim}")
    st.markdown(f"{words.errors(run)} What was timed is what was checked.")
    left, right = st.columns([1.5, 1])
    with left:
        charts.frame(once(figures.timing_table, run, dim), f"Times and passes of every case at d = {dim}")
        st.caption(
            f"{run.settings.batch:,} points; every flow has {run.settings.layers} layers. Passes are of a layer."
        )
    with right:
        charts.frame(once(figures.check_table, run, dim), f"Errors of every flow at d = {dim}")
        st.caption(
            f"Largest over the points, {run.settings.dtype}: |f(g(u)) − u|; difference to the textbook loop in "
            "float64; log-determinant against slogdet of autograd's Jacobian, for small d."
        )
    if shown.other is not None:
        _comparison(run, shown.other, dim)


def _comparison(run: FlowRun, other: FlowRun, dim: int) -> None:
    st.subheader("Two runs beside each other")
    rows = once(figures.comparison_table, run, other, dim)
    if rows:
        charts.frame(rows, f"Times of the two runs at d = {dim} and their ratios")
        st.caption("Ratio of medians; in brackets how far the quartiles of both let it reach.")
    else:
        st.info(f"The two runs have nothing in common at d = {dim}.")
    st.caption(f"Shown: {words.settings_words(run)}\n\nBeside it: {words.settings_words(other)}")


@fragment
def dependency() -> None:
    """The diagram of steps against one pass."""
    chosen = st.segmented_control(
        "Flow of the diagram", ["maf", "iaf"], default="maf", required=True, key="waiting", bind="query-params",
        format_func=words.FLOWS.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    flow = "iaf" if chosen == "iaf" else "maf"
    letter, slow, quick = ("z", "sampling", "the density") if flow == "maf" else ("u", "the density", "sampling")
    says = (
        f"{words.FLOWS[flow]} with d = 6: {letter}₆ needs {letter}₁ to {letter}₅, and so on down, so {slow} takes six "
        f"passes, each of six outputs of which one is kept; incrementally it is six steps of one output; {quick} is "
        "one pass of six outputs."
    )
    charts.chart(ready(figures.dependency_figure, 6, flow), f"waits-{flow}", says, name=f"dependency-{flow}")
    charts.caption(
        f"{says} Rows are passes from top to bottom, columns are coordinates. Press Play or move the slider to see one "
        "pass after the other."
    )
    downloads.keep({"Steps": lambda: figures.dependency_table(6, flow)}, f"dependency-{flow}")
