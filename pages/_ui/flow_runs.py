"""Timing runs as a page lists them: which one is shown, which stands beside it, and which files are broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import figures
from core.flow_timing_file import list_runs
from core.flow_timing_records import FlowRun, StoredRun
from core.flow_timing_summary import MAX_POOLED, pool, poolable
from core.plain_text import shown_error
from pages._ui import charts

NEWEST = "newest"
"""The choice that follows whatever was measured last."""


@dataclass(frozen=True)
class Shown:
    """What the page draws.

    Attributes:
        run: the run, or the pooled runs.
        single: the chosen run itself.
        other: the run to compare with.
    """

    run: FlowRun
    single: FlowRun
    other: FlowRun | None


def choose() -> Shown | None:
    """The list of all runs and what is chosen from it; None where there is none that can be used."""
    try:
        stored = list_runs()
    except ValueError as error:
        st.error(shown_error(error))
        return None
    usable = {_label(item, stored): item for item in stored if item.run is not None}
    st.header("Past runs")
    shown = _chosen(usable) if usable else None
    broken(stored)
    if shown is None:
        st.info("Nothing has been measured yet, and no run came with the program. Measure one above.")
        return None
    with st.expander("The run as a table" if len(usable) == 1 else f"All {len(usable)} runs as a table"):
        table = figures.run_table([item for item in stored if item.run])
        charts.frame(table, "When, where and with which settings each run was measured")
    return shown


def forget_missing(key: str, options: Sequence[Any]) -> None:
    """Let a widget fall back to its default where what it holds is no longer offered."""
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]


def broken(stored: Sequence[Any]) -> None:
    """The files that cannot be used, with their reasons."""
    reasons = [f"- {item.name}: {shown_error(item.error)}" for item in stored if item.error]
    if reasons:
        kind = "run cannot be used" if len(reasons) == 1 else "runs cannot be used"
        st.warning(f"{len(reasons)} {kind}:\n" + "\n".join(reasons))


def _label(item: StoredRun, stored: Sequence[StoredRun]) -> str:
    """The moment of a run; with its file's name where two began in the same second."""
    label = figures.run_label(item)
    same = [other for other in stored if other.run is not None and figures.run_label(other) == label]
    return label if len(same) == 1 else f"{label} ({item.name})"


def _chosen(usable: dict[str, StoredRun]) -> Shown:
    runs = {label: item.run for label, item in usable.items() if item.run is not None}
    options = [NEWEST, *runs]
    forget_missing("run", options)
    forget_missing("beside", list(runs))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox("Run shown", options, key="run", bind="query-params", width=330)
        other = st.selectbox(
            "Compare with", list(runs), index=None, key="beside", bind="query-params", width=330, placeholder="none",
        )  # fmt: skip
        single = runs[label] if label in runs else next(iter(runs.values()))
        same = [run for run in runs.values() if poolable(run, single)][:MAX_POOLED]
        whole = st.toggle(
            "All repeats of the same settings on this machine", key="pool", bind="query-params",
            disabled=len(same) < 2, help=f"{len(same)} of the runs have these settings; together "
            f"{sum(run.settings.repeats for run in same)} repeats.",
        )  # fmt: skip
    run = pool(same) if whole and len(same) > 1 else single
    return Shown(run, single, runs.get(other) if other else None)
