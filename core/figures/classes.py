"""Which classes of a data set get a colour and a name in the legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MOST = 20
"""Classes that a legend names one by one."""
KEPT = 7
"""Classes that keep a colour where there are more: the next colour is the grey of all others."""


def named(labels: np.ndarray, class_names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Place of each point in the legend, and the legend's names.

    With more than 20 classes (Caltech-101 has 101) the seven that occur most often keep a name, in the order of their
    numbers; all others share the last entry, which says how many they are.

    Args:
        labels: (n,) class of each point, from 0.
        class_names: names by class; numbers where there are too few.

    Returns:
        (n,) int64 and a name for each place.

    Example:
        >>> named(np.array([0, 2]), ["zero", "one"])[1]
        ['zero', 'one', '2']
    """
    index = labels.astype(np.int64)
    count = max(int(index.max(initial=0)) + 1, len(class_names))
    names = [name_of(k, class_names) for k in range(count)]
    if count <= MOST:
        return index, names
    often = np.sort(np.argsort(-np.bincount(index, minlength=count), kind="stable")[:KEPT])
    place = np.full(count, KEPT)
    place[often] = np.arange(KEPT)
    return place[index], [*(names[k] for k in often), f"{count - KEPT} other classes"]


def name_of(index: int, class_names: Sequence[str]) -> str:
    """The name of a class, its number where it has none."""
    return str(class_names[index]) if 0 <= index < len(class_names) else str(index)
