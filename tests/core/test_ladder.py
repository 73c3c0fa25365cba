"""The ladder against priors and posteriors whose truth is known."""

from __future__ import annotations

import copy
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core import ladder_fit, mixture
from core.datasets import Dataset
from core.ladder import KINDS, SIZES, climb, draws_per_image, plan
from core.ladder_fit import start
from core.ladder_records import Ladder
from core.ladder_target import Target
from core.latents import encode
from core.metrics.surgery import elbo_surgery
from core.priors import PriorContext
from core.records import Estimate
from core.vae import VAE
from tests.contracts import seeded
from tests.core.ladders import DIGEST, dataset, model, posteriors


def kl_by_quadrature(mean: Tensor, log_var: Tensor, log_p, half_width: float = 6.0, cells: int = 160) -> float:
    """KL(q || p) of the mixture q of these posteriors, on a grid, by torch's own distributions."""
    axis = (torch.arange(cells, dtype=torch.float64) + 0.5) * (2 * half_width / cells) - half_width
    grid = torch.cartesian_prod(axis, axis)
    each = torch.distributions.Independent(torch.distributions.Normal(mean, (0.5 * log_var).exp()), 1)
    log_q = torch.cat([each.log_prob(part[:, None]).logsumexp(1) for part in grid.split(20_000)]) - math.log(len(mean))
    return float((log_q.exp() * (log_q - log_p(grid))).sum() * (2 * half_width / cells) ** 2)


@pytest.fixture(scope="module")
def climbed() -> tuple[VAE, Dataset, Ladder]:
    vae, data = model(), dataset(120, 60, 80)
    rungs = [("standard", None), ("gaussian", None), ("mog", 1), ("mog", 3), ("subset", 20), ("aggregated", None)]
    return vae, data, climb(vae, data, digest=DIGEST, rungs=rungs, steps=400, batch=100)


def index_of(ladder: Ladder, kind: str, components: int) -> int:
    return [(rung.kind, rung.components) for rung in ladder.rungs].index((kind, components))


# ---------------------------------------------------------------- against truth


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_gaussian_and_the_standard_rung_are_the_closed_form(climbed, split: str) -> None:
    vae, data, ladder = climbed
    mean, log_var = posteriors(vae, data, "train")
    covariance = torch.cov(mean.T, correction=0) + log_var.exp().mean(0).diag()
    fitted = torch.distributions.MultivariateNormal(mean.mean(0), covariance)
    standard = torch.distributions.MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    for rung, truth in zip(ladder.rungs, (standard, fitted), strict=False):
        found = getattr(rung, split)
        expected = kl_by_quadrature(*posteriors(vae, data, split), truth.log_prob)
        assert abs(found.value - expected) < 3 * found.se and found.se < 0.2, rung.title
        noise = 4 * math.sqrt(2 * 2 / (16 * len(data.split(split))))  # of the draws alone: the images are the same
        assert abs(found.value - expected) < noise, rung.title
    assert ladder.rungs[1].train.value < ladder.rungs[0].train.value


def test_the_standard_rung_is_that_of_the_surgery(climbed) -> None:
    vae, data, ladder = climbed
    mean, log_var = encode(vae, data.test.images)
    surgery = elbo_surgery(mean, log_var, vae.prior, n_samples=50, generator=seeded(3))
    found = ladder.rungs[0].test
    assert abs(found.value - surgery.marginal_kl.value) < 3 * found.se
    assert abs(ladder.test_null.value - surgery.marginal_kl_null.value) < 3 * ladder.test_null.se


def test_a_subset_is_the_mixture_of_its_posteriors(climbed) -> None:
    """One of twenty images is worse than all; one component on every image is the aggregated posterior."""
    _, data, ladder = climbed
    subset, everyone = (ladder.rungs[index_of(ladder, *key)] for key in (("subset", 20), ("aggregated", 120)))
    assert subset.train.value > 0.05 and subset.parameters == everyone.parameters == 0
    whole = climb(model(), data, digest=DIGEST, rungs=[("subset", 120)]).rungs[0]
    assert (whole.train, whole.test) == (everyone.train, everyone.test)


def test_the_true_number_of_components_reaches_the_null(climbed) -> None:
    *_, ladder = climbed
    one, three = (ladder.rungs[index_of(ladder, "mog", k)] for k in (1, 3))
    for split in ("validation", "test"):
        null, found = getattr(ladder, f"{split}_null"), getattr(three, split)
        assert abs(found.value - null.value) < 3 * found.se
        assert getattr(one, split).value > found.value + 0.3
    assert three.parameters == 3 * 5 and one.parameters == 5


