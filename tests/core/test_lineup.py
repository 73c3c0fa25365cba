"""The line-up: one true panel, all others deals of the same draws, and what luck finds."""

import math
from collections import Counter

import numpy as np
import pytest

from core.lineup import Lineup, by_luck, hide, seed_of


def draws(n: int = 200, apart: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """q around 0 and p around ``apart``."""
    chance = np.random.default_rng(0)
    q, p = (chance.normal(at, 1, (n, 2)).astype(np.float32) for at in (0.0, apart))
    return q, p


def sides(found: Lineup, panel: int) -> tuple[np.ndarray, np.ndarray]:
    return found.points[found.q[panel]], found.points[found.p[panel]]


def test_every_panel_shows_the_same_draws_and_one_the_true_sides() -> None:
    given = draws(60)
    found = hide(*given)
    for panel in range(9):
        assert sorted([*found.q[panel], *found.p[panel]]) == list(range(120))
    for shown, side in zip(sides(found, found.real), given, strict=True):
        assert sorted(shown.tolist()) == sorted(side.tolist())
    gaps = [float(np.linalg.norm(sides(found, k)[0].mean(0) - sides(found, k)[1].mean(0))) for k in range(9)]
    assert int(np.argmax(gaps)) == found.real and sorted(gaps)[-2] < 1.5 < 3 < max(gaps)


def test_the_true_panel_may_be_any_and_is_not_given_away() -> None:
    found = [hide(*draws(30), seed=seed) for seed in range(900)]
    places = Counter(one.real for one in found)
    assert set(places) == set(range(9))
    assert max(abs(count - 100) for count in places.values()) < 4 * math.sqrt(100)
    # In no panel is the order of the draws that of the file, which a drawing over one another would show.
    one = hide(*draws(60))
    assert [k for k in range(9) if one.q[k].tolist() == sorted(one.q[k].tolist())] == []


def test_without_a_difference_no_panel_stands_out() -> None:
    """The panel with the largest gap between the means is the true one in 1 of 9 line-ups."""
    hits = 0
    for seed in range(450):
        chance = np.random.default_rng(1000 + seed)
        q, p = (chance.normal(size=(40, 2)).astype(np.float32) for _ in range(2))
        found = hide(q, p, seed=seed)
        gaps = [np.linalg.norm(sides(found, k)[0].mean(0) - sides(found, k)[1].mean(0)) for k in range(9)]
        hits += int(np.argmax(gaps)) == found.real
    assert 26 < hits < 76  # 50 expected, standard deviation 6.7


def test_each_line_up_has_a_seed_of_its_own() -> None:
    questions = [(model, view, number) for model in "ab" for view in ("pca", "plane") for number in range(100)]
    assert len({seed_of(*question) for question in questions}) == 400
    assert seed_of("a", 1) == seed_of("a", 1) != seed_of("a1")
    assert np.array_equal(hide(*draws(30), seed=5).q, hide(*draws(30), seed=5).q)


@pytest.mark.parametrize("panels", [2, 9, 20])
def test_what_luck_finds(panels: int) -> None:
    assert by_luck(0, 5, panels) == pytest.approx(1)
    assert by_luck(5, 5, panels) == pytest.approx(panels**-5)
    assert by_luck(1, 5, panels) == pytest.approx(1 - (1 - 1 / panels) ** 5)
    chance = np.random.default_rng(0)
    simulated = (chance.binomial(7, 1 / panels, 200_000) >= 2).mean()
    assert by_luck(2, 7, panels) == pytest.approx(simulated, abs=0.005)


def test_refused() -> None:
    with pytest.raises(ValueError, match="n >= 20"):
        hide(*draws(19))
    with pytest.raises(ValueError, match=r"\(30, 2\) and \(29, 2\)"):
        hide(draws(30)[0], draws(29)[1])
    with pytest.raises(ValueError, match="2 panels"):
        hide(*draws(30), panels=1)
    with pytest.raises(ValueError, match="0 to 3"):
        by_luck(4, 3)
