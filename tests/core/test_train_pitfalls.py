"""What training gets wrong in silence: grey images, the weight of the KL, the last batch, clipping, kept weights."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from core.datasets import Split
from core.train import _negative_elbo
from tests.contracts import seeded
from tests.core.runs import make_run
from tests.oracle import tiny_dataset


def test_grey_images_are_only_ever_seen_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    """The likelihood of grey pixels under a Bernoulli is no likelihood."""
    grey = Split(torch.rand(50, 12, generator=seeded(1)), None)
    data = replace(tiny_dataset(), binarisation="dynamic", train=grey)
    run, seen = make_run(data=data, kind="aggregated", epochs=2), list[Tensor]()
    assert torch.equal(run.vae.prior.images, data.fixed("train").images)  # type: ignore[arg-type]
    real = run.vae.elbo
    monkeypatch.setattr(run.vae, "elbo", lambda x, **more: seen.append(x) or real(x, **more))
    run.train()
    batches = [x for x in seen if len(x) == 16]
    assert len(batches) == 6 and all(((x == 0) | (x == 1)).all() for x in seen)
    assert not torch.equal(*(torch.cat(batches[k : k + 3]).sort(0).values for k in (0, 3))), "drawn again each time"


def test_the_loss_is_the_bound_with_a_weight_on_the_kl() -> None:
    run = make_run()
    x = run.data.train.images[:16]
    loss, *_ = _negative_elbo(run.vae, x, 0.3, seeded(1))
    terms = run.vae.elbo(x, generator=seeded(1))
    assert torch.allclose(loss, (0.3 * terms.kl - terms.reconstruction).mean())


def test_a_smaller_last_batch_of_the_validation_counts_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    run, parts = make_run(), []
    real = run.vae.elbo
    monkeypatch.setattr(run.vae, "elbo", lambda x, **more: parts.append(real(x, **more)) or parts[-1])
    found = run.validation_elbo(batch=16)
    assert [len(part.elbo) for part in parts] == [16, 4]
    assert found == pytest.approx(float(torch.cat([part.elbo for part in parts]).mean()), abs=1e-5)


def test_the_weights_of_the_best_epoch_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(epochs=6, warmup_epochs=0, patience=3)
    scores, kept = iter([-1.0, *[-2.0] * 60]), []
    state = run.vae.state_dict
    monkeypatch.setattr(run, "validation_elbo", lambda: kept.append(copy.deepcopy(state())) or next(scores))
    vae = run.train()
    assert len(kept) == 4 and any(not torch.equal(value, kept[-1][name]) for name, value in vae.state_dict().items())
    assert all(torch.equal(value, kept[0][name]) for name, value in vae.state_dict().items())


def test_gradients_are_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    run, norms = make_run(epochs=1, clip_norm=1e-3), list[float]()
    step = run.optimizer.step

    def measured() -> None:
        parts = [p.grad.norm() for p in run.vae.parameters() if p.grad is not None]
        norms.append(float(torch.stack(parts).norm()))
        step()

    monkeypatch.setattr(run.optimizer, "step", measured)
    run.train()
    assert norms and max(norms) < 1.001e-3


def test_pseudo_inputs_learn_at_their_own_rate() -> None:
    run = make_run(kind="vamp", final_rate=1.0)
    run.train()
    assert [group["lr"] for group in run.optimizer.param_groups] == pytest.approx([5e-3, 5e-2])
