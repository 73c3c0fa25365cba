"""Which bill is paid when: what each flow prior costs in a training step, and in generating."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from core.figures import theme
from core.figures.drawing import Drawing, drawing
from core.figures.flow_timing_words import duration, moment, spread, times
from core.flow_timing_compare import ratio
from core.prior_bill_records import BilledPrior, BillRun, Cost, PriorBill

NAMES = {"standard": "N(0, I)", "maf": "MAF", "iaf": "IAF", "realnvp": "RealNVP"}
METHODS = {"naive": "textbook", "default": "as here", "": ""}
PANELS = {"step": "A training step", "generating": "Generating"}
"""The bill of training and the bill of use."""
_PAYERS: tuple[tuple[BilledPrior, BilledPrior, str, str], ...] = (
    ("iaf", "maf", "step", "in every training step"),
    ("maf", "iaf", "generating", "when it generates"),
)


def bill_name(bill: PriorBill) -> str:
    """What a row is called."""
    return " ".join(filter(None, (NAMES[bill.prior], METHODS[bill.method])))


def bill_figure(run: BillRun) -> Drawing:
    """Two panels, a row for each prior and inversion, time to the right: the largest d filled, the others hollow.

    Args:
        run: what was measured.

    Raises:
        ValueError: for a run without bills.
    """
    if not run.bills:
        raise ValueError("run has no bills: measure one prior or more")
    rows = list(dict.fromkeys(map(bill_name, run.bills)))
    dims = run.settings.dims
    traces = [_dots(run, what, axis, dim) for axis, what in zip(("", "2"), PANELS, strict=True) for dim in dims]
    layout = theme.layout(height=150 + 44 * len(rows), legend=[f"d = {dim}" for dim in dims])
    layout["margin"] |= {"l": 140, "t": layout["margin"]["t"] + 26, "r": 16}
    notes = []
    for axis, (what, title) in zip(("", "2"), PANELS.items(), strict=True):
        layout |= _axes(run, axis, rows)
        if what == "generating":
            title = f"{title} {run.settings.samples:,} images"
        notes.append(
            {
                "text": f"<b>{title}</b>", "x": layout[f"xaxis{axis}"]["domain"][0], "y": 1, "xref": "paper",
                "yref": "paper", "xanchor": "left", "yanchor": "bottom", "yshift": 5, "showarrow": False,
            }
        )  # fmt: skip
    return drawing(traces, layout | {"annotations": notes})


def bill_sentence(run: BillRun) -> str:
    """Which prior's bill is paid when, at the largest d, from the numbers."""
    dim = run.settings.dims[-1]
    parts = []
    for prior, rival, what, paid in _PAYERS:
        mine, other = run.bill(prior, dim, "naive"), run.bill(rival, dim, "naive")
        here = run.bill(prior, dim, "default")
        if mine is None or other is None:
            continue
        a, b = getattr(mine, what), getattr(other, what)
        text = f"{NAMES[prior]} pays {paid}: {spread(a)}, {times(ratio(a, b), f'as long as {NAMES[other.prior]}')}"
        if here is not None:
            text += f"; {spread(getattr(here, what))} with the inversion used here"
        parts.append(f"{text}.")
    couplings = run.bill("realnvp", dim, "")
    if couplings is not None:
        parts.append(
            f"RealNVP pays neither bill: {spread(couplings.step)} a step, {spread(couplings.generating)} to generate."
        )
    return f"At d = {dim}, by the textbook: " + " ".join(parts) if parts else f"What priors cost at d = {dim}."


def bill_caption(run: BillRun) -> str:
    """What was timed, where and when."""
    s, where = run.settings, run.machine
    load = "load not known" if where.load is None else f"load {where.load:.2f} at the start"
    return (
        f"New VAEs of {s.pixels} pixels with networks of {'-'.join(map(str, s.hidden))} units; a training step of "
        f"{s.batch:,} images is the bound, its gradients and Adam. {s.layers} flow layers of {s.width}-{s.width}, "
        f"RealNVP with as many parameters, random weights, seed {s.seed}. Median and quartiles of up to {s.repeats} "
        f"repeats in turns. {where.cpu}, {s.threads} thread{'' if s.threads == 1 else 's'}, float32, torch "
        f"{where.torch}, {load}. {moment(run.stamp)}."
    )


