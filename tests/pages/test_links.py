"""A link to a model chooses it, whatever was chosen before: the model of a training that has just ended, for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.test_pages import words

Open = Callable[..., AppTest]


@pytest.mark.parametrize("before", [["standard"], ["mog", "maf"], []])
def test_a_link_chooses_its_model_and_nothing_else(open_page: Open, before: list[str]) -> None:
    app = open_page("prior_vs_posterior", models="standard")
    app.multiselect(key="models").set_value(before).run()
    app.query_params["show"] = "vamp"
    app.run()
    assert not app.exception and app.multiselect(key="models").value == ["vamp"]
    assert "show" not in app.query_params and "not possible here" not in words(app)
    app.multiselect(key="models").set_value(["mog"]).run()
    assert app.multiselect(key="models").value == ["mog"], "once, not for ever"


@pytest.mark.parametrize("query", [{"show": "vamp"}, {"models": "standard", "show": "vamp"}])
def test_a_link_opened_in_a_new_tab_does_so_too(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("home", **query)
    assert not app.exception and app.multiselect(key="models").value == ["vamp"]


def test_a_region_stays_behind_unless_the_link_says_it(open_page: Open) -> None:
    app = open_page("prior_vs_posterior", models="three-d", region="-1 1 -1 1")
    assert app.session_state["region"] == "-1 1 -1 1"
    app.query_params["show"] = "three-d"
    app.run()
    assert app.session_state["region"] == "-1 1 -1 1", "the same model"
    app.query_params["show"] = "three-d-gaussian"
    del app.query_params["region"]
    app.run()
    assert not app.exception and app.session_state["region"] == ""


def test_a_link_may_choose_several_models_but_none_twice_and_no_more_than_fit(open_page: Open) -> None:
    app = open_page("model_card", models="standard", show=["vamp", "mog", "vamp"])
    assert not app.exception and app.multiselect(key="models").value == ["vamp", "mog"]
    app = open_page("model_card", show=[*(f"gone-{k}" for k in range(20)), "mog"])
    assert not app.exception


def test_a_link_to_a_model_that_is_gone_says_what_to_do(open_page: Open) -> None:
    app = open_page("home", show="gone")
    assert not app.exception and "Choose a model in the sidebar" in words(app)


@pytest.mark.parametrize("kind", ["latents", "latents-mog", "latents-three-d", "latents-pictures"])
def test_the_model_card_of_imported_latents(open_page: Open, kind: str) -> None:
    app = open_page("model_card", models=kind)
    assert not app.exception
