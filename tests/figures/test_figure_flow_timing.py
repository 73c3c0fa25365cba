"""Flow timings: what is drawn is what was measured, slopes and guides are right, and words claim what numbers allow."""

from __future__ import annotations

import csv
import io
import math
import re
from itertools import pairwise

import numpy as np
import pytest

from core import figures, timing_tables
from core.figures import flow_timing_words as words
from core.figures.dependency import DROPPED, EMPTY, KEPT, NEEDED, cells, dependency_figure
from core.figures.end_labels import moved_apart
from core.figures.flow_timing import flow_timing_figure
from core.flow_timing_compare import at, pairs, ratio
from tests.figures.flow_runs import DIMS, bill, median, run, timing


def of(figure, name, axis="", meta="run"):
    (trace,) = [t for t in figure.data if t.name == name and t.xaxis == f"x{axis}" and t.meta == meta]
    return trace


def texts(figure):
    return [re.sub("<br>", " ", note.text) for note in figure.layout.annotations]


def plain(figure):
    return [re.sub("<.*?>", "", text) for text in texts(figure)]


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
    (label,) = [t for t in plain(flow_timing_figure(replaced(bent, kept + crooked))) if t.startswith("MAF 0.")]
    low, high = map(float, re.findall(r"−?\d+\.\d+", label.replace("−", "-"))[1:])
    assert high - low > 0.5, "a line that is not straight has a wide interval"


def replaced(found, timings):
    from dataclasses import replace

    return replace(found, timings=timings)


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


def test_times_are_written_with_three_digits_in_the_unit_that_suits():
    written = [words.duration(seconds) for seconds in (4.2e-6, 0.99e-4, 1e-4, 0.00557, 0.0142, 0.142, 1.0, 12.34, 1e4)]
    assert written == ["4.20 µs", "99.0 µs", "0.10 ms", "5.57 ms", "14.2 ms", "142 ms", "1.00 s", "12.3 s", "10,000 s"]
    assert [words.rate(timing("maf", "sample", "", d, s)) for d, s in ((1, 1), (64, 40), (4, 1e5))] == [
        "1M",
        "3.1k",
        "5",
    ]
    assert words.moment("2026-11-24T04:14:17.556259+00:00") == "2026-11-24 04:14:17 UTC"


def test_verdict_says_what_was_measured_with_its_spread():
    says = words.verdict(run(), 64)
    assert "Drawing 1,000 samples from a MAF, d = 64: by the textbook it takes 128 ms [122, 141]" in says
    assert "16.0 times [13.8, 18.5] its density" in says and "(8.00 ms [7.60, 8.80])" in says
    assert "incrementally it takes 12.0 ms [11.4, 13.2], 1.50 times [1.30, 1.74] its density" in says
    assert "textbook sampling 1.00 [1.00, 1.00], incremental sampling 0.50 [0.50, 0.50], the density 0.50" in says
    assert "no difference between the last two" in says
    alone = words.verdict(run((8,), methods=("naive",)), 8)
    assert "incremental" not in alone and "Growth" not in alone and "by the textbook it takes 16.0 ms" in alone
    assert "no difference" not in words.verdict(grown(), 64)


def grown():
    """Incremental sampling that grows faster than the density, surely."""
    found = run()
    kept = tuple(t for t in found.timings if (t.flow, t.task, t.method) != ("maf", "sample", "incremental"))
    return replaced(found, kept + tuple(timing("maf", "sample", "incremental", d, d**0.25) for d in DIMS))


def test_beaten_is_said_only_where_quartiles_leave_no_doubt():
    slow, quick = timing("maf", "sample", "naive", 64), timing("maf", "sample", "incremental", 64)
    assert words.beaten(slow, quick) == "beaten: 10.7 times as fast [9.21, 12.4]"
    assert words.beaten(quick, slow).startswith("slower: 0.09 times")
    assert words.beaten(slow, slow).startswith("no clear winner: 1.00 times as fast [0.86, 1.16]")


def test_a_busy_machine_is_named_and_a_quiet_or_unknown_one_is_not():
    assert "load 3.1" in words.unrest(run(load=3.06))
    assert words.unrest(run(load=0.4)) == words.unrest(run(load=None)) == ""
    assert "load not known" in words.settings_words(run(load=None))


def test_the_caption_holds_all_that_the_times_depend_on():
    caption = words.settings_words(run())
    for part in ("1,000 points", "5 layers of 128-128", "seed 0", "5 repeats", "1 thread", "float32", "torch 2.15.0",
                 "a processor", "2026-11-24 04:10:00 UTC", "equal within 0.0 %"):  # fmt: skip
        assert part in caption


def test_errors_are_the_largest_of_all():
    assert "round trip 6.4e-05, log-determinant against autograd 2.0e-07 nats" in words.errors(run())
    assert "log-determinant" not in words.errors(run((32, 64)))


def test_tables_hold_one_d():
    rows = figures.timing_table(run(), 8)
    assert len(rows) == 4 * 3 + 2 * 2 + 2 and all(row["Repeats"] == 5 for row in rows)
    (row,) = [row for row in rows if (row["Flow"], row["Task"]) == ("MAF textbook", "sampling")]
    assert row["Passes"] == "8" and row["Time of a pass"] == "0.40 ms" and row["Parameters"] == 800
    checks = figures.check_table(run(), 64)
    assert len(checks) == 8 and {row["Log-det, nats"] for row in checks} == {"not checked"}
    assert checks[0]["Round trip"] == "6.4e-05" and figures.check_table(run(), 8)[0]["Log-det, nats"] == "2.0e-07"


