"""Regions: texts that are read and written, and which places lie inside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.region import MAX_CORNERS, box, inside, parse, write

NUMBER = st.floats(-1e5, 1e5, allow_nan=False).map(lambda value: round(value, 3))


def test_a_box_and_a_polygon() -> None:
    assert parse(" 1 -1  2 0 ") == box(-1.0, 1.0, 0.0, 2.0) == ((-1, 0), (1, 0), (1, 2), (-1, 2))
    assert parse("0,0 1,0 0,1e0") == ((0, 0), (1, 0), (0, 1))


@given(st.lists(st.tuples(NUMBER, NUMBER), min_size=3, max_size=MAX_CORNERS))
def test_what_is_written_is_read_again(corners: list[tuple[float, float]]) -> None:
    assert np.allclose(parse(write(tuple(corners))), corners, atol=6e-4)


def test_a_long_lasso_is_thinned_and_keeps_its_shape() -> None:
    angle = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    lasso = tuple((float(x), float(y)) for x, y in zip(np.cos(angle), np.sin(angle), strict=True))
    text = write(lasso)
    assert len(text) < 1500 and len(parse(text)) == MAX_CORNERS
    radius = np.hypot(*np.random.default_rng(0).uniform(-1.5, 1.5, (2, 2000)))
    places = np.random.default_rng(0).uniform(-1.5, 1.5, (2, 2000)).T
    clear = np.abs(radius - 1) > 0.01
    assert np.array_equal(inside(places, parse(text))[clear], (radius < 1)[clear])


@pytest.mark.parametrize(
    "text", ["", "1 2 3", "1 2 3 4 5", "0,0 1,1", "a b c d", "nan 1 2 3", "0,0 1,inf 2,2", "1e9 0 0 1", "0,0,0 1,1 2,2",
             " ".join(["0,0"] * (MAX_CORNERS + 1)), "<script>"],
)  # fmt: skip
def test_what_is_no_region_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="a region is four numbers"):
        parse(text)


def test_inside() -> None:
    corner = ((0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2))  # an L
    places = np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5], [1.5, 1.5], [-0.1, 0.5], [2.5, 0.5], [0.5, 2.1]])
    assert inside(places, corner).tolist() == [True, True, True, False, False, False, False]
    bow = ((0, 0), (2, 2), (2, 0), (0, 2))  # crosses itself
    assert inside(np.array([[1.8, 1.0], [0.2, 1.0], [1.0, 0.2], [1.0, 1.8]]), bow).tolist() == [
        True,
        True,
        False,
        False,
    ]
    assert inside(np.empty((0, 2)), bow).shape == (0,)
