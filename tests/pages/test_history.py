"""The training under its slider: on both pages, by keyboard and by itself, over good and bad addresses and files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
from streamlit.testing.v1 import AppTest

from core.checkpoint_content import sha256
from pages._ui import history
from tests.pages.test_pages import words
from tests.pages.zoo import tiny_data, trained

Open = Callable[..., AppTest]
BOTH = ("prior_vs_posterior", "pseudo_inputs")


def pictures(app: AppTest) -> dict[str, dict]:
    """The charts of the section by the part of their key that says which."""
    found = {}
    for chart in app.get("plotly_chart"):
        figure = json.loads(chart.proto.spec)
        title = figure["layout"].get("xaxis", {}).get("title", {}).get("text", "")
        names = [trace.get("name") for trace in figure["data"]]
        if title == "epochs of training":
            found["curve"] = figure
        elif "data q(z)" in names and "prior p(z)" in names and "xaxis2" not in figure["layout"]:
            found["map"] = figure
    return found


def heads(app: AppTest) -> list[str]:
    return [element.value for element in app.header]


@pytest.mark.parametrize("page", BOTH)
def test_a_recorded_training_stands_under_a_slider_at_the_kept_model(open_page: Open, page: str) -> None:
    asked = {"training": "true"} if page == "pseudo_inputs" else {}
    app = open_page(page, models="recorded", **asked)
    assert not app.exception and "How did it get there?" in heads(app)
    slider = app.select_slider(key="epoch")
    assert slider.options == ["0", "1", "2"] and slider.value in (1, 2)
    assert set(pictures(app)) == {"map", "curve"}
    assert "(the model that was kept)" in words(app) and "3 snapshots" in words(app)
    assert "n = 40, seed 0. Epoch" in words(app) and "not known" in words(app)


@pytest.mark.parametrize("page", BOTH)
def test_another_epoch_is_another_picture_on_the_same_window(open_page: Open, page: str) -> None:
    app = open_page(page, models="recorded", epoch="0")
    before = pictures(app)
    assert "Epoch 0 (the initialisation)" in words(app)
    app.select_slider(key="epoch").set_value(2).run()
    after = pictures(app)
    assert not app.exception and "Epoch 2, β = 1" in words(app)
    assert before["map"]["data"] != after["map"]["data"]
    assert before["map"]["layout"]["xaxis"] == after["map"]["layout"]["xaxis"]
    rings = [next(t for t in f["curve"]["data"] if t["name"] == "the epoch shown")["x"] for f in (before, after)]
    assert rings[0] != rings[1]


def test_where_every_click_would_draw_it_again_it_is_asked_for(open_page: Open) -> None:
    app = open_page("pseudo_inputs", models="recorded")
    assert "How did it get there?" in heads(app) and not pictures(app) and not app.select_slider
    app.toggle(key="training").set_value(True).run()
    assert not app.exception and set(pictures(app)) == {"map", "curve"}
    app.toggle(key="training").set_value(False).run()
    assert not pictures(app)
    assert open_page("pseudo_inputs", models="recorded", epoch="1").toggle(key="training").value, "a link to an epoch"


def test_a_flow_prior_has_its_density_at_every_epoch(open_page: Open) -> None:
    for epoch in ("0", "1", "2"):
        app = open_page("prior_vs_posterior", models="recorded-maf", epoch=epoch)
        assert not app.exception and set(pictures(app)) == {"map", "curve"}


@pytest.mark.parametrize("kind", ["vamp", "standard", "unevaluated"])
def test_without_snapshots_the_page_says_how_to_have_some(open_page: Open, kind: str) -> None:
    app = open_page("prior_vs_posterior", models=kind)
    assert "--snapshots 20" in words(app) and not pictures(app) and "How did it get there?" in heads(app)


@pytest.mark.parametrize("kind", ["three-d", "posterior-iaf"])
def test_what_has_no_latent_plane_has_no_such_section(open_page: Open, kind: str) -> None:
    assert "How did it get there?" not in heads(open_page("prior_vs_posterior", models=kind))


@pytest.mark.parametrize(
    ("epoch", "says", "shown"),
    [
        ("7", "no snapshot of epoch 7 of this training: shown is epoch 2", 2),
        ("-3", "no snapshot of epoch -3 of this training: shown is epoch 0", 0),
        ("many", "'many' is no epoch", None),
        ("1e3", "'1e3' is no epoch", None),
        ("<script>", "is no epoch", None),
        ("9" * 5000, "The address asks for `epoch=9999", None),
    ],
)
def test_an_epoch_that_is_none_falls_back_and_is_told(
    open_page: Open, epoch: str, says: str, shown: int | None
) -> None:
    app = open_page("prior_vs_posterior", models="recorded", epoch=epoch)
    assert not app.exception and says in words(app)
    assert shown is None or app.select_slider(key="epoch").value == shown


def test_the_epoch_follows_from_one_training_to_another(open_page: Open, tmp_path: Path) -> None:
    """The kept model becomes the other's kept model, another epoch the nearest that the other has."""
    data = tiny_data()
    trained(tmp_path, "many", "standard", data, snapshots=20)
    trained(tmp_path, "few", "mog", data, snapshots=3, epochs=5)
    app = open_page("prior_vs_posterior", root=tmp_path, models="many")
    few = open_page("prior_vs_posterior", root=tmp_path, models="few")
    kept, epochs = few.select_slider(key="epoch").value, few.select_slider(key="epoch").options
    assert app.select_slider(key="epoch").value != kept and "1" not in epochs
    app.multiselect(key="models").set_value(["few"]).run()
    assert not app.exception and app.select_slider(key="epoch").value == kept and "no snapshot" not in words(app)
    app.multiselect(key="models").set_value(["many"]).run()
    app.select_slider(key="epoch").set_value(1).run()
    app.multiselect(key="models").set_value(["few"]).run()
    assert not app.exception and "no snapshot of epoch 1 of this training: shown is epoch 0" in words(app)


