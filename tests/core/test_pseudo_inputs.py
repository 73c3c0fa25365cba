"""Components of mixture priors: responsibilities, usage, dead and duplicated ones against mixtures that are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from core import bhattacharyya, component_places, projections, pseudo_inputs
from core.component_records import DUPLICATE, order
from core.component_table import components_csv
from core.latents import LatentCloud
from core.priors import PRIORS, MixturePrior, PriorContext
from core.priors.base import Options
from tests.contracts import seeded


class Fixed(MixturePrior):
    """A mixture with given components."""

    def __init__(self, mean, log_var, weight=None) -> None:
        mean = torch.as_tensor(mean, dtype=torch.float32)
        super().__init__(mean.shape[1], Options())
        self.mean, self.log_var = mean, torch.as_tensor(log_var, dtype=torch.float32).expand_as(mean)
        weight = torch.full((len(mean),), 1 / len(mean)) if weight is None else torch.as_tensor(weight)
        self.log_weight = weight.float().log()

    def components(self):
        return self.mean, self.log_var, self.log_weight


def cloud_at(places, labels=None, log_var=-4.0) -> LatentCloud:
    """Narrow posteriors at given places."""
    mean = np.asarray(places, np.float32)
    return LatentCloud(mean, np.full_like(mean, log_var), None if labels is None else np.asarray(labels), "test", 1)


def on_a_grid(side: int = 4, apart: float = 10.0) -> np.ndarray:
    return np.stack(np.meshgrid(*[apart * np.arange(side)] * 2), -1).reshape(-1, 2)


def random_mixture(count: int = 30, dim: int = 5, seed: int = 3) -> Fixed:
    generator = seeded(seed)
    weight = torch.rand(count, generator=generator) + 0.1
    return Fixed(
        torch.randn(count, dim, generator=generator), torch.randn(count, dim, generator=generator) - 1,
        weight / weight.sum(),
    )  # fmt: skip


def test_responsibilities_are_those_of_torch_and_sum_to_one() -> None:
    prior = random_mixture()
    z = 2 * torch.randn(2500, 5, generator=seeded(4))  # more than one block
    found = pseudo_inputs.responsibilities(z, prior)
    mean, log_var, log_weight = (part.double() for part in prior.components())
    parts = Independent(Normal(mean, log_var.mul(0.5).exp()), 1)
    oracle = MixtureSameFamily(Categorical(logits=log_weight), parts)
    joint = parts.log_prob(z.double()[:, None]) + log_weight
    np.testing.assert_allclose(found, (joint - oracle.log_prob(z.double())[:, None]).exp(), atol=2e-4)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    far = pseudo_inputs.responsibilities(torch.full((2, 5), 1e3), prior)
    assert torch.isfinite(far).all() and far.sum(1).allclose(torch.ones(2))


def test_usage_of_a_uniform_mixture_that_is_q() -> None:
    places = on_a_grid()
    found = pseudo_inputs.components(Fixed(places, -4.0), cloud_at(np.repeat(places, 20, 0)), seed=1)
    np.testing.assert_allclose(found.usage, 1 / 16, atol=1e-6)
    assert found.usage.sum() == pytest.approx(1)
    assert found.effective.value == pytest.approx(16, abs=1e-3)
    assert found.effective.entropy.value == pytest.approx(math.log(16), abs=1e-5)
    # 320 independent draws of 16 equal shares: the plug-in entropy is low by about 15 / 640 nats.
    assert found.effective.null == pytest.approx(16 * math.exp(-15 / 640), rel=0.01)
    assert not found.dead.any() and found.dead_range == (0, 0) and found.dead_null == 0
    assert found.duplicate_pairs == 0 and np.isinf(found.neighbour_distance).sum() == 0
    assert found.draws == 20_160 and found.images == 320 and found.saturated is None


def test_a_prior_that_is_q_gives_what_the_null_says() -> None:
    """Codes drawn from an overlapping mixture: the estimate and its null fall below K alike."""
    prior = Fixed(2 * on_a_grid(6, 1.0), 0.0)
    places = prior.sample(400, generator=seeded(8)).numpy()
    effective = pseudo_inputs.components(prior, cloud_at(places, log_var=-12.0)).effective
    assert effective.null < 35.5
    assert abs(effective.entropy.value - effective.entropy_null) < 3 * effective.entropy.se


def test_the_error_of_usage_and_entropy_is_that_of_other_images() -> None:
    """Hard assignments: shares of a multinomial, whose errors are known."""
    places, shares = on_a_grid(2), np.array([0.1, 0.2, 0.3, 0.4])
    rng, entropies, usages = np.random.default_rng(5), [], []
    for _ in range(200):
        chosen = rng.choice(4, 300, p=shares)
        usage = np.bincount(chosen, minlength=4) / 300
        usages.append(usage[0])
        entropies.append(-(usage * np.log(usage)).sum())
    prior = Fixed(places, -4.0)
    expected = np.repeat(places, (30, 60, 90, 120), 0)
    found = pseudo_inputs.components(prior, cloud_at(expected))
    np.testing.assert_allclose(found.usage, shares, atol=1e-5)
    assert found.usage_se[0] == pytest.approx(np.std(usages), rel=0.15)
    assert found.effective.entropy.se == pytest.approx(np.std(entropies), rel=0.15)
    assert found.effective.low < found.effective.value < found.effective.high


def test_dead_and_duplicated_components_are_found() -> None:
    places = np.concatenate([on_a_grid(3), [[100.0, 100.0]], on_a_grid(3)[:1] + 0.01])
    found = pseudo_inputs.components(Fixed(places, -4.0), cloud_at(np.repeat(on_a_grid(3), 60, 0)))
    assert np.flatnonzero(found.dead).tolist() == [9]
    assert found.dead_range == (1, 1)
    assert found.duplicate_pairs == 1 and np.flatnonzero(found.duplicated).tolist() == [0, 10]
    assert found.neighbour[0] == 10 and found.neighbour[10] == 0
    assert found.usage[0] + found.usage[10] == pytest.approx(1 / 9, abs=1e-5)
    assert order(found, "usage")[-1] == 9
    assert sorted(order(found, "neighbour")[:2].tolist()) == [0, 10]


@pytest.mark.parametrize("images", [300, 3000, 30_000])
def test_what_few_images_do_not_use_is_not_dead_for_certain(images: int) -> None:
    """300 draws of a prior of 500 equal components leave 274 unused, none of which is dead; 3,000 leave one or two."""
    prior = Fixed(on_a_grid(23, 8.0)[:500], -4.0)
    codes = prior.sample(images, generator=seeded(4)).numpy()
    found = pseudo_inputs.components(prior, cloud_at(codes, log_var=-12.0))
    assert found.dead.sum() == pytest.approx(500 * (1 - 1 / 500) ** images, abs=20)
    assert found.dead_null == pytest.approx(found.dead.sum(), abs=20)
    assert found.dead_range[0] == 0 and found.dead_range[1] >= found.dead.sum()


def test_how_many_are_dead_is_known_together_sooner_than_of_each() -> None:
    """Of 500 components 50 are used, by 10,000 images: any single unused one might be used by one image in 5,000."""
    places = on_a_grid(23, 8.0)[:500]
    found = pseudo_inputs.components(Fixed(places, -4.0), cloud_at(np.repeat(places[:50], 200, 0), log_var=-12.0))
    assert found.dead.sum() == 450 and 425 <= found.dead_range[0] < 450 and found.dead_range[1] == 450


def test_a_component_that_nothing_is_near_to_has_no_images_behind() -> None:
    """Its share of every image is so small that the square is no float32 any more: 0 / 0 before."""
    places = np.concatenate([on_a_grid(2), [[100.0, 100.0]]])
    found = pseudo_inputs.components(Fixed(places, 0.0), cloud_at(np.repeat(on_a_grid(2), 30, 0)))
    assert 0 < found.usage[4] < 1e-20 and np.isfinite(found.images_behind).all()
    assert 0 < found.images_behind[4] <= 120


def test_the_class_mix_and_its_null() -> None:
    places = on_a_grid(2)
    images, labels = np.repeat(places, 50, 0), np.repeat([0, 0, 1, 1], 50)
    labels[:10] = 1  # a fifth of the first component's images
    found = pseudo_inputs.components(Fixed(places, -4.0), cloud_at(images, labels))
    assert found.class_mix is not None and found.main_class is not None and found.purity_null is not None
    np.testing.assert_allclose(found.class_mix[:2], [[0.8, 0.2], [1, 0]], atol=1e-5)
    assert found.main_class.tolist() == [0, 0, 1, 1]
    assert found.purity == pytest.approx(190 / 200, abs=1e-5)
    assert 0.5 <= found.purity_null < 0.7
    np.testing.assert_allclose(found.images_behind, 50, rtol=1e-4)
    assert order(found, "class").tolist()[:2] in ([0, 1], [1, 0])
    without = replace(found, class_mix=None)
    assert without.main_class is None and order(without, "class").tolist() == order(found, "usage").tolist()
    with pytest.raises(ValueError, match="order is 'size'"):
        order(found, "size")


def test_the_null_of_the_duplicates_is_random_posteriors() -> None:
    prior = Fixed(on_a_grid(), -4.0)
    apart = pseudo_inputs.components(prior, cloud_at(100 * np.arange(40)[:, None] * [1, 1]))
    assert apart.pairs_null == 0
    together = pseudo_inputs.components(prior, cloud_at(np.zeros((40, 2))))
    assert together.pairs_null == 16 * 15 / 2
    few = pseudo_inputs.components(prior, cloud_at(np.zeros((8, 2))))  # fewer images than components: scaled up
    assert few.pairs_null == 16 * 15 / 2


def test_bhattacharyya_in_closed_form_and_by_integration() -> None:
    mean, log_var = torch.tensor([[0.3], [-1.1], [0.3]]), torch.log(torch.tensor([[0.5], [2.0], [0.5]]))
    found = bhattacharyya.distances(mean, log_var)
    x = torch.linspace(-30, 30, 200_001, dtype=torch.float64)
    density = [
        Normal(m.double(), v.double().exp().sqrt()).log_prob(x).exp() for m, v in zip(mean, log_var, strict=True)
    ]
    overlap = torch.trapezoid((density[0] * density[1]).sqrt(), x)
    assert found[0, 1].item() == pytest.approx(-math.log(overlap), abs=1e-6)
    closed = 0.25 * 1.4**2 / 2.5 + 0.5 * math.log(2.5 / 2 / math.sqrt(0.5 * 2.0))
    assert found[1, 0].item() == pytest.approx(closed, abs=1e-6)
    assert found[0, 2] == 0 and found.diagonal().abs().sum() == 0


def test_bhattacharyya_in_many_dimensions_is_the_sum_over_them(monkeypatch: pytest.MonkeyPatch) -> None:
    mean, log_var = torch.randn(40, 6, generator=seeded(1)), torch.randn(40, 6, generator=seeded(2))
    whole = bhattacharyya.distances(mean, log_var)
    parts = sum(bhattacharyya.distances(mean[:, [a]], log_var[:, [a]]) for a in range(6))
    torch.testing.assert_close(whole, parts)
    torch.testing.assert_close(whole, whole.T)
    monkeypatch.setattr(bhattacharyya, "TILE", 1000)  # several blocks
    torch.testing.assert_close(bhattacharyya.distances(mean, log_var), whole)


def test_duplicates_are_told_apart_at_most_as_often_as_stated() -> None:
    """Two unit normals at the threshold: the best rule is right Phi(delta / 2) of the time."""
    delta = math.sqrt(8 * DUPLICATE)
    assert bhattacharyya.distances(torch.tensor([[0.0], [delta]]), torch.zeros(2, 1))[0, 1] == pytest.approx(DUPLICATE)
    assert Normal(0.0, 1.0).cdf(torch.tensor(delta / 2)) < (1 + math.sqrt(1 - math.exp(-2 * DUPLICATE))) / 2 < 0.715


def test_owners_are_the_components_of_largest_responsibility() -> None:
    prior = random_mixture(12, 2)
    at = np.random.default_rng(0).uniform(-3, 3, (200, 2))
    found, share = component_places.owners(prior, projections.whole_plane(), at)
    expected = pseudo_inputs.responsibilities(torch.from_numpy(at).float(), prior)
    assert found.tolist() == expected.argmax(1).tolist()
    np.testing.assert_allclose(share, expected.amax(1), atol=1e-4)


def test_places_in_a_plane_are_projections() -> None:
    prior = random_mixture(6, 4)
    plane = projections.along(torch.tensor([1.0, 2.0, 0.0, -1.0]), "x", cloud_at(np.zeros((5, 4))), prior)
    means, covariances = component_places.places(prior, plane)
    z = prior.mean[2] + torch.exp(0.5 * prior.log_var[2]) * torch.randn(200_000, 4, generator=seeded(0))
    at = projections.project(plane, z).double()
    np.testing.assert_allclose(means[2], at.mean(0), atol=0.02)
    np.testing.assert_allclose(covariances[2], torch.cov(at.T), rtol=0.03, atol=0.02)


@pytest.mark.parametrize(("kind", "says"), [("standard", "one single Gaussian"), ("maf", "no mixture")])
def test_priors_without_components_are_refused_with_the_reason(kind: str, says: str) -> None:
    prior = PRIORS[kind].from_config({}, PriorContext(2, 4, torch.nn.Identity()))
    assert says in (pseudo_inputs.why_not(prior) or "")
    if isinstance(prior, MixturePrior):
        with pytest.raises(ValueError, match=says):
            pseudo_inputs.components(prior, cloud_at(np.zeros((5, 2))))
    assert "more than the 2,000" in (pseudo_inputs.why_not(Fixed(np.zeros((2001, 2)), 0.0)) or "")


def test_the_table_has_a_line_a_component() -> None:
    places = on_a_grid(2)
    found = pseudo_inputs.components(Fixed(places, -4.0), cloud_at(np.repeat(places, 9, 0), np.repeat([0, 1], 18)))
    lines = components_csv(found, ("left", "top")).splitlines()
    assert len(lines) == 5 and lines[0].startswith("k,weight,usage,usage standard error,dead,nearest k")
    assert lines[0].endswith("share of class left,share of class top")
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3", "4"]
