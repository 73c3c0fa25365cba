"""The components of a mixture prior as text that a spreadsheet reads."""

from __future__ import annotations

from collections.abc import Sequence

from core.component_records import Components, Path, Steps
from core.nearest_records import Copies
from core.tables import write_csv


def components_csv(found: Components, class_names: Sequence[str] = (), copies: Copies | None = None) -> str:
    """One line a component, from 1: usage with its error, whether dead, nearest component, spread, class mix.

    Args:
        found: what is known of the components.
        class_names: heads of the columns of the class mix; numbers where none are given.
        copies: how near the components come to training images, where that is known.
    """
    classes = 0 if found.class_mix is None else found.class_mix.shape[1]
    names = [class_names[c] if c < len(class_names) else str(c) for c in range(classes)]
    header = ["k", "weight", "usage", "usage standard error", "dead", "nearest k", "Bhattacharyya distance"]
    header += ["duplicate", "spread", "effective images", *(f"share of class {name}" for name in names)]
    header += [] if found.saturated is None else ["share of saturated pixels"]
    if copies is not None:
        header += ["share of test images as near to a training image", "share whose nearest stands out as much"]
    rows = []
    for k in range(len(found)):
        row = [k + 1, found.weight[k], found.usage[k], found.usage_se[k], int(found.dead[k])]
        row += [int(found.neighbour[k]) + 1, found.neighbour_distance[k], int(found.duplicated[k]), found.spread[k]]
        row += [found.images_behind[k], *([] if found.class_mix is None else found.class_mix[k].tolist())]
        row += [] if found.saturated is None else [found.saturated[k]]
        row += [] if copies is None else [copies.closer[k], copies.apart[k]]
        rows.append(row)
    return write_csv(header, rows)


def steps_csv(found: Steps) -> str:
    """One line a draw of the prior: its component, from 1, and its code."""
    header = ["draw", "k", *(f"z{j + 1}" for j in range(found.z.shape[1]))]
    lines = ([n + 1, int(k) + 1, *z] for n, (k, z) in enumerate(zip(found.component, found.z.tolist(), strict=True)))
    return write_csv(header, lines)


def path_csv(ways: Sequence[tuple[str, Path]]) -> str:
    """One line a place of each way: its name, the share of it, both log-densities in nats, the code."""
    header = ["way", "t", "log q, nats", "log p, nats", *(f"z{j + 1}" for j in range(ways[0][1].z.shape[1]))]
    lines = [
        [name, t, log_q, log_p, *z]
        for name, way in ways
        for t, log_q, log_p, z in zip(
            way.t.tolist(), way.log_q.tolist(), way.log_p.tolist(), way.z.tolist(), strict=True
        )
    ]
    return write_csv(header, lines)
