"""What a figure shows as text that a spreadsheet reads: comma-separated values, one header line, full precision."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from core.records import CurvePoint, DensityGrid, Draws


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    r"""Rows under a header line.

    Example:
        >>> write_csv(["a", "b"], [[1, "x,y"]])
        'a,b\n1,"x,y"\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def grid_csv(q: DensityGrid, p: DensityGrid, axes: tuple[str, str]) -> str:
    """Both densities, one line a cell: its centre, log q and log p in nats."""
    x, y = (part.ravel() for part in np.meshgrid(q.x, q.y))
    columns = (x, y, q.log_density.ravel(), p.log_density.ravel())
    return write_csv([*axes, "log_q", "log_p"], zip(*(column.tolist() for column in columns), strict=True))


def draws_csv(found: Draws, axes: tuple[str, str], class_names: Sequence[str] = ()) -> str:
    """Draws of q(z) and of p(z), one line each: source, image row, class, place in the view, all d coordinates.

    The row counts the images of the split from 0; draws of the prior have no row and no class.
    """
    header = ["source", "row", "class", *axes, *(f"z{j + 1}" for j in range(found.q_z.shape[1]))]
    names = ["" for _ in found.rows]
    if found.labels is not None:
        names = [class_names[k] if k < len(class_names) else str(k) for k in found.labels.tolist()]
    of_q = zip(found.rows.tolist(), names, found.q.tolist(), found.q_z.tolist(), strict=True)
    lines = [["q", row, name, *place, *z] for row, name, place, z in of_q]
    lines += [["p", "", "", *place, *z] for place, z in zip(found.p.tolist(), found.p_z.tolist(), strict=True)]
    return write_csv(header, lines)


def terms_csv(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Every estimate of some models' evaluations, one line each: model, term, nats, standard error."""
    lines = [
        [name, key, value["value"], value["se"]]
        for name, metrics in rows
        for key, value in metrics.items()
        if isinstance(value, dict) and "value" in value
    ]
    return write_csv(["model", "term", "nats", "standard error"], lines)


def curves_csv(rows: Sequence[tuple[str, Sequence[CurvePoint]]]) -> str:
    """The points of some models' curves, one line each."""
    lines = [
        [name, point.at, point.estimate.value, point.estimate.se, "" if point.ess is None else point.ess]
        for name, points in rows
        for point in points
    ]
    return write_csv(["model", "at", "nats", "standard error", "median effective samples"], lines)


def dimensions_csv(information: np.ndarray, activity: np.ndarray, kl: np.ndarray | None = None) -> str:
    """Of each dimension, from 1: information and, where given, KL, (d, 2) with errors; variance of the mean (d,)."""
    names, columns = ["dimension", "information, nats", "standard error"], [information]
    if kl is not None:
        names, columns = [*names, "average KL, nats", "standard error of the KL"], [information, kl]
    rows = np.column_stack([*columns, activity]).tolist()
    return write_csv([*names, "variance of the posterior mean"], ([j + 1, *row] for j, row in enumerate(rows)))
