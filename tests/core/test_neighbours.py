"""The share of neighbours of one's own side, against its definition and its null."""

import numpy as np
import pytest

from core.metrics.neighbours import mixing


def clouds(n: int, m: int, d: int, apart: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    return chance.normal(size=(n, d)).astype(np.float32), (chance.normal(size=(m, d)) + apart).astype(np.float32)


def naive(q: np.ndarray, p: np.ndarray, k: int) -> float:
    points, side = np.concatenate([q, p]).astype(np.float64), [0] * len(q) + [1] * len(p)
    own = 0
    for i, here in enumerate(points):
        distance = ((points - here) ** 2).sum(1)
        distance[i] = np.inf
        own += sum(side[j] == side[i] for j in np.argsort(distance)[:k])
    return own / (k * len(points))


@pytest.mark.parametrize(("n", "m", "d", "k"), [(30, 30, 2, 5), (20, 50, 7, 10), (40, 40, 40, 1)])
def test_it_is_its_definition(n: int, m: int, d: int, k: int) -> None:
    q, p = clouds(n, m, d, 0.7)
    assert mixing(q, p, k=k).share == pytest.approx(naive(q, p, k), abs=1e-12)


def test_sides_that_lie_apart_and_sides_that_are_one() -> None:
    assert mixing(*clouds(100, 100, 3, 50.0)).share == 1.0
    found = mixing(*clouds(400, 400, 3, 0.0))
    assert found.null_low < found.share < found.null_high
    assert found.null == pytest.approx(399 / 799)
    assert 0.45 < found.null_low < found.null < found.null_high < 0.55
    assert mixing(*clouds(300, 100, 3, 0.0)).null == pytest.approx((300 * 299 + 100 * 99) / (400 * 399))


def test_the_range_holds_what_it_says() -> None:
    """Draws of one distribution fall outside in 5 % of cases: 20 of 400 expected, standard deviation 4.4."""
    outside = 0
    for seed in range(400):
        found = mixing(*clouds(40, 40, 2, 0.0, seed), permutations=199, seed=seed)
        outside += not found.null_low <= found.share <= found.null_high
    assert 7 <= outside <= 36


def test_the_mean_of_the_shuffles_is_the_null() -> None:
    found = mixing(*clouds(60, 20, 2, 1.0), permutations=2000)
    assert (found.null_low + found.null_high) / 2 == pytest.approx(found.null, abs=0.01)
    assert found.null_high < found.share


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"p": np.zeros((5, 3))}, "must be"),
        ({"p": np.zeros((0, 2))}, "must be"),
        ({"k": 20}, "expected 1 to 19"),
        ({"k": 0}, "expected 1 to 19"),
        ({"permutations": 10}, "at least 39"),
        ({"q": np.full((10, 2), np.nan)}, "NaN"),
    ],
)
def test_refused(arguments: dict[str, object], reason: str) -> None:
    given: dict[str, object] = {"q": np.zeros((10, 2)), "p": np.ones((10, 2))}
    with pytest.raises(ValueError, match=reason):
        mixing(**(given | arguments))  # pyright: ignore[reportArgumentType]
