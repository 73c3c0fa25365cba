"""The line-up on Prior vs posterior: a pick counts once, the true panel stays untold until then, and luck is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.addresses import Open, arriving, said

QUESTION = "Which one is true?"


@pytest.fixture
def arrive(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    return arriving(zoo, monkeypatch)


def pick(app: AppTest, panel: int) -> None:
    (control,) = [each for each in app.segmented_control if str(each.key).startswith("pick-")]
    control.set_value(panel).run()
    assert not app.exception


def true_panel(app: AppTest) -> int:
    found = re.search(r"\*\*Panel (\d) is the true one", said(app))
    assert found
    return int(found[1])


@pytest.mark.parametrize("models", ["recorded", "three-d", "three-d-maf"])
def test_picks_are_counted_and_luck_is_named(arrive: Open, models: str) -> None:
    app = arrive("prior_vs_posterior", models=models, lineup="true")
    assert not app.exception and QUESTION in said(app) and "is the true one" not in said(app)
    found = 0
    for number in range(1, 5):
        assert app.number_input(key="round").value == number
        pick(app, 5)
        found += true_panel(app) == 5
        assert QUESTION not in said(app)
        assert (f"Found so far: {found} of {number}. Luck alone" in said(app)) is (number > 1)
        app.button(key=f"another-{models}").click().run()
        assert QUESTION in said(app)
    # Back at the first one: the pick is remembered, and cannot be mended.
    app.number_input(key="round").set_value(1).run()
    (control,) = [each for each in app.segmented_control if str(each.key).startswith("pick-")]
    assert control.value == 5 and control.disabled
    assert f"Found so far: {found} of 4." in said(app)


def test_a_link_to_a_line_up_does_not_tell_its_answer(arrive: Open) -> None:
    first = arrive("prior_vs_posterior", models="recorded", lineup="true", round="7", each="40")
    assert QUESTION in said(first) and "shows 40 draws" in said(first)
    pick(first, 2)
    assert "pick" not in str(dict(first.query_params))
    again = arrive("prior_vs_posterior", models="recorded", lineup="true", round="7", each="40")
    assert QUESTION in said(again)
    pick(again, 9)
    assert true_panel(again) == true_panel(first)


def test_each_model_has_its_own_count(arrive: Open) -> None:
    app = arrive("prior_vs_posterior", models=["recorded", "mog"], lineup="true")
    controls = [each for each in app.segmented_control if str(each.key).startswith("pick-")]
    assert len(controls) == 2
    controls[0].set_value(1).run()
    assert said(app).count("is the true one") == 1 and said(app).count(QUESTION) == 1


def test_no_line_up_tells_of_another(arrive: Open) -> None:
    """Another number of draws, view or model is another line-up, not a second try at the same one."""
    panels = []
    for query in ({"each": "20"}, {"each": "21"}, {"each": "22"}, {"seed": "5"}, {"view": "Pair of dimensions"}):
        for model in ("three-d", "three-d-gaussian"):
            app = arrive("prior_vs_posterior", models=model, lineup="true", **query)
            pick(app, 1)
            panels.append(true_panel(app))
    assert len(set(panels)) > 2  # of ten at random hardly ever
