"""The line-up on Prior vs posterior: a pick counts once, the true panel stays untold until then, and luck is named."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.addresses import Open, arriving, said

QUESTION = "Which one is true?"


@pytest.fixture
def arrive(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    return arriving(zoo, monkeypatch)


def pick(app: AppTest, panel: int) -> None:
    (control,) = [each for each in app.pills if str(each.key).startswith("pick-")]
    control.set_value(panel).run()
    assert not app.exception


def true_panel(app: AppTest) -> int:
    found = re.search(r"\*\*Panel (\d) is the true one", said(app))
    assert found
    return int(found[1])


@pytest.mark.parametrize("models", ["recorded", "three-d", "three-d-maf"])
def test_picks_are_counted_and_luck_is_named(arrive: Open, models: str) -> None:
    app = arrive("prior_vs_posterior", models=models, lineup="true", each="20")
    assert not app.exception and QUESTION in said(app) and "is the true one" not in said(app)
    found = 0
    for number in range(1, 3):
        assert app.number_input(key="round").value == number
        pick(app, 5)
        found += true_panel(app) == 5
        assert QUESTION not in said(app)
        counted = f"{found} of {number}. Luck alone" if found else f"none of {number}."
        assert (f"Found so far: {counted}" in said(app)) is (number > 1)
        assert app.button(key=f"another-{models}").disabled is (number == 2)  # its images make two
        if number == 1:
            app.button(key=f"another-{models}").click().run()
            assert QUESTION in said(app)
    # Back at the first one: the pick is remembered, and cannot be mended.
    app.number_input(key="round").set_value(1).run()
    (control,) = [each for each in app.pills if str(each.key).startswith("pick-")]
    assert control.value == 5 and control.disabled
    assert f"Found so far: {found or 'none'} of 2." in said(app)


def test_a_link_to_a_line_up_does_not_tell_its_answer(arrive: Open) -> None:
    first = arrive("prior_vs_posterior", models="recorded", lineup="true", round="2", each="20")
    assert QUESTION in said(first) and "shows 20 draws" in said(first)
    pick(first, 2)
    assert "pick" not in str(dict(first.query_params))
    again = arrive("prior_vs_posterior", models="recorded", lineup="true", round="2", each="20")
    assert QUESTION in said(again)
    pick(again, 9)
    assert true_panel(again) == true_panel(first)


def test_each_model_has_its_own_count(arrive: Open) -> None:
    app = arrive("prior_vs_posterior", models=["recorded", "mog"], lineup="true", each="20")
    controls = [each for each in app.pills if str(each.key).startswith("pick-")]
    assert len(controls) == 2
    controls[0].set_value(1).run()
    assert said(app).count("is the true one") == 1 and said(app).count(QUESTION) == 1


def test_when_the_images_are_used_up_it_is_said(arrive: Open) -> None:
    app = arrive("prior_vs_posterior", models="three-d", lineup="true", each="1000")
    assert not app.exception and "are fewer than 1000; no image is in two of them" in said(app)
    app = arrive("prior_vs_posterior", models="three-d", lineup="true", each="20", round="999")
    assert not app.exception and "line-ups of 20; no image is in two of them" in said(app)


def test_two_copies_of_a_model_stand_side_by_side(zoo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(zoo / "three-d", tmp_path / name)
    app = arriving(tmp_path, monkeypatch)("prior_vs_posterior", models=["one", "two"], lineup="true", each="20")
    assert not app.exception and said(app).count(QUESTION) == 2


def test_a_map_has_no_line_up() -> None:
    def script() -> None:
        from core.records import CheckpointInfo
        from pages._ui import cache, lineup

        info = CheckpointInfo(name="m", digest="d", dataset="mnist", latent_dim=40)
        lineup.section([(info, (f"{cache.MAP}job", 0, 0, 0))], 0)

    app = AppTest.from_function(script).run()
    assert not app.exception and "give itself away" in said(app) and QUESTION not in said(app)
