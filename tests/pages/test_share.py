"""The model card page, and the report that every page with figures offers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.figures.report_page import report_html
from core.report import Chart, Report
from pages._ui.report import _of_page
from tests.pages.addresses import PAGES, Open, arriving, said, widgets
from tests.pages.zoo import BROKEN, KINDS, tiny_data, trained

WITH_FIGURES = ("home", "compare", "prior_vs_posterior", "pseudo_inputs", "elbo_surgery")


@pytest.fixture
def arrive(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    return arriving(zoo, monkeypatch)


def report_of(app: AppTest) -> Report:
    """What the page's report would hold."""
    return _of_page(app.session_state["_drawn"])


def charts_of(report: Report) -> list[Chart]:
    return [part for section in report.sections for part in section.parts if isinstance(part, Chart)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_of_each_kind_of_checkpoint(arrive: Open, kind: str) -> None:
    app = arrive("model_card", models=kind)
    assert not app.exception
    assert f"checkpoints/{kind}" in said(app).replace("\\", "")
    tables = [table.value for table in app.table]
    assert "likelihood" in tables[0]["what"].tolist()
    assert any("model.safetensors" in "".join(map(str, table.to_numpy().ravel())) for table in tables)


def test_broken_checkpoints_have_their_reasons(arrive: Open) -> None:
    app = arrive("model_card", models="vamp")
    for name in BROKEN:
        assert any(text.value.startswith(f"{name}: ") and len(text.value) > len(name) + 10 for text in app.main.text)


def test_without_usable_checkpoints_the_broken_ones_are_still_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (trained(tmp_path, "broken", "standard", tiny_data()) / "config.json").write_text("{}")
    app = arriving(tmp_path, monkeypatch)("model_card")
    assert not app.exception
    assert any("broken: " in text.value for text in app.main.text)
    assert "python -m core train" in said(app)


def test_a_stored_training_is_drawn(zoo: Path, arrive: Open) -> None:
    file = zoo / "mog" / "metrics.json"
    before = file.read_text()
    curve = [
        {"epoch": e, "beta": e / 3, "reconstruction": -5 + e, "kl": 1.0, "validation_elbo": -6.0 + e % 3, "seconds": 1}
        for e in range(1, 8)
    ]
    try:
        file.write_text(
            json.dumps(json.loads(before) | {"training": {"curve": curve, "best_epoch": 2, "seconds": 7.0}})
        )
        app = arrive("model_card", models="mog")
        assert not app.exception
        figure = json.loads(app.get("plotly_chart")[0].proto.spec)
        star = next(trace for trace in figure["data"] if "kept" in trace["name"])
        assert star["name"] == "epoch 2: the weights kept"
        assert "7 epochs" in said(app) and "epoch 2 were kept" in said(app)
    finally:
        file.write_text(before)


def test_every_card_on_home_leads_to_the_model_card(arrive: Open) -> None:
    links = [link for link in arrive("home").get("page_link") if link.proto.label == "Model card"]
    assert len(links) == len(KINDS)


def test_the_card_leads_to_every_page_of_models(arrive: Open) -> None:
    labels = {link.proto.label for link in arrive("model_card", models="vamp").get("page_link")}
    assert {"Prior vs posterior", "Pseudo-inputs", "ELBO surgery", "Optimal prior"} <= labels
    assert not {"Home", "Train", "Model card"} & labels


@pytest.mark.parametrize("page", PAGES)
def test_a_page_with_figures_offers_one_report(arrive: Open, page: str) -> None:
    app = arrive(page, models="recorded")
    buttons = [widget for widget in widgets(app) if widget.kind == "download_button" and widget.key == "report"]
    assert len(buttons) == bool(app.session_state["_drawn"].shown)
    assert page not in WITH_FIGURES or buttons


@pytest.mark.parametrize("page", WITH_FIGURES)
def test_the_report_holds_what_the_page_has_drawn(arrive: Open, page: str) -> None:
    app = arrive(page, models=["recorded", "standard"])
    drawn = app.get("plotly_chart")
    charts = charts_of(report_of(app))
    assert len(charts) == len(drawn) > 0
    assert {chart.alt for chart in charts} == {element.proto.alt for element in drawn}
    html = report_html(report_of(app))
    assert html.count('class="chart"') == len(drawn)
    captions = [chart.caption for chart in charts if chart.caption]
    assert captions and all("seed" in caption or "nothing drawn at random" in caption for caption in captions)


def test_numbers_and_short_tables_stand_in_the_report(arrive: Open) -> None:
    html = report_html(report_of(arrive("prior_vs_posterior", models="vamp")))
    assert "<td>Holes</td>" in html and "match: " in html
    assert "<td>marginal_kl</td>" in report_html(report_of(arrive("elbo_surgery", models="vamp")))


def test_pages_that_end_early_are_still_followed_by_what_the_shell_adds(arrive: Open) -> None:
    app = arrive("pseudo_inputs", models="standard", seed="abc")
    assert not app.exception and not app.get("plotly_chart")
    assert not [widget for widget in widgets(app) if widget.key == "report"]
    app = arrive("elbo_surgery", models=["unevaluated", "nope"])
    assert "models=unevaluated, nope" in app.warning[0].value


def test_no_page_stops_the_shell() -> None:
    sources = list((Path(__file__).resolve().parents[2] / "pages").rglob("*.py"))
    stopping = [file.name for file in sources if "st.stop(" in file.read_text(encoding="utf-8")]
    assert stopping == ["login.py"], "the gate alone: behind it nobody sees anything of the shell"
