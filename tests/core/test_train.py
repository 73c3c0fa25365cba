"""Training improves the bound, stops where it should, and goes on after any interruption as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from core.config import DataConfig, ModelConfig, PriorConfig, RunConfig, TrainConfig
from core.datasets import Dataset, Split
from core.errors import CheckpointError, TrainingDiverged
from core.priors import PRIORS
from core.train import Progress, Run
from tests.contracts import small_options
from tests.oracle import tiny_dataset


def run_config(data: Dataset, kind: str = "standard", **training) -> RunConfig:
    settings = {"epochs": 3, "batch_size": 16, "warmup_epochs": 2, "learning_rate": 5e-3, **training}
    return RunConfig(
        data=DataConfig(name=data.name, binarisation=data.binarisation, train=len(data.train), validation=20, test=20),
        model=ModelConfig(
            image_shape=data.image_shape,
            likelihood=data.likelihood,
            latent_dim=2,
            hidden=(8,),
            prior=PriorConfig(kind=kind, options=small_options(kind)),
        ),
        train=TrainConfig(**settings),
    )


def make_run(state_file: Path | None = None, data: Dataset | None = None, kind: str = "standard", **training) -> Run:
    data = data or tiny_dataset()
    return Run(run_config(data, kind, **training), data, state_file, save_every_s=0.0)


def stop_after(run: Run, steps: int):
    """A progress callback that asks the run to stop after so many steps."""
    seen: list[Progress] = []

    def tell(progress: Progress) -> None:
        seen.append(progress)
        run.stop_requested = len(seen) >= steps

    return tell


def outcome(run: Run) -> tuple[dict[str, Tensor], list, int]:
    """All that must be the same after an interruption: weights, curve without the seconds, best epoch."""
    curve = [replace(record, seconds=0.0) for record in run.position.curve]
    return run.vae.state_dict(), curve, run.position.best_epoch


def assert_same(left: Run, right: Run) -> None:
    ours, theirs = outcome(left), outcome(right)
    assert ours[1:] == theirs[1:]
    assert ours[0].keys() == theirs[0].keys()
    assert all(torch.equal(ours[0][name], theirs[0][name]) for name in ours[0])


@pytest.mark.parametrize(("kind", "likelihood"), [(kind, "bernoulli") for kind in PRIORS] + [("standard", "logistic")])
def test_a_short_run_improves_the_bound(kind: str, likelihood: str) -> None:
    run = make_run(data=tiny_dataset(likelihood), kind=kind, epochs=25, learning_rate=1e-2)
    before = run.validation_elbo()
    vae = run.train()
    assert run.finished and not vae.training
    assert run.position.best_validation > before + 0.5
    assert abs(run.validation_elbo() - run.position.best_validation) < 1e-5, "the best weights are given back"
    curve = run.position.curve
    assert [record.epoch for record in curve] == list(range(1, 26))
    assert run.position.best_validation == max(record.validation_elbo for record in curve)


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

    monkeypatch.setattr("core.train_state.save_file", half_way)
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


@pytest.mark.parametrize("change", [{"seed": 5}, {"epochs": 9}, {"batch_size": 17}, {"kind": "mog"}])
def test_a_state_of_other_settings_is_refused(change: dict, tmp_path: Path) -> None:
    run = make_run(tmp_path / "state")
    run.train(stop_after(run, 2))
    with pytest.raises(CheckpointError, match="other settings"):
        make_run(tmp_path / "state", **change)


def poisoned(data: Dataset) -> Dataset:
    images = data.train.images.clone()
    images[::2] = float("nan")
    return replace(data, train=Split(images, data.train.labels))


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


def test_a_learning_rate_far_too_high_is_divergence_or_survives_finite() -> None:
    run = make_run(learning_rate=1.0, clip_norm=1e30, epochs=30, warmup_epochs=0, kind="maf")
    try:
        vae = run.train()
    except TrainingDiverged as error:
        assert error.kept is None and 1 <= error.epoch <= 30
        vae = run.vae
    assert all(torch.isfinite(value).all() for value in vae.state_dict().values())


def test_patience_counts_from_the_end_of_the_warm_up(monkeypatch) -> None:
    run = make_run(epochs=50, warmup_epochs=4, patience=3)
    scores = iter([-1.0, *[-2.0] * 60])
    monkeypatch.setattr(run, "validation_elbo", lambda: next(scores))
    run.train()
    assert run.finished and run.position.epoch == 7 and run.position.best_epoch == 1


def test_a_better_epoch_starts_the_patience_again(monkeypatch) -> None:
    run = make_run(epochs=50, warmup_epochs=0, patience=3)
    scores = iter([-5.0, -6.0, -6.0, -4.0, -6.0, -6.0, -6.0, -1.0])
    monkeypatch.setattr(run, "validation_elbo", lambda: next(scores))
    run.train()
    assert run.position.epoch == 7 and run.position.best_epoch == 4


@pytest.mark.parametrize(("warmup", "expected"), [(0, [1, 1, 1, 1]), (1, [1, 1, 1, 1]), (4, [0.25, 0.5, 0.75, 1])])
def test_beta_grows_linearly(warmup: int, expected: list[float]) -> None:
    run = make_run(epochs=4, warmup_epochs=warmup)
    run.train()
    assert [record.beta for record in run.position.curve] == expected


def test_beta_weighs_the_kl_in_the_loss() -> None:
    """With a warm-up far longer than the run the KL is nearly free, and grows."""
    free, held = (make_run(epochs=30, warmup_epochs=w, learning_rate=1e-2) for w in (100_000, 0))
    free.train()
    held.train()
    assert free.position.curve[-1].kl > 2 * held.position.curve[-1].kl


def test_validation_is_at_beta_one_and_repeats() -> None:
    run = make_run(warmup_epochs=100)
    assert run.validation_elbo() == run.validation_elbo()
    x = run.data.validation.images
    with torch.no_grad():
        terms = run.vae.elbo(x, generator=torch.Generator().manual_seed(1))
    assert abs(run.validation_elbo() - float(terms.elbo.mean())) < 1e-5


def test_the_learning_rate_falls_along_a_half_cosine() -> None:
    run = make_run(epochs=10, learning_rate=1e-2, final_rate=0.1)
    rates: list[float] = []
    run.train(lambda _: rates.append(run.optimizer.param_groups[0]["lr"]))
    assert rates[0] == 1e-2 and all(a > b for a, b in pairwise(rates))
    assert abs(rates[20] - 1e-2 * 0.55) < 1e-9 and 1e-3 < rates[-1] < 1.02e-3


def test_progress_tells_means_over_the_epoch_and_the_last_epoch() -> None:
    run = make_run(epochs=2)
    seen: list[Progress] = []
    run.train(seen.append)
    assert [(p.epoch, p.step) for p in seen] == [(e, s) for e in (1, 2) for s in (1, 2, 3, 4)]
    assert all(p.steps == 4 and p.epochs == 2 and abs(p.elbo - p.reconstruction + p.kl) < 1e-9 for p in seen)
    first = run.position.curve[0]
    assert seen[0].last is None and seen[4].last == first
    assert (seen[3].reconstruction, seen[3].kl) == (first.reconstruction, first.kl)


def test_the_last_smaller_batch_counts_by_its_size() -> None:
    """Three batches of 16 and one of 2 (pitfall 34)."""
    run = make_run(epochs=1)
    sums: list[tuple[float, int]] = []
    run.train(lambda p: sums.append((p.reconstruction, run.position.seen)))
    assert [seen for _, seen in sums] == [16, 32, 48, 50]
    last = sums[3][0] * 50 - sums[2][0] * 48  # of the last two images together
    assert abs(last / 2 - sums[2][0]) < 5, "not weighted eight times"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_cuda_is_refused() -> None:
    with pytest.raises(ValueError, match="'cuda' was asked for, but torch sees no CUDA device"):
        make_run(device="cuda")
