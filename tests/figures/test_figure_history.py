"""A recorded training: everything where it belongs, the chosen epoch marked, and sentences that say what is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.figures import theme
from core.figures.history import (
    HEIGHT,
    clicked_epoch,
    history_curve,
    history_inputs,
    history_map,
    history_marks,
    inputs_frames,
)
from core.figures.history_words import course_sentence, moment_sentence
from core.figures.ready import ready
from core.history_records import Course, Moment, Scene
from core.records import DensityGrid, Estimate

KL = (0.01, 0.9, 0.5, 0.08, 0.09)
EPOCHS = (0, 1, 10, 100, 400)


def course(null: float | None = 0.07) -> Course:
    known = None if null is None else Estimate(null, 0.01)
    moments = tuple(
        Moment(epoch, min(1.0, epoch / 20), Estimate(-30.0 - kl, 0.3), Estimate(kl, 0.02), known)
        for epoch, kl in zip(EPOCHS, KL, strict=True)
    )
    return Course(moments, 100, 300, "test", 300, 300, 4, 200, 0)


def scene(q: DensityGrid, p: DensityGrid, count: int | None = 3, inputs: int = 0) -> Scene:
    means = None if count is None else np.arange(2.0 * count, dtype=np.float32).reshape(count, 2)
    pictures = np.linspace(0, 1, 16 * inputs).reshape(inputs, 4, 4) if inputs else None
    return Scene(q, p, means, pictures, np.arange(inputs) * 2)


def named(figure, name: str) -> list:
    return [trace for trace in figure.data if trace.name == name]


def test_the_map_has_q_filled_p_dashed_and_diamonds_on_the_window_of_the_grid(two_hills, standard) -> None:
    shown = scene(two_hills, standard)
    figure = ready(history_map, shown, what="pseudo-inputs", over=history_marks(shown, 1))
    assert len(named(figure, "q(z) fill")) == 3 and named(figure, "q(z) fill")[0].fill == "toself"
    assert {trace.line.color for trace in named(figure, "data q(z)")} == {theme.DATA}
    assert {trace.line.dash for trace in named(figure, "prior p(z)")} == {"8px,5px"}
    (diamonds,) = named(figure, "pseudo-inputs (3)")
    assert diamonds.marker.symbol == "diamond" and diamonds.marker.color == theme.PSEUDO
    (ring,) = named(figure, "k = 2")
    assert (ring.x[0], ring.y[0]) == (2.0, 3.0)
    assert tuple(figure.layout.xaxis.range) == (-5.0, 5.0) and figure.layout.yaxis.scaleanchor == "x"
    assert all(trace.type == "scatter" for trace in figure.data), "no WebGL: a page has few contexts of it"
    assert len(figure.to_json()) < 200_000


def test_a_prior_without_components_has_no_diamonds_and_grids_must_be_one(standard, two_hills, make_grid) -> None:
    bare = scene(two_hills, standard, None)
    assert not [trace for trace in history_map(bare).data if trace.mode == "markers"] and not history_marks(bare, 3)
    assert not history_marks(scene(two_hills, standard), 9) and not history_marks(scene(two_hills, standard), None)
    other = make_grid([(0, 0)], [(1, 1)], [1.0], half_width=4.0)
    with pytest.raises(ValueError, match="same grid"):
        history_map(scene(standard, other))


def test_the_curve_has_whiskers_over_the_null_and_marks_the_epoch_and_the_kept_model() -> None:
    figure = history_curve(course(), 2)
    (line,) = named(figure, "marginal KL")
    assert np.allclose(line.x, np.log1p(EPOCHS)) and np.allclose(line.y, KL)
    assert np.allclose(line.error_y.array, 1.96 * 0.02, atol=1e-4)
    assert [mark[0] for mark in line.customdata] == list(EPOCHS)
    (ring,), (star,) = named(figure, "the epoch shown"), named(figure, "the kept model")
    assert np.isclose(ring.x[0], np.log1p(10)) and np.isclose(ring.y[0], 0.5)
    assert np.isclose(star.x[0], np.log1p(100)) and star.marker.symbol == "star"
    assert np.isclose(figure.layout.shapes[0].x0, np.log1p(10))
    (null,) = named(figure, "a perfect prior")
    assert np.allclose(null.y, 0.07) and null.line.dash == "2px,4px"
    assert figure.layout.xaxis.ticktext[0] == "0" and figure.layout.xaxis.ticktext[-1] == "400"
    low, high = figure.layout.yaxis.range
    assert low < 0 and high > 0.94 and figure.layout.height == HEIGHT


def test_an_unknown_null_and_an_unknown_kept_model_are_left_out() -> None:
    figure = history_curve(replace(course(None), kept=None), 0)
    assert not named(figure, "a perfect prior") and not named(figure, "the kept model")


def test_a_training_of_one_snapshot_is_drawn() -> None:
    one = replace(course(), moments=course().moments[:1], kept=0)
    assert history_curve(one, 0).data and "at epoch 0" in course_sentence(one)


def test_pseudo_inputs_are_shown_in_rows_with_the_chosen_one_framed(standard) -> None:
    shown = scene(standard, standard, inputs=30)  # k = 1, 3, 5 ... of the prior
    (picture,) = history_inputs(shown).data
    assert picture.type == "image" and (picture.dx * 25 < 1 < picture.dx * 750)
    for chosen, place in ((4, (2, 0)), (0, (0, 0)), (56, (3, 1))):
        halo, frame = inputs_frames(shown, chosen)
        assert (halo["x0"], halo["y0"]) == place and (frame["x1"], frame["y1"]) == (place[0] + 1, place[1] + 1)
    assert not inputs_frames(shown, 5) and not inputs_frames(shown, None)
    with pytest.raises(ValueError, match="only a VampPrior"):
        history_inputs(scene(standard, standard))


@pytest.mark.parametrize(
    ("event", "epoch"),
    [
        (None, None),
        ({}, None),
        ({"selection": {"points": []}}, None),
        ({"selection": {"points": [{"customdata": [10, "a", "b"]}]}}, 10),
        ({"selection": {"points": [{}, {"customdata": None}, {"customdata": []}, {"customdata": ["x"]}]}}, None),
    ],
)
def test_a_click_tells_its_epoch(event, epoch: int | None) -> None:
    assert clicked_epoch(event) == epoch


def test_a_moment_in_words() -> None:
    words = moment_sentence(course(), 0)
    assert words.startswith("Epoch 0 (the initialisation): marginal KL 0.01 [−0.03, 0.05] nats")
    assert "a perfect prior would give about 0.070" in words
    assert "Epoch 100, β = 1 (the model that was kept)" in moment_sentence(course(), 3)
    assert "Epoch 10, β = 0.5:" in moment_sentence(course(), 2)
    assert "validation ELBO −30.50 [−31.09, −29.91] nats per image" in moment_sentence(course(), 2)
    assert "what a perfect prior would give is not known" in moment_sentence(course(None), 2)


@pytest.mark.parametrize(
    ("null", "says"),
    [
        (0.07, "from epoch 100 on that is no more than a perfect prior would have with these images."),
        (0.01, "a perfect prior would have about 0.01 ± 0.01 there."),
        (None, "and 0.08 ± 0.02 at epoch 100, the model that was kept."),
    ],
)
def test_the_whole_training_in_words(null: float | None, says: str) -> None:
    words = course_sentence(course(null))
    assert "0.01 ± 0.02 nats at epoch 0, at most 0.90 ± 0.02 at epoch 1" in words and words.endswith(says)
