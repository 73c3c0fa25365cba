"""How well two sets of draws are mixed: the share of a draw's nearest neighbours that are of its own side.

Half of them, less one in many, where the two distributions are one; all of them where the sets lie apart. It is taken
in latent space, and once more on a map of the same draws, to tell what the map makes of the difference.

References:
    Schilling (1986), Multivariate two-sample tests based on nearest neighbors.
    Henze (1988), A multivariate two-sample test based on the number of nearest neighbor type coincidences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEIGHBOURS = 10
FEWEST_SHUFFLES = 39
"""Under this many a 95 % range of the shuffles has no ends."""


@dataclass(frozen=True)
class Mixing:
    """How well two sets of draws are mixed.

    Attributes:
        share: of the ``k`` nearest neighbours of all draws, those that are of the draw's own side, in [0, 1].
        null: what it is on average where both sides are draws of one distribution; known exactly.
        null_low, null_high: the range that holds 95 % of the shuffles between the sides.
        k: neighbours of each draw.
        draws: of both sides together.
        permutations: shuffles.
        seed: of the shuffles.
    """

    share: float
    null: float
    null_low: float
    null_high: float
    k: int
    draws: int
    permutations: int
    seed: int


def mixing(q: np.ndarray, p: np.ndarray, *, k: int = NEIGHBOURS, permutations: int = 500, seed: int = 0) -> Mixing:
    """Share of the k nearest neighbours of every draw that are of its side, against shuffles of the two sides.

    Args:
        q: (n, d) draws of one side, one an image: draws of one image's posterior lie together, and are no sign of a
            difference.
        p: (m, d) draws of the other.
        k: neighbours of each draw, fewer than all others.
        permutations: shuffles of the draws between the sides, at least 39.
        seed: of the shuffles.

    Raises:
        ValueError: for sides of another shape, draws that are not finite, too few of them, or too few shuffles.
    """
    from sklearn.neighbors import NearestNeighbors

    if q.ndim != 2 or p.ndim != 2 or q.shape[1] != p.shape[1] or not (len(q) and len(p)):
        raise ValueError(f"q and p must be (n, d) and (m, d); got {q.shape} and {p.shape}")
    total = len(q) + len(p)
    if not 1 <= k < total:
        raise ValueError(f"k is {k}, expected 1 to {total - 1}, the other draws")
    if permutations < FEWEST_SHUFFLES:
        raise ValueError(f"permutations must be at least {FEWEST_SHUFFLES} for a 95 % range; got {permutations}")
    chance = np.random.default_rng(seed)
    order = chance.permutation(total)  # or equal distances would be told apart by the side that comes first
    points = np.concatenate([q, p]).astype(np.float64)[order]
    if not np.isfinite(points).all():
        raise ValueError("q or p holds NaN or infinity; expected finite numbers")
    near = NearestNeighbors(n_neighbors=k, n_jobs=1).fit(points).kneighbors(return_distance=False)
    side = order < len(q)
    shuffled = [_own_share(near, chance.permutation(side)) for _ in range(permutations)]
    low, high = np.quantile(shuffled, (0.025, 0.975))
    expected = (len(q) * (len(q) - 1) + len(p) * (len(p) - 1)) / (total * (total - 1))
    return Mixing(_own_share(near, side), expected, float(low), float(high), k, total, permutations, seed)


def _own_share(near: np.ndarray, side: np.ndarray) -> float:
    return float((side[near] == side[:, None]).mean())
