"""The address holds the whole view, and says so where it asks for what is not there; over every page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.priors import PRIORS
from pages._ui.address import OPTIONS, same
from pages._ui.controls import MAX_MODELS
from tests.pages.addresses import PAGES, Open, Widget, arriving, nodes, said, widgets

SHOWN = {"models": ["recorded", "three-d"]}
"""Models that bring most widgets of a page out: pseudo-inputs, snapshots, more than two dimensions."""
VIEWS = (
    {},
    {"view": "Pair of dimensions", "null": "true", "lineup": "true"},
    {"view": "t-SNE"},
    {"again": "true", "everyone": "true", "k2": "2", "region": "-1 1 -1 1"},
)
GARBAGE = ("abc", "-3", "1e99", "nan", "zzz <script>alert(1)</script> `x` **b** [a](http://e.example)", "")

# Why something that can be set does not stand in the address.
NOT_STATE = {
    "button": "an action",
    "download_button": "an action",
    "file_uploader": "a file cannot stand in an address",
    "plotly_chart": "what is clicked or outlined goes into widgets that are bound",
    "bidi_component": "what is clicked or outlined in it goes into widgets that are bound",
    "dataframe": "nothing can be chosen in it",
    "table": "nothing can be chosen in it",
}
UNBOUND = {
    "image_format": "how the reader saves pictures; no picture depends on it",
    "t_more": "how settings are folded; they are bound themselves",
    "own-form-": "how an explanation is folded",
    "pick-": "an answer is the reader's own: whoever gets the link is to look for the true panel too",
    "flow-": "settings of a measurement to start, in a form; a view of its result has an address",
}


@pytest.fixture
def arrive(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    return arriving(zoo, monkeypatch)


def excused(widget: Widget) -> bool:
    return widget.kind in NOT_STATE or any(widget.key.startswith(start) for start in UNBOUND)


@pytest.mark.parametrize("page", PAGES)
def test_every_widget_has_a_key_and_stands_in_the_address(arrive: Open, page: str) -> None:
    seen = 0
    for view in VIEWS:
        app = arrive(page, **SHOWN, **view)
        assert not app.exception
        found = widgets(app)
        seen += len(found)
        assert not [widget for widget in found if not widget.key and widget.kind != "plotly_chart"]
        assert not [widget for widget in found if widget.bound != widget.key and not excused(widget)]
    assert seen


def test_the_rule_can_fail() -> None:
    assert not excused(Widget("number_input", "seed", ""))
    assert excused(Widget("button", "go", "")) and excused(Widget("text_input", "flow-dims", ""))


@pytest.mark.parametrize("page", PAGES)
def test_whatever_the_address_asks_in_vain_is_told(arrive: Open, page: str) -> None:
    told, names = 0, []
    for view in VIEWS[:2]:
        names = [widget.bound for widget in widgets(arrive(page, **SHOWN, **view)) if widget.bound]
        assert "models" in names
        for garbage in GARBAGE:
            app = arrive(page, **{**SHOWN, **view, **dict.fromkeys(set(names) - {*view, "models"}, garbage)})
            assert not app.exception, garbage
            for name in set(names) - {*view, "models"}:
                if name in app.session_state and not same([garbage], app.session_state[name], OPTIONS.get(name)):
                    assert f"{name}={garbage[:8]}" in said(app).replace("´", "`"), (name, garbage)
                    told += 1
    assert told or names == ["models"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("asked", ["nope", "../secrets", "broken-config", "x" * 3000, "**b** <b>"])
def test_a_model_that_is_not_there_is_told(arrive: Open, page: str, asked: str) -> None:
    app = arrive(page, models=asked)
    assert not app.exception
    assert f"`models={asked[:33]}" in app.warning[0].value
    assert asked not in app.session_state["models"]


def test_one_model_of_several_that_is_not_there_is_told_and_the_others_stay(arrive: Open) -> None:
    app = arrive("prior_vs_posterior", models=["vamp", "nope", "maf"])
    assert app.session_state["models"] == ["vamp", "maf"]
    assert "vamp, nope, maf" in app.warning[0].value and "Used instead: `vamp`, `maf`" in app.warning[0].value


def test_a_link_to_a_model_that_is_gone_is_told(arrive: Open) -> None:
    app = arrive("prior_vs_posterior", show="nope")
    assert not app.exception and "models=nope" in app.warning[0].value
    app = arrive("prior_vs_posterior", show="maf")
    assert not app.exception and not app.warning and app.session_state["models"] == ["maf"]


@pytest.mark.parametrize("models", [[], ["vamp"]])
def test_a_link_to_a_model_hides_no_wrong_address(arrive: Open, models: list[str]) -> None:
    app = arrive("prior_vs_posterior", models=models, show="maf", seed="abc")
    assert not app.exception and app.session_state["models"] == ["maf"]
    assert "seed=abc" in app.warning[0].value
    app.number_input(key="seed").set_value(3).run()
    assert not app.warning


@pytest.mark.parametrize("endless", ["inf", "-Infinity", "1e999", "9" * 400])
@pytest.mark.parametrize("page", ["compare", "train"])
def test_a_number_without_end_is_told(arrive: Open, page: str, endless: str) -> None:
    name = {"compare": "seed", "train": "t_dim"}[page]
    app = arrive(page, models="vamp", **{name: endless})
    assert not app.exception
    assert f"{name}={endless[:8]}" in app.warning[0].value


def test_more_models_than_fit_are_told(arrive: Open) -> None:
    names = [*PRIORS, "recorded", "recorded-maf", "three-d"][: MAX_MODELS + 1]
    app = arrive("model_card", models=names)
    assert len(names) == MAX_MODELS + 1 and app.session_state["models"] == names[:MAX_MODELS]
    assert names[-1] in app.warning[0].value


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_told_where_the_address_can_be_followed(arrive: Open, page: str) -> None:
    """Defaults typed by hand, as labels where the address uses these, are possible values."""
    app = arrive(page, **SHOWN)
    before = [warning.value for warning in app.warning]
    typed: dict[str, list[str]] = {}
    for widget in widgets(app):
        if not widget.bound or widget.bound == "models":
            continue
        value = app.session_state[widget.bound]
        if value is None or value == "":
            continue
        elements = [node for node in nodes(app._tree) if getattr(node, "key", None) == widget.key]
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        labels = [label(elements[0], one) for one in values]
        typed[widget.bound] = labels
    again = arrive(page, **SHOWN, **typed)
    assert [warning.value for warning in again.warning] == before


def label(element: object, value: object) -> str:
    """How the address writes a value of a widget."""
    format_func = getattr(element, "format_func", None)
    if isinstance(value, bool):
        return str(value).lower()
    return str(format_func(value)) if callable(format_func) else str(value)


def test_what_was_told_stays_until_it_is_changed(arrive: Open) -> None:
    app = arrive("prior_vs_posterior", models="vamp", seed="abc", n="-5")
    assert "seed=abc" in app.warning[0].value and "n=-5" in app.warning[0].value
    app.toggle(key="classes").set_value(False).run()
    assert "seed=abc" in app.warning[0].value
    app.number_input(key="seed").set_value(3).run()
    assert "seed=abc" not in app.warning[0].value and "n=-5" in app.warning[0].value
    app.number_input(key="n").set_value(500).run()
    assert not app.warning


def test_a_changed_widget_is_never_taken_for_a_wrong_address(arrive: Open) -> None:
    app = arrive("prior_vs_posterior", models="vamp", seed="7")
    for seed in (3, 0, 9):
        app.number_input(key="seed").set_value(seed).run()
        assert not app.warning and not app.exception


@pytest.mark.parametrize(
    ("asked", "value", "fits"),
    [
        (["5"], 5, True),
        (["5.0"], 5, True),
        (["5"], 4, False),
        (["abc"], 0, False),
        (["nan"], None, False),
        ([""], None, True),
        (["TRUE"], True, True),
        (["yes"], False, False),
        (["Principal plane"], "pca", True),
        (["pca"], "pca", False),
        (["zzz"], "pca", False),
        (["other"], "other", True),
        (["a", "b"], ["a", "b"], True),
        (["a", "x"], ["a"], False),
        ([], None, True),
        ([""], [], True),
        ([""], ["a"], False),
    ],
)
def test_a_text_means_a_value_or_does_not(asked: list[str], value: object, fits: bool) -> None:
    assert same(asked, value, OPTIONS["view"]) is fits


@pytest.mark.parametrize("page", PAGES)
def test_every_chart_can_be_kept_as_picture_and_as_numbers(arrive: Open, page: str) -> None:
    """A camera in its tool bar, an alternative text, and a CSV under it or under the charts that share its caption."""
    for view in VIEWS:
        app = arrive(page, **SHOWN, **view)
        for chart in app.get("plotly_chart"):
            config = json.loads(chart.proto.config)
            assert config["toImageButtonOptions"]["format"] in ("png", "svg")
            assert config["toImageButtonOptions"]["filename"]
            assert "toImage" not in config["modeBarButtonsToRemove"]
            assert chart.proto.alt, chart.key
        figures = kept_figures(app)
        assert len(figures) == len(app.get("plotly_chart")), "a chart was drawn without pages/_ui/charts.py"
        group: list[str] = []
        tables: dict[str, object] = {}
        for key, figure in figures.items():
            group.append(key)
            tables |= figure.tables
            if figure.caption:
                assert tables, f"no CSV under {group}"
                group, tables = [], {}
        assert not group, f"no caption under {group}"


def kept_figures(app: AppTest) -> dict:
    """What the page remembers of its charts, for the report."""
    return {key: one for key, one in app.session_state["_drawn"].shown.items() if hasattr(one, "tables")}


@pytest.mark.parametrize("image_format", ["png", "svg"])
def test_the_camera_saves_in_the_chosen_format(arrive: Open, image_format: str) -> None:
    app = arrive("elbo_surgery", models="vamp")
    app.segmented_control(key="image_format").set_value(image_format).run()
    formats = {json.loads(c.proto.config)["toImageButtonOptions"]["format"] for c in app.get("plotly_chart")}
    assert formats == {image_format}
