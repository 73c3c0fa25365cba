"""Figures, sentences and table of models side by side."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.comparison import Difference, Measured
from core.figures import compare_words, differences, multiples
from core.figures.multiples import Panel
from core.per_image import PerImage
from core.records import Estimate

RANDOM = np.random.default_rng(0)


def gained(**values: tuple[float, float]) -> dict[str, Difference]:
    return {name: Difference(Estimate(*pair), True) for name, pair in values.items()}


def model(label: str, shift: float, *, images: str = "a", n: int = 200) -> Measured:
    hard = np.random.default_rng(1).normal(scale=20, size=n)
    noise = np.random.default_rng(int(1000 * shift) + 5).normal(scale=0.1, size=n)
    values = {"reconstruction": hard + shift + noise, "average_kl": np.full(n, 5.0), "nll": 4 - hard - shift}
    found = PerImage({name: v.astype(np.float32) for name, v in values.items()}, "test", 0, 10, images)
    told = {name: {"value": float(v.mean()), "se": float(v.std() / n**0.5)} for name, v in values.items()}
    bound = values["reconstruction"] - values["average_kl"]
    told["elbo"] = {"value": float(bound.mean()), "se": float(bound.std() / n**0.5)}
    return Measured(label, label, told | {"n": n, "seed": 0, "samples": 10}, found)


def test_clear_gains_are_filled_and_stand_where_they_are() -> None:
    rows = [("A", gained(elbo=(1.0, 0.1), reconstruction=(0.1, 0.2))), ("B", gained(elbo=(-0.3, 0.2)))]
    figure = differences.gains_figure(rows, "N(0, I)")
    marks = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    assert set(marks) == {"ELBO", "from reconstruction"}
    assert marks["ELBO"].marker.symbol == ("circle", "circle-open")
    assert np.allclose(marks["ELBO"].x, [1.0, -0.3]) and np.allclose(marks["ELBO"].error_x.array, [0.196, 0.392])
    assert figure.layout.yaxis.ticktext == ("A", "B") and "N(0, I)" in figure.layout.xaxis.title.text
    low, high = figure.layout.xaxis.range
    assert low < -0.3 - 0.392 and high > 1.196
    numbers = next(trace for trace in figure.data if trace.name == "ELBO, numbers")
    assert "1.00 ± 0.10" in numbers.text[0] and np.allclose(numbers.x, [1.196, -0.692]), "away from 0"
    assert numbers.textposition == ("middle right", "middle left")
    with pytest.raises(ValueError, match="each label once"):
        differences.gains_figure([rows[0], rows[0]], "x")


def test_sentences_say_what_is_clear_and_what_is_not() -> None:
    first, better, same = model("N(0, I)", 0.0), model("Vamp", 2.0), model("MoG", 0.001)
    told = compare_words.gain_sentences([first, same, better])
    assert told[0].startswith("Vamp gains 2.0") and "log p(x): 2.00" in told[0]
    assert told[1].startswith("MoG: no difference found in the ELBO from N(0, I)")
    worse = compare_words.gain_sentences([better, first])
    assert worse[0].startswith("N(0, I) loses 2.0") and "−2." not in worse[0].split(":")[0]


def test_the_table_pairs_what_it_can_and_marks_the_rest() -> None:
    first, paired, other = model("a", 0.0), model("b", 0.5), model("c", 0.5, images="b")
    table = compare_words.comparison_table([first, paired, other], facts=[{"epochs": "3"}, {}, {}])
    row = next(k for k, cells in enumerate(table.rows) if cells[0] == "… difference")
    assert table.rows[row - 1][0] == "ELBO, nats" and table.rows[row][1] == ""
    assert table.rows[row][2].startswith("+0.5") and (row, 2) in table.bold
    assert table.rows[row][3].endswith("not paired") and (row, 3) not in table.bold
    assert ("epochs", "3", "–", "–") in table.rows
    assert any(cells[0] == "NLL, importance-weighted, nats, S = 10" for cells in table.rows)


def with_split(one: Measured, information: float, log_n: float) -> Measured:
    """The same model with its KL of 5 nats cut in two."""
    parts = {"mutual_information": information, "marginal_kl": 5.0 - information, "log_n": log_n}
    told = {name: {"value": value, "se": 0.01} for name, value in parts.items()}
    return dataclasses.replace(one, evaluation={**one.evaluation, **told})


def test_a_gain_from_the_kl_is_taken_apart_only_below_the_ceiling() -> None:
    first, other = with_split(model("a", 0.0), 3.0, 5.3), with_split(model("b", 0.5), 2.8, 5.3)
    table = compare_words.comparison_table([first, other])
    lines = [cells[0] for cells in table.rows]
    assert lines[lines.index("information I(n; z), nats") + 1] == "… difference"
    assert "from the information" in compare_words.gain_sentences([first, other])[0]
    high = with_split(model("c", 1.0), 4.25, 4.3)
    assert compare_words.whole_kl_words([first, other]) == ""
    assert "log n" in compare_words.whole_kl_words([first, other, high])
    table = compare_words.comparison_table([first, other, high])
    lines = [cells[0] for cells in table.rows]
    gaps = table.rows[lines.index("marginal KL, nats") + 1]
    assert gaps[0] == "… difference" and gaps[2] != "" and gaps[3] == ""
    told = {one.split(" gains")[0]: one for one in compare_words.gain_sentences([first, other, high])}
    assert "marginal" in told["b"] and "marginal" not in told["c"] and "not told apart" in told["c"]


def test_what_is_paired_is_told() -> None:
    first, paired, other = model("a", 0.0), model("b", 0.5), model("c", 0.5, images="b")
    assert compare_words.pairing_words([first, paired]) == "differences are taken image by image"
    assert compare_words.pairing_words([first, other]).startswith("differences are not paired")
    assert "but not all of ELBO, reconstruction, KL(q(z|x) ‖ p(z)), NLL" in compare_words.pairing_words(
        [first, paired, other]
    )


def panels(make_grid, count: int, n: int = 30) -> list[Panel]:
    grid = make_grid([(0, 0)], [(1, 1)], [1.0], cells=41)
    return [Panel(f"model {k}", grid, grid, RANDOM.normal(size=(n, 2)).astype(np.float32)) for k in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 10])
def test_every_model_has_two_square_panels_that_do_not_touch(make_grid, count: int) -> None:
    figure = multiples.multiples(panels(make_grid, count), np.arange(30), labels=np.arange(30) % 3)
    layout = figure.layout
    height = layout.height - layout.margin.t - layout.margin.b
    boxes = []
    for place in range(2 * count):
        suffix = "" if place == 0 else str(place + 1)
        x, y = layout[f"xaxis{suffix}"], layout[f"yaxis{suffix}"]
        boxes.append((*x.domain, *y.domain))
        assert 180 < (y.domain[1] - y.domain[0]) * height < 400
        assert (x.matches, y.matches) == ((None, None) if place == 0 else ("x", "y"))
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2], "two panels overlap"
    points = [trace for trace in figure.data if trace.customdata is not None]
    assert len(points) == count and all(list(trace.customdata) == list(range(30)) for trace in points)
    assert sum(trace.type == "heatmap" and trace.showscale is not False for trace in figure.data) == 1


def test_a_prior_without_a_density_here_is_shown_by_draws_and_its_map_says_why(make_grid) -> None:
    known, unknown = panels(make_grid, 2)
    draws = RANDOM.normal(size=(20, 2)).astype(np.float32)
    figure = multiples.multiples([known, Panel("flow", unknown.q, None, unknown.points, draws)], np.arange(30))
    assert sum(trace.name == "draws of p(z)" for trace in figure.data) == 1
    note = next(note for note in figure.layout.annotations if "not<br>known" in note.text)
    low, high = figure.layout.xaxis2.domain
    assert note.xref == "paper" and low < note.x < high, "an axis without traces has no domain in the browser"


def test_axes_of_outer_panels_have_names(make_grid) -> None:
    first, second, third = panels(make_grid, 3)
    other = dataclasses.replace(second, axes=("first principal axis", "second principal axis"))
    layout = multiples.multiples([first, other, third], np.arange(30)).layout
    across = [layout[f"xaxis{place}"].title.text for place in (4, 5, 6)]
    assert across == ["z₁", "first principal axis", "z₁"]
    assert [layout[f"yaxis{place}"].title.text for place in ("", 2, 4, 5)] == ["z₂", None, "z₂", None]
    assert all(layout[f"xaxis{place}"].title.text is None for place in ("", 2, 3)), "those above would lie on the map"


def test_what_is_not_selected_fades_in_every_panel(make_grid) -> None:
    chosen = np.arange(30) < 4
    figure = multiples.multiples(panels(make_grid, 2), np.arange(30), selected=chosen)
    for trace in (trace for trace in figure.data if trace.customdata is not None):
        assert np.allclose(np.asarray(trace.marker.opacity)[:4], 0.95)
        assert (np.asarray(trace.marker.opacity)[4:] < 0.2).all()


def test_a_click_and_a_lasso_are_read() -> None:
    click = {"selection": {"points": [{"x": 1, "y": 2}, {"customdata": 17}], "box": [], "lasso": []}}
    assert multiples.picked_row(click) == 17 and multiples.outlined_in(click, 3) is None
    assert multiples.picked_row({"selection": {"points": [{"customdata": [18]}]}}) == 18
    for axis, place in (("x", 0), ("x2", 1), ("x3", 2), ("x4", 0), ("x6", 2), ("x7", None), ("paper", None)):
        drawn = {"selection": {"points": [{"customdata": 3}], "box": [{"xref": axis, "x": [0, 1], "y": [0, 1]}]}}
        assert multiples.outlined_in(drawn, 3) == place and multiples.picked_row(drawn) is None
    assert multiples.picked_row(None) is None and multiples.outlined_in({}, 2) is None


def test_wrong_panels_are_refused(make_grid) -> None:
    with pytest.raises(ValueError, match="one model or more"):
        multiples.multiples([], np.arange(3))
    with pytest.raises(ValueError, match="30 points for 29 images"):
        multiples.multiples(panels(make_grid, 1), np.arange(29))
    other = make_grid([(0, 0)], [(1, 1)], [1.0], cells=31)
    two = panels(make_grid, 2)
    with pytest.raises(ValueError, match="one window"):
        multiples.multiples([two[0], Panel("b", other, other, two[1].points)], np.arange(30))
