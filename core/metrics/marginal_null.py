"""The null of the marginal KL: what KL(q_n || p) is on average where p is the population q that n posteriors sample.

Call it a(n). It falls as n grows, and how fast can be seen without knowing q. Let w = q(z|x_i) / (n q_n(z)) be the
share that a posterior has in q_n at its own draw z. Leaving out one posterior at a time, q_n -> q_-i, gives exactly

    t(n) = n (a(n - 1) - a(n)) = mean_i n KL(q_-i || q_n) = n log(n / (n-1)) + n / (n-1) E[(1 - w) log(1 - w) / w],

the slope of a(n) along log n: 0 where all posteriors are one, 1 where none overlap. It is bounded, whereas log q_n -
log q_-i at the same draws, a common guess for 2 a(n), runs away at every draw that stands alone.

What is left beyond n is a(n) = int_n^inf t(m) dm / m. There t falls as m^-beta with beta near 1 where posteriors
overlap, and slower where not. Random halves and quarters of the images give t(n/2) and t(n/4), so two exponents; what
they lack to 1 has shrunk by a factor k from the first to the second, and goes on shrinking by k with every doubling:

    a(n) = t(n) (1 + x / (s+1) + x^2 / ((s+1)(s+2)) + ...),    s = -log 2 / log k,    x = s (1 - beta) at n.

Its mean was 0.94 to 1.10 times the truth in simulations (1 to 40 dimensions, 100 to 3,000 images, equal and unequal
posteriors, truths of 0.02 to 0.6 nats; of 20 images 1.1 times), and 1.00 to 1.07 times on 2-D MNIST encoders whose
50,000 training posteriors were the population. Where doubling the images takes less than a quarter off the slope, the
posteriors hardly overlap and little can be told of what lies beyond: a(n) is then not known, only that it is large.

References:
    Hoffman, Johnson (2016), ELBO surgery: yet another way to carve up the variational evidence lower bound.
    Poole et al. (2019), On variational bounds of mutual information, arXiv:1905.06922 (both leave-one-out bounds).
"""

from __future__ import annotations

import math
from itertools import count

import torch
from torch import Tensor

from core import mixture
from core.distributions import DiagonalNormal
from core.metrics.estimate import over_examples
from core.records import Estimate

FEWEST = 8
"""Images that leave two posteriors in every quarter."""
OVERLAP = 0.75
"""Largest t(n) / t(n/2) at which the null is told: up to here the estimate is within a tenth."""
SHRINKING = (0.5, 0.95)
"""Range of k: what is measured outside is noise, or would let the slope never reach its final fall."""


def quarters(n: int, rounds: int, *, seed: int = 0) -> Tensor:
    """Random quarters of n posteriors, (rounds, n) of 0 to 3; of fewer than ``FEWEST`` all are in the first.

    The seed is not that of the draws: these stay what they are whether a null is asked for or not.
    """
    if n < FEWEST:
        return torch.zeros(rounds, n, dtype=torch.long)
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(n) % 4
    return torch.stack([label[torch.randperm(n, generator=generator)] for _ in range(rounds)])


def log_aggregated_and_null(
    z: Tensor, mean: Tensor, log_var: Tensor, own: Tensor | None = None
) -> tuple[Tensor, Estimate | None]:
    """Exact log q(z) of draws, and the null of the marginal KL, at the cost of the former.

    Args:
        z: (S, m, d) draws of m posteriors.
        mean: (n, d), all of them.
        log_var: (n, d).
        own: (m,) which posterior each draw is of; None where m = n and they are in order.

    Returns:
        (S, m) in float64, nats, and the null, None where it is not known.

    Raises:
        ValueError: for a single posterior.
    """
    n = len(mean)
    own = torch.arange(n, device=z.device) if own is None else own.to(z.device)
    quarter = quarters(n, len(z)).to(z.device)
    log_own = DiagonalNormal(mean[own].double(), log_var[own].double()).log_prob(z.double())
    rounds = zip(z, log_own, quarter, strict=True)
    parts = torch.stack([_log_parts(*one, mean, log_var, own) for one in rounds])
    return parts.logsumexp(2) - math.log(n), null_of(log_own, parts, quarter[:, own], n)


