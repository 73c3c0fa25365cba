"""Two-sample tests of q(z) against p(z): one draw an image, an image in one half, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import norm
from torch import Tensor

from core.intervals import wilson
from core.latents import LatentCloud
from core.metrics import mmd, two_sample
from core.metrics.classifiers import CLASSIFIERS, classify, linear_weights
from core.metrics.two_sample import classifier_tests, kernel_test, most_different_direction
from core.priors import Prior
from tests.contracts import seeded
from tests.oracle import FixedMixture, cloud_of, standard_prior

LINEAR, NETWORK = CLASSIFIERS
NARROW = -18.0


def normal(n: int, d: int, seed: int) -> Tensor:
    return torch.randn(n, d, generator=seeded(seed))


def narrow_cloud(n: int, d: int, seed: int = 0) -> LatentCloud:
    """Posteriors like needles at places drawn from N(0, I): the population of their draws is the standard prior."""
    return cloud_of(normal(n, d, seed), torch.full((n, d), NARROW))


def wide_cloud(n: int, d: int, seed: int = 0) -> LatentCloud:
    """Posteriors whose population is N(shift, I), 1 away from the prior along the first dimension."""
    mean = math.sqrt(0.5) * normal(n, d, seed)
    mean[:, 0] += 1
    return cloud_of(mean, torch.full((n, d), math.log(0.5)))


# ---------------------------------------------------------------- one draw an image, an image in one half


def images_of(draws: Tensor) -> list[int]:
    return [int(image) for image in draws[:, 0].double().round()]


def numbered_cloud(n: int) -> LatentCloud:
    """Image i lies at (i, i): a draw says which image it is of."""
    return cloud_of(torch.arange(n).float()[:, None].expand(n, 2).clone(), torch.full((n, 2), NARROW))


def test_no_image_gives_two_draws(monkeypatch) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr(two_sample, "classify", lambda q, p, *rest, **named: seen.append(q) or (0.5, len(q)))
    compare = mmd.compare
    monkeypatch.setattr(mmd, "compare", lambda q, p, **rest: seen.append(q) or compare(q, p, **rest))
    tests = classifier_tests(numbered_cloud(50), standard_prior(2), n=400)
    kernel_test(numbered_cloud(50), standard_prior(2), n=400)
    assert [test.draws for test in tests] == [50, 50]
    for q in (seen[0], seen[2], seen[4]):  # between them: the null values, dealt from q and p
        assert sorted(images_of(q)) == list(range(50))


def test_a_classifier_cannot_win_by_memory() -> None:
    """60 images like needles in a standard normal: whoever knows an image's draws recognises the others."""
    prior = standard_prior(8)
    wrong_n, found = 3000, []
    for seed in range(12):
        tests = classifier_tests(narrow_cloud(60, 8, seed), prior, n=wrong_n, seed=seed)
        found += [test.accuracy.low > 0.5 for test in tests]
    assert sum(found) <= 2, "of 24; each is wrong once in forty"
    leaked, _ = narrow_cloud(60, 8).sample(wrong_n, generator=seeded(0))
    assert classify(leaked, prior.sample(wrong_n, generator=seeded(1)), NETWORK)[0] > 0.9, "what a leak looks like"


def test_a_prior_made_of_the_same_images_is_not_accused() -> None:
    cloud = narrow_cloud(400, 2)
    tests = classifier_tests(cloud, FixedMixture(*cloud.components()))
    assert all(test.accuracy.low <= 0.5 for test in tests)


def test_the_null_values_scatter_about_one_half() -> None:
    tests = [classifier_tests(wide_cloud(120, 2, seed), standard_prior(2), seed=seed) for seed in range(20)]
    for pair in zip(*tests, strict=True):
        nulls = torch.tensor([test.accuracy.null for test in pair])
        se = 0.5 / math.sqrt(20 * 120)
        assert abs(float(nulls.mean()) - 0.5) < 3 * se
        assert float(nulls.std()) > 0.01, "each seed has its own"
        assert sum(test.accuracy.value > 0.6 for test in pair) > 15, "the difference itself is seen"


def test_a_test_holds_what_it_says() -> None:
    linear, network = classifier_tests(wide_cloud(2000, 3), standard_prior(3), n=1001, seed=4)
    assert (linear.classifier, network.classifier) == (LINEAR, NETWORK)
    for test in (linear, network):
        assert (test.draws, test.seed, test.accuracy.n) == (1001, 4, 1002)
        assert (test.accuracy.low, test.accuracy.high) == wilson(test.accuracy.value, 1002)
        assert test.accuracy.low < norm.cdf(0.5) < test.accuracy.high


# ---------------------------------------------------------------- direction


def test_the_direction_is_that_of_the_difference() -> None:
    """Stretched coordinates: the best direction is not the one that standardised inputs suggest."""
    stretch = torch.tensor([1.0, 10.0, 0.1])
    mean = (normal(6000, 3, 20) * math.sqrt(0.5) + torch.tensor([0.7, 0.7, 0.0])) * stretch
    cloud = cloud_of(mean, (0.5 * stretch.square()).log().expand(6000, 3))
    prior = FixedMixture(torch.zeros(1, 3), (stretch.square()).log()[None])
    found = most_different_direction(cloud, prior, n=6000)
    best = torch.tensor([0.7, 0.07, 0.0], dtype=torch.float64)  # covariance^-1 times the difference, from p to q
    assert abs(float(found.vector.norm()) - 1) < 1e-12
    assert float(found.vector[:2] @ best[:2] / best.norm() / found.vector[:2].norm()) > 0.995
    assert abs(float(found.vector[2]) * 0.1) < 0.1 * float(found.vector[0]), "a standard deviation moves it little"


