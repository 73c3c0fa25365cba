"""The line-up: draws of q(z) and of p(z) hidden among deals of the same draws, a test whose instrument is an eye.

In one panel the two sides are what they are. In the others the same draws are dealt out at random, so that both sides
are draws of (q + p) / 2: what the picture would look like if q(z) and p(z) were one distribution. Whoever finds the
true panel among m has found a difference; without one it is found in 1 of m cases, whatever the picture shows and
whatever is looked for in it, since every panel is then as likely as any other.

That holds for independent draws, one an image, as draws of one image's posterior lie together; for line-ups of other
images each, or one would tell of another; and for somebody who does not know these codes from another picture.

References:
    Buja et al. (2009), Statistical inference for exploratory data analysis and model diagnostics.
    Wickham, Cook, Hofmann, Buja (2010), Graphical inference for infovis.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

PANELS = 9
FEWEST = 20
"""Draws of each side under which there is nothing to see."""


@dataclass(frozen=True)
class Lineup:
    """Draws of both sides, and how each panel deals them out.

    Attributes:
        points: (2 n, 2) float32 places of all draws.
        q, p: (panels, n) int64 rows of ``points`` that stand for each side in each panel, in random order.
        real: the panel in which they are what they stand for, from 0.
    """

    points: np.ndarray
    q: np.ndarray
    p: np.ndarray
    real: int


def hide(q: np.ndarray, p: np.ndarray, *, panels: int = PANELS, seed: int = 0) -> Lineup:
    """A line-up of draws of both sides.

    Args:
        q: (n, 2) places of draws of q(z), one an image.
        p: (n, 2) places of as many draws of p(z), in a view that does not depend on which side a draw comes from.
        panels: 2 or more.
        seed: of the deals and of the place of the true panel.

    Raises:
        ValueError: with fewer than 20 draws of each side, other numbers of them, or fewer than two panels.
    """
    if panels < 2:
        raise ValueError(f"a line-up needs 2 panels or more; got {panels}")
    n = len(q)
    if n < FEWEST or q.shape != (n, 2) or p.shape != q.shape:
        raise ValueError(f"a line-up needs (n, 2) places of either side, n >= {FEWEST}; got {q.shape} and {p.shape}")
    chance = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    real = int(chance.integers(panels))
    deals = np.stack([chance.permutation(2 * n) for _ in range(panels)])
    deals[real] = np.concatenate([chance.permutation(n), n + chance.permutation(n)])
    return Lineup(np.concatenate([q, p]).astype(np.float32), deals[:, :n], deals[:, n:], real)


def seed_of(*question: str | int) -> int:
    """The seed of one of many line-ups: each has draws and a true panel of its own, or one would tell of another.

    Args:
        question: all that tells it from others: model, view, number.
    """
    return int.from_bytes(hashlib.blake2b(repr(question).encode(), digest_size=4).digest(), "big")


def by_luck(found: int, tried: int, panels: int = PANELS) -> float:
    """How often guessing finds the true panel at least so many times: P(X >= found), X ~ Binomial(tried, 1 / panels).

    Args:
        found: true panels found, from 0 to ``tried``.
        tried: line-ups looked at, each with draws of its own.
        panels: of each.

    Example:
        >>> round(by_luck(1, 1), 3), round(by_luck(2, 3), 3), by_luck(0, 4)
        (0.111, 0.034, 1.0)
    """
    if not 0 <= found <= tried:
        raise ValueError(f"found is {found}, expected 0 to {tried}, the line-ups that were looked at")
    from scipy.special import bdtrc  # at the first pick: pages that have no line-up need none of it

    return float(bdtrc(found - 1, tried, 1 / panels))
