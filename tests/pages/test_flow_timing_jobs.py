"""The page Flow timing starts jobs and measures nothing itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import jobs
from core.flow_timing_file import save_run
from core.job_files import JobStatus
from core.prior_bill_file import save_bill
from tests.figures.flow_runs import bill, run
from tests.pages.flow_timing_page import LABELS, SECOND, Open, button, open_form, words


def test_run_starts_a_job_with_what_is_typed(open_timing: Open, submitted_jobs: list[list[str]]) -> None:
    save_run(run())
    app = open_form(open_timing(run=LABELS[0]))
    assert not submitted_jobs, "opening the page measures nothing"
    app.text_input(key="flow-dims").set_value("2, 16 48")
    app.number_input(key="flow-batch").set_value(250)
    app.selectbox(key="flow-dtype").set_value("float64")
    button(app, "Run").click().run()
    assert not app.exception and not app.error
    assert submitted_jobs == [
        ["flow-timing", "--dims", "2", "16", "48", "--hidden", "128", "128",
         "--methods", "naive", "incremental", "fixed_point", "--batch", "250", "--layers", "5", "--threads", "1",
         "--device", "cpu", "--dtype", "float64", "--repeats", "20", "--seed", "0", "--sharpness", "0.1",
         "--output", jobs.RESULT]
    ]  # fmt: skip
    assert app.selectbox(key="run").value == "newest", "so that it is shown when it is done"
    app.run()
    assert len(submitted_jobs) == 1, "drawing the page again starts nothing"


def test_run_20_more_repeats_the_run_shown(open_timing: Open, submitted_jobs: list[list[str]]) -> None:
    save_run(run((4, 8)))
    app = open_timing()
    app.button(key="more").click().run()
    (words_of,) = submitted_jobs
    assert words_of[:4] == ["flow-timing", "--dims", "4", "8"] and words_of[words_of.index("--repeats") + 1] == "20"
    assert app.toggle(key="pool").disabled and "pooled" not in words(app), "one run: nothing to pool yet"
    save_run(run((4, 8), stamp=SECOND))
    app.run()
    assert "2 runs pooled" in words(app)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("flow-dims", "2 x", "expected whole numbers"),
        ("flow-dims", "", "expected whole numbers"),
        ("flow-dims", "8 2", "ascending"),
        ("flow-dims", "2 4096", "expected 1 to 1024"),
        ("flow-hidden", "5000", "expected 1 to 4096"),
        ("flow-dims", "1024", "minutes"),
    ],
)
def test_what_cannot_be_measured_is_said_and_not_started(
    open_timing: Open, submitted_jobs: list[list[str]], key: str, value: str, says: str
) -> None:
    app = open_timing()
    app.number_input(key="flow-batch").set_value(20_000)
    app.text_input(key=key).set_value(value)
    button(app, "Run").click().run()
    assert not app.exception and not submitted_jobs
    assert says in app.error[0].value


def test_a_finished_measurement_is_started_again(
    open_timing: Open, submitted_jobs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[str] = []
    monkeypatch.setattr("core.jobs.forget", forgotten.append)
    monkeypatch.setattr("core.jobs.status", lambda name: JobStatus(name, state="done"))
    app = open_timing()
    button(app, "Run").click().run()
    assert forgotten == [jobs.job_id(submitted_jobs[0])], "the same settings may be measured again"


def test_a_running_measurement_is_shown_to_everybody(open_timing: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    told = JobStatus("0" * 16, ("flow-timing",), "running", 300, 1000, "about 7 s left", seconds=3.0)
    monkeypatch.setattr("core.jobs.alive", lambda command: [told] if command == "flow-timing" else [])
    monkeypatch.setattr("core.jobs.status", lambda _: told)
    save_run(run())
    app = open_form(open_timing())
    assert not app.exception and "Cancel" in [button.label for button in app.button]
    assert button(app, "Run").disabled and app.button(key="more").disabled
    assert "about 7 s left" in str(app.get("progress")[0].proto)


def test_a_failed_measurement_says_why(
    open_timing: Open, submitted_jobs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "device is cuda, but torch finds no CUDA device here; use --device cpu"
    monkeypatch.setattr("core.jobs.status", lambda name: JobStatus(name, state="failed", error=reason))
    app = open_timing()
    assert not app.error
    app.selectbox(key="flow-device").set_value("cuda")
    button(app, "Run").click().run()
    assert len(submitted_jobs) == 1 and reason in app.error[0].value


def test_a_folder_of_jobs_that_cannot_be_read_is_said(open_timing: Open, bare: Path) -> None:
    (bare / "jobs").write_text("a file where a folder should be")
    save_run(run())
    app = open_form(open_timing())
    button(app, "Run").click().run()
    assert not app.exception and "no job can be started" in app.error[0].value


def test_the_bills_are_measured_by_a_job(open_timing: Open, submitted_jobs: list[list[str]]) -> None:
    save_bill(bill())
    app = open_timing()
    app.button(key="bill-run").click().run()
    assert submitted_jobs == [["prior-bill", "--priors", "standard", "maf", "iaf", "realnvp", "--output", jobs.RESULT]]
