"""Maps show each draw once with its own row, by turns, on one window; selections come back by row."""

from __future__ import annotations

import numpy as np
import pytest

from core.figures import theme
from core.figures.layers import MAX_POINTS
from core.figures.maps import embedding_map, plane_scatter
from core.records import Embedding


@pytest.fixture
def embedding():
    """50 draws of each, of images 100 to 149."""
    random = np.random.default_rng(0)
    q, p = (random.normal(size=(50, 2)).astype(np.float32) for _ in "qp")
    return Embedding(q, p, q, p, np.arange(100, 150), 30.0, 30.0, 0, 1.0, 0.9, "t-SNE", 1.0)


def shown(figure, axis="x"):
    return [t for t in figure.data if t.type == "scattergl" and t.xaxis == axis]


def test_every_draw_is_shown_once_at_its_place_with_its_row(embedding):
    seen = {"q": [], "p": []}
    for trace in shown(embedding_map(embedding)):
        for x, y, (kind, row) in zip(trace.x, trace.y, trace.customdata, strict=True):
            seen[kind].append(row)
            assert (x, y) == tuple((embedding.q if kind == "q" else embedding.p)[row])
    assert sorted(seen["q"]) == sorted(seen["p"]) == list(range(50))


def test_neither_lies_over_the_other(embedding):
    traces = shown(embedding_map(embedding))
    assert [t.name for t in traces] == ["q", "p"] * 8
    sizes = [len(t.x) for t in traces]
    assert max(sizes) - min(sizes) <= 1


def test_looks_differ_by_colour_and_by_form(embedding):
    q, p = shown(embedding_map(embedding))[:2]
    assert (q.marker.color, q.marker.symbol) == (theme.DATA, "circle")
    assert (p.marker.color, p.marker.symbol) == (theme.PRIOR, "diamond-open")
    assert q.unselected.marker.opacity == theme.UNPICKED_ALPHA < q.selected.marker.opacity


def test_classes_have_a_panel_of_their_own_on_the_same_window(embedding):
    labels = np.arange(50) % 3
    figure = embedding_map(embedding, labels, ["cat", "dog"])
    (trace,) = shown(figure, "x2")
    np.testing.assert_array_equal(trace.marker.color, labels)
    assert [list(mark) for mark in trace.customdata] == [["q", row] for row in range(50)]
    assert trace.hovertext[1] == "q(z): draw 1<br>class dog"
    assert [t.name for t in figure.data if t.showlegend] == ["cat", "dog", "2"]
    layout = figure.layout
    assert (layout.xaxis2.matches, layout.yaxis2.matches, layout.yaxis.scaleanchor) == ("x", "y", "x")
    assert layout.xaxis.showticklabels is False and layout.yaxis.showticklabels is False
    both = np.concatenate([embedding.q, embedding.p])
    for axis, values in ((layout.xaxis, both[:, 0]), (layout.yaxis, both[:, 1])):
        assert axis.range[0] < values.min() and axis.range[1] > values.max()
    assert not shown(embedding_map(embedding), "x2")


def test_a_plane_has_numbers_and_names_on_its_axes(embedding):
    figure = plane_scatter(embedding.q, embedding.p[:7], ("PC 1", "PC 2"))
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("PC 1", "PC 2")
    assert figure.layout.xaxis.showticklabels is None
    marks = [tuple(mark) for t in shown(figure) for mark in t.customdata]
    assert sorted(marks) == sorted([("q", k) for k in range(50)] + [("p", k) for k in range(7)])


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        (r"q must be \(n, 2\)", {"q": np.zeros((4, 3))}),
        (r"p must be \(n, 2\)", {"p": np.full((4, 2), np.nan)}),
        (r"p must be \(n, 2\)", {"p": np.zeros((0, 2))}),
        ("points together", {"p": np.zeros((MAX_POINTS, 2))}),
        ("labels must be", {"labels": np.zeros(3, int)}),
        ("labels must be", {"labels": np.full(4, -1)}),
    ],
)
def test_wrong_input_is_refused_with_the_reason(message, arguments):
    with pytest.raises(ValueError, match=message):
        plane_scatter(**({"q": np.zeros((4, 2)), "p": np.zeros((4, 2))} | arguments))
