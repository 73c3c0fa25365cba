"""One model of a sweep where it is trained: what a worker tells of failures, and what an earlier attempt left."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.sweep_order import Order
from core.sweep_worker import MEASURED, work
from tests.core.commands import write_images

pytestmark = pytest.mark.usefixtures("place")


def test_a_worker_tells_a_divergence_as_final_and_a_damaged_state_as_such(place: Path, monkeypatch) -> None:
    words = ("--dataset", write_images(place), "--hidden", "8", "--epochs", "1", "--samples", "5")
    order = Order("model", words)
    state = order.folder / ".training" / "model.safetensors"
    state.parent.mkdir(parents=True)
    state.write_bytes(b"left by something")
    first = work(order, lambda _: None)
    assert first.damaged and "delete it to start afresh" in first.error and not first.files
    second = work(Order("model", words, afresh=True), lambda _: None)
    assert not second.error and list(second.files)[-1] == "config.json"
    monkeypatch.setattr("core.train.Run._step", lambda run, order: run._diverge("KL", run.epoch_start))
    third = work(Order("other", words), lambda _: None)
    assert third.final and third.error.startswith("training diverged in epoch 1")


def test_a_worker_that_was_killed_late_measures_the_rest(place: Path, monkeypatch) -> None:
    words = ("--dataset", write_images(place), "--hidden", "8", "--epochs", "1", "--samples", "5", "--prior", "mog",
             "--prior-option", "components=3")  # fmt: skip
    first = work(Order("model", words), lambda _: None)
    stored = Order("model", words).folder / "model"
    assert "components-test.safetensors" in first.files
    (stored / "components-test.safetensors").unlink()
    (stored.parent / MEASURED).unlink()
    again = work(Order("model", words), lambda _: None)
    assert not first.error and not again.error and set(again.files) == set(first.files)
    monkeypatch.setattr("core.cli_evaluate.add_measures", lambda *_: pytest.fail("all of it is there"))
    assert work(Order("model", words), lambda _: None).files == again.files
