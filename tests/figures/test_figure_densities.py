"""What the three panels and the wide picture hold: regions at their thresholds, exact clicks, one scale, the sign."""

from __future__ import annotations

import base64
import json

import numpy as np
import plotly.graph_objects as go
import pytest

from core.figures import clicked, density_panels, hero, layers, outlined, signed_map, theme, touched
from core.figures.ready import ready
from core.figures.signed import region_level
from core.records import HDR_SHARES, DensityGrid

AXES = ("", "2", "3")


def of_panel(figure, axis, name):
    """The traces of that name in that panel."""
    return [t for t in figure.data if (t.xaxis or "x") == f"x{axis}" and t.name == name]


@pytest.fixture
def cloud():
    """500 points of four classes."""
    random = np.random.default_rng(0)
    return random.normal(size=(500, 2)), random.integers(0, 4, 500)


def test_each_panel_holds_its_own_regions_and_the_outline_of_the_other(two_hills, standard):
    figure = density_panels(two_hills, standard)
    shares = {
        (axis, name): [t.meta for t in of_panel(figure, axis, name)]
        for axis in AXES
        for name in ("q(z) fill", "data q(z)", "p(z) fill", "prior p(z)")
    }
    every = list(HDR_SHARES[::-1])
    assert shares == {
        ("", "q(z) fill"): every, ("", "data q(z)"): every, ("", "p(z) fill"): [], ("", "prior p(z)"): [0.95],
        ("2", "q(z) fill"): [], ("2", "data q(z)"): [0.95], ("2", "p(z) fill"): every, ("2", "prior p(z)"): every,
        ("3", "q(z) fill"): [], ("3", "data q(z)"): [0.95], ("3", "p(z) fill"): [], ("3", "prior p(z)"): [0.95],
    }  # fmt: skip


def test_rims_stand_at_the_thresholds_of_their_share(two_hills, standard):
    for trace in of_panel(density_panels(two_hills, standard), "2", "prior p(z)"):
        radius = np.hypot(trace.x, trace.y)[:-1]
        np.testing.assert_allclose(radius, np.sqrt(-2 * np.log(1 - trace.meta)), atol=0.03)


def test_data_is_filled_and_solid_prior_is_dashed(two_hills, standard):
    figure = density_panels(two_hills, standard)
    assert {t.line.color for t in figure.data if t.name == "data q(z)"} == {theme.DATA}
    assert {t.line.color for t in figure.data if t.name == "prior p(z)"} == {theme.PRIOR}
    assert all(t.line.dash is None for t in figure.data if t.name == "data q(z)")
    assert all("px" in t.line.dash for axis in "23" for t in of_panel(figure, axis, "prior p(z)"))
    (over_points,) = of_panel(figure, "", "prior p(z)")
    assert np.isnan(over_points.x).sum() > 10  # cut into dashes
    assert all(t.fill == "toself" for t in of_panel(figure, "", "q(z) fill"))


def test_thresholds_of_nan_are_left_out(cut_off, standard, make_grid):
    assert [np.isnan(level) for level in cut_off.levels] == [False, False, True]
    prior = make_grid([(0, 0)], [(1, 1)], [1.0], half_width=3.6)
    figure = density_panels(cut_off, prior)
    assert [t.meta for t in of_panel(figure, "", "data q(z)")] == [0.8, 0.5]
    assert [t.meta for t in of_panel(figure, "3", "data q(z)")] == [0.8]
    assert "filled: 50, 80 %" in figure.layout.annotations[0].text
    nothing = DensityGrid(cut_off.x, cut_off.y, cut_off.log_density, 0.1, (np.nan, np.nan, np.nan))
    assert not of_panel(density_panels(nothing, prior), "", "data q(z)")


