"""The line-up as a picture: nothing tells the true panel before the pick, everything after it."""

import numpy as np
import pytest

from core.figures import theme
from core.figures.lineup import lineup_figure, panel_of
from core.figures.lineup_words import alternative, answer, question
from core.lineup import Lineup, hide


@pytest.fixture
def hidden() -> Lineup:
    chance = np.random.default_rng(0)
    q, p = (chance.normal(at, 1, (100, 2)).astype(np.float32) for at in (0.0, 2.0))
    return hide(q[:50], p[:50], seed=4)


def points_in(figure: object, panel: int) -> dict[str, np.ndarray]:
    axis = "x" if panel == 0 else f"x{panel + 1}"
    found: dict[str, list[np.ndarray]] = {}
    for trace in figure.data:  # pyright: ignore[reportAttributeAccessIssue]
        if trace.type == "scattergl" and trace.xaxis == axis and trace.marker.opacity:
            found.setdefault(str(trace.marker.symbol), []).append(np.stack([trace.x, trace.y], 1))
    return {symbol: np.concatenate(parts) for symbol, parts in found.items()}


def rows(z: np.ndarray) -> list[tuple[float, ...]]:
    return sorted(map(tuple, z.tolist()))


def test_every_panel_shows_its_deal_of_the_draws(hidden: Lineup) -> None:
    figure = lineup_figure(hidden)
    for panel in range(9):
        shown = points_in(figure, panel)
        assert rows(shown["circle"]) == rows(hidden.points[hidden.q[panel]])
        assert rows(shown["diamond-open"]) == rows(hidden.points[hidden.p[panel]])


def test_nothing_tells_the_true_panel_before_a_pick(hidden: Lineup) -> None:
    figure = lineup_figure(hidden)
    assert [note.text for note in figure.layout.annotations] == [str(n) for n in range(1, 10)]
    looks = {(axis.linecolor, axis.linewidth) for axis in figure.checked.select_xaxes()}
    assert len(looks) == 1
    styles = [
        [(t.marker.symbol, t.marker.size, t.marker.color, len(t.x)) for t in figure.data if t.xaxis == f"x{n}"]
        for n in ["", *range(2, 10)]
    ]
    assert all(style == styles[0] for style in styles)


@pytest.mark.parametrize("right", [True, False])
def test_a_pick_is_framed_and_the_true_panel_too(hidden: Lineup, right: bool) -> None:
    picked = hidden.real if right else (hidden.real + 1) % 9
    figure = lineup_figure(hidden, picked)
    texts = [note.text for note in figure.layout.annotations]
    assert "the true one" in texts[hidden.real] and ("your choice" in texts[hidden.real]) is right
    assert "your choice" in texts[picked]
    lines = {n: axis.linecolor for n, axis in enumerate(figure.checked.select_xaxes())}
    assert lines[hidden.real] == theme.RIGHT
    assert sum(colour != theme.NEUTRAL for colour in lines.values()) == (1 if right else 2)


def test_a_click_anywhere_in_a_panel_names_it(hidden: Lineup) -> None:
    figure = lineup_figure(hidden)
    low, high = hidden.points.min(0), hidden.points.max(0)
    for panel in range(9):
        axis = "x" if panel == 0 else f"x{panel + 1}"
        (target,) = [t for t in figure.data if t.xaxis == axis and t.customdata is not None]
        assert target.x.min() <= low[0] and target.x.max() >= high[0]
        assert target.y.min() <= low[1] and target.y.max() >= high[1]
        told = np.asarray(target.customdata[0]).tolist()
        assert panel_of({"selection": {"points": [{"customdata": told}]}}) == panel
        assert panel_of({"selection": {"points": [{"customdata": {"0": panel}}]}}) == panel
    for nothing in (None, {}, {"selection": {"points": []}}, {"selection": {"points": [{"customdata": [1.5, 2]}]}}):
        assert panel_of(nothing) is None


def test_the_words(hidden: Lineup) -> None:
    assert "9 panels shows 50 draws of q(z)" in question(hidden, 2) and "dimensions" not in question(hidden, 2)
    assert "2 of 40 dimensions" in question(hidden, 40)
    wrong = (hidden.real + 1) % 9
    assert answer(hidden, hidden.real, 1, 1).startswith(f"**Panel {hidden.real + 1} is the true one.**")
    told = answer(hidden, wrong, 1, 3)
    assert f"panel {wrong + 1} was dealt at random" in told
    assert "That is no sign of a match" in told
    assert answer(hidden, wrong, 0, 2).endswith("Found so far: none of 2.")
    assert "Found so far: 1 of 3. Luck alone finds 1 or more of 3 in 30 % of cases." in told
    assert "in 3.4 % of cases" in answer(hidden, hidden.real, 2, 3)
    assert "less than 0.1 %" in answer(hidden, hidden.real, 4, 4)
    assert alternative(hidden, None).startswith("9 panels of the same 100 draws: one shows which are of q(z)")
    assert "true one" not in alternative(hidden, None)
    assert alternative(hidden, wrong).endswith(
        f"Panel {hidden.real + 1} is the true one; panel {wrong + 1} was picked."
    )


def test_a_panel_that_there_is_not_is_refused(hidden: Lineup) -> None:
    with pytest.raises(ValueError, match="expected 0 to 8"):
        lineup_figure(hidden, 9)
