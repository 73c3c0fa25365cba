"""Training improves the bound, stops where it should, and says where it diverged."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from core.errors import TrainingDiverged
from core.priors import PRIORS
from core.train import Progress
from tests.core.runs import make_run
from tests.oracle import tiny_dataset


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
