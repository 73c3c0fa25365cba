"""The ladder's values in their panels, its table, and answers that claim no more than the test split can show."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from core.figures.ladder import ladder_figure, ladder_table
from core.figures.ladder_words import ladder_answers
from core.ladder_records import Ladder, Rung, reference_of
from core.records import Estimate

SPLITS = ("train", "validation", "test")
NULL = Estimate(0.1, 0.002)


def rung(kind, size, train, test, *, validation=None, seconds=1.0, parameters=10):
    values = [Estimate(value, 0.02) for value in (train, test if validation is None else validation, test)]
    title = f"{kind} {size}" if size else kind
    return Rung(kind, title, size, parameters, seconds, *values, *[Estimate(0.0, 0.0)] * 3)


def ladder(*rungs, noise=1.0, null: Estimate | None = NULL) -> Ladder:
    """Paired standard error of every difference: noise * sqrt(2 / 100); of every gain: 0.01."""
    base = rungs[reference_of([rung.kind for rung in rungs])] if rungs else None
    found = []
    for one in rungs:
        se = 0.0 if one is base else 0.01
        won = {f"{s}_gain": Estimate(getattr(base, s).value - getattr(one, s).value, se) for s in SPLITS}
        found.append(replace(one, **won))
    covariance = 5.0 + noise**2 * np.eye(len(rungs))
    nulls = Estimate(0.05, 0.001), null, null
    return Ladder(tuple(found), covariance, *nulls, 500, 100, 100, 2000, 0, "d")


def whole(**changes):
    return ladder(
        rung("standard", 1, 1.4, 1.5, seconds=0.0, parameters=0), rung("gaussian", 1, 1.0, 1.1),
        rung("mog", 100, 0.3, 0.5), rung("mog", 10, 0.5, 0.6), rung("vamp", 100, 0.2, 0.9, parameters=78_400),
        rung("subset", 10, 1.3, 1.35), rung("aggregated", 500, -1e-13, 0.8, parameters=0),
        rung("maf", None, 0.4, 0.45, seconds=30.0), **changes,
    )  # fmt: skip


def deep():
    """As in forty dimensions: few posteriors lie far below N(0, I), all of them far above it on their own images."""
    return ladder(
        rung("standard", 1, 17.0, 18.0, seconds=0.0), rung("gaussian", 1, 16.9, 17.9),
        rung("mog", 1, 17.1, 18.1), rung("mog", 10, 17.0, 18.4), rung("mog", 100, 16.0, 17.0),
        rung("subset", 10, 317.0, 316.0, seconds=0.0), rung("aggregated", 50_000, 0.0, 44.5, seconds=0.0), null=None,
    )  # fmt: skip


def of(figure, name, axis, split):
    (trace,) = [t for t in figure.data if t.name == name and t.xaxis == f"x{axis}" and t.meta == split]
    return trace


def test_families_with_a_size_stand_over_their_components():
    figure = ladder_figure(whole(noise=0.1))
    test, train = (of(figure, "mixture of Gaussians", "2", split) for split in ("test", "train"))
    assert test.x.tolist() == train.x.tolist() == [10, 100]
    np.testing.assert_allclose(test.y, [0.9, 1.0], rtol=1e-6)  # 1.5 less 0.6 and 0.5
    np.testing.assert_allclose(train.y, [0.9, 1.1], rtol=1e-6)
    np.testing.assert_allclose(test.error_y.array, 1.96 * 0.01, rtol=1e-5)
    assert train.error_y.array is None
    assert (set(test.marker.symbol), set(train.marker.symbol)) == ({"circle"}, {"circle-open"})
    lines = [of(figure, "mixture of Gaussians", "2", f"{split} line") for split in ("test", "train")]
    assert [line.line.dash for line in lines] == ["solid", "5px,4px"]
    np.testing.assert_allclose(lines[0].y, [0.9, 1.0], rtol=1e-6)
    assert of(figure, "training posteriors", "2", "test").x.tolist() == [10, 500]  # subsets and the whole, one line
    assert not [t for t in figure.data if t.name == "MAF" and t.xaxis == "x2" and t.meta != "key"]
    assert list(figure.layout.xaxis.ticktext) == ["N(0, I)", "Gaussian", "MAF"]
    assert "1.00 ± 0.01" in test.customdata[1][1] and "0.50 ± 0.02" in test.customdata[1][2]
    assert "nats over N(0, I)" in test.hovertemplate


def test_up_is_better_and_the_reference_is_the_line_at_zero():
    axis = ladder_figure(whole()).layout.yaxis
    assert axis.title.text == "ELBO gained over N(0, I), nats" and axis.zeroline
    assert axis.range[0] < 0 and axis.range[1] > 1.4
    other = ladder_figure(ladder(rung("mog", 5, 1.0, 1.0), rung("mog", 9, 0.5, 0.5)))
    assert other.layout.yaxis.title.text == "ELBO gained over mog 5, nats"


def test_seconds_have_a_floor_that_is_named():
    figure = ladder_figure(whole())
    np.testing.assert_allclose(of(figure, "N(0, I)", "3", "test").x, [0.01], rtol=1e-6)
    np.testing.assert_allclose(of(figure, "MAF", "3", "test").x, [30], rtol=1e-6)
    assert figure.layout.xaxis3.ticktext[0] == "≤ 0.01"
    assert 10 ** figure.layout.xaxis3.range[1] > 30


def test_a_perfect_prior_runs_through_every_panel_where_it_is_known():
    figure = ladder_figure(whole())
    lines = [t for t in figure.data if t.name == "a perfect prior (test)"]
    assert [t.xaxis for t in lines] == ["x", "x2", "x3"]
    assert all(np.allclose(t.y, 1.4) for t in lines)  # the 1.5 of N(0, I) less the null of 0.1
    assert (figure.layout.yaxis2.matches, figure.layout.yaxis3.matches) == ("y", "y")
    assert not [t for t in ladder_figure(deep()).data if t.name == "a perfect prior (test)"]


def test_what_lies_far_off_is_a_triangle_with_its_number():
    figure = ladder_figure(deep())
    low, high = figure.layout.yaxis.range
    assert -1.2 < low < -0.5 and 1.0 < high < 2.5, "the mixtures fill the axis"
    every = of(figure, "training posteriors", "2", "test")
    assert list(every.marker.symbol) == ["triangle-down", "triangle-down"]
    assert all(low < y < -0.4 for y in every.y) and list(every.error_y.array) == [0, 0]
    own = of(figure, "training posteriors", "2", "train")
    assert list(own.marker.symbol) == ["triangle-down-open", "triangle-up-open"] and 1.0 < own.y[1] < high
    told = {(note.xref, note.text) for note in figure.layout.annotations if note.xref != "paper"}
    assert told == {
        ("x2", "−298"), ("x2", "−26.5"), ("x2", "17.0 train"),
        ("x3", "−298 to −26.5"),
    }  # fmt: skip
    assert "−26.50 ± 0.01" in every.customdata[1][1]
    for size in (10, 100):  # mixtures of ten components and more are never off the axis
        trace = of(figure, "mixture of Gaussians", "2", "test")
        assert trace.marker.symbol[list(trace.x).index(size)] == "circle"
    assert None not in of(figure, "mixture of Gaussians", "2", "test line").y
    assert None in of(figure, "training posteriors", "2", "test line").y, "a line between two points off the axis"


def test_the_axis_reaches_rungs_that_count_and_a_perfect_prior():
    below = ladder_figure(ladder(rung("standard", 1, 9.0, 9.0), rung("gaussian", 1, 8.0, 8.0),
                                 rung("vamp", 10, 11.0, 11.0), rung("vamp", 5, 12.0, 12.0)))  # fmt: skip
    trace = of(below, "VampPrior", "2", "test")
    assert list(trace.marker.symbol) == ["triangle-down", "diamond"] and trace.y[1] == -2
    assert below.layout.yaxis.range[1] > 8.9, "the line of a perfect prior"
    hopeless = ladder_figure(ladder(rung("standard", 1, 9.0, 9.0), rung("vamp", 10, 309.0, 309.0), null=None))
    assert hopeless.layout.yaxis.range[0] < -300, "where nothing is better than the reference all is shown"
    coupled = ladder_figure(ladder(rung("standard", 1, 9.0, 9.0), rung("mog", 10, 8.0, 8.0),
                                   rung("vamp", 10, 309.0, 309.0), null=None))  # fmt: skip
    assert coupled.layout.yaxis.range[0] > -1, "what cannot be shown takes no room"


def test_many_numbers_at_one_place_are_a_range():
    rungs = [rung("subset", k, 50.0 + k, 50.0 + k, seconds=0.0) for k in (10, 20, 30, 40, 50)]
    figure = ladder_figure(ladder(rung("standard", 1, 1.5, 1.5), rung("mog", 10, 1.0, 1.0), *rungs))
    (note,) = [note for note in figure.layout.annotations if note.xref == "x3"]
    assert note.text == "−98.5 to −58.5"
    rungs += [rung("vamp", k, 80.0, 80.0, seconds=0.0) for k in (10, 11)]
    figure = ladder_figure(ladder(rung("standard", 1, 1.5, 1.5), rung("mog", 10, 1.0, 1.0), *rungs))
    notes = [note for note in figure.layout.annotations if note.xref == "x3"]
    assert [re.sub("<.*?>", "", note.text) for note in notes] == ["▼ −98.5 to −58.5", "▼ −78.5"], "a row for a family"
    assert notes[0].yshift < notes[1].yshift and "#CC79A7" in notes[1].text
    inside = ladder_figure(ladder(rung("standard", 1, 1.5, 1.5), rung("mog", 10, 1.0, 1.0), rung("mog", 1, 1.7, 1.7)))
    assert not [note for note in inside.layout.annotations if note.xref != "paper"], "all of one size, all shown"


def test_a_bar_marks_over_fitting_that_is_sure():
    def bars(found):
        return {t.name: list(t.x) for t in ladder_figure(found).data if t.meta == "over-fitting" and t.x}

    far = bars(deep())
    assert far["training posteriors"] == [50_000, 50_000, None] and far["mixture of Gaussians"] == [10, 10, None]
    sure = ladder(rung("standard", 1, 1.0, 1.0), rung("mog", 10, 0.50, 0.53), rung("mog", 20, 0.50, 0.52))
    assert bars(sure) == {"mixture of Gaussians": [10, 10, None]}  # 0.03 over 1.96 * sqrt(2) * 0.01 = 0.028, 0.02 under


def test_table():
    rows = ladder_table(whole())
    assert [row["K"] for row in rows] == [1, 1, 100, 10, 100, 10, 500, None]
    assert rows[2] == {
        "Prior": "mog 100", "K": 100, "Fitted numbers": 10, "Seconds": 1.0,
        "Train gain over N(0, I), nats": "1.10 ± 0.01", "Validation gain over N(0, I), nats": "1.00 ± 0.01",
        "Test gain over N(0, I), nats": "1.00 ± 0.01", "Test marginal KL, nats": "0.50 ± 0.02",
    }  # fmt: skip
    assert rows[0]["Test gain over N(0, I), nats"] == "0.00 ± 0.00"
    assert rows[6]["Train gain over N(0, I), nats"] == "1.40 ± 0.01"


@pytest.mark.parametrize("null", [NULL, None])
def test_answers_where_differences_are_sure(null):
    modes, coupling, optimal = ladder_answers(whole(noise=0.1, null=null))
    assert modes.startswith(
        "Do we need a multimodal prior? Yes, one Gaussian is not enough: mog 100 "
        "gains 1.00 ± 0.01 nats over N(0, I), gaussian 1 gains 0.40 ± 0.01"
    )
    assert "difference 0.600 ± 0.014 nats" in modes
    assert "A mixture is enough and fits better: vamp 100" in coupling
    assert "with 78,400 fitted numbers against 10" in coupling and "difference −0.400 ± 0.014 nats" in coupling
    assert "fitted here afterwards, to a frozen encoder, so its components can only be what that encoder" in coupling
    assert "gains 1.40 ± 0.01 nats over N(0, I) on the training images and 0.70 ± 0.01 on the test images" in optimal
    assert "with 500 components in every density: over-fitted by 0.700 ± 0.014 nats" in optimal
    assert "A simpler prior with 10 fitted numbers does better: aggregated 500 gains 0.70" in optimal
    assert "maf gains 1.05 ± 0.01, difference −0.350 ± 0.014 nats" in optimal


def test_a_fit_that_ended_short_is_told() -> None:
    found = [rung("standard", 1, 1.0, 1.1), rung("mog", 10, 0.5, 0.6), rung("vamp", 10, 0.8, 0.9)]
    short = ladder_answers(ladder(*found, rung("vamp", 50, 1.2, 1.3), rung("vamp", 100, 0.7, 0.8)))
    assert (
        "Not all was fitted to its end: vamp 50 does 0.40 nats worse on the training images than vamp 10"
        in " ".join(short)
    )
    assert all("to its end" not in answer for answer in ladder_answers(ladder(*found, rung("vamp", 25, 1.2, 1.3))))
    assert all("to its end" not in answer for answer in ladder_answers(ladder(*found, rung("vamp", 50, 0.81, 0.9))))


def test_what_does_worse_than_the_reference_loses() -> None:
    found = ladder(rung("standard", 1, 1.0, 1.1), rung("gaussian", 1, 1.2, 1.5), rung("aggregated", 500, 0.40, 2.0))
    optimal = ladder_answers(found)[-1]
    assert (
        "aggregated 500 gains 0.60 ± 0.01 nats over N(0, I) on the training images and loses 0.90 ± 0.01 on" in optimal
    )
    assert "aggregated 500 loses 0.90 ± 0.01 nats against N(0, I), standard 1 gains 0.00 ± 0.00, difference" in optimal


def test_answers_within_two_standard_errors_say_so():
    answers = ladder_answers(whole(noise=5.0))
    assert len(answers) == 3
    assert all("no difference that this test split can show" in answer for answer in answers)
    fair = ladder_answers(ladder(rung("standard", 1, 1.0, 1.1), rung("aggregated", 500, 0.40, 0.51)))
    assert len(fair) == 1 and "no over-fitting that these images can show (difference 0.010 ± 0.014 nats)" in fair[0]


def test_what_all_is_measured_from_has_no_gain_to_tell():
    assert ladder_answers(ladder(rung("aggregated", 500, 0.0, 0.6))) == ()


def test_validation_chooses_and_test_does_not():
    found = ladder(
        rung("gaussian", 1, 1.0, 1.0),
        rung("mog", 5, 0.5, 0.9, validation=0.4),
        rung("mog", 9, 0.1, 0.1, validation=0.5),
        noise=0.1,
    )
    assert "Yes, one Gaussian is not enough: mog 5 gains 0.10 ± 0.01 nats over gaussian 1" in ladder_answers(found)[0]
    coupled = ladder(rung("mog", 5, 1.0, 1.0), rung("vamp", 5, 0.5, 0.5), noise=0.1)
    assert "Coupling helps: vamp 5" in ladder_answers(coupled)[0]


def test_wrong_ladders_are_refused():
    with pytest.raises(ValueError, match="no rungs"):
        ladder_figure(ladder())
    with pytest.raises(ValueError, match="of kind 'pixel'"):
        ladder_figure(ladder(rung("pixel", 3, 1.0, 1.0)))
