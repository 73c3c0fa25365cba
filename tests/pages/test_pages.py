"""Every page over every kind of checkpoint: no exception, and what should be there is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.priors import PRIORS
from tests.pages.zoo import BROKEN, FLOW_POSTERIORS, KINDS, PAGES

Open = Callable[..., AppTest]
TITLES = {
    "home": "What does a VAE's prior do?",
    "tour": "Eight questions about priors",
    "compare": "What does another prior change?",
    "prior_vs_posterior": "Does the prior cover the data?",
    "latent_browser": "What does each place decode to?",
    "pseudo_inputs": "What has each pseudo-input learned?",
    "elbo_surgery": "What is the ELBO made of?",
    "variational_posterior": "Is the posterior rich enough?",
    "optimal_prior": "How rich must a prior be?",
    "model_card": "What is this model?",
    "results": "How good are these models?",
}


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def words(app: AppTest) -> str:
    kinds = ("markdown", "caption", "warning", "info", "text")
    return " ".join(element.value for kind in kinds for element in app.get(kind))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_over_each_kind_of_checkpoint(open_page: Open, page: str, kind: str) -> None:
    app = open_page(page, models=kind, warm=True)
    assert not app.exception
    assert app.title[0].value == TITLES[page]
    assert app.multiselect(key="models").value == [kind]


NOT_DRAWN = ("no-latents", "three-d-maf", "one-d", *FLOW_POSTERIORS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NOT_DRAWN])
def test_the_three_panels_are_drawn(open_page: Open, kind: str) -> None:
    app = open_page("prior_vs_posterior", models=kind)
    figure = charts(app)[0]
    assert {trace.get("xaxis", "x") for trace in figure["data"]} == {"x", "x2", "x3"}
    assert "n = 40" in words(app)
    assert "perfect match" in words(app)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("no-latents", "no latents"),
        ("one-d", "this model has one"),
        *((kind, "posterior, d = ") for kind in FLOW_POSTERIORS),
        *((kind, "q(z) is no mixture of Gaussians") for kind in FLOW_POSTERIORS),
    ],
)
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


def test_models_of_two_and_of_more_dimensions_stand_together(open_page: Open) -> None:
    app = open_page("prior_vs_posterior")
    app.multiselect(key="models").set_value(["three-d", "vamp", "maf"]).run()
    assert not app.exception
    assert len(charts(app)) == 2 and "The first 2 of 3 models" in app.info[0].value
    app.number_input(key="z1").set_value(0.5)
    app.number_input(key="z2").set_value(0.0).run()
    assert not app.exception and "log q" in words(app) and app.get("image")


def test_a_typed_place_is_decoded_and_marked(open_page: Open) -> None:
    app = open_page("prior_vs_posterior", models="vamp")
    before = charts(app)[0]
    app.number_input(key="z1").set_value(0.5)
    app.number_input(key="z2").set_value(-0.25).run()
    assert not app.exception
    assert "log q" in words(app)
    assert app.get("image")
    assert charts(app)[0] != before


@pytest.mark.parametrize("view", ["Pair of dimensions", "Most different direction"])
@pytest.mark.parametrize("kind", ["three-d", "three-d-gaussian"])
def test_every_plane_of_more_dimensions_has_exact_panels(open_page: Open, kind: str, view: str) -> None:
    app = open_page("prior_vs_posterior", models=kind, view=view, region="-1 1 -1 1")
    assert not app.exception
    assert {trace.get("xaxis", "x") for trace in charts(app)[0]["data"]} == {"x", "x2", "x3"}
    assert "of the variance" in words(app) and "Encoded here" in words(app) and "Generated here" in words(app)
    assert "exact marginal" in words(app) and "differ in the other 1 dimension" in words(app)
    if view == "Most different direction":
        assert "held-out 20 posteriors" in words(app) and "found with the other 20 images" in words(app)


def test_a_flow_in_more_dimensions_is_shown_by_its_draws(open_page: Open) -> None:
    app = open_page("prior_vs_posterior", models="three-d-maf", region="-9 9 -9 9")
    assert not app.exception
    assert "is shown by 2,000 draws" in words(app)
    assert "**2,000** of 2,000 (100.0 %) of the prior's draws" in words(app)


def test_the_named_dimensions_are_shown_and_a_pair_must_be_two(open_page: Open) -> None:
    app = open_page("prior_vs_posterior", models="three-d", view="Pair of dimensions", i="3", j="1")
    assert charts(app)[0]["layout"]["xaxis"]["title"]["text"] == "z₃"
    assert charts(app)[0]["layout"]["yaxis"]["title"]["text"] == "z₁"
    app.number_input(key="j").set_value(3).run()
    assert not app.exception and "two different dimensions" in words(app)


@pytest.mark.parametrize("text", ["1 2 3", "0,0 1,1", "x" * 200, "nan nan nan nan", "<b>1 2 3 4</b>"])
def test_a_region_that_is_none_says_what_one_is(open_page: Open, text: str) -> None:
    app = open_page("prior_vs_posterior", models="vamp", region=text)
    assert not app.exception
    assert "four numbers" in app.error[0].value


def test_a_box_in_the_picture_becomes_the_region_and_another_view_forgets_it(open_page: Open) -> None:
    app = open_page("prior_vs_posterior", models="three-d")
    box = {"xref": "x", "yref": "y", "x": [1.0, -0.5], "y": [-2.0, 2.0]}
    app.session_state["panels-three-d"] = {"selection": {"points": [], "box": [box], "lasso": []}}
    app.run()
    assert not app.exception
    app.text_input(key="region").set_value("-0.5 1 -2 2").run()
    assert "Encoded here" in words(app)
    app.segmented_control(key="view").set_value("pair").run()
    assert app.text_input(key="region").value == ""


def test_a_map_is_asked_for_and_never_calculated_by_itself(open_page: Open) -> None:
    app = open_page("prior_vs_posterior", models="three-d", view="t-SNE", draws="60", perplexity="5")
    assert not app.exception and not app.get("plotly_chart")
    assert [button.label for button in app.button] == ["Calculate this map"]
    assert "60 draws of q(z) and as many of p(z)" in words(app)


def test_the_surgery_of_comparable_models_stands_on_one_axis(open_page: Open) -> None:
    app = open_page("elbo_surgery", models="vamp", everyone="true")
    assert not app.exception
    waterfall = charts(app)[0]
    names = [text for text in waterfall["layout"]["yaxis"]["ticktext"] if text.startswith("<b>")]
    assert len(names) >= len(PRIORS) and "VampPrior" in names[0]
    assert "as the identity demands" in words(app) and "log M" in words(app)


@pytest.mark.parametrize("kind", ["posterior-iaf", "posterior-realnvp", "posterior-three-d"])
def test_the_kl_of_a_flow_posterior_is_taken_apart_for_few_images(open_page: Open, kind: str) -> None:
    app = open_page("elbo_surgery", models=kind)
    assert "as the identity demands" in words(app) and "this curve is for Gaussian ones" in words(app)
    assert "whose codes cost most" in words(app) and "shown by their reconstructions" in words(app)
    assert "whose density in one dimension is not known" in words(app) and "--save" not in words(app)
    assert len(charts(app)) == 2, "the sum, and the looseness"
    home = open_page("home", models=kind)
    where = "ELBO surgery shows its bound" if kind == "posterior-three-d" else "Variational posterior shows how near"
    assert where in words(home)
    assert f"evaluate {kind} --save" not in words(home)


def test_the_kl_of_a_flow_posterior_of_many_images_is_left_whole_with_the_reason(open_page: Open) -> None:
    app = open_page("elbo_surgery", models="posterior-many")
    assert len(charts(app)) == 1, "the looseness alone"
    for page in (app, open_page("home", models="posterior-many")):
        assert "its KL is not taken apart" in words(page) and "The average KL is" in words(page)
        assert "evaluate posterior-many --save" not in words(page)


def test_no_ladder_is_offered_for_a_flow_posterior(open_page: Open) -> None:
    app = open_page("optimal_prior", models="posterior-iaf")
    assert "q(z) is no mixture of Gaussians" in words(app) and not app.button


def test_surgery_says_what_is_missing(open_page: Open) -> None:
    app = open_page("elbo_surgery", models="unevaluated")
    assert not app.exception and not app.get("plotly_chart")
    assert "python -m core evaluate unevaluated --save" in words(app)


def test_the_dimensions_of_a_factorised_prior_are_shown(open_page: Open) -> None:
    drawn = charts(open_page("elbo_surgery", models="three-d"))
    assert [trace["name"].split(":")[0] for trace in drawn[-1]["data"]][-1] == "average KL"


def test_a_product_that_was_not_measured_by_dimension_is_told_how(open_page: Open) -> None:
    app = open_page("elbo_surgery", models=["three-d", "unevaluated"])
    assert "What each costs was not measured: `python -m core evaluate unevaluated --save`" in words(app)
    assert "ties dimensions together" not in words(app)


def test_of_any_prior_the_information_of_each_dimension_is_shown(open_page: Open) -> None:
    app = open_page("elbo_surgery", models="mog")
    names = [trace["name"] for trace in charts(app)[-1]["data"]]
    assert names and not any("average KL" in name for name in names)
    assert "nats of information, the median one" in words(app) and "no sum over them" in words(app)


def test_the_images_that_cost_most_are_shown(open_page: Open) -> None:
    app = open_page("elbo_surgery", models="standard")
    assert "whose codes cost most" in words(app) and len(app.get("imgs")) + len(app.get("image")) > 0


def test_a_stored_ladder_is_drawn_with_its_answers(open_page: Open) -> None:
    app = open_page("optimal_prior", models="standard")
    assert not app.exception
    assert len(charts(app)) == 1 and "Do we need a multimodal prior?" in words(app)
    assert not [button for button in app.button if button.label == "Fit the ladder"]


def test_without_a_ladder_one_can_be_fitted(open_page: Open) -> None:
    app = open_page("optimal_prior", models="mog")
    assert not app.exception and not app.get("plotly_chart")
    assert "Fit the ladder" in [button.label for button in app.button]


def test_a_broken_ladder_is_a_reason(open_page: Open, zoo: Path) -> None:
    file = zoo / "vamp" / "ladder.json"
    file.write_text('{"schema_version": 1}')
    try:
        app = open_page("optimal_prior", models="vamp")
        assert not app.exception and "cannot be used" in app.error[0].value
    finally:
        file.unlink()


def test_a_click_becomes_the_place(open_page: Open) -> None:
    app = open_page("prior_vs_posterior", models="mog")
    point = {"x": 0.375, "y": -1.5, "customdata": [-2.0, -1.0, -1.0], "curve_number": 0, "point_index": 0}
    app.session_state["panels-mog"] = {"selection": {"points": [point]}}
    app.run()
    assert not app.exception


@pytest.mark.parametrize("page", ["home", "tour", "elbo_surgery", "pseudo_inputs"])
def test_on_a_telephone_a_finger_moves_the_page(open_page: Open, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages._ui.drawn.agent", lambda: "Mozilla/5.0 (a telephone) Mobile")
    app = open_page(page, models="vamp")
    assert not app.exception and charts(app)
    assert all(figure["layout"]["dragmode"] is False for figure in charts(app))
