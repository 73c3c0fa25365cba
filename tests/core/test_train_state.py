"""A run goes on after any interruption as if nothing had happened, and its state file is whole, finite and its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from core.errors import CheckpointError, TrainingDiverged
from core.priors import PRIORS
from core.train import Progress, Run, _parameter_groups
from tests.core.runs import assert_same, make_run, poisoned, stop_after
from tests.oracle import tiny_dataset

BIAS = "adam.decoder.head.bias"


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("steps", [1, 6])
def test_a_stopped_run_goes_on_to_the_same_end(kind: str, steps: int, tmp_path: Path) -> None:
    """Four steps an epoch: stopped in the first epoch and in the middle of the second."""
    whole = make_run(kind=kind)
    whole.train()
    first = make_run(tmp_path / "state", kind=kind)
    first.train(stop_after(first, steps))
    assert not first.finished and (first.position.epoch, first.position.step) == divmod(steps, 4)
    second = make_run(tmp_path / "state", kind=kind)
    second.train()
    assert_same(whole, second)


@pytest.mark.parametrize("steps", [3, 4, 5, 8, 11])
def test_any_step_is_a_good_one_to_stop_at(steps: int, tmp_path: Path) -> None:
    """The last step of an epoch, the first of the next, several stops; with fresh binarisation at every step."""
    data = replace(tiny_dataset(), binarisation="dynamic")
    whole = make_run(data=data, kind="vamp", bf16=True)
    whole.train()
    for _ in range(12):
        part = make_run(tmp_path / "state", data, "vamp", bf16=True)
        part.train(stop_after(part, steps))
        if part.finished:
            break
    assert_same(whole, part)


def test_a_finished_run_started_again_trains_no_further(tmp_path: Path) -> None:
    run = make_run(tmp_path / "state")
    run.train()
    again = make_run(tmp_path / "state")
    seen: list[Progress] = []
    again.train(seen.append)
    assert not seen
    assert_same(run, again)


def test_without_a_state_file_nothing_is_written(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(epochs=1).train()
    assert not list(tmp_path.iterdir())


def test_the_state_is_replaced_in_one_step(tmp_path: Path, monkeypatch) -> None:
    """Killed while it is written: the old one is still whole."""
    run = make_run(tmp_path / "state")
    run.train(stop_after(run, 2))
    before = (tmp_path / "state").read_bytes()

    def half_way(tensors, file, metadata=None) -> None:
        Path(file).write_bytes(b"half a file")
        raise KeyboardInterrupt

    monkeypatch.setattr("core.train_state.write_tensors", half_way)
    with pytest.raises(KeyboardInterrupt):
        make_run(tmp_path / "state").train()
    assert (tmp_path / "state").read_bytes() == before


@pytest.mark.parametrize("size", [0, 7, 100, 2000])
def test_a_truncated_state_says_that_it_can_be_deleted(size: int, tmp_path: Path) -> None:
    run = make_run(tmp_path / "state")
    run.train(stop_after(run, 2))
    (tmp_path / "state").write_bytes((tmp_path / "state").read_bytes()[:size])
    with pytest.raises(CheckpointError, match="delete it"):
        make_run(tmp_path / "state")


@pytest.mark.parametrize(
    "damage",
    [
        lambda tensors, metadata: metadata.update(position="{"),
        lambda tensors, metadata: metadata.update(position='{"speed": 3}'),
        lambda tensors, metadata: metadata.update(config="[["),
        lambda tensors, metadata: metadata.pop("position"),
        lambda tensors, metadata: tensors.pop("random.now"),
        lambda tensors, metadata: tensors.pop("model.decoder.head.bias"),
        lambda tensors, metadata: tensors.pop("best.decoder.head.bias"),
        lambda tensors, metadata: tensors.pop(BIAS + ".exp_avg"),
        lambda tensors, metadata: tensors.update({"adam.0.exp_avg": torch.zeros(8)}),
        lambda tensors, metadata: tensors.update({BIAS + ".exp_avg_sq": torch.zeros(1)}),
        lambda tensors, metadata: tensors.update({BIAS + ".speed": torch.zeros(())}),
        lambda tensors, metadata: metadata.update(config="[]"),
        lambda tensors, metadata: tensors.update({"random.now": torch.zeros(3, dtype=torch.uint8)}),
    ],
)
def test_a_state_with_a_hole_says_that_it_can_be_deleted(damage, tmp_path: Path) -> None:
    run = make_run(tmp_path / "state")
    run.train(stop_after(run, 2))
    tensors = safetensors.torch.load_file(tmp_path / "state")
    with safetensors.safe_open(tmp_path / "state", framework="pt") as handle:
        metadata = handle.metadata()
    damage(tensors, metadata)
    safetensors.torch.save_file(tensors, tmp_path / "state", metadata=metadata)
    with pytest.raises(CheckpointError, match="delete it"):
        make_run(tmp_path / "state")


@pytest.mark.parametrize("change", [{"seed": 5}, {"warmup_epochs": 9}, {"batch_size": 17}, {"kind": "mog"}])
def test_a_state_of_other_settings_is_refused(change: dict, tmp_path: Path) -> None:
    run = make_run(tmp_path / "state")
    run.train(stop_after(run, 2))
    name = next(iter(change))
    with pytest.raises(CheckpointError, match=rf"other settings \(.*{'prior' if name == 'kind' else name}"):
        make_run(tmp_path / "state", **change)


@pytest.mark.parametrize(
    "change",
    [{"learning_rate": 1e-3}, {"clip_norm": 1.0}, {"epochs": 5}, {"patience": 1}, {"final_rate": 1.0}],
)
def test_how_to_go_on_may_change(change: dict, tmp_path: Path) -> None:
    run = make_run(tmp_path / "state")
    run.train(stop_after(run, 6))
    again = make_run(tmp_path / "state", **change)
    assert (again.position.epoch, again.position.step) == (1, 2)
    again.train()
    assert again.finished and again.position.epoch in (2, 3, 5)


def test_the_new_learning_rate_is_the_one_used(tmp_path: Path) -> None:
    run = make_run(tmp_path / "state", final_rate=1.0)
    run.train(stop_after(run, 2))
    again = make_run(tmp_path / "state", final_rate=1.0, learning_rate=1e-4)
    again.train()
    assert {group["lr"] for group in again.optimizer.param_groups} == {1e-4}


@pytest.mark.parametrize("kind", ["standard", "vamp", "aggregated", "maf"])
def test_a_stopped_run_goes_on_in_the_same_process(kind: str) -> None:
    whole, run = make_run(kind=kind), make_run(kind=kind)
    whole.train()
    for steps in (6, 3):
        stopped = run.train(stop_after(run, steps))
        assert stopped is run.vae and stopped.training and not run.finished, "as it is, not as it was at its best"
        run.stop_requested = False
    assert not run.train().training
    assert_same(whole, run)


def test_the_moments_belong_to_names_not_to_places(tmp_path: Path, monkeypatch) -> None:
    run = make_run(tmp_path / "state", kind="mog")
    run.train(stop_after(run, 6))
    monkeypatch.setattr("core.train._parameter_groups", lambda vae: _parameter_groups(vae)[::-1])
    again = make_run(tmp_path / "state", kind="mog")
    left, right = dict(run.vae.named_parameters()), dict(again.vae.named_parameters())
    assert left.keys() == right.keys()
    for name in left:
        ours, theirs = run.optimizer.state[left[name]], again.optimizer.state[right[name]]
        assert ours.keys() == theirs.keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(ours[moment], theirs[moment]) for moment in ours), name


@pytest.mark.parametrize("kind", PRIORS)
def test_every_parameter_has_its_moments_in_the_file(kind: str, tmp_path: Path) -> None:
    run = make_run(tmp_path / "state", kind=kind)
    run.train(stop_after(run, 1))
    stored = {name for name in safetensors.torch.load_file(tmp_path / "state") if name.startswith("adam.")}
    assert {name.rpartition(".")[0] for name in stored} == {f"adam.{name}" for name, _ in run.vae.named_parameters()}


# ---------------------------------------------------------------- divergence


def finite(file: Path) -> bool:
    return all(torch.isfinite(value).all() for value in safetensors.torch.load_file(file).values())


def test_divergence_names_epoch_and_term_and_keeps_a_finite_state(tmp_path: Path) -> None:
    good = make_run(tmp_path / "state")
    good.train(stop_after(good, 9))  # in the third epoch
    run = make_run(tmp_path / "state")
    run.data = poisoned(run.data)
    with pytest.raises(TrainingDiverged, match=r"in epoch 3: reconstruction is not finite.*state is kept") as caught:
        run.train()
    assert (caught.value.epoch, caught.value.term, caught.value.kept) == (3, "reconstruction", tmp_path / "state")
    assert "--learning-rate" in str(caught.value)
    again = make_run(tmp_path / "state")
    assert all(torch.isfinite(value).all() for value in again.vae.state_dict().values())


def diverging(state_file: Path, steps: int) -> tuple[Run, TrainingDiverged]:
    """A run that writes no state by itself and meets NaN after so many steps."""
    run = make_run(state_file)
    run.save_every_s = 1e9
    seen: list[Progress] = []

    def spoil(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == steps:
            run.data = poisoned(run.data)

    with pytest.raises(TrainingDiverged) as caught:
        run.train(spoil)
    return run, caught.value


@pytest.mark.parametrize("steps", [2, 4, 7])
def test_divergence_leaves_the_state_before_it(steps: int, tmp_path: Path) -> None:
    """To the bit where a run stopped there by hand would be, so that a lower rate can be tried from it."""
    run, error = diverging(tmp_path / "state", steps)
    assert error.kept == tmp_path / "state" and finite(error.kept)
    assert (run.position.epoch, run.position.step) == divmod(steps, 4)
    by_hand = make_run(tmp_path / "other")
    by_hand.train(stop_after(by_hand, steps))
    ends = [make_run(tmp_path / name, learning_rate=1e-3) for name in ("state", "other")]
    for end in ends:
        end.train()
    assert ends[0].finished
    assert_same(*ends)


def test_divergence_of_the_validation_can_be_gone_on_from(tmp_path: Path, monkeypatch) -> None:
    run = make_run(tmp_path / "state")
    scores = iter([-8.0, float("nan")])
    with monkeypatch.context() as patch, pytest.raises(TrainingDiverged, match="epoch 2: validation ELBO"):
        patch.setattr(run, "validation_elbo", lambda: next(scores))
        run.train()
    again = make_run(tmp_path / "state", learning_rate=1e-3)
    assert (again.position.epoch, again.position.step, len(again.position.curve)) == (1, 0, 1), "the epoch once more"
    again.train()
    assert [record.epoch for record in again.position.curve] == [1, 2, 3] and finite(tmp_path / "state")


def test_numbers_that_are_not_finite_never_reach_the_file(tmp_path: Path) -> None:
    run = make_run(tmp_path / "state")
    run.train(stop_after(run, 2))
    before = (tmp_path / "state").read_bytes()
    with torch.no_grad():
        next(run.vae.parameters()).fill_(float("inf"))
    run.save(force=True)
    assert (tmp_path / "state").read_bytes() == before
