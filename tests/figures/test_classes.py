"""The legend of a data set with a hundred classes."""

from __future__ import annotations

import numpy as np

from core.figures import theme
from core.figures.classes import KEPT, MOST, named
from core.figures.layers import point_traces


def test_few_classes_are_all_named_in_their_own_order() -> None:
    labels = np.array([2, 0, 2, 3])
    index, names = named(labels, ["a", "b", "c"])
    assert index.tolist() == labels.tolist() and names == ["a", "b", "c", "3"]


def test_of_many_classes_the_most_frequent_keep_a_name_and_the_rest_share_the_grey() -> None:
    labels = np.repeat(np.arange(101), np.r_[np.full(94, 1), np.arange(10, 17)])
    index, names = named(labels, [f"class {k}" for k in range(101)])
    assert names == [*(f"class {k}" for k in range(94, 101)), "94 other classes"]
    assert (index[labels < 94] == KEPT).all() and sorted(set(index.tolist())) == list(range(KEPT + 1))
    assert theme.class_style(KEPT)[0] == "#999999"


def test_as_many_names_as_a_legend_holds_are_all_written() -> None:
    assert len(named(np.arange(MOST), [])[1]) == MOST
    assert len(named(np.arange(MOST + 1), [])[1]) == KEPT + 1


def test_points_of_a_hundred_classes_leave_room_for_the_panels() -> None:
    labels = np.arange(500) % 101
    traces = point_traces(np.zeros((500, 2), np.float32), labels, [f"a long name {k}" for k in range(101)])
    assert len(traces) == 1 + KEPT + 1 and traces[0]["marker"]["cmax"] == KEPT + 0.5
