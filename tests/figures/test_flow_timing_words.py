"""Flow timings in words and tables: they claim what the numbers allow."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from core import figures, timing_tables
from core.figures import flow_timing_words as words
from core.flow_timing_compare import at, pairs, ratio
from tests.figures.flow_runs import DIMS, bill, run, timing


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
    return replace(found, timings=kept + tuple(timing("maf", "sample", "incremental", d, d**0.25) for d in DIMS))


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
