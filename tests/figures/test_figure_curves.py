"""Curves stand under their ceilings with their errors; dimensions are sorted and marked as active or not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.figures import theme
from core.figures.curves import information_curve, likelihood_curve
from core.figures.dimension_words import dimensions_sentence
from core.figures.per_dimension import dimension_bars
from core.records import CurvePoint, DimensionInformation, Estimate

INFORMATION = [
    CurvePoint(10, Estimate(2.2, 0.01)),
    CurvePoint(100, Estimate(4.4, 0.02)),
    CurvePoint(1000, Estimate(6.0, 0.0)),
]
LIKELIHOOD = [CurvePoint(1, Estimate(-90.0, 0.5), 1.0), CurvePoint(100, Estimate(-88.0, 0.4), 40.0)]


def of(figure, name, axis="x"):
    (trace,) = [t for t in figure.data if t.name == name and (t.xaxis or "x") == axis]
    return trace


def test_ceilings_are_log_m_and_log_n():
    figure = information_curve([("a", INFORMATION)], math.log(5000))
    rise, flat = of(figure, "ceiling log M"), of(figure, "ceiling log n")
    np.testing.assert_allclose(rise.y, np.log(rise.x), rtol=1e-5)
    assert rise.x[-1] == pytest.approx(5000, rel=1e-4)
    np.testing.assert_allclose(flat.y, math.log(5000), rtol=1e-6)
    assert rise.line.dash != "solid"
    low, high = figure.layout.xaxis.range
    assert 10**low < 10 and 10**high > 5000
    assert "xaxis2" not in figure.layout.to_plotly_json()
    assert list(figure.layout.xaxis.ticktext) == ["10", "100", "1,000"]


def test_points_are_exactly_at_their_effort_with_95_percent_whiskers():
    figure = information_curve([("a", INFORMATION), ("b", INFORMATION)], math.log(5000))
    for name in "ab":
        trace = of(figure, name)
        assert trace.x.tolist() == [10, 100, 1000]  # moved aside, a point would cross the ceiling
        np.testing.assert_allclose(trace.y, [2.2, 4.4, 6], rtol=1e-6)
        np.testing.assert_allclose(trace.error_y.array, [0.0196, 0.0392, 0], rtol=1e-5)
        assert list(trace.customdata[1][1:]) == [
            "100",
            "4.40 ± 0.02",
        ]


def test_the_inferred_marginal_kl_mirrors_the_information():
    figure = information_curve([("a", INFORMATION)], math.log(5000), {"a": Estimate(7.0, 0.03)})
    trace = of(figure, "a", "x2")
    np.testing.assert_allclose(trace.y, [4.8, 2.6, 1.0], rtol=1e-6)
    np.testing.assert_allclose(trace.error_y.array[1], 1.96 * math.hypot(0.03, 0.02), rtol=1e-5)
    assert not trace.showlegend and of(figure, "a").showlegend


def test_seven_models_have_seven_looks():
    rows = [(str(k), INFORMATION) for k in range(7)]
    traces = [t for t in information_curve(rows, math.log(5000)).data if t.name in "0123456"]
    assert len({t.line.color for t in traces}) == len({t.marker.symbol for t in traces}) == 7
    assert len({theme.model_style(k) for k in range(280)}) == 280


def test_likelihood_with_exact_value_and_effective_share():
    figure = likelihood_curve([("a", LIKELIHOOD), ("b", LIKELIHOOD)], {"b": Estimate(-87.5, 0.4)})
    share = of(figure, "a", "x2")
    np.testing.assert_allclose(share.y, [100, 40])
    np.testing.assert_allclose(share.x, [1, 100])
    (level,) = [t for t in figure.data if t.mode == "lines" and t.name == "b"]
    np.testing.assert_allclose(level.y, -87.5)
    assert level.line.color == theme.model_style(1)[0]
    (first, second) = [t for t in figure.data if t.mode == "lines+markers" and t.xaxis == "x"]
    assert first.x[0] < 1 < second.x[0] < 1.2  # side by side, so that whiskers are told apart
    np.testing.assert_allclose(second.y, [-90, -88])
    low, high = figure.layout.xaxis2.range
    assert all(10**low < x < 10**high for t in (first, second) for x in t.x)
    assert figure.layout.xaxis.matches == "x2"


def test_without_effective_sizes_there_is_one_panel():
    bare = [CurvePoint(point.at, point.estimate) for point in LIKELIHOOD]
    figure = likelihood_curve([("a", bare)])
    assert {t.xaxis for t in figure.data} == {"x"}
    assert figure.layout.xaxis.title.text == "samples S per image"
    assert "exact log p(x)" not in [t.name for t in figure.data]


@pytest.mark.parametrize(
    ("message", "build"),
    [
        ("one or more", lambda: information_curve([], 5.0)),
        ("each name once", lambda: likelihood_curve([("a", LIKELIHOOD)] * 2)),
        ("rising", lambda: likelihood_curve([("a", LIKELIHOOD[::-1])])),
        ("rising", lambda: likelihood_curve([("a", [])])),
        ("log_n", lambda: information_curve([("a", INFORMATION)], 0.0)),
        ("average_kl lacks", lambda: information_curve([("a", INFORMATION)], 5.0, {"b": Estimate(1.0, 0.0)})),
        ("not among the rows", lambda: likelihood_curve([("a", LIKELIHOOD)], {"b": Estimate(1.0, 0.0)})),
        ("information must be", lambda: dimension_bars(np.ones((3, 2)), np.ones(2), 0.01)),
        ("activity must be", lambda: dimension_bars(np.ones((1, 2)), np.array([np.nan]), 0.01)),
        ("kl must be", lambda: dimension_bars(np.ones((3, 2)), np.ones(3), 0.01, np.ones(3))),
        ("threshold", lambda: dimension_bars(np.ones((3, 2)), np.ones(3), 0.0)),
    ],
)
def test_wrong_input_is_refused_with_the_reason(message, build):
    with pytest.raises(ValueError, match=message):
        build()


def test_dimensions_are_sorted_and_split_by_activity():
    information = np.array([[0.5, 0.05], [2.0, 0.1], [0.001, 0.001], [1.0, 0.02]])
    figure = dimension_bars(information, np.array([0.3, 0.9, 0.002, 0.01]), 0.01)
    active, inactive = figure.data
    assert (active.x.tolist(), inactive.x.tolist()) == ([0, 2], [1, 3])
    assert active.name == "information, active: 2 of 4"
    np.testing.assert_allclose(active.y, [2.0, 0.5])
    np.testing.assert_allclose(inactive.y, [1.0, 0.001])  # on the threshold is not above it
    np.testing.assert_allclose(active.error_y.array, [0.196, 0.098], rtol=1e-5)
    assert list(figure.layout.xaxis.ticktext) == ["2", "4", "1", "3"]
    assert list(active.text) == ["2.00 ± 0.10", "0.50 ± 0.05"]
    assert inactive.marker.color == theme.TRANSPARENT and inactive.marker.pattern.shape == "/"
    forty = dimension_bars(np.stack([np.arange(40.0), np.ones(40)], 1), np.ones(40), 0.01)
    assert forty.data[0].text is None and len(forty.data) == 1


def test_the_kl_of_a_dimension_is_marked_where_it_has_one():
    information, kl = np.array([[0.5, 0.05], [2.0, 0.1]]), np.array([[0.7, 0.01], [2.5, 0.02]])
    figure = dimension_bars(information, np.array([0.3, 0.9]), 0.01, kl)
    dashes = figure.data[-1]
    np.testing.assert_allclose(dashes.y, [2.5, 0.7])  # in the order of the bars
    np.testing.assert_allclose(dashes.error_y.array, [0.0392, 0.0196], rtol=1e-5)
    assert dashes.hovertext[0] == (
        "dimension 2<br>information 2.00 ± 0.10 nats<br>average KL 2.50 ± 0.02 nats<br>variance of the mean 0.9"
    )
    assert figure.layout.yaxis.range == pytest.approx((0, 1.05 * (2.5 + 1.96 * 0.02)))
    assert dimension_bars(information, np.array([0.3, 0.9]), 0.01, top=7.0).layout.yaxis.range == (0, 7)
    below = dimension_bars(np.array([[-0.5, 0.1], [1.0, 0.1]]), np.array([0.3, 0.9]), 0.01)
    assert below.layout.yaxis.range[0] < -0.5  # noise is shown
    assert "average KL" not in dimension_bars(information, np.array([0.3, 0.9]), 0.01).data[0].hovertext[0]


def test_what_is_said_of_dimensions():
    def used(*values: float) -> DimensionInformation:
        spread = tuple(0.5 if value > 0.1 else 0.0 for value in values)
        return DimensionInformation(tuple(Estimate(value, 0.01) for value in values), spread, 100, 100)

    tied = dimensions_sentence("a", used(0.5, 0.0, 2.0), None, 0.01, no_split="No sum.")
    assert tied == (
        "a: 2 of 3 dimensions are active. The most telling one alone holds 2.00 ± 0.01 nats of information, the median "
        "one 0.50; 0 is nothing, and log n = 4.61 tells every image. No sum."
    )
    one = dimensions_sentence("a", used(1.5), None, 0.01, no_split="No sum.")
    assert one.startswith("a: 1 of 1 dimension is active. It holds 1.50 ± 0.01 nats") and "No sum" not in one
