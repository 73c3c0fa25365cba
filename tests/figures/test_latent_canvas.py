"""The map of the latent browser as bytes: every point has a mark, every mark a name, the field is what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.bundle import unpack
from core.figures import theme
from core.figures.latent_canvas.view import COLOURS, Densities, MapView, square, view_bundle
from core.records import HDR_SHARES, DensityGrid, Draws

RANDOM = np.random.default_rng(0)
N = 50


def grid(x: float) -> DensityGrid:
    side = np.linspace(-3.9, 3.9, 40).astype(np.float32)
    log_density = -0.5 * ((side[None] - x) ** 2 + side[:, None] ** 2) - np.log(2 * np.pi)
    levels = tuple(float(np.log((1 - share) / (2 * np.pi))) for share in HDR_SHARES)
    return DensityGrid(side, side, log_density.astype(np.float32), 1.0, levels)


def shown(**changes: Any) -> MapView:
    q, p = RANDOM.normal(size=(2, N, 2)).astype(np.float32)
    draws = Draws(q, p, q, p, np.arange(N), np.arange(N) % 3)
    part = ((-4.0, 4.0), (-4.0, 4.0))
    found = MapView(draws, ("z₁", "z₂"), part, grid(1), grid(-1), "label", None, False, ("a", "b", "c"), True, True)
    return replace(found, **changes)


def densities() -> Densities:
    return Densities(*RANDOM.normal(size=(4, N)).astype(np.float32))


def test_classes_have_marks_of_their_own_and_are_counted() -> None:
    meta, arrays = unpack(view_bundle(shown(), "id"))
    assert meta["id"] == "id" and meta["kind"] == "plane" and len(arrays["points"]) == N
    assert [(one["name"], one["counted"]) for one in meta["legend"]] == [("a", True), ("b", True), ("c", True)]
    marks = [(meta["styles"][k]["colour"], meta["styles"][k]["symbol"]) for k in arrays["style"]]
    by_class = {k: {marks[row] for row in range(N) if row % 3 == k} for k in range(3)}
    assert all(len(found) == 1 for found in by_class.values()) and len(set.union(*by_class.values())) == 3
    assert sorted(arrays["order"]) == list(range(N))


def test_a_prior_without_a_grid_is_drawn_as_rings() -> None:
    meta, arrays = unpack(view_bundle(shown(p=None), "id"))
    assert len(arrays["points"]) == 2 * N and meta["legend"][-1]["name"] == "draws of p(z)"
    assert all(meta["styles"][k]["hollow"] for k in arrays["style"][N:])
    assert not any(name.startswith("line_p") for name in arrays) and "p_cells" not in arrays


def test_the_lines_hold_their_shares() -> None:
    meta, arrays = unpack(view_bundle(shown(), "id"))
    assert {line["array"] for line in meta["lines"]} == {f"line_{w}_{s}" for w in "qp" for s in (0.5, 0.95)}
    line = arrays["line_q_0.5"]
    radius = np.hypot(line[:, 0] - 1, line[:, 1])
    np.testing.assert_allclose(radius[np.isfinite(radius)], np.sqrt(2 * np.log(2)), atol=0.03)


@pytest.mark.parametrize("colour", ["q", "p"])
def test_the_field_is_darkest_where_the_density_is_highest(colour: str) -> None:
    meta, arrays = unpack(view_bundle(shown(colour=colour), "id"))
    alpha = arrays["field"][..., 3]
    found = grid(1 if colour == "q" else -1)
    row, column = np.unravel_index(alpha.argmax(), alpha.shape)
    assert abs(found.x[column] - (1 if colour == "q" else -1)) < 0.2 and abs(found.y[::-1][row]) < 0.2
    assert meta["point_size"] < unpack(view_bundle(shown(), "id"))[0]["point_size"]  # the field is looked at


def test_the_ratio_is_blue_where_q_outweighs_p() -> None:
    field = unpack(view_bundle(shown(colour="ratio"), "id"))[1]["field"]
    assert tuple(field[20, 30, :3]) == theme.rgb(theme.LEAK) and tuple(field[20, 5, :3]) == theme.rgb(theme.HOLE)


@pytest.mark.parametrize("colour", ["q", "p", "ratio"])
def test_without_a_grid_the_points_carry_the_density(colour: str) -> None:
    known = densities()
    meta, arrays = unpack(view_bundle(shown(q=None, p=None, colour=colour, densities=known), "id"))
    assert "field" not in arrays and len(arrays["style"]) == 2 * N
    assert not any(one["counted"] for one in meta["legend"])
    assert known.q_q is not None
    values = {"q": known.q_q, "p": known.p_q, "ratio": known.q_q - known.p_q}[colour]
    steps = arrays["style"][:N].astype(int)
    assert (np.diff(steps[values.argsort()]) >= 0).all()


def test_a_map_carries_the_codes_of_its_draws() -> None:
    meta, arrays = unpack(view_bundle(shown(q=None, p=None, is_map=True, whole=False), "id"))
    assert meta["kind"] == "map" and arrays["codes"].shape == (2 * N, 2) and len(arrays["klass"]) == 2 * N
    assert meta["whose"][arrays["klass"][0] + 1] == "one of q(z), a" and meta["whose"][0] == "one of p(z)"


def test_only_the_whole_plane_has_cells_of_codes() -> None:
    assert {"q_cells", "p_cells"} <= set(unpack(view_bundle(shown(), "id"))[1])
    assert not {"q_cells", "p_cells"} & set(unpack(view_bundle(shown(whole=False), "id"))[1])


def test_what_cannot_be_coloured_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of " + ", ".join(COLOURS)):
        view_bundle(shown(colour="red"), "id")
    with pytest.raises(ValueError, match="need the densities"):
        view_bundle(shown(q=None, p=None, colour="q"), "id")
    with pytest.raises(ValueError, match="log q is not known"):
        view_bundle(shown(q=None, p=None, colour="q", densities=replace(densities(), q_q=None)), "id")


def test_a_square_holds_all_places() -> None:
    (left, right), (low, high) = square(np.array([[0.0, 0.0], [4.0, 1.0]]))
    assert right - left == pytest.approx(high - low) and left < 0 and right > 4 and low < 0 and high > 1
