"""Mosaic, map, usage and ways of components: every mark where it belongs, clicks that tell the component."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.component_records import Components, Effective, Interpolation, Path, Usual, order
from core.figures import component_words, theme
from core.figures.component_map import LATTICE, SHARES, component_map, component_marks, ellipse, lattice_of
from core.figures.component_mosaic import clicked_component, columns_for, component_mosaic, frames, mosaic_picture
from core.figures.component_path import path_figure
from core.figures.component_usage import usage_figure
from core.figures.ready import ready
from core.figures.sheets import Block, sheet
from core.nearest_records import Copies, Nearest
from core.records import Estimate


def found(count: int = 6) -> Components:
    """Component 2 is dead, 0 and 1 are duplicates; usage falls from component 0 on."""
    usage = np.array([5, 4, 0.01, 3, 2, 1.0])[:count]
    usage = usage / usage.sum()
    entropy = float(-(usage * np.log(usage)).sum())
    ends = (math.exp(entropy + shift) for shift in (0, -0.02, 0.02))
    effective = Effective(*ends, 5.9, Estimate(entropy, 0.01), math.log(5.9))
    mix = np.array([[0.9, 0.1], [0.2, 0.8], [np.nan, np.nan], [1, 0], [0.5, 0.5], [0.3, 0.7]])[:count]
    return Components(
        weight=np.full(count, 1 / count),
        usage=usage,
        usage_se=0.02 * usage,
        effective=effective,
        dead=np.array([0, 0, 1, 0, 0, 0], bool)[:count],
        dead_range=(1, 2),
        dead_null=0.0,
        neighbour=np.array([1, 0, 3, 4, 3, 4])[:count],
        neighbour_distance=np.array([0.01, 0.01, 2, 1, 1, 3.0])[:count],
        duplicate_pairs=1,
        pairs_null=0.4,
        spread=np.arange(1.0, count + 1),
        class_mix=mix,
        images_behind=np.full(count, 40.0),
        purity=0.7,
        purity_null=0.5,
        saturated=np.full(count, 0.25),
        images=200,
        draws=20_000,
        seed=0,
    )


def images(count: int = 6) -> np.ndarray:
    return np.repeat(np.arange(count) / 10, 16).reshape(count, 4, 4)


def decoded(source: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,")))) as picture:
        return np.asarray(picture)


def mosaic(by: str = "usage", chosen: int = 3, second: int | None = None):
    table, ranked = found(), order(found(), by)
    picture = mosaic_picture(images(), table, ranked)
    hovers = component_words.hover_words(table, ("left", "top"))
    figure = component_mosaic(picture, table, ranked, hovers)
    return figure.update_layout(shapes=frames(ranked, chosen, second)), ranked


def test_tiles_lie_in_their_order_on_one_scale():
    figure, ranked = mosaic()
    assert [trace.type for trace in figure.data].count("image") == 1
    tiles = figure.data[0]
    picture, columns = decoded(tiles.source), columns_for(6)
    side = picture.shape[1] / columns
    assert columns == 3 and tiles.dx * picture.shape[1] == pytest.approx(3) and tiles.dy == pytest.approx(tiles.dx)
    middles = [picture[int(side * (i // 3 + 0.5)), int(side * (i % 3 + 0.5)), 0] for i in range(6)]
    assert middles == [round(25.5 * k) for k in ranked]
    at = {k: i for i, k in enumerate(ranked.tolist())}
    corner = picture[int(side * (at[2] // 3)) + 1, int(side * (at[2] % 3)) + 1]
    assert corner.tolist() == list(theme.rgb(theme.DEAD))


def test_dead_and_duplicated_tiles_have_marks_of_their_own_shape():
    figure, ranked = mosaic()
    marks = {trace.name: trace for trace in figure.data[1:]}
    dead, twins, tiles = marks["dead (1)"], marks["has a duplicate (2)"], marks["components"]
    assert (dead.marker.symbol, twins.marker.symbol) == ("x", "bowtie")
    place = ranked.tolist().index(2)
    assert (int(dead.x[0]), int(dead.y[0])) == (place % 3, place // 3)
    assert {(int(x), int(y)) for x, y in zip(twins.x, twins.y, strict=True)} == {(0, 0), (1, 0)}
    assert tiles.customdata == tuple([k] for k in range(6)) or [list(c) for c in tiles.customdata] == [
        [k] for k in range(6)
    ]
    assert "dead" in tiles.hovertext[2] and "duplicate of k = 2" in tiles.hovertext[0]
    assert "mostly left (90 %)" in tiles.hovertext[0]


def test_the_chosen_tiles_are_framed():
    figure, ranked = mosaic(chosen=3, second=5)
    place = [ranked.tolist().index(k) for k in (3, 5)]
    boxes = [(shape.x0, shape.y0, shape.line.dash) for shape in figure.layout.shapes]
    assert [(x, y) for x, y, _ in boxes[1::2]] == [(p % 3, p // 3) for p in place]
    assert boxes[1][2] == "solid" and boxes[3][2] != "solid"


def test_a_click_tells_the_component():
    event = {"selection": {"points": [{"customdata": [17]}]}}
    assert clicked_component(event) == 17
    for nothing in (None, {}, {"selection": {"points": []}}, {"selection": {"points": [{"customdata": [0.1, 0.2]}]}}):
        assert clicked_component(nothing) is None


def test_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match="6 components need"):
        mosaic_picture(images(5), found(), np.arange(6))
    with pytest.raises(ValueError, match="as many places and words"):
        component_mosaic(("", 1, 1), found(), np.arange(6), ["a"])


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (50, 8), (500, 24), (2000, 46)])
def test_the_mosaic_is_about_a_square(count, columns):
    assert abs(columns_for(count) - columns) <= 4


def test_the_ellipse_holds_its_share(two_hills):
    covariance = np.array([[2.0, 0.7], [0.7, 0.5]])
    draws = np.random.default_rng(0).multivariate_normal([1, -1], covariance, 50_000)
    for share in SHARES:
        rim = ellipse(np.array([1.0, -1.0]), covariance, share) - [1, -1]
        radius = np.einsum("na,ab,nb->n", rim, np.linalg.inv(covariance), rim)
        np.testing.assert_allclose(radius, radius[0])
        inside = np.einsum("na,ab,nb->n", draws - [1, -1], np.linalg.inv(covariance), draws - [1, -1]) <= radius[0]
        assert inside.mean() == pytest.approx(share, abs=0.01)


def test_the_map_tells_whose_place_it_is(two_hills):
    means, covariances = np.array([[0.0, 0.0], [3.5, -3.0]]), np.stack([np.eye(2), 0.1 * np.eye(2)])
    owner = (lattice_of(two_hills)[:, 0] > 2).astype(np.int64)
    path = [("straight in z", np.linspace(means[0], means[1], 5))]
    owners = owner, np.full(LATTICE**2, 0.9)
    figure = ready(component_map, two_hills, means, owners, over=component_marks(means, covariances, 1, 0, path))
    lattice = next(trace for trace in figure.data if trace.name == "lattice")
    assert [list(c) for c in lattice.customdata[:2]] == [[0], [0]] and list(lattice.customdata[-1]) == [1]
    assert lattice.hovertext[-1] == "k = 2 is responsible here: 90 %"
    rims = [trace for trace in figure.data if trace.name == "chosen: k = 2"]
    assert [rim.meta for rim in rims] == list(SHARES) and rims[0].line.dash != "solid"
    np.testing.assert_allclose([rims[0].x[:-1].mean(), rims[0].y[:-1].mean()], [3.5, -3], atol=1e-5)
    assert any(trace.name == "straight in z" and len(trace.x) == 5 for trace in figure.data)
    assert {trace.name for trace in figure.data if trace.showlegend} >= {"chosen: k = 2", "second: k = 1"}
    roomy = component_map(
        two_hills, means, owners, ways=["straight in z", "through pseudo-inputs"], what="a long name " * 4
    )
    assert roomy.layout.margin.t > component_map(two_hills, means, owners, what="a long name " * 4).layout.margin.t
    alone = component_marks(means, covariances, 1)
    assert {trace["name"] for trace in alone} == {"chosen: k = 2", "chosen"}
    with pytest.raises(ValueError, match="owners must be given"):
        component_map(two_hills, means, (owner[:5], owner[:5]))


def test_usage_is_shown_with_its_null_and_the_line_of_the_dead():
    table = found()
    figure = usage_figure(table)
    curve, bar = figure.data
    np.testing.assert_allclose(curve.y[0], 6 * table.usage.max(), rtol=1e-6)
    assert curve.marker.symbol[-1] == "x" and curve.marker.symbol[0] == "circle"
    np.testing.assert_allclose(curve.error_y.array[0], 1.96 * 6 * 0.02 * table.usage.max(), rtol=1e-5)
    assert bar.x[0] == pytest.approx(table.effective.entropy.value)
    across = [shape.x0 for shape in figure.layout.shapes if shape.xref == "x2"]
    assert across == pytest.approx([math.log(5.9), math.log(6)])
    assert [shape.y0 for shape in figure.layout.shapes if shape.xref == "x domain"] == pytest.approx([1, 0.1])


def way(inputs: bool) -> Interpolation:
    t = np.linspace(0, 1, 5)
    path = Path(t, np.zeros((5, 2)), -t, -2 * t, images(2), np.array([0, 4]), None)
    return Interpolation(path, replace(path, log_p=-9 * t, inputs=images(2)) if inputs else None)


@pytest.mark.parametrize("inputs", [True, False])
def test_both_densities_along_the_way_stand_over_what_is_usual(inputs):
    usual = Usual((-3.0, -2.0, -1.0), (-5.0, -4.0, -3.0), 2000, 0)
    figure = path_figure(way(inputs).named(), usual)
    lines = [trace for trace in figure.data if not trace.showlegend]
    assert len(lines) == (4 if inputs else 2)
    np.testing.assert_array_equal(np.flatnonzero(lines[0].marker.size), [0, 4])
    assert [shape.y0 for shape in figure.layout.shapes] == [-3, -2, -5, -4]
    low = figure.layout.yaxis2.range[0]
    assert low < (-9 if inputs else -5)
    words = component_words.path_sentence(way(inputs).named(), usual)
    assert words.startswith("Straight in z, the way stays where codes and draws usually lie")
    assert ("leaves the places where codes" in words) is inputs
    assert ("−9.0 nats" in words) is inputs


def test_a_sheet_puts_every_block_where_it_was_told():
    blocks = [
        Block(images(1), 0, 0, 1, 2, "<b>one</b>"),
        Block(images(4), 2.5, 0, 4, 1, "row", [f"w{k}" for k in range(4)], [theme.PSEUDO] * 4),
    ]
    figure = sheet(blocks, width=9)
    one, row = figure.data
    assert one.dx * decoded(one.source).shape[1] == pytest.approx(2)
    assert row.x0 - row.dx / 2 == pytest.approx(2.5)
    assert [note.text for note in figure.layout.annotations] == ["<b>one</b>", "row", "w0", "w1", "w2", "w3"]
    assert [note.x for note in figure.layout.annotations[2:]] == [3, 4, 5, 6]
    assert (
        list(figure.layout.xaxis.range) == [0, 9] and figure.layout.yaxis.range[0] >= 2 > figure.layout.yaxis.range[1]
    )
    assert decoded(row.source)[0, 0].tolist() == list(theme.rgb(theme.PSEUDO))
    with pytest.raises(ValueError, match="one block"):
        sheet([])
    with pytest.raises(ValueError, match="one row of pictures"):
        sheet([Block(images(4), 0, 0, 2, 1, "", ["a"] * 4)])


def test_the_verdict_is_made_of_the_numbers():
    table = found()
    words = component_words.usage_sentence(table)
    assert "1 is dead (1 to 2 within the errors of their usage; a perfect match: 0.0)" in words
    assert "1 pairs" not in words and "One pair is a duplicate" in words
    assert f"{table.effective.value:.1f} [" in words and "would show 5.9" in words
    even = replace(table, effective=replace(table.effective, high=6.0), duplicate_pairs=0, pairs_null=math.nan)
    assert component_words.usage_sentence(even).startswith("Used as evenly as a perfect match")
    uneven = replace(table, effective=replace(table.effective, value=3.6, low=3.4, high=3.8, null=5.9))
    assert component_words.usage_sentence(uneven).startswith("Used less evenly than a perfect match"), "of the match"
    few = np.array([0.9, 0.1, 0, 0, 0, 0])
    left = component_words.usage_sentence(replace(even, weight=few))
    assert left.startswith("The prior has given up most of its components (its weights have the entropy of 1.4 equal")
    assert "and q(z) follows it: the usage" in left and "in use" not in left
    assert "No pair is a duplicate (Bhattacharyya distance under 0.1)" in component_words.usage_sentence(even)
    about = component_words.component_sentence(table, 0, ("left", "top"))
    assert "“left” 90 % [" in about and "k = 2 at Bhattacharyya distance 0.01, a duplicate" in about
    assert "it is dead" in component_words.component_sentence(table, 2).lower()
    assert "responsible for nothing" in component_words.component_sentence(table, 2).lower()


def nearest(closer, low, high, apart) -> Nearest:
    rows = np.arange(2)
    return Nearest(
        rows, np.array([0.05, 0.1]), np.array([0, 1]), "% of pixels", closer, low, high, 100, 1, 0.5, apart,
        max(0.0, apart - 0.03), apart + 0.03,
    )  # fmt: skip


def test_a_copy_is_called_one_only_beyond_chance():
    latent = replace(nearest(0.5, 0.4, 0.6, 0.5), unit="sd")
    says = {
        (0.0, 0.0, 0.04, 0.01): "A copy",
        (0.0, 0.0, 0.04, 0.5): "No copy of one image: nearer",
        (0.5, 0.4, 0.6, 0.01): "One training image stands out",
        (0.5, 0.4, 0.6, 0.5): "No copy: no nearer",
        (0.0, 0.0, 0.04, 0.06): "Not told apart",
        (0.06, 0.03, 0.1, 0.5): "Not told apart",
    }
    for numbers, start in says.items():
        words = component_words.nearest_sentence(latent, nearest(*numbers), ("left", "top"))
        assert words.startswith(start) and "test images of class top" in words and "5.0 % of pixels" in words
    assert component_words.nearest_words(latent) == ["0: 0.05 sd", "1: 0.10 sd"]
    copies = Copies(np.zeros(6), np.ones(6), (0.5, 0.2, 0.8), (0.6, 0.3, 0.9), (0.7, 0.4, 1.0), 0.05, 0.012, 100)
    assert (
        "50 % [20, 80] are copies: nearer to one training image than 95 % of the test images"
        in component_words.copies_sentence(copies)
    )
