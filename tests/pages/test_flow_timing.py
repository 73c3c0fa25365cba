"""The page Flow timing: it shows runs, needs no model, and follows its address."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import flow_timing_file, prior_bill_file
from core.flow_timing_file import save_run
from core.prior_bill_file import save_bill
from tests.figures.flow_runs import bill, run
from tests.pages.flow_timing_page import LABELS, SECOND, Open, button, charts, lines, tables, words
from tests.pages.zoo import tiny_data, trained


def test_without_any_run_or_model_the_page_says_what_to_do(open_timing: Open) -> None:
    app = open_timing()
    assert not app.exception and app.title[0].value == "Which direction of a flow is cheap?"
    assert "Nothing has been measured yet" in words(app) and "not been measured yet" in words(app)
    assert "There is no usable model digits-2d-iaf here" in words(app)
    assert len(charts(app)) == 1, "the diagram of who waits for whom"
    assert not button(app, "Run").disabled and not [b for b in app.button if b.key == "more"]


def test_the_shipped_run_alone_is_shown(open_timing: Open, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "shipped").mkdir()
    flow_timing_file.write_run(bare / "shipped" / "flow-timing.json", run())
    prior_bill_file.write_bill(bare / "shipped" / "prior-bill.json", bill())
    app = open_timing()
    assert not app.exception and app.selectbox(key="run").options == ["newest", f"{LABELS[0]}, shipped"]
    assert len(charts(app)) == 3 and "IAF pays in every training step" in words(app)


def test_cards_show_passes_and_both_inversions(open_timing: Open) -> None:
    save_run(run())
    app = open_timing()
    assert [card.value for card in app.metric] == ["64 passes", "1 pass", "64 passes", "1 pass", "64 passes", "1 pass"]
    assert app.metric[4].label == "IAF: density"
    assert app.metric[0].delta == "beaten: 10.7 times as fast [9.21, 12.4]"
    assert not app.metric[1].delta
    cells = [text.value for text in app.markdown if text.value.startswith(":small[")]
    assert len(cells) == 6 and "textbook **128 ms [122, 141]**, 7.8k/s" in cells[0]
    assert "incremental **12.0 ms [11.4, 13.2]**, 83k/s" in cells[0] and "textbook" not in cells[1]
    assert "1,000 draws from an IAF with their densities take 8.00 ms [7.60, 8.80]; from a MAF" in words(app)
    app.segmented_control(key="timing_d").set_value(8).run()
    assert app.metric[0].value == "8 passes" and "d = 8: by the textbook it takes 16.0 ms" in words(app)


def test_first_lines_are_few_and_others_are_a_click_away(open_timing: Open) -> None:
    save_run(run())
    app = open_timing()
    assert lines(app) == {"MAF textbook", "MAF incremental", "IAF", "IAF textbook", "IAF incremental", "MAF"}
    next(pills for pills in app.get("button_group") if pills.key == "timed_flows").set_value(["nice"]).run()
    assert lines(app) == {"NICE"} and not app.exception


def test_a_deep_link_opens_d_lines_and_runs(open_timing: Open) -> None:
    save_run(run())
    save_run(run(stamp=SECOND, scale=2.0))
    app = open_timing(
        timing_d="32", timed_flows=["MAF", "RealNVP"], inversions="fixed point", panels="own density",
        run=LABELS[0], beside=LABELS[1],
    )  # fmt: skip
    assert not app.exception and app.metric[0].value == "32 passes"
    assert lines(app) == lines(app, "other") == {"MAF fixed point", "RealNVP"}
    assert app.selectbox(key="run").value == LABELS[0] and app.selectbox(key="beside").value == LABELS[1]


@pytest.mark.parametrize(
    "query",
    [{"timing_d": "7"}, {"timing_d": "x"}, {"run": "../../etc"}, {"beside": "2020"}, {"panels": "<b>"},
     {"timed_flows": "glow"}, {"waiting": "nice"}],
)  # fmt: skip
def test_nonsense_in_the_address_falls_back(open_timing: Open, query: dict[str, str]) -> None:
    save_run(run())
    app = open_timing(**query)
    assert not app.exception and app.metric[0].value == "64 passes" and len(charts(app)) == 2


def test_the_newest_run_is_shown_and_two_are_compared(open_timing: Open) -> None:
    save_run(run())
    save_run(run((2, 8), stamp=SECOND, scale=2.0))
    app = open_timing()
    assert app.selectbox(key="run").options == ["newest", LABELS[1], LABELS[0]]
    assert app.metric[0].value == "8 passes", "the largest d of the newest run"
    app.selectbox(key="beside").set_value(LABELS[0]).run()
    assert not app.exception and "MAF textbook" in lines(app, "other")
    assert "Two runs beside each other" in words(app) and "0.50 times as long [0.43, 0.58]" in str(tables(app))
    app.selectbox(key="run").set_value(LABELS[0]).run()
    app.selectbox(key="beside").set_value(LABELS[1]).run()
    assert app.metric[0].value == "8 passes", "d stays where both have it"
    app.segmented_control(key="timing_d").set_value(64).run()
    assert "nothing in common at d = 64" in words(app)
    app.selectbox(key="run").set_value("newest").run()
    assert not app.exception and app.metric[0].value == "8 passes", "64 is not among its dimensions"


def test_a_chosen_run_that_is_gone_is_let_go(open_timing: Open) -> None:
    save_run(run())
    file = save_run(run(stamp=SECOND))
    app = open_timing(run=LABELS[1])
    assert app.selectbox(key="run").value == LABELS[1]
    file.unlink()
    app.run()
    assert not app.exception and app.selectbox(key="run").value == "newest"


def test_repeats_of_the_same_settings_are_pooled(open_timing: Open) -> None:
    save_run(run())
    save_run(run(stamp=SECOND))
    save_run(run((2, 8), stamp="2026-11-23T00:00:00+00:00"))
    app = open_timing(pool="true")
    assert "10 repeats" in words(app) and "2 runs pooled" in words(app)
    app.toggle(key="pool").set_value(False).run()
    assert "5 repeats" in words(app) and "pooled" not in words(app)


def test_a_broken_run_is_listed_with_its_reason(open_timing: Open, bare: Path) -> None:
    good = save_run(run())
    (good.parent / "half.json").write_text(good.read_text()[:500])
    (good.parent / "other.json").write_text('{"kind": "flow-timing", "schema_version": 99}')
    folder = save_bill(bill()).parent
    (folder / "empty.json").write_text("")
    app = open_timing()
    assert not app.exception and len(charts(app)) == 3
    said = " ".join(warning.value for warning in app.warning)
    assert "2 runs cannot be used" in said and "half.json:" in said and "(None, None)" not in said
    assert "measure again" in said and "empty.json:" in said


def test_shipped_models_stand_beside_the_bills(open_timing: Open, bare: Path) -> None:
    trained(bare / "checkpoints", "digits-2d-maf", "maf", tiny_data())
    trained(bare / "checkpoints", "digits-2d-iaf", "iaf", tiny_data(), evaluated=False)
    (trained(bare / "checkpoints", "digits-2d-realnvp", "realnvp", tiny_data()) / "config.json").write_text("{}")
    app = open_timing()
    assert not app.exception
    (table,) = [table for table in app.dataframe if "Test ELBO, nats" in table.value]
    assert table.value["Test ELBO, nats"][1] == "not evaluated" and "±" in table.value["Test ELBO, nats"][0]
    assert "no usable model digits-2d-realnvp here (config.json" in words(app)


def test_the_diagram_can_be_that_of_iaf(open_timing: Open) -> None:
    assert "<b>Density, textbook</b>" in str(charts(open_timing(waiting="IAF"))[0]["layout"]["annotations"])
    assert len(charts(open_timing())[0]["frames"]) == 6
