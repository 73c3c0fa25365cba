"""The rims are at their level, closed, and turn the right way; dashes lie on them."""

from __future__ import annotations

import numpy as np
import pytest

from core.figures.contours import contour_line, dashes
from core.figures.lattice import interpolate
from core.records import HDR_SHARES


def rings(x, y):
    """The polylines of a line with nan gaps, as (n, 2) arrays."""
    parts = np.split(np.stack([x, y], axis=1), np.flatnonzero(np.isnan(x)) + 1)
    return [part[:-1].astype(np.float64) for part in parts if len(part)]


def area(ring):
    """Signed area: positive where the ring turns anticlockwise."""
    a, b = ring[:-1], ring[1:]
    return float(np.sum(a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]) / 2)


@pytest.mark.parametrize(("share", "index"), [(share, k) for k, share in enumerate(HDR_SHARES)])
def test_rim_of_a_normal_is_the_circle_of_that_share(standard, share, index):
    x, y = contour_line(standard.x, standard.y, standard.log_density, standard.levels[index])
    (ring,) = rings(x, y)
    np.testing.assert_allclose(np.hypot(*ring.T), np.sqrt(-2 * np.log(1 - share)), atol=0.03)
    assert x.dtype == y.dtype == np.float32


def test_every_vertex_is_at_the_level(two_hills):
    level = two_hills.levels[2]
    x, y = contour_line(two_hills.x, two_hills.y, two_hills.log_density, level)
    z = np.stack([x, y], axis=1)[~np.isnan(x)].astype(np.float64)
    np.testing.assert_allclose(interpolate(two_hills, z), level, atol=2e-3)


def test_rings_close_and_holes_turn_the_other_way():
    axis = np.linspace(-3, 3, 61)
    radius = np.hypot(*np.meshgrid(axis, axis))
    found = rings(*contour_line(axis, axis, -((radius - 1.5) ** 2), -0.25))  # the annulus 1 < r < 2
    assert all(np.array_equal(ring[0], ring[-1]) for ring in found)
    assert sorted(area(ring) for ring in found) == pytest.approx([-np.pi, 4 * np.pi], rel=0.01)


def test_a_region_that_the_window_cuts_is_closed_along_the_edge():
    axis = np.linspace(0, 2, 41)
    across, up = np.meshgrid(axis, axis)
    (ring,) = rings(*contour_line(axis, axis, -np.hypot(across, up), -1.0))  # a quarter of the unit disc
    assert area(ring) == pytest.approx(np.pi / 4, rel=0.01)
    assert ring.min() == 0


@pytest.mark.parametrize(("middle", "count"), [("joined", 1), ("apart", 2)])
def test_saddles_follow_the_middle_of_the_square(middle, count):
    high = 3.0 if middle == "joined" else 1.0
    values = np.array([[high, -2.0], [-2.0, high]])
    for turned in (values, values[::-1]):
        assert len(rings(*contour_line(np.arange(2.0), np.arange(2.0), turned, 0.0))) == count


def test_noise_makes_closed_rings_around_half_of_the_window():
    values = np.random.default_rng(0).normal(size=(40, 50))
    found = rings(*contour_line(np.arange(50.0), np.arange(40.0), values, 0.0))
    assert all(np.array_equal(ring[0], ring[-1]) for ring in found)
    assert sum(map(area, found)) == pytest.approx(0.5 * 39 * 49, rel=0.05)


def test_a_level_above_everything_gives_nothing_and_a_wrong_shape_is_refused(standard):
    x, _ = contour_line(standard.x, standard.y, standard.log_density, 5.0)
    assert len(x) == 0
    assert len(dashes(x, x, 1.0)[0]) == 0
    with pytest.raises(ValueError, match="shape"):
        contour_line(standard.x[1:], standard.y, standard.log_density, 0.0)


def test_dashes_cover_three_fifths_of_the_line(standard):
    x, y = contour_line(standard.x, standard.y, standard.log_density, standard.levels[0])
    (ring,) = rings(x, y)
    whole = np.hypot(*np.diff(ring, axis=0).T).sum()
    pieces = rings(*dashes(x, y, 0.5))
    drawn = sum(np.hypot(*np.diff(piece, axis=0).T).sum() for piece in pieces)
    assert len(pieces) == round(whole / 0.5)
    assert drawn / whole == pytest.approx(0.6, abs=0.01)
    assert {len(piece) for piece in pieces} == {5}