def test_the_sign_positive_and_blue_where_q_is_above_p(two_hills, standard):
    (trace,) = [t for t in density_panels(two_hills, standard, limit=6.0).data if t.type == "heatmap"]
    row, column = np.abs(two_hills.y + 3).argmin(), np.abs(two_hills.x - 3.5).argmin()  # data that the prior misses
    assert trace.z[row, column] == 6.0
    row, column = np.abs(two_hills.y + 1.5).argmin(), np.abs(two_hills.x + 1.5).argmin()  # prior without data
    assert trace.z[row, column] < -5
    assert (trace.zmin, trace.zmax) == (-6.0, 6.0)
    assert trace.colorscale[-1] == (1.0, theme.rgba(theme.LEAK, 0.92))
    assert trace.colorscale[0] == (0.0, theme.rgba(theme.HOLE, 0.92))
    assert trace.colorscale[len(trace.colorscale) // 2] == (0.5, theme.rgba(theme.NEUTRAL, 0.0))
    assert trace.colorbar.title.text == "nats"
    assert list(trace.colorbar.ticktext) == ["≤ −6", "−3", "0", "+3", "≥ +6"]


def test_the_signed_map_is_exact_where_there_is_mass_and_nothing_where_there_is_none(two_hills, standard):
    shown = signed_map(two_hills, standard, 8.0)
    exact = np.clip(two_hills.log_density - standard.log_density, -8, 8)
    full, core = (
        np.logical_or(*(grid.log_density >= region_level(grid, share) for grid in (two_hills, standard)))
        for share in (0.95, 0.999)
    )
    np.testing.assert_array_equal(shown[full], exact[full])
    assert np.all(shown[~core] == 0)
    fading = core & ~full & (np.abs(exact) > 1)
    share = shown[fading] / exact[fading]
    assert fading.sum() > 100
    assert np.all((share >= 0) & (share < 1))
    assert share.mean() == pytest.approx(0.5, abs=0.15)
    assert shown.dtype == np.float32
    assert np.count_nonzero(shown[0]) < 5  # the far edge of the window is quiet, though the ratio there is huge
    with pytest.raises(ValueError, match="limit"):
        signed_map(two_hills, standard, 0.0)


def test_region_level_holds_its_share(standard):
    level = region_level(standard, 0.9)
    mass = np.exp(standard.log_density.astype(np.float64))
    assert mass[standard.log_density >= level].sum() / mass.sum() == pytest.approx(0.9, abs=0.005)


def test_panels_are_linked_and_in_equal_scale(two_hills, standard):
    layout = density_panels(two_hills, standard).layout
    edge = 5.05
    for axis in (layout.xaxis, layout.xaxis2, layout.xaxis3, layout.yaxis, layout.yaxis2, layout.yaxis3):
        assert axis.range == pytest.approx((-edge, edge))
        assert axis.constrain == "domain"
    assert (layout.xaxis2.matches, layout.xaxis3.matches) == ("x", "x")
    assert (layout.yaxis2.matches, layout.yaxis3.matches, layout.yaxis.scaleanchor) == ("y", "y", "x")
    assert layout.uirevision == "keep"
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.font.color == theme.TEXT


@pytest.mark.parametrize("build", [density_panels, hero])
def test_lattices_hold_exact_float64_places_and_stay_invisible(two_hills, standard, build):
    figure = build(two_hills, standard, lattice=7)
    found = [t for t in figure.data if t.name == "lattice"]
    across = np.linspace(-5.0, 5.0, 7)
    x, y = (side.ravel() for side in np.meshgrid(across, across))
    assert [t.xaxis for t in found] == ([f"x{a}" for a in AXES] if build is density_panels else ["x"])
    for trace in found:
        sent = json.loads(figure.to_json())["data"][figure.data.index(trace)]
        for axis, places in (("x", x), ("y", y)):  # every bit of every float64
            assert sent[axis]["dtype"] == "f8" and base64.b64decode(sent[axis]["bdata"]) == places.tobytes()
        assert trace.marker.opacity == trace.selected.marker.opacity == trace.unselected.marker.opacity == 0
        assert trace.selected.marker.size is None
    assert figure.data[-len(found) :] == tuple(found)  # on top of everything


def test_hover_tells_the_densities_where_it_is(two_hills, standard):
    trace = density_panels(two_hills, standard, lattice=3).data[-1]
    assert (trace.x[4], trace.y[4]) == (0.0, 0.0)
    log_q, log_p = two_hills.log_density[50, 50], standard.log_density[50, 50]
    np.testing.assert_allclose(trace.customdata[4], [log_q, log_p, log_q - log_p], atol=1e-5)
    assert "%{x:.2f}" in trace.hovertemplate and "log p %{customdata[1]:.1f} nats" in trace.hovertemplate


def test_clicks_are_read_from_what_streamlit_sends():
    point = {"curve_number": 3, "x": 3.825000000000001, "y": -4.05}
    for told in ([-1.5, -2, 0.5], {"0": -1.5, "1": -2, "2": 0.5}):  # a list, or a row of an array
        assert clicked({"selection": {"points": [point | {"customdata": told}]}}) == (3.825000000000001, -4.05)
    assert clicked({"selection": {"points": []}}) is None
    assert clicked({"selection": {"points": [{"x": 1.0, "y": 2.0}]}}) is None
    assert clicked({}) is None
    assert clicked(None) is None
    for other in (["q", 3], [17], [10, "a", "b"], 3):  # a point of a map, a component, an epoch, a row
        assert clicked({"selection": {"points": [point | {"customdata": other}]}}) is None


def test_a_box_and_a_lasso_become_corners():
    box = {"x": [2, -1.0], "y": [0.5, 3]}
    lasso = {"x": [0, 1, 1.0], "y": [0, 0, 1]}
    assert outlined({"selection": {"box": [box], "lasso": []}}) == ((-1, 0.5), (2, 0.5), (2, 3), (-1, 3))
    assert outlined({"selection": {"box": [box], "lasso": [lasso]}}) == ((0, 0), (1, 0), (1, 1))
    for nothing in (None, {}, {"selection": {"points": [{"x": 1}]}}, {"selection": {"box": [{"x": [1], "y": []}]}}):
        assert outlined(nothing) is None


def test_where_a_click_touched():
    assert touched({"selection": {"points": [{"x": 1, "y": 2.5, "customdata": ["p", 0]}]}}) == (1.0, 2.5)
    assert touched({"selection": {"points": [{"x": "a", "y": 2}]}}) is None and touched(None) is None


def test_points_are_one_webgl_trace_with_shape_and_colour(two_hills, standard, cloud):
    points, labels = cloud
    figure = density_panels(two_hills, standard, points=points, labels=labels, class_names=["a", "b", "c", "d"])
    (trace,) = [t for t in figure.data if t.name == "samples of q(z|x)"]
    assert trace.type == "scattergl"
    assert trace.xaxis == "x"
    np.testing.assert_array_equal(trace.marker.color, labels)
    np.testing.assert_array_equal(trace.marker.symbol, [theme.class_symbol_code(k) for k in labels.tolist()])
    assert trace.hoverinfo == "skip"  # so that the lattice over it is what is clicked
    legend = [t for t in figure.data if t.showlegend]
    assert [t.name for t in legend] == ["a", "b", "c", "d"]
    assert [(t.marker.color, t.marker.symbol) for t in legend] == [theme.class_style(k) for k in range(4)]
    assert all(np.isnan(t.x).all() for t in legend)


def test_the_kind_of_points_is_said(two_hills, standard, cloud):
    figure = density_panels(two_hills, standard, points=cloud[0], point_kind="means")
    (trace,) = [t for t in figure.data if t.showlegend]
    assert "means" in trace.name
    assert "dots: means" in figure.layout.annotations[0].text
    assert "dots" not in density_panels(two_hills, standard).layout.annotations[0].text


def test_pseudo_inputs_are_edged_diamonds_in_the_middle(two_hills, standard):
    (trace,) = of_panel(density_panels(two_hills, standard, pseudo_inputs=np.ones((5, 2))), "2", "pseudo-inputs")
    assert (trace.marker.symbol, trace.marker.color, trace.marker.line.color) == ("diamond", "#F0E442", "#000000")
    assert len(trace.x) == 5


def test_the_picked_place_is_marked_in_every_panel(two_hills, standard):
    figure = ready(density_panels, two_hills, standard, over=layers.marks((1.5, -2.25), None, 3))
    for axis in AXES:
        (trace,) = of_panel(go.Figure(figure.to_dict()), axis, "picked")
        for side, place in (("x", 1.5), ("y", -2.25)):
            sent = trace[side]
            assert np.frombuffer(base64.b64decode(sent["bdata"]), sent["dtype"]).tolist() == [place, place]
    with pytest.raises(ValueError, match="picked must be two finite numbers"):
        layers.marks((np.nan, 0.0), None, 1)


def test_every_coordinate_is_float32_and_the_message_is_small(make_grid, standard):
    q = make_grid([(-0.5, 0.5), (3.5, -3)], [(0.5, 0.4), (0.3, 0.3)], [0.6, 0.4], cells=201)
    p = make_grid([(0, 0)], [(1, 1)], [1.0], cells=201)
    random = np.random.default_rng(0)
    points, labels = random.normal(size=(5000, 2)), random.integers(0, 10, 5000)
    means = random.normal(size=(500, 2))
    figure = density_panels(q, p, points=points, labels=labels, pseudo_inputs=means)
    for trace in figure.data:
        if trace.name == "lattice":
            continue  # clicked places are exact
        for values in (trace.x, trace.y):
            assert isinstance(values, np.ndarray), trace.name
            assert values.dtype == np.float32, trace.name
    assert len(figure.to_json()) < 1_000_000


def test_title_and_compact(two_hills, standard):
    plain, small = density_panels(two_hills, standard), density_panels(two_hills, standard, title="A", compact=True)
    assert small.layout.title.text == "A"
    assert plain.layout.title.text is None
    assert small.layout.height < plain.layout.height


def test_hero_is_one_panel_around_the_mass(two_hills, standard, cloud):
    figure = hero(two_hills, standard, *cloud)
    assert {t.xaxis or "x" for t in figure.data} == {"x"}
    low, high = figure.layout.xaxis.range
    assert -4.5 < low < -3.5  # the prior's 99.9 % circle has radius 3.7
    assert high > 4.3  # the outer hill
    assert [t.meta for t in figure.data if t.name == "prior p(z)"] == list(HDR_SHARES[::-1])
    names = [t.name for t in figure.data]
    assert names.index("samples of q(z|x)") < names.index("prior p(z)")  # the dashed lines lie over the points
    assert figure.layout.yaxis.scaleanchor == "x"


def test_wrong_input_is_refused_with_the_reason(two_hills, standard, cut_off):
    with pytest.raises(ValueError, match="same grid"):
        density_panels(two_hills, cut_off)
    torn = DensityGrid(standard.x[:-1], standard.y, standard.log_density, 1.0, standard.levels)
    with pytest.raises(ValueError, match=r"p\.log_density must be"):
        hero(two_hills, torn)
    for message, arguments in {
        r"points must be \(n, 2\)": {"points": np.zeros((4, 3))},
        "at most 99,999": {"points": np.zeros((layers.MAX_POINTS + 1, 2))},
        "labels must be": {"points": np.zeros((4, 2)), "labels": np.zeros(3, int)},
        "point_kind": {"points": np.zeros((4, 2)), "point_kind": "medians"},
        "pseudo_inputs": {"pseudo_inputs": np.zeros((4, 3))},
        "lattice": {"lattice": 1},
    }.items():
        with pytest.raises(ValueError, match=message):
            density_panels(two_hills, standard, **arguments)


def test_the_panels_can_be_named(two_hills, standard):
    heads = [
        note.text for note in density_panels(two_hills, standard, names=("one half", "other half")).layout.annotations
    ]
    assert "one half" in heads[0] and "other half" in heads[1] and not any("Prior" in head for head in heads)
