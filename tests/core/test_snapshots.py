"""Snapshots of a training: how many and when, that they change nothing, survive a kill, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from core.errors import CheckpointError
from core.latents import encode
from core.priors import PRIORS
from core.snapshots import MOST_IMAGES, Snapshots, snapshot_epochs, stratified_rows
from core.train import Run
from tests.core.runs import assert_same, make_run, run_config, stop_after
from tests.oracle import tiny_dataset


def finished(run: Run) -> Snapshots:
    run.train()
    found = run.snapshots()
    assert found is not None
    return found


def assert_same_snapshots(left: Snapshots, right: Snapshots) -> None:
    assert (
        left.kept == right.kept and np.array_equal(left.rows, right.rows) and np.array_equal(left.inputs, right.inputs)
    )
    assert [(s.epoch, s.beta, s.validation_elbo) for s in left.taken] == [
        (s.epoch, s.beta, s.validation_elbo) for s in right.taken
    ]
    for ours, theirs in zip(left.taken, right.taken, strict=True):
        assert ours.numbers.keys() == theirs.numbers.keys()
        assert all(torch.equal(ours.numbers[name], theirs.numbers[name]) for name in ours.numbers)


@pytest.mark.parametrize("epochs", [1, 2, 18, 19, 20, 50, 150, 400, 2000, 100_000])
@pytest.mark.parametrize("most", [1, 2, 3, 4, 8, 20])
def test_the_epochs_rise_from_0_to_the_last_and_are_denser_at_the_start(most: int, epochs: int) -> None:
    found = snapshot_epochs(most, epochs)
    assert len(found) <= most - 1, "one is left for the model that is kept"
    assert list(found) == sorted(set(found))
    if most >= 3:
        assert (found[0], found[-1]) == (0, epochs)
    if most >= 3 and epochs >= most:
        assert len(found) == most - 1
        gaps = np.diff(found)
        assert (gaps[1:] >= gaps[:-1] - 1).all(), "gaps never shrink but by rounding"


def test_a_large_split_is_represented_class_by_class() -> None:
    labels = np.repeat([0, 1, 2], [30_000, 15_000, 5000])
    rows = stratified_rows(labels, len(labels))
    assert len(rows) == MOST_IMAGES == 10_000 and (np.diff(rows) > 0).all()
    assert abs(np.bincount(labels[rows]) - [6000, 3000, 1000]).max() <= 1
    assert np.array_equal(rows, stratified_rows(labels, len(labels))), "always the same"
    without = stratified_rows(None, 50_000)
    assert len(without) == MOST_IMAGES and abs((without < 30_000).mean() - 0.6) < 0.03
    assert np.array_equal(stratified_rows(labels, 10_000), np.arange(10_000)), "all that latents.safetensors holds"


@pytest.mark.parametrize("kind", PRIORS)
def test_weights_are_the_same_to_the_bit_with_and_without(kind: str) -> None:
    data = replace(tiny_dataset(), binarisation="dynamic")
    without, with_them = make_run(data=data, kind=kind), make_run(data=data, kind=kind, snapshots=20)
    without.train()
    found = finished(with_them)
    assert_same(without, with_them)
    assert [one.epoch for one in found.taken] == [0, 1, 2, 3] and found.kept == with_them.position.best_epoch


@pytest.mark.parametrize("kind", ["standard", "vamp", "aggregated", "maf"])
@pytest.mark.parametrize("steps", [1, 4, 5, 11])
def test_a_run_that_is_resumed_ends_with_the_same_snapshots(kind: str, steps: int, tmp_path: Path) -> None:
    """Four steps an epoch: stopped again and again, in the middle of epochs and between them."""
    settings = {"kind": kind, "snapshots": 6, "epochs": 7}
    whole = finished(make_run(**settings))
    for _ in range(40):
        part = make_run(tmp_path / "state", **settings)
        part.train(stop_after(part, steps))
        if part.finished:
            break
    found = part.snapshots()
    assert found is not None and [one.epoch for one in whole.taken][:5] == [0, 1, 2, 4, 7][:5]
    assert_same_snapshots(whole, found)


def test_the_epochs_are_those_decided_at_the_beginning(tmp_path: Path) -> None:
    run = make_run(tmp_path / "state", snapshots=5, epochs=9)
    run.train(stop_after(run, 6))
    again = make_run(tmp_path / "state", snapshots=5, epochs=11)
    assert again.recorder is not None and again.recorder.schedule == snapshot_epochs(5, 9)


def test_another_number_of_snapshots_is_another_run_and_an_older_state_had_none(tmp_path: Path) -> None:
    run = make_run(tmp_path / "state")
    run.train(stop_after(run, 2))
    with pytest.raises(CheckpointError, match=r"other settings \(train.snapshots\)"):
        make_run(tmp_path / "state", snapshots=3)
    tensors = safetensors.torch.load_file(tmp_path / "state")
    with safetensors.safe_open(tmp_path / "state", framework="pt") as handle:
        metadata = handle.metadata()
    config = json.loads(metadata["config"])
    del config["train"]["snapshots"]  # as written by a program that knew none
    safetensors.torch.save_file(tensors, tmp_path / "state", metadata=metadata | {"config": json.dumps(config)})
    assert make_run(tmp_path / "state").position.step == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda tensors, metadata: tensors.pop("snapshots.mean"),
        lambda tensors, metadata: tensors.update({"snapshots.mean": torch.zeros(1, 3, 2)}),
        lambda tensors, metadata: metadata.pop("snapshots"),
        lambda tensors, metadata: metadata.update(snapshots="[]"),
        lambda tensors, metadata: metadata.update(schedule="7"),
    ],
)
def test_a_state_with_a_hole_in_its_snapshots_says_that_it_can_be_deleted(damage, tmp_path: Path) -> None:
    run = make_run(tmp_path / "state", snapshots=5)
    run.train(stop_after(run, 2))
    tensors = safetensors.torch.load_file(tmp_path / "state")
    with safetensors.safe_open(tmp_path / "state", framework="pt") as handle:
        metadata = handle.metadata()
    damage(tensors, metadata)
    safetensors.torch.save_file(tensors, tmp_path / "state", metadata=metadata)
    with pytest.raises(CheckpointError, match="delete it"):
        make_run(tmp_path / "state", snapshots=5)


def test_a_snapshot_holds_what_the_model_was_and_the_last_what_it_is() -> None:
    run = make_run(kind="vamp", snapshots=20)
    x = run.data.fixed("test").images
    before = encode(run.vae, x)[0]
    found = finished(run)
    assert torch.equal(found.taken[0].numbers["mean"], before.half())
    assert (found.taken[0].epoch, found.taken[0].beta) == (0, 0.0)
    assert [one.beta for one in found.taken] == [0.0, 0.5, 1.0, 1.0]
    curve = {record.epoch: record.validation_elbo for record in run.position.curve}
    assert all(one.validation_elbo.value == curve[one.epoch] for one in found.taken[1:])
    kept = next(one for one in found.taken if one.epoch == found.kept)
    mean, log_var, log_weight = run.vae.prior.components()
    assert torch.equal(kept.numbers["mean"], encode(run.vae, x)[0].half())
    assert torch.equal(kept.numbers["prior.mean"], mean.detach().half())
    assert torch.equal(kept.numbers["prior.log_weight"], log_weight.half()) and log_var.shape == (7, 2)
    pixels = kept.numbers["pseudo_inputs"]
    assert pixels.dtype == torch.uint8
    assert (pixels / 255 - run.vae.prior.pseudo_inputs.detach()).abs().max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"latent_dim": 3}, "this model has 3"), ({"posterior": {"kind": "iaf"}}, "the iaf one: leave out --snapshots")],
)
def test_a_model_whose_plane_cannot_be_drawn_is_refused_before_it_is_trained(change: dict, reason: str) -> None:
    data = tiny_dataset()
    config = run_config(data, snapshots=5)
    model = config.model.model_validate(config.model.model_dump() | change)
    with pytest.raises(ValueError, match=reason):
        Run(config.model_copy(update={"model": model}), data)


def test_snapshots_that_would_be_too_large_are_refused_before_training(monkeypatch) -> None:
    monkeypatch.setattr("core.snapshots.MOST_BYTES", 2000)
    make_run(snapshots=3)
    with pytest.raises(ValueError, match=r"20 snapshots of this model would take .* lower --snapshots"):
        make_run(snapshots=20)


def test_numbers_that_half_precision_cannot_hold_cost_a_snapshot_not_the_training() -> None:
    run = make_run(snapshots=5)
    with torch.no_grad():
        run.vae.posterior.head.bias[:2].fill_(1e6)
    run.train()
    found = run.snapshots()
    assert run.finished and found is not None and (found.taken, found.kept) == ((), None)
