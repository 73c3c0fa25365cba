"""What a rung wins over the reference: paired, the same on every split, and known where the null is not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from core.ladder import climb
from core.records import Estimate
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