def test_a_few_components_start_one_in_each_cluster() -> None:
    """Clusters 1,000 apart: a component that starts elsewhere never arrives, whatever the learning rate."""
    mean = 1000 * torch.arange(5.0)[:, None] + torch.randn(5, 40, generator=seeded(4))
    target = Target(mean.reshape(-1, 1), torch.zeros(200, 1))
    context = PriorContext(1, 1, nn.Identity())
    for seed in range(20):
        start_means = start("mog", 5, context, target, seeded(seed)).components()[0]
        assert sorted((start_means[:, 0] / 1000).round().int().tolist()) == [0, 1, 2, 3, 4]
    same = start("mog", 3, context, Target(torch.ones(4, 1), torch.zeros(4, 1)), seeded(0))
    assert torch.equal(same.components()[0], torch.ones(3, 1))


def test_the_aggregated_posterior_is_perfect_on_its_own_images_alone() -> None:
    data = dataset(60, 60, 200, seed=5)
    rungs = [("mog", 3), ("aggregated", None)]
    ladder = climb(model(0.005), data, digest=DIGEST, rungs=rungs, steps=300, batch=100)
    three, best = ladder.rungs
    assert abs(best.train.value) < 1e-6 and best.train.se < 1e-9 and best.components == 60
    won, kept = ladder.gain(1, "train"), ladder.gain(1, "test")
    assert won.value > kept.value + 3 * math.hypot(won.se, kept.se), "it over-fits"
    assert three.train.value > 0.1 and three.test.value < best.test.value - 3 * ladder.difference(1, 0).se


def test_the_covariance_is_that_of_the_images_log_densities() -> None:
    """Posteriors that are almost points: the mean log p(z) of an image is log p at its mean."""
    vae, data = model(1e-8), dataset(100, 10, 40)
    rungs = [("standard", None), ("gaussian", None)]
    ladder = climb(vae, data, digest=DIGEST, rungs=rungs)
    train, test = posteriors(vae, data, "train")[0], posteriors(vae, data, "test")[0]
    truths = (
        torch.distributions.MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double()),
        torch.distributions.MultivariateNormal(train.mean(0), torch.cov(train.T, correction=0)),
    )
    values = np.stack([truth.log_prob(test).numpy() for truth in truths])
    assert np.allclose(ladder.covariance, np.cov(values), rtol=2e-3)
    found = ladder.difference(0, 1)
    assert abs(found.value - (values[1] - values[0]).mean()) < 1e-2
    assert abs(found.se / (np.std(values[1] - values[0], ddof=1) / math.sqrt(40)) - 1) < 2e-3


def test_similar_rungs_are_told_apart_by_pairs(climbed) -> None:
    *_, ladder = climbed
    a, b = index_of(ladder, "gaussian", 1), index_of(ladder, "mog", 1)
    paired, unpaired = ladder.difference(a, b), math.hypot(ladder.rungs[a].test.se, ladder.rungs[b].test.se)
    assert 0 < paired.se < 0.5 * unpaired and ladder.difference(a, a).se == 0


# ---------------------------------------------------------------- the learned families


def test_every_learned_family_comes_nearer_with_training() -> None:
    vae, data = model(), dataset(80, 20, 30)
    rungs = [("mog", 6), ("vamp", 6), ("realnvp", None), ("maf", None)]
    few, many = (climb(vae, data, digest=DIGEST, rungs=rungs, steps=n, batch=64) for n in (1, 50))
    for before, after in zip(few.rungs, many.rungs, strict=True):
        assert after.train.value < before.train.value - 0.02, after.title
        assert after.seconds > 0 and math.isfinite(after.test.value)
    assert [rung.parameters for rung in many.rungs[:2]] == [6 * 5, 6 * 2]
    assert [rung.components for rung in many.rungs] == [6, 6, None, None]


def test_masked_weights_are_not_counted() -> None:
    vae, data = model(), dataset(10, 5, 5)
    realnvp, maf = climb(vae, data, digest=DIGEST, rungs=[("realnvp", None), ("maf", None)], steps=1).rungs
    layer = 128 * 2 + 128 + 128 * 128 + 128 + 4 * 128 + 4  # 2 -> 128 -> 128 -> two numbers for each of two inputs
    hidden_from_later, hidden_from_first = 128, 2 * 128  # input 2 reaches no unit, output 1 sees none
    assert maf.parameters == 6 * (layer - hidden_from_later - hidden_from_first) and realnvp.parameters > 0


def test_the_model_is_left_as_it_is() -> None:
    vae, data = model(), dataset(20, 5, 5)
    before, random = copy.deepcopy(vae.state_dict()), torch.get_rng_state()
    climb(vae, data, digest=DIGEST, rungs=[("vamp", 3), ("maf", None)], steps=3, batch=10)
    assert all(torch.equal(value, before[name]) for name, value in vae.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in vae.parameters())
    assert torch.equal(random, torch.get_rng_state()), "the process-wide random state was touched"


def untimed(ladder: Ladder) -> list:
    return [replace(rung, seconds=0.0) for rung in ladder.rungs]


def ungained(ladder: Ladder) -> list:
    none = dict.fromkeys(("train_gain", "validation_gain", "test_gain"), Estimate(0.0, 0.0))
    return [replace(rung, **none) for rung in untimed(ladder)]