def test_play_runs_by_the_clock_and_ends_at_the_last_epoch(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(history.time, "monotonic", lambda: clock[0])
    app = open_page("prior_vs_posterior", models="recorded", epoch="2")
    app.button(key="history-start").click().run()
    assert not app.exception and app.select_slider(key="epoch").value == 0, "from the start where it was at the end"
    assert [button.key for button in app.button if "history" in (button.key or "")] == ["history-stop"]
    clock[0] += 1.5 * history.STEP_S
    app.run()
    assert app.select_slider(key="epoch").value == 1
    clock[0] += 4 * history.STEP_S
    app.run()
    assert app.select_slider(key="epoch").value == 2
    assert [button.key for button in app.button if "history" in (button.key or "")] == ["history-start"]


def test_a_play_that_was_left_does_not_go_on(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(history.time, "monotonic", lambda: clock[0])
    app = open_page("prior_vs_posterior", models="recorded", epoch="0")
    app.button(key="history-start").click().run()
    clock[0] += 60
    app.run()
    assert app.select_slider(key="epoch").value == 0 and app.button(key="history-start").label == "Play"


def test_stop_and_a_moved_slider_end_the_play(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history.time, "monotonic", lambda: 100.0)
    app = open_page("prior_vs_posterior", models="recorded", epoch="0")
    app.button(key="history-start").click().run()
    app.button(key="history-stop").click().run()
    assert app.button(key="history-start").label == "Play"
    app.button(key="history-start").click().run()
    app.select_slider(key="epoch").set_value(2).run()
    assert app.button(key="history-start").label == "Play" and app.select_slider(key="epoch").value == 2


def test_a_browser_that_is_behind_does_not_end_the_play(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for the next step with the value of the one before, which Streamlit takes for a change."""
    clock = [100.0]
    monkeypatch.setattr(history.time, "monotonic", lambda: clock[0])
    app = open_page("prior_vs_posterior", models="recorded", epoch="0")
    app.button(key="history-start").click().run()
    clock[0] += 1.5 * history.STEP_S
    app.run()
    assert app.select_slider(key="epoch").value == 1
    app.select_slider(key="epoch").set_value(0).run()
    assert not app.exception and app.button(key="history-stop").label == "Stop"
    assert app.select_slider(key="epoch").value == 1, "where the clock has it"


def test_play_begins_at_the_start_where_the_kept_model_is_shown(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history.time, "monotonic", lambda: 100.0)
    trained(tmp_path, "long", "standard", tiny_data(), snapshots=20, epochs=6)
    real = history.cache_history.course  # the kept model need not be the last
    monkeypatch.setattr(history.cache_history, "course", lambda *question: replace(real(*question), kept=3))
    app = open_page("prior_vs_posterior", root=tmp_path, models="long")
    assert app.select_slider(key="epoch").value == 3 != app.select_slider(key="epoch").options[-1]
    app.button(key="history-start").click().run()
    assert not app.exception and app.select_slider(key="epoch").value == 0


def test_a_click_in_the_curve_chooses_the_epoch(open_page: Open) -> None:
    app = open_page("prior_vs_posterior", models="recorded")
    event = {"selection": {"points": [{"customdata": [1, "", ""]}], "box": [], "lasso": []}}
    app.session_state["history-curve-recorded"] = event
    app.run()
    assert not app.exception


def test_one_training_at_a_time(open_page: Open) -> None:
    app = open_page("prior_vs_posterior")
    app.multiselect(key="models").set_value(["recorded-maf", "recorded"]).run()
    assert not app.exception and "One training at a time: Digits, MAF prior, d = 2" in words(app)
    app.multiselect(key="models").set_value(["standard", "recorded"]).run()
    assert "One training at a time: Digits, VampPrior, d = 2" in words(app)


def test_a_broken_file_of_snapshots_is_told_with_its_reason(open_page: Open, zoo: Path, tmp_path: Path) -> None:
    """Its hash is right: somebody wrote it so."""
    folder = tmp_path / "recorded"
    shutil.copytree(zoo / "recorded", folder)
    file = folder / "snapshots.safetensors"
    tensors = safetensors.torch.load_file(file)
    with safetensors.safe_open(file, framework="pt") as handle:
        metadata = handle.metadata()
    del tensors["mean"]
    safetensors.torch.save_file(tensors, file, metadata=metadata)
    config = json.loads((folder / "config.json").read_text())
    config["files"]["snapshots.safetensors"] = sha256(file)
    (folder / "config.json").write_text(json.dumps(config))
    app = open_page("prior_vs_posterior", root=tmp_path, models="recorded")
    assert not app.exception and "mean is missing" in app.error[0].value
    assert len(app.get("plotly_chart")) == 1, "everything else is there"
