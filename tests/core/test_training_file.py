"""The small file beside a training: written, read back, thinned, and never believed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import CheckpointError
from core.figures.training import training_csv, training_figure, training_sentence
from core.training_file import MOST, curve_file, read_curve, read_rows, thinned, write_curve
from core.training_records import EpochRecord, TrainingCurve


def points(n: int) -> list[EpochRecord]:
    return [EpochRecord(k, min(1.0, k / 5), -20.0 - 10 / k, 3.0, -24.0 - abs(k - 7), 0.5) for k in range(1, n + 1)]


def test_what_was_written_is_read_back_with_the_time_that_is_left(tmp_path: Path) -> None:
    file = curve_file(tmp_path, "mine")
    assert read_curve(file) is None
    write_curve(file, points(10), epochs=40, pace_epochs=4, pace_s=6.0)
    found = read_curve(file)
    assert found == TrainingCurve(40, tuple(points(10)), 1, 4, 6.0)
    assert (found.done, found.seconds_left, found.best.epoch) == (10, 45.0, 7)
    assert found.points[0].elbo == pytest.approx(-33.0)
    write_curve(file, [], epochs=40, pace_epochs=0, pace_s=0.0)
    empty = read_curve(file)
    assert (empty.done, empty.seconds_left, empty.best) == (0, None, None)


def test_a_very_long_curve_is_thinned_and_says_so(tmp_path: Path) -> None:
    file = curve_file(tmp_path, "mine")
    write_curve(file, points(MOST * 3 + 1), epochs=10**5, pace_epochs=1, pace_s=1.0)
    found = read_curve(file)
    assert found.every == 4 and len(found.points) <= MOST + 1 and found.done == MOST * 3 + 1
    assert {point.epoch % 4 for point in found.points[:-1]} == {0}
    stored = thinned(points(MOST * 3 + 1), best=7)
    assert [point.epoch for point in stored[:3]] == [4, 7, 8] and len(stored) == len(found.points) + 1
    assert thinned(points(MOST), best=7) == points(MOST)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        {"epochs": -1},
        {"epochs": True},
        {"points": {}},
        {"points": [[1, 2]]},
        {"points": [[1, 2, 3, 4, 5, "x"]]},
        {"points": [[1.5, 1, 1, 1, 1, 1]]},
        {"points": [[2, 1, 1, 1, 1, 1], [2, 1, 1, 1, 1, 1]]},
        {"points": [[1, 1, 1, 1, 1, 1e300]]},
        {"points": [[1, 1, 1, 1, 1, 1]] * (MOST + 2)},
        '{"epochs": 1, "every": 1, "pace_epochs": 1, "pace_s": NaN, "points": []}',
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: object) -> None:
    good = {"epochs": 5, "every": 1, "pace_epochs": 1, "pace_s": 1.0, "points": []}
    text = content if isinstance(content, str) else json.dumps({**good, **content})
    file = tmp_path / "mine.json"
    file.write_text(text)
    with pytest.raises(CheckpointError, match=r"mine\.json"):
        read_curve(file)


def test_rows_of_metrics_are_checked_too(tmp_path: Path) -> None:
    rows = [vars(point) for point in points(3)]
    assert read_rows(rows, tmp_path / "metrics.json") == tuple(points(3))
    for bad in ({}, [1], [{**rows[0], "beta": None}], [{"epoch": 1}]):
        with pytest.raises(CheckpointError, match=r"metrics\.json"):
            read_rows(bad, tmp_path / "metrics.json")


def test_the_figure_and_its_sentence_tell_the_best_epoch() -> None:
    figure = training_figure(points(10), epochs=40)
    star = next(trace for trace in figure.data if trace.marker.symbol == "star")
    assert (star.x[0], star.y[0]) == (7, -24.0)
    assert "best −24.00 in epoch 7" in training_sentence(points(10))
    assert training_csv(points(10)).count("\n") >= 10
    with pytest.raises(ValueError, match="points is empty"):
        training_figure([])
    assert training_figure(points(1)).data
