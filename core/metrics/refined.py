"""Squares of the latent plane cut into quarters where one image's p(z|x), or its q(z|x), has mass.

The midpoint rule on squares of side h errs by about 2 exp(-2 pi^2 s^2 / h^2) for a density s wide: as soon as h is
under s, halving it squares an error that was small already. So the plane is cut again and again until the four
lattices of twice the side, a quarter of the centres each, agree on log p(x), and until q(z|x) sums to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.distributions import DiagonalNormal
from core.metrics.latent_map import LatentMap
from core.metrics.quadrature import KEPT, NODES, log_joint
from core.metrics.squares import Squares
from core.posteriors import FlowedNormal
from core.shapes import Images
from core.vae import VAE

AGREED = 1e-3
"""Nats by which log p(x) of the four coarser lattices may differ. What the last lattice is wrong by is far less."""
WRONG = 2e-3
"""What the mass of q(z|x) on each of them may differ from 1 by."""
ROUNDED = 2.0
"""Rounding of log p(x, z), in units of its last place: 0.2 to 1.4 were found in single precision."""
MOST, DEEPEST = 2**16, 24
"""Squares of one size, and sizes, at most: values that are not numbers would be cut for ever."""

Posterior = DiagonalNormal | FlowedNormal


@dataclass(frozen=True)
class Level:
    """Squares of one size: log p(x, z) and log q(z|x) at their centres, (n,) float64 each."""

    squares: Squares
    log_joint: Tensor
    log_q: Tensor

    @property
    def log_area(self) -> float:
        """Of one square."""
        return 2 * math.log(self.squares.side)


@dataclass(frozen=True)
class Refined:
    """The plane in squares of several sizes.

    Sums run over the squares of one size: where sizes meet, the midpoint rule would lose what makes it exact.

    Attributes:
        levels: from the map's squares on, each half as large as those before. All but the first hold squares only where
            something was looked for.
        settled: number of the level whose squares hold all but e^-14 of p(z|x), close enough for log p(x).
        whole: number of the level whose squares hold all but e^-14 of q(z|x), close enough for its mass.
        log_likelihood: log p(x), in nats.
        error: largest difference of log p(x) from it by one of four lattices with twice the side, mostly far larger
            than what it is wrong by itself; added is what larger squares and rounding may do.
    """

    levels: tuple[Level, ...]
    settled: int
    whole: int
    log_likelihood: float
    error: float

    @property
    def of_p(self) -> Level:
        """The level to sum over p(z|x)."""
        return self.levels[self.settled]

    @property
    def of_q(self) -> Level:
        """The level to sum over q(z|x)."""
        return self.levels[self.whole]


@torch.inference_mode()
def refined(vae: VAE, x: Images, q: Posterior, z: Tensor, around: LatentMap) -> Refined:
    """Cut the squares of a map where p(z|x) or q(z|x) of one image lies.

    Args:
        vae: in evaluation mode.
        x: (1, pixels).
        q: its posterior.
        z: (n, 2), draws of it: where these lie is looked at more closely.
        around: of the model.
    """
    first, log_q = around.log_joint(x), _coarse_q(q, z, around)
    levels = [Level(around.squares, first, log_q)]
    area = levels[0].log_area
    wanted = (first > first.logsumexp(0) - KEPT) | (log_q + area > -KEPT) | around.squares.holding(z)
    left, settled, whole, found, error = torch.tensor(-torch.inf), 0, 0, math.nan, math.inf
    while not (settled and whole):
        above = levels[-1]
        cut = above.squares.spread(wanted)
        if not settled:
            left = torch.logaddexp(left, above.log_joint[~cut].logsumexp(0) + above.log_area)
        squares = above.squares.quarters(cut)
        levels.append(Level(squares, *_values(vae, x, q, squares)))
        held, share = levels[-1].log_joint + levels[-1].log_area, (levels[-1].log_q + levels[-1].log_area).exp()
        quarters = [squares.parity() == k for k in range(4)]
        last = 4 * len(squares) > MOST or len(levels) > DEEPEST or not len(squares)
        if not settled:
            found, error = _by_lattice(held, quarters, left)
            settled = len(levels) - 1 if error <= AGREED or last else 0
        if not whole:
            wrong = max(abs(4 * float(share[part].sum()) - 1) for part in quarters)
            whole = len(levels) - 1 if wrong < WRONG or last else 0
        wanted = torch.zeros(len(squares), dtype=torch.bool)
        if not settled:
            wanted |= held > found - KEPT
        if not whole:
            wanted |= (share.log() > -KEPT) | squares.holding(z)  # a thin q(z|x) may pass between all centres
    rough = float((left - found).exp()) + 10 * math.exp(-KEPT) + ROUNDED * torch.finfo(x.dtype).eps * abs(found)
    return Refined(tuple(levels), settled, whole, found, error + rough)


def _coarse_q(q: Posterior, z: Tensor, around: LatentMap) -> Tensor:
    """log q(z|x) at the map's centres in the box of some draws, made twice as wide; nothing elsewhere, (n,) float64."""
    draws, centres = z.double().cpu(), around.squares.centres()
    low, high = draws.amin(0), draws.amax(0)
    near = ((centres - (low + high) / 2).abs() <= high - low + around.squares.side).all(1)
    log_q = torch.full((len(centres),), -torch.inf, dtype=torch.float64)
    log_q[near] = q.log_prob(centres[near].to(z)).double().cpu()
    return log_q


def _values(vae: VAE, x: Tensor, q: Posterior, squares: Squares) -> tuple[Tensor, Tensor]:
    """log p(x, z) and log q(z|x) at the centres, (n,) float64 each."""
    parts = squares.centres().to(x).split(NODES)
    return (
        log_joint(vae, x, squares.centres()),
        torch.cat([q.log_prob(part).double().cpu() for part in parts]),
    )


def _by_lattice(held: Tensor, quarters: list[Tensor], left: Tensor) -> tuple[float, float]:
    """log p(x) by all centres, and the largest difference from it by one of the four lattices that they consist of."""
    found = float(torch.logaddexp(held.logsumexp(0), left))
    parts = [float(torch.logaddexp(held[part].logsumexp(0) + math.log(4), left)) for part in quarters]
    return found, max(abs(value - found) for value in parts)
