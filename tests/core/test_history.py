"""From snapshots to densities and marginal KL: the model's own at its epoch, exact where the truth is known."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import history
from core.build import resolved
from core.checkpoint import Checkpoint, load, save
from core.history_table import course_csv
from core.latents import cloud
from core.metrics.surgery import elbo_surgery
from core.priors import PRIORS
from core.records import Estimate
from core.snapshots import Snapshot, Snapshots
from tests.contracts import seeded
from tests.core.runs import make_run


def recorded(kind: str, folder: Path, **training) -> tuple[Snapshots, Checkpoint]:
    """A short training with snapshots, stored and read again."""
    run = make_run(kind=kind, snapshots=20, **training)
    vae = run.train()
    found, test = run.snapshots(), run.data.fixed("test")
    assert found is not None
    config = run.config.model_copy(update={"model": resolved(run.config.model, vae)})
    save(vae, config, folder / kind, latents=cloud(vae, test.images, test.labels, "test"), snapshots=found)
    return found, load(folder / kind)


@pytest.mark.parametrize("kind", PRIORS)
def test_the_prior_of_the_kept_epoch_is_the_model_s(kind: str, tmp_path: Path) -> None:
    found, checkpoint = recorded(kind, tmp_path)
    index = [one.epoch for one in found.taken].index(found.kept)
    trained = checkpoint.vae.prior
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    prior = history.prior_at(found, index, trained)
    z = torch.randn(50, 2, generator=seeded(1))
    assert torch.allclose(prior.log_prob(z), trained.log_prob(z), atol=0.02), "half precision"
    history.prior_at(found, 0, trained)
    assert all(torch.equal(before[name], value) for name, value in trained.state_dict().items()), "left as it is"
    assert np.array_equal(history.cloud_at(found, index).mean, checkpoint.latents.mean)


@pytest.mark.parametrize("kind", ["standard", "vamp", "maf"])
def test_the_prior_of_another_epoch_is_that_epoch_s(kind: str, tmp_path: Path) -> None:
    run = make_run(kind=kind, snapshots=20)
    z = torch.randn(50, 2, generator=seeded(1))
    before = run.vae.eval().prior.log_prob(z).detach()
    run.train()
    found = run.snapshots()
    assert found is not None
    assert torch.allclose(history.prior_at(found, 0, run.vae.prior).log_prob(z), before, atol=0.02)
    assert (kind == "standard") is torch.allclose(run.vae.prior.log_prob(z), before, atol=0.02)


@pytest.mark.parametrize("kind", ["standard", "mog", "vamp", "realnvp"])
def test_densities_of_every_epoch_are_whole_on_one_window(kind: str, tmp_path: Path) -> None:
    found, checkpoint = recorded(kind, tmp_path)
    part = history.window(found, checkpoint.vae.prior)
    for index in range(len(found.taken)):
        scene = history.scene(found, checkpoint, index, part, 80)
        assert scene.q.mass > 0.98 and scene.p.mass > 0.97
        assert (scene.q.x[0], scene.q.x[-1]) == (scene.p.x[0], scene.p.x[-1]) and scene.q.x[0] > part.x[0]
        assert (scene.means is not None) is (kind in ("mog", "vamp"))
        assert (scene.inputs is not None) is (kind == "vamp")
    if kind == "vamp":
        assert scene.inputs.shape == (7, 3, 4) and 0 <= scene.inputs.min() <= scene.inputs.max() <= 1
        wanted = checkpoint.vae.prior.pseudo_inputs.view(7, 3, 4).numpy()
        kept = history.scene(found, checkpoint, [s.epoch for s in found.taken].index(found.kept), part, 10)
        assert abs(kept.inputs - wanted).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("kind", ["standard", "vamp", "maf"])
def test_the_marginal_kl_is_that_of_the_surgery(kind: str, tmp_path: Path) -> None:
    found, checkpoint = recorded(kind, tmp_path)
    course = history.course(found, checkpoint, seed=3)
    assert course.epochs == tuple(one.epoch for one in found.taken) and (course.kept, course.seed) == (found.kept, 3)
    assert (course.images, course.drawn, course.draws, course.validation) == (20, 20, 4, 20)
    for index, moment in enumerate(course.moments):
        prior = history.prior_at(found, index, checkpoint.vae.prior)
        whole = elbo_surgery(*history.cloud_at(found, index).components(), prior, n_samples=200, generator=seeded(1))
        noise = math.hypot(moment.marginal_kl.se, 0.01)
        assert abs(moment.marginal_kl.value - whole.marginal_kl.value) < 4 * noise
    assert history.course(found, checkpoint, seed=3) == course and history.course(found, checkpoint) != course


def test_a_known_marginal_kl(tmp_path: Path) -> None:
    """All images have one posterior N(m, s^2 I): KL to N(0, I) in closed form; then q(z) is the prior: 0."""
    _, checkpoint = recorded("standard", tmp_path, epochs=1)
    zeros = torch.zeros(1, 2).half()
    prior = {"prior.mean": zeros, "prior.log_var": zeros, "prior.log_weight": zeros[:, 0]}

    def taken(epoch: int, mean: float, log_var: float) -> Snapshot:
        full = {name: torch.full((200, 2), value).half() for name, value in (("mean", mean), ("log_var", log_var))}
        return Snapshot(epoch, 1.0, Estimate(-5.0, 0.1), full | prior)

    rows = np.arange(200)
    found = Snapshots((taken(0, 0, 0), taken(5, 1.5, -2)), 5, rows, None, "test", 200, np.arange(0))
    course = history.course(found, checkpoint)
    truth = 2 * 0.5 * (math.exp(-2) + 1.5**2 - 1 + 2)
    assert abs(course.moments[1].marginal_kl.value - truth) < 4 * course.moments[1].marginal_kl.se
    assert abs(course.moments[0].marginal_kl.value) < 1e-6
    assert all(abs(moment.marginal_kl_null.value) < 1e-6 for moment in course.moments)


@pytest.mark.parametrize(("pairs", "drawn", "draws"), [(3, 20, 3), (1, 20, 1), (0.5, 10, 1), (0, 1, 1)])
def test_what_an_epoch_costs_is_bounded(pairs: float, drawn: int, draws: int, tmp_path: Path, monkeypatch) -> None:
    """Fewer draws of each image, then draws of fewer images; q(z) stays that of all of them."""
    found, checkpoint = recorded("standard", tmp_path)
    whole = history.course(found, checkpoint)
    monkeypatch.setattr(history, "PAIRS", int(pairs * 20**2))
    course = history.course(found, checkpoint)
    assert (course.drawn, course.draws, course.images) == (drawn, draws, 20)
    if drawn > 1:
        for ours, theirs in zip(course.moments, whole.moments, strict=True):
            error = math.hypot(ours.marginal_kl.se, theirs.marginal_kl.se)
            assert abs(ours.marginal_kl.value - theirs.marginal_kl.value) < 4 * error + 1e-3


def test_the_table_has_every_number(tmp_path: Path) -> None:
    found, checkpoint = recorded("mog", tmp_path)
    course = history.course(found, checkpoint)
    moments = (replace(course.moments[0], marginal_kl_null=None), *course.moments[1:])
    rows = list(csv.reader(io.StringIO(course_csv(replace(course, moments=moments)))))
    assert [int(row[0]) for row in rows[1:]] == list(course.epochs) and rows[1][5:7] == ["", ""]
    assert [int(row[2]) for row in rows[1:]] == [int(epoch == course.kept) for epoch in course.epochs]
    numbers = [[float(row[3]), float(row[4]), float(row[7]), float(row[8])] for row in rows[1:]]
    assert numbers == [
        [m.marginal_kl.value, m.marginal_kl.se, m.validation_elbo.value, m.validation_elbo.se] for m in course.moments
    ]
