"""The course of a training: what lies in which panel, which epoch is marked, what the axes leave out."""

from __future__ import annotations

import numpy as np
import pytest

from core.figures.training import training_figure, training_sentence
from core.training_records import EpochRecord


def points(count: int = 50) -> list[EpochRecord]:
    """Far off at first, best at epoch 40 where there are so many."""
    rows = []
    for epoch in range(1, count + 1):
        reconstruction, kl = -20.0 - 300.0 / epoch**2, 3.0 + 1.0 / epoch
        rows.append(EpochRecord(epoch, min(1.0, epoch / 10), reconstruction, kl, -24.0 - 0.01 * abs(epoch - 40), 0.1))
    return rows


def trace(figure, name: str):
    return next(trace for trace in figure.data if name in trace.name)


def test_every_term_is_drawn_where_it_belongs() -> None:
    rows, figure = points(), training_figure(points())
    for name, axis, values in (
        ("training ELBO", "y", [row.reconstruction - row.kl for row in rows]),
        ("validation ELBO", "y", [row.validation_elbo for row in rows]),
        ("reconstruction", "y2", [row.reconstruction for row in rows]),
        ("KL", "y3", [row.kl for row in rows]),
        ("β", "y4", [row.beta for row in rows]),
    ):
        found = trace(figure, name)
        assert found.yaxis == axis
        np.testing.assert_allclose(found.y, values, rtol=1e-6)
        np.testing.assert_array_equal(found.x, np.arange(1, 51))
    assert "nats" in figure.layout.yaxis.title.text and figure.layout.xaxis.title.text == "epoch"


def test_the_kept_epoch_is_marked_and_else_the_best_one() -> None:
    assert trace(training_figure(points()), "best so far").x.tolist() == [40]
    star = trace(training_figure(points(), kept=12), "kept")
    assert star.x.tolist() == [12] and star.name == "epoch 12: the weights kept"
    np.testing.assert_allclose(star.y, [points()[11].validation_elbo], rtol=1e-6)


def test_the_axes_hold_all_but_the_first_epochs() -> None:
    figure = training_figure(points(), epochs=80)
    low, high = figure.layout.yaxis2.range
    values = np.array([row.reconstruction for row in points()])
    assert values[0] < low < values[5:].min() and high > values.max()
    assert figure.layout.xaxis.range[1] >= 80
    low, high = training_figure(points(3)).layout.yaxis2.range
    assert low < points(3)[0].reconstruction < high, "of few epochs none is left out"


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="points is empty"):
        training_figure([])
    with pytest.raises(ValueError, match="kept = 99"):
        training_figure(points(), kept=99)


def test_one_epoch_is_a_dot_and_has_a_sentence() -> None:
    assert trace(training_figure(points(1)), "validation").mode == "lines+markers"
    assert "epoch 1" in training_sentence(points(1))
    assert training_sentence([]) == "No epoch has ended yet."