def bill_table(run: BillRun) -> list[dict[str, Any]]:
    """One row for each prior, inversion and d."""
    return [
        {
            "Prior": NAMES[bill.prior], "Inversion": METHODS[bill.method] or "one pass", "d": bill.dim,
            "Parameters": bill.parameters, "Passes, log p(z)": bill.passes_density,
            "Passes, sampling": bill.passes_sampling, "Training step": spread(bill.step),
            "of it log p(z) with gradients": spread(bill.density), f"{run.settings.samples:,} z": spread(bill.sampling),
            f"{run.settings.samples:,} images": spread(bill.generating),
        }
        for bill in run.bills
    ]  # fmt: skip


def _dots(run: BillRun, what: str, axis: str, dim: int) -> dict[str, Any]:
    """One d in one panel, with whiskers from quartile to quartile and the median in words at the largest d."""
    bills = [bill for bill in run.bills if bill.dim == dim]
    costs: list[Cost] = [getattr(bill, what) for bill in bills]
    last = dim == run.settings.dims[-1]
    symbols = [theme.FLOW_LOOKS.get(bill.prior, ("", "square"))[1] for bill in bills]
    colours = [theme.FLOW_LOOKS.get(bill.prior, (theme.NEUTRAL, ""))[0] for bill in bills]
    notes = [[bill_name(bill), f"d = {dim}", spread(cost)] for bill, cost in zip(bills, costs, strict=True)]
    return {
        "type": "scatter", "mode": "markers+text" if last else "markers", "name": f"d = {dim}", "meta": what,
        "x": np.array([1e3 * cost.median for cost in costs], np.float32), "y": [bill_name(bill) for bill in bills],
        "xaxis": f"x{axis}", "yaxis": f"y{axis}", "showlegend": axis == "", "legendgroup": f"d = {dim}",
        "marker": {
            "symbol": symbols if last else [f"{symbol}-open" for symbol in symbols], "color": colours, "size": 12,
            "line": {"width": 2, "color": colours}, "opacity": 1,
        },
        "error_x": {
            "type": "data", "symmetric": False, "color": theme.NEUTRAL, "thickness": 1.5, "width": 5,
            "array": np.array([1e3 * (cost.high - cost.median) for cost in costs], np.float32),
            "arrayminus": np.array([1e3 * (cost.median - cost.low) for cost in costs], np.float32),
        },
        "text": [f"  {duration(cost.median)}" for cost in costs] if last else None, "textposition": "top center",
        "textfont": {"size": theme.FONT_SMALL}, "customdata": notes, "cliponaxis": False,
        "hovertemplate": "<b>%{customdata[0]}</b>, %{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    }  # fmt: skip


def _axes(run: BillRun, axis: str, rows: list[str]) -> dict[str, Any]:
    """The same span of time in both panels: what is paid where is seen at once."""
    every = [1e3 * edge for bill in run.bills for name in PANELS for edge in _ends(getattr(bill, name))]
    low, high = math.log10(min(every)), math.log10(max(every))
    margin = 0.12 * max(high - low, 0.3)
    powers = [10.0**k for k in range(math.floor(low - margin), math.ceil(high + margin) + 1)]
    steps = (1, 3) if high - low < 2.5 else (1,)
    values = [step * power for power in powers for step in steps]
    x = {
        "type": "log", "range": [low - margin, high + margin], "domain": [0.0, 0.48] if axis == "" else [0.52, 1.0],
        "tickvals": values, "ticktext": [f"{v / 1e3:g} s" if v >= 1e3 else f"{v:g} ms" for v in values],
        "title": theme.axis_title("time, median and quartiles", 4), "anchor": f"y{axis}",
    }  # fmt: skip
    y = {
        "type": "category", "categoryorder": "array", "categoryarray": rows,
        "tickvals": list(range(len(rows))), "ticktext": rows, "range": [len(rows) - 0.4, -0.7],
        "showticklabels": axis == "", "ticks": "", "anchor": f"x{axis}", "showgrid": True,
        "gridcolor": theme.rgba(theme.NEUTRAL, 0.25),
    }  # fmt: skip
    return {f"xaxis{axis}": theme.AXIS | x, f"yaxis{axis}": theme.AXIS | y}


def _ends(cost: Cost) -> tuple[float, float]:
    return cost.low, cost.high
