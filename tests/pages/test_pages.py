"""Every page over every kind of checkpoint: no exception, and what should be there is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.zoo import BROKEN, KINDS, PAGES

Open = Callable[..., AppTest]
TITLES = {"home": "What does a VAE's prior do?", "prior_vs_posterior": "Does the prior cover the data?"}


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def words(app: AppTest) -> str:
    kinds = ("markdown", "caption", "warning", "info", "text")
    return " ".join(element.value for kind in kinds for element in app.get(kind))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_over_each_kind_of_checkpoint(open_page: Open, page: str, kind: str) -> None:
    app = open_page(page, models=kind)
    assert not app.exception
    assert app.title[0].value == TITLES[page]
    assert app.multiselect(key="models").value == [kind]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("no-latents", "three-d")])
def test_the_three_panels_are_drawn(open_page: Open, kind: str) -> None:
    app = open_page("prior_vs_posterior", models=kind)
    figure = charts(app)[0]
    assert {trace.get("xaxis", "x") for trace in figure["data"]} == {"x", "x2", "x3"}
    assert "n = 40" in words(app)
    assert "perfect match" in words(app)


@pytest.mark.parametrize(("kind", "says"), [("no-latents", "no latents"), ("three-d", "two latent dimensions")])
def test_a_model_that_cannot_be_drawn_says_why(open_page: Open, kind: str, says: str) -> None:
    app = open_page("prior_vs_posterior", models=kind)
    assert says in words(app)
    assert not app.get("plotly_chart")


@pytest.mark.parametrize("page", PAGES)
def test_broken_checkpoints_are_listed_with_their_reason_and_never_offered(open_page: Open, page: str) -> None:
    app = open_page(page)
    assert not set(BROKEN) & set(app.multiselect(key="models").options)
    for name in BROKEN:
        assert name in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_without_any_checkpoint_the_page_says_how_to_train_one(open_page: Open, page: str, tmp_path: Path) -> None:
    app = open_page(page, root=tmp_path)
    assert not app.exception
    assert "python -m core train" in words(app)


@pytest.mark.parametrize(
    "query",
    [
        {"n": "-5"},
        {"n": "../../etc/passwd"},
        {"seed": "1e99"},
        {"points": "<script>"},
        {"models": "../secrets"},
        {"models": "nobody"},
        {"z1": "nan", "z2": "inf"},
        {"z1": "1e308", "z2": "-1e308"},
    ],
)
def test_nonsense_in_the_address_falls_back(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("prior_vs_posterior", **{"models": "vamp", **query})
    assert not app.exception


def test_two_models_are_drawn_one_above_the_other(open_page: Open) -> None:
    app = open_page("prior_vs_posterior")
    app.multiselect(key="models").set_value(["standard", "maf"]).run()
    assert not app.exception
    assert len(charts(app)) == 2


def test_a_typed_place_is_decoded_and_marked(open_page: Open) -> None:
    app = open_page("prior_vs_posterior", models="vamp")
    before = charts(app)[0]
    app.number_input(key="z1").set_value(0.5)
    app.number_input(key="z2").set_value(-0.25).run()
    assert not app.exception
    assert "log q" in words(app)
    assert app.get("image")
    assert charts(app)[0] != before


def test_a_click_becomes_the_place(open_page: Open) -> None:
    app = open_page("prior_vs_posterior", models="mog")
    point = {"customdata": [0.375, -1.5], "curve_number": 0, "point_index": 0}
    app.session_state["panels-mog"] = {"selection": {"points": [point]}}
    app.run()
    assert not app.exception
