"""The page of the pseudo-inputs over every kind of model, and over addresses that somebody mistyped."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.component_measure import store_components
from pages._ui import cache_store
from tests.pages.test_pages import charts, words
from tests.pages.zoo import tiny_data

Open = Callable[..., AppTest]
PAGE = "pseudo_inputs"


def heads(app: AppTest) -> str:
    return " ".join(element.value for element in app.header)


@pytest.mark.parametrize("kind", ["vamp", "grey", "mog", "aggregated", "unevaluated"])
def test_a_mixture_shows_its_components(open_page: Open, kind: str) -> None:
    app = open_page(PAGE, models=kind)
    assert not app.exception and not app.error
    figures = charts(app)
    assert sum(trace["type"] == "image" for trace in figures[0]["data"]) == 1
    assert "perfect match" in words(app) and "n = 40, seed 0" in words(app)
    assert "chosen at random, never the first ones" in words(app)
    assert len(app.metric) == 4 and app.metric[0].label.startswith("Effective, of")
    assert ("no pseudo-inputs" in words(app)) is (kind in ("mog", "unevaluated"))
    assert ("across data sets" in heads(app)) is (kind in ("vamp", "grey"))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("standard", "one single Gaussian"),
        ("maf", "this prior is no mixture"),
        ("no-latents", "holds no latents"),
        ("one-d", "this model has one"),
        ("posterior-realnvp", "no mixture of Gaussians"),
    ],
)
def test_a_prior_without_components_says_so_and_leads_to_those_with(open_page: Open, kind: str, says: str) -> None:
    app = open_page(PAGE, models=kind)
    assert not app.exception
    assert says in words(app) and not app.get("plotly_chart")
    assert "Models with pseudo-inputs" in words(app)


def test_the_first_of_two_models_is_shown(open_page: Open) -> None:
    app = open_page(PAGE)
    app.multiselect(key="models").set_value(["standard", "vamp", "mog"]).run()
    assert not app.exception
    assert "one single Gaussian" in words(app) and "the first of 2 chosen models" in words(app)
    assert "**Digits, VampPrior, d = 2**" in words(app)


def test_a_number_in_the_address_chooses_the_component(open_page: Open) -> None:
    app = open_page(PAGE, models="vamp", k="4", k2="2", sort="Spread", seed="3")
    assert "What does k = 4 generate?" in heads(app) and "between k = 4 and k = 2" in heads(app)
    assert "seed 3" in words(app) and app.selectbox(key="sort").value == "spread"
    map_of = charts(app)[1]
    assert {"chosen: k = 4", "second: k = 2", "straight in z", "through pseudo-inputs"} <= {
        t["name"] for t in map_of["data"]
    }


def test_a_number_that_there_is_not_falls_back_and_says_so(open_page: Open) -> None:
    app = open_page(PAGE, models="vamp", k="400", k2="77")
    assert not app.exception
    said = [element.value for element in app.warning]
    assert said == [f"There is no {name}: this prior has 5 components." for name in ("k = 400", "second k = 77")]
    assert "generate?" in heads(app)


@pytest.mark.parametrize("query", [{"k": "-3"}, {"k": "<b>"}, {"k2": "1e99"}, {"sort": "size"}, {"pixels": "x"},
                                   {"seed": "-1"}, {"click": "z"}, {"tiles": "../.."}])  # fmt: skip
def test_nonsense_in_the_address_falls_back(open_page: Open, query: dict[str, str]) -> None:
    app = open_page(PAGE, models="vamp", **query)
    assert not app.exception and len(app.get("plotly_chart")) >= 7


def test_the_buttons_go_through_the_tiles_in_their_order(open_page: Open) -> None:
    app = open_page(PAGE, models="vamp")
    first = heads(app)
    app.button(key="step1").click().run()
    assert heads(app) != first and app.number_input(key="k").value
    app.button(key="step-1").click().run()
    assert heads(app) == first
    for _ in range(5):
        app.button(key="step1").click().run()
    assert heads(app) == first


def test_a_click_on_a_tile_changes_the_choice_and_nothing_else(open_page: Open) -> None:
    app = open_page(PAGE, models="vamp", k="1")
    before = [metric.value for metric in app.metric]
    app.number_input(key="k").set_value(5).run()
    assert "k = 5 generate" in heads(app) and [metric.value for metric in app.metric] == before
    tiles = charts(app)[0]["data"]
    assert [trace["name"] for trace in tiles][-1] == "components"
    assert tiles[-1]["customdata"] == [[k] for k in range(5)]


def test_samples_may_be_draws(open_page: Open) -> None:
    app = open_page(PAGE, models="vamp", pixels="Draws")
    assert "one draw of p(x|z) each" in words(app)


def test_without_the_data_set_reconstructions_are_the_nearest(open_page: Open, tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("PRIORSCOPE_DATA", str(tmp_path))
    app = open_page(PAGE, models="vamp")
    assert not app.exception and "The data set is not on this computer" in words(app)


def test_with_the_data_set_training_images_are_the_nearest(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.memorisation.data_of", lambda *_, **__: tiny_data())
    app = open_page(PAGE, models="vamp")
    assert not app.exception
    assert "come as near to one" in words(app) and "Of all 5 pseudo-inputs" in words(app)
    assert "train split, n = 60" in words(app)


def test_a_way_does_not_follow_the_chosen_component_until_a_second_one_is_set(open_page: Open) -> None:
    """Or two ways and their pictures are made anew with every click."""
    ways = [re.findall(r"between k = \d and k = \d", heads(open_page(PAGE, models="vamp", k=k))) for k in "135"]
    assert len(ways[0]) == 1 and ways == [ways[0]] * 3


def test_two_components_that_are_one_have_nothing_between(open_page: Open) -> None:
    app = open_page(PAGE, models="vamp", k="2", k2="2")
    assert not app.exception and "Both are the same component" in words(app)


def test_every_chart_has_words_for_those_who_do_not_see_it(open_page: Open) -> None:
    app = open_page(PAGE, models="vamp")
    for chart in app.get("plotly_chart"):
        assert len(chart.proto.alt) > 40
    assert len(app.caption) >= 6


def test_what_is_stored_is_told_without_the_data_set(open_page: Open, zoo: Path, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("PRIORSCOPE_DATA", str(tmp_path / "none"))
    shutil.copytree(zoo / "vamp", tmp_path / "models" / "stored")
    computed = [metric.value for metric in open_page(PAGE, tmp_path / "models", models="stored").metric]
    cache_store.clear()
    store_components("stored", tmp_path / "models", tiny_data())
    monkeypatch.setattr("core.pseudo_inputs.components", lambda *_, **__: pytest.fail("calculated again"))
    app = open_page(PAGE, tmp_path / "models", models="stored")
    assert not app.exception and [metric.value for metric in app.metric] == computed
    assert "Of all 5 pseudo-inputs" in words(app) and "the training images themselves are not shown" in words(app)


def test_a_damaged_file_of_components_is_told(open_page: Open, zoo: Path, tmp_path: Path) -> None:
    shutil.copytree(zoo / "vamp", tmp_path / "models" / "torn")
    (tmp_path / "models" / "torn" / "components-test.safetensors").write_bytes(b"x")
    cache_store.clear()
    app = open_page(PAGE, tmp_path / "models", models="torn")
    assert not app.exception and len(app.metric) == 4
    assert "Everything is calculated now: components-test.safetensors cannot be used" in words(app).replace("\\", "")
