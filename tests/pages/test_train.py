"""The page Train: the form says what it would start, refuses what would fail, and shows what became of trainings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs, training_runs
from core.job_files import JobStatus
from core.priors import PRIORS
from core.progress import write_json
from core.training_file import curve_file, state_file, write_curve
from core.training_records import EpochRecord
from tests.core.commands import train_arguments, write_images

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


def commands(app: AppTest) -> list[str]:
    return [element.value for element in app.code]


def words(app: AppTest) -> str:
    kinds = ("markdown", "caption", "warning", "info", "error", "success")
    return " ".join(element.value for kind in kinds for element in app.get(kind))


def test_what_is_set_to_begin_with_can_be_started(open_own: Open, own_place: Path, submitted_jobs: list) -> None:
    app = open_own()
    assert not app.exception and not app.warning
    assert commands(app) == [
        "python -m core train --dataset digits --name digits-2d-vamp --prior vamp --prior-option components=50 "
        "--prior-option init=data --latent-dim 2 --epochs 400 --learning-rate 0.003 --warmup-epochs 20 "
        "--patience 400 --snapshots 20"
    ]
    app.button(key="t-start").click().run()
    assert not app.exception and not app.error
    (words_of_job,) = submitted_jobs
    assert words_of_job[-2:] == ["--root", str(own_place / "checkpoints")]
    assert " ".join(["python", "-m", "core", *words_of_job[:-2]]) == commands(app)[-1]


@pytest.mark.parametrize("prior", PRIORS)
def test_every_prior_has_its_own_settings(open_own: Open, prior: str) -> None:
    app = open_own(t_prior=PRIORS[prior].title, t_dim="3", t_epochs="5")
    assert not app.exception
    assert f"--prior {prior}" in commands(app)[0] and "--latent-dim 3 --epochs 5" in commands(app)[0]
    drawn = {widget.key for kind in ("number_input", "selectbox") for widget in app.get(kind)}
    assert {f"t_prior_{prior}_{name}" for name in PRIORS[prior].options.model_fields} <= drawn


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"t_name": "../evil"}, "expected letters"),
        ({"t_name": "there"}, "already there"),
        ({"t_posterior": "IAF"}, "mixture of posteriors"),
        ({"t_prior": "RealNVP", "t_dim": "1"}, "two or more"),
    ],
)
def test_what_would_fail_is_said_and_cannot_be_started(open_own: Open, own_place: Path, query: dict, says: str) -> None:
    (own_place / "checkpoints" / "there").mkdir(parents=True)
    app = open_own(**query)
    assert not app.exception and says in app.warning[0].value
    assert app.button(key="t-start").disabled


@pytest.mark.parametrize(
    "query",
    [{"t_dim": "0"}, {"t_dim": "x"}, {"t_epochs": "-3"}, {"t_learning_rate": "9"}, {"t_prior": "nope"},
     {"t_dataset": "/etc/passwd"}, {"t_seed": "1e99"}, {"t_more": "maybe"}],
)  # fmt: skip
def test_values_of_the_address_that_cannot_be_fall_back(open_own: Open, query: dict) -> None:
    app = open_own(**query)
    assert not app.exception and not app.error and "--epochs 400" in commands(app)[0]


def test_what_cannot_be_started_is_told(open_own: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: list[str]) -> str:
        raise ValueError("20 jobs are waiting already")

    app = open_own()
    monkeypatch.setattr("core.jobs.submit", refuse)
    app.button(key="t-start").click().run()
    assert "20 jobs are waiting already" in app.error[0].value


def curve(n: int) -> list[EpochRecord]:
    return [EpochRecord(k, 1.0, -20.0 - 10 / k, 3.0, -24.0 - abs(k - 7), 0.5) for k in range(1, n + 1)]


def left_behind(own_place: Path, state: str, error: str = "", *, kept: bool = True, epochs: int = 9) -> JobStatus:
    """A training as its process leaves it behind."""
    root = own_place / "checkpoints"
    words_of_job = ["train", "--dataset", "digits", "--name", "mine", "--prior", "mog", "--root", str(root)]
    folder = own_place / "jobs" / jobs.job_id(words_of_job)
    folder.mkdir(parents=True)
    (own_place / "jobs" / ".locks").mkdir()
    write_json(folder / "job.json", {"number": 1, "arguments": words_of_job})
    write_json(folder / "end.json", {"state": state, "error": error})
    write_curve(curve_file(root, "mine"), curve(epochs), 40, 9, 4.5)
    if kept:
        state_file(root, "mine").touch()
    return jobs.status(folder.name)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_training_that_was_stopped_can_go_on(
    open_own: Open, own_place: Path, submitted_jobs: list, state: str
) -> None:
    told = left_behind(own_place, state, "no space left")
    app = open_own()
    assert not app.exception and f"**mine**: {state}: no space left" in words(app)
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert any(trace.get("name") == "validation ELBO" for trace in figure["data"]) and "After 9 epochs" in words(app)
    app.button(key=f"t-go-{told.id}").click().run()
    assert submitted_jobs == [list(told.arguments)]


def test_a_training_can_be_given_up(open_own: Open, own_place: Path) -> None:
    told = left_behind(own_place, "cancelled")
    app = open_own()
    app.button(key=f"t-discard-{told.id}").click().run()
    assert not app.exception and "**mine**" not in words(app) and not training_runs.runs()
    assert not list((own_place / "checkpoints" / ".training").iterdir())


def test_without_a_state_it_starts_again(open_own: Open, own_place: Path) -> None:
    told = left_behind(own_place, "failed", kept=False, epochs=0)
    app = open_own()
    assert app.button(key=f"t-start-{told.id}").label == "Start again" and "No epoch had ended" in words(app)


def test_a_damaged_curve_is_said(open_own: Open, own_place: Path) -> None:
    left_behind(own_place, "cancelled")
    curve_file(own_place / "checkpoints", "mine").write_text("{")
    app = open_own()
    assert not app.exception and "mine.json is not JSON" in words(app)


def test_a_finished_one_is_in_the_sidebar_with_its_curve(open_own: Open, own_place: Path, capsys) -> None:
    from core.cli import main

    left_behind(own_place, "done", kept=False)
    folder = next(path for path in (own_place / "jobs").iterdir() if path.name != ".locks")
    (folder / "stdout").touch()
    assert main(train_arguments(write_images(own_place), own_place / "checkpoints", "mine")) == 0
    app = open_own()
    assert not app.exception and "**mine** is trained and in the sidebar" in words(app)
    assert app.multiselect(key="models").options == ["mine"] and "After 3 epochs" in words(app)


def test_a_running_one_shows_its_pace(open_own: Open, own_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = left_behind(own_place, "cancelled")
    alive = JobStatus(told.id, told.arguments, "running", 9, 40, "epoch 10 of 40", seconds=4.6)
    monkeypatch.setattr("core.jobs.known", lambda command: [alive] if command == "train" else [])
    app = open_own()
    assert not app.exception
    assert "5 s so far. About 16 s for the 31 epochs left, at the pace of the last 9 (0.5 s each)" in words(app)
    assert app.button(key=f"t-cancel-{told.id}").label == "Cancel"
    proposed = commands(app)[-1]
    assert "--name digits-2d-vamp " in proposed
    assert "already waiting or running" in open_own(t_name="mine").warning[0].value
