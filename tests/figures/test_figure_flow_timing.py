"""Flow timings drawn: what is drawn is what was measured, slopes and guides are right, labels stand apart."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from core.figures.end_labels import moved_apart
from core.figures.flow_timing import flow_timing_figure
from tests.figures.drawn_lines import of, plain, texts
from tests.figures.flow_runs import DIMS, median, run, timing


def test_lines_are_medians_in_ms_and_whiskers_end_at_the_quartiles():
    line = of(flow_timing_figure(run()), "MAF textbook")
    expected = np.array([1e3 * median("naive", dim) for dim in DIMS])
    assert tuple(line.x) == DIMS
    np.testing.assert_allclose(line.y, expected, rtol=1e-6)
    np.testing.assert_allclose(line.error_y.array, 0.1 * expected, rtol=1e-5)
    np.testing.assert_allclose(line.error_y.arrayminus, 0.05 * expected, rtol=1e-5)
    assert line.customdata[2][2] == "64.0 ms [60.8, 70.4]" and "passes a layer: 32, n = 5" in line.customdata[2][4]


def test_sampling_and_density_are_mirror_images():
    figure = flow_timing_figure(run())
    drawn = {(t.name, t.xaxis) for t in figure.data if t.meta == "run"}
    assert drawn == {
        ("MAF textbook", "x"), ("MAF incremental", "x"), ("IAF", "x"),
        ("IAF textbook", "x2"), ("IAF incremental", "x2"), ("MAF", "x2"),
    }  # fmt: skip


def test_lines_are_chosen_and_none_left_is_refused():
    figure = flow_timing_figure(run(), tasks=("own_density",), flows=("maf", "nice"), methods=("fixed_point",))
    assert {t.name for t in figure.data if t.meta == "run"} == {"MAF fixed point", "NICE"}
    for nothing in ({"flows": ()}, {"tasks": ()}, {"flows": ("maf",), "tasks": ("sample",), "methods": ()}):
        with pytest.raises(ValueError, match="nothing was measured of flows"):
            flow_timing_figure(run(), **nothing)


def test_each_line_ends_at_its_slope_with_the_interval():
    found = plain(flow_timing_figure(run()))
    assert "MAF textbook 1.00 [1.00, 1.00]" in found and "IAF textbook 1.00 [1.00, 1.00]" in found
    assert "MAF incremental 0.50 [0.50, 0.50]" in found
    assert found.count("slope [95 %]") == 2
    bent = run()
    crooked = tuple(timing("maf", "density", "", dim, dim / 4 if dim == 8 else 1.0) for dim in DIMS)
    kept = tuple(t for t in bent.timings if (t.flow, t.task) != ("maf", "density"))
    (label,) = [t for t in plain(flow_timing_figure(replace(bent, timings=kept + crooked))) if t.startswith("MAF 0.")]
    low, high = map(float, re.findall(r"−?\d+\.\d+", label.replace("−", "-"))[1:])
    assert high - low > 0.5, "a line that is not straight has a wide interval"


def test_two_dimensions_have_no_slope_and_one_has_no_guides():
    two = flow_timing_figure(run((2, 8)))
    assert "MAF textbook" in plain(two) and len([t for t in two.data if t.meta == "guide"]) == 4
    one = flow_timing_figure(run((8,)))
    assert not [t for t in one.data if t.meta == "guide"] and of(one, "MAF textbook").y[0] == pytest.approx(16.0)
    assert one.layout.xaxis.range[0] < math.log10(8) < one.layout.xaxis.range[1]


def test_guides_have_slopes_0_and_1_and_touch_no_line():
    figure = flow_timing_figure(run(), flows=("maf", "iaf", "realnvp", "nice"))
    for axis in ("", "2"):
        for name, expected in (("slope 0", 0.0), ("slope 1", 1.0)):
            guide = of(figure, name, axis, "guide")
            rise = math.log(guide.y[1] / guide.y[0]) / math.log(guide.x[1] / guide.x[0])
            assert rise == pytest.approx(expected, abs=1e-5)
        steep = of(figure, "slope 1", axis, "guide")
        offset = steep.y[0] / steep.x[0]
        flat = of(figure, "slope 0", axis, "guide").y[0]
        for line in (t for t in figure.data if t.meta == "run" and t.xaxis == f"x{axis}"):
            assert all(y > flat for y in line.y - line.error_y.arrayminus)
            if "textbook" in line.name:
                assert all(y < offset * x for x, y in zip(line.x, line.y, strict=True))
    assert texts(figure).count("slope 0") == 2 and texts(figure).count("slope 1") == 2


def test_both_panels_have_one_time_axis_that_holds_everything():
    figure = flow_timing_figure(run(), flows=("maf", "iaf", "realnvp", "nice"), methods=("naive", "fixed_point"))
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range
    low, high = figure.layout.yaxis.range
    for line in (t for t in figure.data if t.meta == "run"):
        assert low < np.log10(line.y - line.error_y.arrayminus).min()
        assert np.log10(line.y + line.error_y.array).max() < high
    assert "1,000 points" in figure.layout.yaxis.title.text


@pytest.mark.parametrize("tasks", [("sample",), ("sample", "density"), ("sample", "density", "own_density")])
def test_labels_stand_apart_and_inside_the_figure(tasks):
    figure = flow_timing_figure(
        run(), tasks=tasks, flows=("maf", "iaf", "realnvp", "nice"), methods=("naive", "incremental", "fixed_point")
    )
    drawn = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    ends = [note for note in figure.layout.annotations if note.yanchor == "middle"]
    assert len(ends) == 6 * len(tasks)
    for left in {(round(note.x, 6), note.y > 0.5) for note in ends}:
        heights = sorted(note.y for note in ends if (round(note.x, 6), note.y > 0.5) == left)
        assert all((high - low) * drawn > 30 for low, high in pairwise(heights)), "two lines of 14 pixels"
    assert all(0 <= note.y <= 1 and note.x < 1 for note in ends)
    panels = [figure.layout[f"xaxis{k or ''}"].domain for k in ("", 2, 3)[: len(tasks)]]
    assert all(note.x > domain[1] for domain in panels for note in ends if domain[0] < note.x < domain[0] + 0.5)


def test_places_are_moved_no_farther_than_needed():
    assert moved_apart([0.2, 0.8], 0.1, 0.0, 1.0) == [0.2, 0.8]
    assert moved_apart([0.5, 0.5], 0.1, 0.0, 1.0) == pytest.approx([0.45, 0.55])
    assert moved_apart([0.5, 0.4, 0.5], 0.1, 0.0, 1.0)[1] < 0.4
    assert moved_apart([0.0, 0.0], 0.1, 0.0, 1.0) == pytest.approx([0.0, 0.1])
    assert moved_apart([1.0, 1.0, 0.97], 0.1, 0.0, 1.0) == pytest.approx([0.9, 1.0, 0.8])
    assert moved_apart([0.5] * 5, 0.5, 0.0, 1.0) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert moved_apart([], 0.5, 0.0, 1.0) == []


def test_a_second_run_is_hollow_and_on_the_same_axes():
    figure = flow_timing_figure(run(), other=run((2, 8, 128), scale=3.0, stamp="2026-11-25T04:10:00+00:00"))
    other = of(figure, "MAF textbook", meta="other")
    assert other.marker.symbol.endswith("-open") and tuple(other.x) == (2, 8, 128)
    np.testing.assert_allclose(other.y, [3e3 * median("naive", dim) for dim in (2, 8, 128)], rtol=1e-6)
    assert figure.layout.yaxis.range[1] > math.log10(1.1 * other.y.max())
    assert [t.name for t in figure.data if t.meta == "key"] == ["filled: the run shown", "hollow: the run beside it"]
    assert [note for note in plain(figure) if note.startswith("MAF textbook")] == ["MAF textbook 1.00 [1.00, 1.00]"]
