"""What a rung wins over the reference: paired, the same on every split, and known where the null is not."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core import ladder_fit
from core.ladder import climb
from core.ladder_file import read_ladder_file
from core.ladder_fit import Fit, fit_rung, fit_twice, start, work_of
from core.ladder_target import Target
from core.priors import PriorContext
from core.priors.vamp import VampPrior
from core.records import Estimate
from tests.contracts import seeded
from tests.core.ladders import DIGEST, dataset, model, posteriors


def test_gains_are_paired_differences_to_the_standard_rung() -> None:
    """Posteriors that are almost points: a gain is the mean of log p - log N(0, I) at the images' means."""
    vae, data = model(1e-8), dataset(100, 30, 40)
    ladder = climb(vae, data, digest=DIGEST, rungs=[("gaussian", None), ("standard", None)])
    train = posteriors(vae, data, "train")[0]
    fitted = torch.distributions.MultivariateNormal(train.mean(0), torch.cov(train.T, correction=0))
    standard = torch.distributions.MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    assert ladder.reference == 1 and replace(ladder, rungs=ladder.rungs[:1]).reference == 0
    for split in ("train", "validation", "test"):
        mean = posteriors(vae, data, split)[0]
        won = (fitted.log_prob(mean) - standard.log_prob(mean)).numpy()
        found = ladder.gain(0, split)
        assert abs(found.value - won.mean()) < 1e-2, split
        assert abs(found.se / (np.std(won, ddof=1) / math.sqrt(len(won))) - 1) < 1e-2, split
        marginal = [getattr(rung, split).value for rung in ladder.rungs]
        assert abs(found.value - (marginal[1] - marginal[0])) < 1e-9, split
        assert ladder.gain(1, split) == Estimate(0.0, 0.0)
    difference = ladder.difference(1, 0)
    assert abs(ladder.gain(0, "test").value - difference.value) < 1e-9
    assert abs(ladder.gain(0, "test").se / difference.se - 1) < 1e-9


def test_a_gain_does_not_depend_on_the_number_of_images() -> None:
    """Posteriors that hardly overlap: the marginal KL falls with log n, what a prior wins does not."""
    vae = model(1e-6)
    few, many = (climb(vae, dataset(400, 10, n), digest=DIGEST, rungs=[("standard", None), ("gaussian", None)])
                 for n in (30, 3000))  # fmt: skip
    assert few.rungs[0].test.value > many.rungs[0].test.value + 2
    gains = [ladder.gain(1, "test") for ladder in (few, many)]
    assert abs(gains[0].value - gains[1].value) < 3 * math.hypot(gains[0].se, gains[1].se)


def test_the_null_is_none_where_posteriors_hardly_overlap() -> None:
    ladder = climb(model(), dataset(120, 60, 80), digest=DIGEST, rungs=[("standard", None)])
    assert None not in (ladder.train_null, ladder.validation_null, ladder.test_null)
    apart = climb(model(1e-6), dataset(20, 10, 10), digest=DIGEST, rungs=[("standard", None)])
    assert (apart.train_null, apart.validation_null, apart.test_null) == (None, None, None)


@pytest.mark.parametrize("better", ["images", "one"])
def test_a_vampprior_is_fitted_from_two_starts(monkeypatch: pytest.MonkeyPatch, better: str) -> None:
    """From training images alone fits ended 2 to 3 nats under N(0, I) on MNIST with d = 40 (docs/decisions/0049)."""
    vae, data = model(), dataset(60, 20, 20)
    images = data.fixed("train").images
    with torch.no_grad():
        codes = vae.posterior(images)
    target, context = Target(codes.mean, codes.log_var), PriorContext(2, 2, vae.posterior, images, seeded(9))
    many, one = (start("vamp", size, context, target, seeded(12)) for size in (400, 1))
    starts: list[Tensor] = []

    def fit(prior: VampPrior, kind: str, how: Fit) -> None:
        assert kind == "vamp"
        starts.append(prior.logits.detach().clone())
        how.on_steps(how.steps)
        good = -9.0  # u = 0, the middle of q(z)
        ends = {1: 3.0, 2: good if better == "images" else -good, 3: -good if better == "images" else good}
        prior.logits.data.fill_(ends[len(starts)])

    monkeypatch.setattr(ladder_fit, "fit", fit)
    steps: list[int] = []
    fit_rung("vamp", many, lambda: one, Fit(target, 7, 5, seeded(1), steps.append))
    assert [len(logits) for logits in starts] == [1, 400, 400] and sum(steps) == work_of("vamp", 7) == 21
    edges = images.clamp(0.02, 0.98)
    assert (starts[0][0] - torch.logit(images.mean(0).clamp(0.02, 0.98))).abs().max() < 1.5, (
        "the mean image, with noise"
    )
    from_image = torch.cdist(starts[1], torch.logit(edges)).amin(1)
    assert float(from_image.mean()) < 0.6 and len(starts[1].unique(dim=0)) > 50
    assert abs(float(starts[2].mean()) - 3) < 0.2 and abs(float(starts[2].std()) - 1) < 0.1
    assert isinstance(many, VampPrior) and (many.logits == -9).all(), "the better of both"
    with pytest.raises(ValueError, match="only a VampPrior starts"):
        fit_twice(start("mog", 3, context, target, seeded(2)), one, Fit(target, 1, 5, seeded(1), steps.append))


LADDERS = sorted((Path(__file__).resolve().parents[2] / "checkpoints").glob("*/ladder.json"))


@pytest.mark.parametrize("file", LADDERS, ids=lambda file: file.parent.name)
def test_the_vamppriors_of_the_shipped_ladders_are_no_worse_than_a_standard_normal(file: Path) -> None:
    vamps = [rung.test_gain for rung in read_ladder_file(file).rungs if rung.kind == "vamp"]
    assert len(vamps) == 5 and all(gain.value > 0 for gain in vamps)