def test_the_held_out_images_had_no_part_in_the_direction(monkeypatch) -> None:
    seen: list[Tensor] = []

    def fit(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(x)
        return linear_weights(x, y)

    monkeypatch.setattr(two_sample, "linear_weights", fit)
    held_out = most_different_direction(numbered_cloud(100), standard_prior(2), n=60).held_out.tolist()
    assert len(images_of(seen[0])) == 30
    assert sorted(held_out + images_of(seen[0])) == list(range(100))


def test_held_out_images_show_no_difference_that_is_not_there() -> None:
    """40 dimensions, 200 images, no difference: the images that chose the direction are pushed along it."""
    kept, used = [], []
    for seed in range(10):
        cloud = narrow_cloud(200, 40, seed)
        found = most_different_direction(cloud, standard_prior(40), seed=seed)
        along = cloud.components()[0].double() @ found.vector
        chosen = torch.ones(200, dtype=torch.bool)
        chosen[found.held_out] = False
        kept.append(along[found.held_out].mean())
        used.append(along[chosen].mean())
    assert abs(float(torch.stack(kept).mean())) < 3 / math.sqrt(1000)
    assert float(torch.stack(used).mean()) > 6 / math.sqrt(1000)


def test_a_constant_dimension_has_no_weight() -> None:
    cloud = wide_cloud(200, 3)
    cloud.mean[:, 2] = 0.25
    cloud.log_var[:, 2] = -math.inf
    prior = FixedMixture(torch.tensor([[0.0, 0.0, 0.25]]), torch.tensor([[0.0, 0.0, -math.inf]]))
    vector = most_different_direction(cloud, prior).vector
    assert torch.isfinite(vector).all() and vector[2] == 0 and vector[0] > 0.8


# ---------------------------------------------------------------- what all of them share


def everything(cloud: LatentCloud, prior: Prior, seed: int) -> list:
    direction = most_different_direction(cloud, prior, seed=seed)
    records = [*classifier_tests(cloud, prior, seed=seed), kernel_test(cloud, prior, permutations=39, seed=seed)]
    return [*records, direction.vector.tolist(), direction.held_out.tolist()]


def test_the_same_seed_gives_the_same_result_and_the_global_one_is_left_alone() -> None:
    cloud, prior = wide_cloud(80, 2), standard_prior(2)
    before = torch.random.get_rng_state()
    first, again, other = (everything(cloud, prior, seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert first == again and all(a != b for a, b in zip(first, other, strict=True))


def test_a_caller_in_inference_mode_gets_the_same() -> None:
    cloud, prior = wide_cloud(60, 2), standard_prior(2)
    plain = everything(cloud, prior, 1)
    with torch.inference_mode():
        assert everything(cloud, prior, 1) == plain


@pytest.mark.parametrize("test", [classifier_tests, kernel_test, most_different_direction])
def test_too_few_images_or_draws_are_refused(test) -> None:
    for images, n in ((29, 5000), (500, 29)):
        with pytest.raises(ValueError, match=f"at least 30 draws .* got n = {n} and {images} images"):
            test(narrow_cloud(images, 2), standard_prior(2), n=n)
    test(narrow_cloud(30, 2), standard_prior(2))
    test(narrow_cloud(30, 1), standard_prior(1))


@pytest.mark.parametrize("test", [classifier_tests, kernel_test, most_different_direction])
def test_draws_that_are_not_numbers_are_refused(test) -> None:
    diverged = FixedMixture(torch.full((1, 2), math.nan), torch.zeros(1, 2))
    with pytest.raises(ValueError, match=r"40 of 40 draws of p\(z\) hold NaN or infinity"):
        test(narrow_cloud(40, 2), diverged)
    broken = narrow_cloud(40, 2)
    broken.mean[3, 1] = math.inf
    with pytest.raises(ValueError, match=r"1 of 40 draws of q\(z\) hold NaN or infinity"):
        test(broken, standard_prior(2))
    with pytest.raises(ValueError, match=r"q\(z\) has 2 dimensions and p\(z\) 3"):
        test(narrow_cloud(40, 2), standard_prior(3))


def test_a_difference_has_the_smallest_p_value() -> None:
    found = kernel_test(wide_cloud(300, 4), standard_prior(4), n=250, permutations=99, seed=3)
    assert (found.draws, found.permutations, found.seed, found.p_value) == (250, 99, 3, 0.01)
    assert found.null_low < 0 < found.null_high < found.value


def test_a_cloud_of_one_point_is_refused_where_nothing_can_be_said() -> None:
    point = cloud_of(torch.zeros(40, 2), torch.full((40, 2), -math.inf))
    prior = FixedMixture(torch.zeros(1, 2), torch.full((1, 2), -math.inf))
    assert all(test.accuracy.value == test.accuracy.null == 0.5 for test in classifier_tests(point, prior))
    with pytest.raises(ValueError, match="differ along no direction"):
        most_different_direction(point, prior)
    with pytest.raises(ValueError, match="every draw of both sides is the same point"):
        kernel_test(point, prior)