def test_a_seed_names_a_ladder_and_each_of_its_rungs() -> None:
    vae, data = model(), dataset(40, 10, 10)
    rungs = [("mog", 4), ("vamp", 4), ("subset", 10), ("maf", None)]
    first, again, other = (
        climb(vae, data, digest=DIGEST, rungs=rungs, steps=5, batch=20, seed=seed) for seed in (1, 1, 2)
    )
    assert untimed(first) == untimed(again) and np.array_equal(first.covariance, again.covariance)
    assert all(a.test != b.test for a, b in zip(first.rungs, other.rungs, strict=True))
    alone = climb(vae, data, digest=DIGEST, rungs=rungs[2:], steps=5, batch=20, seed=1)
    assert ungained(alone) == ungained(first)[2:], "whatever else was climbed"
    assert alone.gain(0, "test").value == 0 != first.gain(2, "test").value, "gains are measured from another rung"


def test_progress_names_the_rung_and_reaches_the_end() -> None:
    told: list[tuple[int, int, str]] = []
    rungs = [("standard", None), ("mog", 4), ("subset", 2)]
    climb(
        model(),
        dataset(10, 5, 5),
        digest=DIGEST,
        rungs=rungs,
        steps=50,
        batch=5,
        on_progress=lambda *all_: told.append(all_),
    )
    done = [part[0] for part in told]
    assert done == sorted(done) and {part[1] for part in told} == {3 + 1 + 50 + 1} and done[-1] == 55
    titles = ["Standard normal", "Mixture of Gaussians, K = 4", "Posteriors of 2 training images"]
    assert set(titles) <= {part[2] for part in told}


# ---------------------------------------------------------------- what is climbed


def test_the_plan() -> None:
    assert plan() == tuple((kind, size) for kind in KINDS for size in SIZES.get(kind, (None,)))
    assert plan(["mog", "standard"], [7, 3, 3]) == (("standard", None), ("mog", 3), ("mog", 7))
    with pytest.raises(ValueError, match="unknown kind of rung iaf; known: standard, gaussian"):
        plan(["mog", "iaf"])
    with pytest.raises(ValueError, match="components must be at least 1; got 3, 0"):
        plan(["mog"], [3, 0])


def test_more_components_than_images_are_left_out() -> None:
    vae, data = model(), dataset(12, 5, 5)
    ladder = climb(vae, data, digest=DIGEST, rungs=plan(["standard", "mog", "vamp", "subset"]), steps=1)
    found = [(rung.kind, rung.components) for rung in ladder.rungs]
    assert found == [("standard", 1), *(("mog", k) for k in (1, 2, 5, 10)), ("vamp", 10), ("subset", 10)]
    with pytest.raises(ValueError, match="12 training images in 2 dimensions leave no rung"):
        climb(vae, data, digest=DIGEST, rungs=[("mog", 13)])


@pytest.mark.parametrize(("name", "value"), [("steps", 0), ("batch", 0), ("seed", -1)])
def test_settings_out_of_range_are_named(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least"):
        climb(model(), dataset(5, 5, 5), digest=DIGEST, **{name: value})


def test_one_image_is_no_split() -> None:
    with pytest.raises(ValueError, match="the validation split has 1 image"):
        climb(model(), dataset(5, 1, 5), digest=DIGEST)


def test_a_diverging_fit_says_which_and_the_others_go_on(monkeypatch) -> None:
    monkeypatch.setitem(ladder_fit.RATES, "maf", 1e30)
    vae, data, reason = model(), dataset(5, 5, 5), r"FlowPrior\(dim=2, layers=6, hidden=128\) diverged in step 2 of 3"
    with pytest.raises(ValueError, match=f"MAF: the fit of {reason}"):
        climb(vae, data, digest=DIGEST, rungs=[("maf", None)], steps=3, batch=20)
    told: list[tuple[int, int]] = []
    rungs = [("maf", None), ("gaussian", None), ("mog", 2)]
    ladder = climb(
        vae, data, digest=DIGEST, rungs=rungs, steps=3, batch=20, on_progress=lambda *part: told.append(part[:2])
    )
    assert [rung.kind for rung in ladder.rungs] == ["gaussian", "mog"] and ladder.covariance.shape == (2, 2)
    assert [one.title for one in ladder.left_out] == ["MAF"] and re.search(reason, ladder.left_out[0].reason)
    assert told == sorted(told) and told[-1] == (3 + 3 + 1 + 3,) * 2, "its work counts as done"


def test_draws_per_image() -> None:
    assert [draws_per_image(n) for n in (2, 300, 10_000, 50_000)] == [16, 16, 4, 1]


def test_a_posterior_of_the_test_images_is_not_in_the_prior(climbed) -> None:
    """The mixture that the aggregated rung has is that of the training images."""
    vae, data, ladder = climbed
    mean, log_var = posteriors(vae, data, "train")
    expected = kl_by_quadrature(*posteriors(vae, data, "test"), lambda z: mixture.log_prob(z, mean, log_var))
    found = ladder.rungs[-1].test
    assert abs(found.value - expected) < 3 * found.se