def _log_parts(z: Tensor, log_own: Tensor, quarter: Tensor, mean: Tensor, log_var: Tensor, own: Tensor) -> Tensor:
    """log of the sum of q(z|x_i) over the posteriors of each quarter, (m, 4) in float64; -inf where it has none.

    The draw's own posterior comes in from outside: of one that is much narrower than its mean is large, the mixture's
    matrix product loses digits that the square of z - mean keeps.
    """
    found = z.new_full((len(z), 4), -torch.inf, dtype=torch.float64)
    for part in quarter.unique().tolist():
        inside = quarter == part
        size, rank = int(inside.sum()), inside.cumsum(0) - 1
        here = inside[own]
        means, log_vars = mean[inside], log_var[inside]
        found[~here, part] = mixture.log_prob(z[~here], means, log_vars, double=True) + math.log(size)
        others = mixture.log_prob(z[here], means, log_vars, exclude=rank[own[here]], double=True) + math.log(size - 1)
        found[here, part] = torch.logaddexp(others, log_own[here])
    return found


def null_of(own: Tensor, parts: Tensor, mine: Tensor, n: int) -> Estimate | None:
    """a(n) of the docstring above, in nats.

    Args:
        own: (S, m) log q(z|x_i) of the draws, each under the posterior it is of.
        parts: (S, m, 4) log of the sum of q(z|x_i) over the posteriors of each quarter.
        mine: (S, m) the quarter of the draw's own posterior.
        n: number of posteriors.

    Returns:
        with the standard error over the m images; None where it cannot be known: posteriors that hardly overlap, or
        fewer than ``FEWEST``.
    """
    if n < FEWEST:
        return None
    found = _slopes(own, parts, mine.to(parts.device), n)
    slopes = found.mean(1).tolist()
    if slopes[0] > OVERLAP * slopes[1] + 1 / n:  # 1 / n: one image that stands alone does not make it unknown
        return None
    value = _beyond(*slopes)
    by_image = value + torch.zeros_like(found[0])
    for k, step in enumerate(1e-3 * max(slope, 1e-6) for slope in slopes):  # the error by linearisation
        moved = [slope + step * (place == k) for place, slope in enumerate(slopes)]
        by_image += (_beyond(*moved) - value) / step * (found[k] - slopes[k])
    return Estimate(max(value, 0.0), over_examples(by_image).se)


def _slopes(own: Tensor, parts: Tensor, mine: Tensor, n: int) -> Tensor:
    """What each image gives to t(n), t(n/2) and t(n/4), (3, m): with all images, and those of its half and quarter."""
    sizes = torch.bincount(torch.arange(n) % 4, minlength=4).to(parts)
    other = (mine + 2) % 4
    quarter, rest = (parts.gather(2, place[..., None])[..., 0] for place in (mine, other))
    whole = torch.full_like(own, n, dtype=torch.float64)
    members = (whole, sizes[mine] + sizes[other], sizes[mine])
    sums = (parts.logsumexp(2), torch.logaddexp(quarter, rest), quarter)
    found = []
    for m, total in zip(members, sums, strict=True):
        share = (own.double() - total).exp().clamp(1e-15, 1.0)
        left_out = torch.special.xlog1py(1 - share, -share) / share
        found.append(m * torch.log(m / (m - 1)) + m / (m - 1) * left_out)
    return torch.stack(found).mean(1)


def _beyond(slope: float, half: float, quarter: float) -> float:
    """int_n^inf t(m) dm / m from t(n), t(n/2) and t(n/4)."""
    lacks, lacked = _lacking(slope, half), _lacking(half, quarter)
    low, high = SHRINKING
    shrinking = min(max(lacks / lacked if lacked > 0 else low, low), high)
    s = -math.log(2) / math.log(shrinking)
    x = s * lacks * math.sqrt(shrinking)  # the exponent is that of half a doubling before n
    total = term = 1.0
    for j in count(1):
        term *= x / (s + j)
        total += term
        if term < 1e-9 * total:
            return slope * total
    raise AssertionError("unreachable")


def _lacking(later: float, earlier: float) -> float:
    """What the exponent of the fall from ``earlier`` to ``later`` over a doubling lacks to 1, from 0 to nearly 1."""
    ratio = later / earlier if earlier > 0 else 0.5
    return 1 + math.log2(min(max(ratio, 0.5), 0.98))
