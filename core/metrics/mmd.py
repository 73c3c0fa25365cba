"""The kernel two-sample test: squared maximum mean discrepancy of two sets of draws, against shuffles of the two.

    MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y),    k(a, b) = mean over w of exp(-|a - b|^2 / (2 w^2))

with w = 1/4, 1/2, 1, 2 and 4 times the median distance of the pooled draws. The unbiased estimate leaves out the pairs
of a draw with itself; it is 0 on average where the two distributions are one, and then negative about half the time.

References:
    Gretton, Borgwardt, Rasch, Schölkopf, Smola (2012), A kernel two-sample test.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.metrics.classifiers import require_comparable
from core.records import KernelTest
from core.shapes import Latents

WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Widths of the kernels, as multiples of the median distance."""

FEWEST_SHUFFLES = 39
"""Under this many a 95 % range of the shuffles has no ends."""

FARTHEST = 2.0**100
"""Squared distances end here: those of a diverged prior would be infinite in float32."""

ROWS = 250
"""Rows of the kernel matrix worked on at a time."""


@torch.inference_mode()
def compare(x: Latents, y: Latents, *, permutations: int = 500, seed: int = 0) -> KernelTest:
    """Unbiased MMD^2 of two sets of draws, with the range it has when draws are shuffled between them.

    The p-value (k + 1) / (permutations + 1) is exact for independent draws: the k shuffles that reach the value are
    counted together with the order that was found.

    Args:
        x: (n, d) draws, at least 30.
        y: (n, d) draws of the other distribution.
        permutations: number of shuffles, at least 39.
        seed: of the shuffles.

    Raises:
        ValueError: naming what is wrong with the draws, also when all are one point; with too few shuffles.
    """
    require_comparable(x, y)
    if permutations < FEWEST_SHUFFLES:
        raise ValueError(f"permutations must be at least {FEWEST_SHUFFLES} for a 95 % range; got {permutations}")
    n, tiles = len(x), _kernel(torch.cat([x, y]))
    generator = torch.Generator().manual_seed(seed)
    member = torch.zeros(2 * n, permutations + 1)
    member[:n, 0] = 1  # the first column is the order that was found
    for column in range(1, permutations + 1):
        member[torch.randperm(2 * n, generator=generator)[:n], column] = 1
    values = _mmd_squared(tiles, member)
    value, shuffled = float(values[0]), values[1:]
    low, high = np.quantile(shuffled, (0.025, 0.975))
    p_value = (int((shuffled >= value).sum()) + 1) / (permutations + 1)
    return KernelTest(value, float(low), float(high), p_value, permutations, n, seed)


def median_distance(z: Tensor) -> float:
    """Median distance between two of (n, d) points; that of the pairs that differ where most pairs coincide.

    Raises:
        ValueError: when all points are the same, or most are too far apart for float32.
    """
    return _median(_squared_distances(z)) ** 0.5


def _squared_distances(z: Tensor) -> list[Tensor]:
    """|z_i - z_j|^2 for j > i, as tiles of rows that begin at their own diagonal; 0 on and under it.

    In float64 about the median until the differences are formed: neither a cloud far from the origin nor one far draw
    may cost the others their digits.
    """
    z = z.double() - z.double().median(0).values
    norm = z.square().sum(1)
    tiles = []
    for start in range(0, len(z), ROWS):
        rows, rest = slice(start, start + ROWS), slice(start, None)
        squared = torch.addmm(norm[rest], z[rows], z[rest].T, alpha=-2).add_(norm[rows, None])
        squared[squared < 1e-12 * (norm[rows, None] + norm[rest])] = 0  # rounding: the points are the same
        tiles.append(squared.clamp_max_(FARTHEST).float().triu_(1))
    return tiles


def _pairs(tile: Tensor) -> Tensor:
    """The entries above the diagonal, one for each pair."""
    return tile[torch.ones_like(tile, dtype=torch.bool).triu_(1)]


def _median(tiles: list[Tensor]) -> float:
    squared = torch.cat([_pairs(tile) for tile in tiles])
    if (median := float(squared.median())) > 0:
        if not median < FARTHEST:
            raise ValueError(f"most draws are {FARTHEST**0.5:g} or more apart; the model may have diverged")
        return median
    squared = squared[squared > 0]
    if not len(squared):
        raise ValueError("every draw of both sides is the same point; a kernel needs a distance between two draws")
    return float(squared.median())


def _kernel(z: Tensor) -> list[Tensor]:
    """Kernel values in the tiles of ``_squared_distances``, with their mean taken off.

    A constant cancels in MMD^2. Without it there is less to cancel in float32.
    """
    tiles = _squared_distances(z)
    median = _median(tiles)
    total = 0.0
    for tile in tiles:
        distances = tile.clone()
        tile.zero_()
        for width in WIDTHS:
            tile += torch.exp(distances / (-2 * width**2 * median)) / len(WIDTHS)
        total += float(_pairs(tile).sum(dtype=torch.float64))
    mean = total / (len(z) * (len(z) - 1) / 2)
    return [tile.sub_(mean).triu_(1) for tile in tiles]


def _mmd_squared(tiles: list[Tensor], member: Tensor) -> np.ndarray:
    """Unbiased MMD^2 for each of P ways to deal 2 n draws into two sides of n.

    Args:
        tiles: upper triangle U of the kernel matrix.
        member: (2 n, P); 1 where a draw belongs to the first side.

    Returns:
        (P,) float64. With a a column of ``member``, a'Ua sums the pairs within the first side, and a'(U + U')1 counts
        these twice and the pairs across once: one matrix product serves all columns.
    """
    n = len(member) // 2
    within = torch.zeros(member.shape[1], dtype=torch.float64)
    per_draw = torch.zeros(len(member), dtype=torch.float64)
    start = 0
    for tile in tiles:
        rows, rest = slice(start, start + len(tile)), slice(start, None)
        within += (member[rows] * (tile @ member[rest])).sum(0, dtype=torch.float64)
        per_draw[rows] += tile.sum(1, dtype=torch.float64)
        per_draw[rest] += tile.sum(0, dtype=torch.float64)
        start += len(tile)
    across = per_draw @ member.double() - 2 * within
    both_within = per_draw.sum() / 2 - across
    return (2 * both_within / (n * (n - 1)) - 2 * across / n**2).numpy()
