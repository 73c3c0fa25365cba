"""What the mutual information comes out as when q(z) is taken from a minibatch: a mistake worth drawing.

With M posteriors in the batch, the point's own one among them, log q(z|x_i) - log (1/M) sum_j q(z|x_j) is at most
log M, however much z tells of x. The marginal KL that goes with it is too large by what the information lacks, since
their sum is the average KL whatever M is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from core.distributions import DiagonalNormal
from core.metrics.estimate import over_examples
from core.metrics.surgery import log_aggregated, log_own
from core.records import CurvePoint
from core.shapes import Latents

SMALLEST = 10


@torch.inference_mode()
def information_curve(
    mean: Latents,
    log_var: Latents,
    *,
    sizes: Sequence[int] | None = None,
    n_samples: int = 1,
    generator: Generator | None = None,
) -> tuple[CurvePoint, ...]:
    """Mutual information in nats with q(z) estimated from random disjoint batches of M posteriors.

    MI_M = mean over i and z ~ q(z|x_i) of log q(z|x_i) - log (1/M) sum_{j in batch of i} q(z|x_j)

    It is at most log M, grows with M in expectation, and at M = n is the mutual information of ELBO surgery. The
    marginal KL that belongs to it is average KL - MI_M. All sizes see the same draws of z, so that the curve has less
    noise along it than the standard errors of its points, which are over the examples, say.

    Args:
        mean: (n, d) posterior means.
        log_var: (n, d) posterior log-variances.
        sizes: numbers M of posteriors in a batch; None means 10, 30, 100, 300, ... and n.
        n_samples: draws per example.
        generator: source of the draws and of the batches.

    Returns:
        one point for each size, in the order of ``sizes``; ``at`` is M. The cost is n M n_samples densities each.

    Raises:
        ValueError: on fewer than one draw, or a size outside 1..n.
    """
    n = len(mean)
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1; got {n_samples}")
    sizes = default_sizes(n) if sizes is None else tuple(sizes)
    if not all(1 <= size <= n for size in sizes):
        raise ValueError(f"sizes must lie in 1..{n}, the number of posteriors; got {sizes}")
    z = DiagonalNormal(mean, log_var).rsample(n_samples, generator=generator)
    return tuple(_point(z, mean, log_var, size, generator) for size in sizes)


def default_sizes(n: int) -> tuple[int, ...]:
    """10, 30, 100, 300, ... below n, then n itself.

    Example:
        >>> default_sizes(500)
        (10, 30, 100, 300, 500)
    """
    steps = (factor * SMALLEST**power for power in range(1, len(str(n)) + 1) for factor in (1, 3))
    return (*(size for size in steps if size < n), n)


def _point(z: Tensor, mean: Tensor, log_var: Tensor, size: int, generator: Generator | None) -> CurvePoint:
    device = mean.device if generator is None else generator.device
    order = torch.randperm(len(mean), generator=generator, device=device).to(mean.device)
    information = mean.new_zeros(z.shape[:2], dtype=torch.float64)
    if size > 1:  # a point is all the mixture there is in a batch of one: no information
        for start in range(0, len(order), size):
            batch = order[min(start, len(order) - size) :][:size]  # what is left over is filled up with others
            at = z[:, batch]
            found = log_own(at, mean[batch], log_var[batch]) - log_aggregated(at, mean[batch], log_var[batch])
            fresh = size - max(0, start + size - len(order))
            information[:, batch[-fresh:]] = found[:, -fresh:]
    return CurvePoint(size, over_examples(information.mean(0)))
