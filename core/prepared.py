"""A mixture whose density is asked for again and again, at few places; and which component a place is a draw of.

q(z) is made of the posteriors of the images at hand. Where one of those images is encoded its own posterior lies on
the place, and in many dimensions it alone gives nearly all of the density: 10 to 36 nats more than at the code of an
image that is not among them (mnist-40d-vamp). Such a place can only be compared with other codes without it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.distributions import LOG_2PI
from core.mixture_tiles import ROWS, Tables, check, factors, features, row_block, tiles
from core.shapes import ComponentLogVars, ComponentMeans, Index, Latents, LogProb, LogWeights

REACH = 1e-4
"""Share of a component's own draws that lie further from it than is taken to be one of them."""


class Prepared:
    """A diagonal-Gaussian mixture whose exact log-density is asked for again and again, at few places.

    What hangs on the components alone is calculated once, in float64: for 10,000 components in 40 dimensions it takes
    ten times as long as the rest for a few places. Nothing has a gradient.

    Args:
        mean: (K, d) component means.
        log_var: (K, d) natural logarithms of the component variances.
        log_weight: (K,) normalised log-weights; None means equal weights.

    Raises:
        ValueError: on shapes that do not fit.
    """

    @torch.no_grad()
    def __init__(self, mean: ComponentMeans, log_var: ComponentLogVars, log_weight: LogWeights | None = None) -> None:
        check(mean[:0], mean, log_var, log_weight, None)
        mean, log_var = mean.double(), log_var.double()
        if log_weight is None:
            log_weight = mean.new_full((len(mean),), -math.log(len(mean)))
        self._log_weight = log_weight.double()
        self._centre = mean.mean(0)
        self._factors, self._constant = factors(mean - self._centre, log_var, self._log_weight)
        self._peak = self._log_weight - 0.5 * (log_var.sum(1) + mean.shape[1] * LOG_2PI)

    @torch.no_grad()
    def log_prob(self, z: Latents, *, exclude: Index | None = None) -> LogProb:
        """The log-density at (n, d) points, (n,) float64 in nats, with an error under 1e-9.

        Args:
            z: the points.
            exclude: (n,) component left out at each, the others re-weighted to one; -1 leaves none out.

        Raises:
            ValueError: for points of another dimension.
        """
        tables = self._tables(z)
        blocks = [row_block(tables, rows, exclude, len(self._constant)) for rows in tiles(len(z), ROWS)]
        found = torch.cat(blocks or [self._constant[:0]])
        if exclude is None:
            return found
        left = torch.log1p(-self._log_weight.exp())[exclude]  # the last one's for -1, which is not taken
        return torch.where(exclude < 0, found, found - left)

    @torch.no_grad()
    def own(self, z: Latents) -> Index:
        """The component that each point is a draw of, as far as can be told; -1 where it is none's, (n,).

        It is component k's where k is likelier than all others together and the point is no further from it than its
        own draws are: where none is left out, one component adds at most log 2 nats to the log-density.

        Raises:
            ValueError: for points of another dimension.
        """
        if len(self._constant) < 2:
            return torch.full((len(z),), -1)
        tables, furthest, found = self._tables(z), reach(z.shape[1]), []
        for rows in tiles(len(z), ROWS):
            joint = tables.tile(rows, slice(None))
            highest, k = joint.max(1)
            likelier = highest - joint.logsumexp(1) > math.log(0.5)
            inside = 2 * (self._peak[k] - highest) <= furthest
            found.append(torch.where(likelier & inside, k, -1))
        return torch.cat(found or [torch.zeros(0, dtype=torch.int64)])

    def _tables(self, z: Tensor) -> Tables:
        if z.ndim != 2 or z.shape[1] != len(self._centre):
            raise ValueError(f"z must be (n, {len(self._centre)}) to match the components; got {tuple(z.shape)}")
        return Tables(features(z.double() - self._centre), self._factors, self._constant)


def reach(dim: int) -> float:
    """How far a component's draws lie from it: the square of the distance in deviations that ``REACH`` of them exceed.

    Example:
        >>> round(reach(2), 2), round(reach(40), 1)
        (18.42, 82.1)
    """
    from scipy.special import chdtri  # at the first place that is asked for

    return float(chdtri(dim, REACH))