def test_two_runs_are_compared_by_ratios_of_what_both_have():
    other = run((8, 64, 128), scale=2.0, methods=("naive",))
    rows = figures.comparison_table(run(), other, 64)
    assert {row["It takes"] for row in rows} == {"2.00 times as long [1.73, 2.32]"}
    assert not any("incremental" in row["Flow"] for row in rows) and not figures.comparison_table(run(), other, 2)
    assert {a.dim for a, b in pairs(run(), other)} == {8, 64}
    found = ratio(timing("maf", "sample", "", 4, 2.0), timing("maf", "sample", "", 4))
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2 * 0.95 / 1.1, 2 * 1.1 / 0.95))
    assert at(run(), "maf", "sample", "naive", 3) is None


def test_csv_holds_every_timing_check_and_ratio():
    rows = list(csv.DictReader(io.StringIO(timing_tables.timings_csv(run()))))
    assert len(rows) == len(run().timings) and rows[0]["cpu"] == "a processor" and rows[0]["threads"] == "1"
    assert [float(s) for s in rows[0]["all repeats, s"].split()] == pytest.approx(run().timings[0].seconds)
    checks = list(csv.DictReader(io.StringIO(timing_tables.checks_csv(run()))))
    assert len(checks) == len(run().checks) and checks[-1]["log-determinant, largest, nats"] == ""
    compared = list(csv.DictReader(io.StringIO(timing_tables.comparison_csv(run(), run(scale=2.0)))))
    assert len(compared) == len(run().timings) and float(compared[0]["ratio"]) == pytest.approx(2.0)
    bills = list(csv.DictReader(io.StringIO(timing_tables.bills_csv(bill()))))
    assert len(bills) == 4 * len(bill().bills) and {row["what"] for row in bills} >= {"step", "generating"}


@pytest.mark.parametrize("dim", [2, 6, 12])
def test_cells_count_what_each_method_calculates(dim):
    triangle, textbook, incremental, single = cells(dim, dim)
    assert np.array_equal(triangle == NEEDED, np.tril(np.ones((dim, dim), bool), -1))
    assert np.array_equal(triangle == KEPT, np.eye(dim, dtype=bool))
    assert (textbook == DROPPED).sum() == dim * dim - dim and np.array_equal(textbook == KEPT, np.eye(dim, dtype=bool))
    assert np.array_equal(incremental != EMPTY, np.eye(dim, dtype=bool))
    assert (single[0] == KEPT).all() and (single[1:] == EMPTY).all()


def test_the_diagram_shows_everything_at_rest_and_has_a_frame_for_each_pass():
    figure = dependency_figure(5)
    assert [frame.name for frame in figure.frames] == ["1", "2", "3", "4", "5"]
    for step, frame in enumerate(figure.frames, 1):
        assert all(np.array_equal(panel.z, wanted) for panel, wanted in zip(frame.data, cells(5, step), strict=True))
    for panel, wanted in zip(figure.data, cells(5, 5), strict=False):
        assert np.array_equal(panel.z, wanted), "right as a picture that does not move"
    assert figure.layout.sliders[0].active == 4 and len(figure.layout.sliders[0].steps) == 5
    play = figure.layout.updatemenus[0].buttons[0]
    assert play.method == "animate" and list(play.args[0]) == ["1", "2", "3", "4", "5"]
    assert "5 passes: 25 outputs, 5 kept" in texts(figure) and "1 pass: 5 outputs, all kept" in texts(figure)


def test_the_diagram_of_iaf_waits_in_the_density():
    assert "<b>Sampling, textbook</b>" in texts(dependency_figure(4)) and "<b>Density</b>" in texts(
        dependency_figure(4)
    )
    figure = dependency_figure(4, "iaf")
    assert "<b>Density, textbook</b>" in texts(figure) and "<b>Sampling</b>" in texts(figure)
    assert figure.layout.xaxis.ticktext[0] == "u<sub>1</sub>"
    for dim in (1, 13):
        with pytest.raises(ValueError, match="expected 2 to 12"):
            dependency_figure(dim)


def test_bills_are_drawn_where_they_are_paid():
    figure = figures.bill_figure(bill())
    (step,) = [t for t in figure.data if t.meta == "step" and t.name == "d = 40"]
    found = dict(zip(step.y, step.x, strict=True))
    assert found["IAF textbook"] == pytest.approx(200) and found["MAF textbook"] == pytest.approx(10)
    (use,) = [t for t in figure.data if t.meta == "generating" and t.name == "d = 40"]
    assert dict(zip(use.y, use.x, strict=True))["MAF textbook"] == pytest.approx(200)
    np.testing.assert_allclose(use.error_x.array, 0.1 * use.x, rtol=1e-5)
    np.testing.assert_allclose(use.error_x.arrayminus, 0.05 * use.x, rtol=1e-5)
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range and next(iter(use.text)).strip() == "200 ms"
    assert list(figure.layout.yaxis.ticktext) == [
        "MAF textbook",
        "MAF as here",
        "IAF textbook",
        "IAF as here",
        "RealNVP",
    ]
    assert all("open" in symbol for t in figure.data if t.name == "d = 2" for symbol in t.marker.symbol)


def test_the_sentence_of_the_bills():
    says = figures.bill_sentence(bill())
    assert "IAF pays in every training step: 200 ms [190, 220], 20.0 times as long as MAF [17.3, 23.2]" in says
    assert "MAF pays when it generates: 200 ms" in says and "RealNVP pays neither bill: 10.0 ms" in says
    assert "float32, torch 2.15.0, load 0.10" in figures.bill_caption(bill())
    rows = figures.bill_table(bill())
    assert len(rows) == 10 and rows[2]["Passes, log p(z)"] == 2 and rows[0]["1,000 z"].startswith("5.00 ms")
