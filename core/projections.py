"""Two-dimensional views of a latent space that keep densities exact: planes, and what q(z) and p(z) are in them.

A Gaussian N(mu, diag(sigma^2)) drawn in the plane W (z - c) is N(W (mu - c), W diag(sigma^2) W^T), so a mixture stays
a mixture with as many components: its marginal in the plane needs no samples and no kernel. A plane shows a marginal,
not a slice; two distributions can differ and look alike in it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.codes import Codes
from core.priors import MixturePrior, Prior
from core.records import Plane
from core.shapes import ComponentMeans, Covariances, Latents, LogWeights

POOLED_DRAWS = 10_000
"""Draws of each distribution behind the principal axes."""


def whole_plane() -> Plane:
    """The latent space itself, where it has two dimensions."""
    return Plane(np.eye(2), np.zeros(2), ("z₁", "z₂"), (float("nan"), float("nan")))


def pair(first: int, second: int, cloud: Codes, prior: Prior, *, seed: int = 0) -> Plane:
    """The plane of two dimensions, counted from 0.

    Raises:
        ValueError: when they are the same or out of range.
    """
    if first == second or not (0 <= first < prior.dim and 0 <= second < prior.dim):
        raise ValueError(f"a pair is two different dimensions from 1 to {prior.dim}; got {first + 1} and {second + 1}")
    directions = torch.eye(prior.dim, dtype=torch.float64)[[first, second]]
    names = (f"z{_subscript(first + 1)}", f"z{_subscript(second + 1)}")
    return _plane(directions, torch.zeros(prior.dim, dtype=torch.float64), names, _pooled(cloud, prior, seed)[1])


def principal(cloud: Codes, prior: Prior, *, seed: int = 0) -> Plane:
    """The plane of the first two principal axes of q and p together, drawn in equal numbers.

    Args:
        cloud: posteriors behind q(z).
        prior: p(z) over the same space, of two dimensions or more.
        seed: of the draws.
    """
    centre, covariance = _pooled(cloud, prior, seed)
    axes = _leading(covariance, 2)
    return _plane(axes, centre, ("first principal axis", "second principal axis"), covariance)


def along(direction: Tensor, name: str, cloud: Codes, prior: Prior, *, seed: int = 0) -> Plane:
    """The plane of a given direction and of the first principal axis at right angles to it.

    Args:
        direction: (d,), any length but zero.
        name: what the direction is called.
        cloud: posteriors behind q(z).
        prior: p(z).
        seed: of the draws.
    """
    length = direction.double().norm()
    if direction.shape != (prior.dim,) or not torch.isfinite(length) or length == 0:
        raise ValueError(f"direction must be {prior.dim} finite numbers, not all zero; got {tuple(direction.shape)}")
    first = direction.double() / length
    centre, covariance = _pooled(cloud, prior, seed)
    keep = torch.eye(prior.dim, dtype=torch.float64) - torch.outer(first, first)
    second = _leading(keep @ covariance @ keep, 1)[0]
    second = second - first * (first @ second)  # rounding
    plane = torch.stack([first, second / second.norm()])
    return _plane(plane, centre, (name, "principal axis at right angles"), covariance)


def active_pair(cloud: Codes, named: tuple[int | None, int | None] = (None, None)) -> tuple[int, int]:
    """Two dimensions, counted from 0: the named ones, and for each None the most active one that is left.

    A dimension is the more active the more its posterior mean varies over the images.
    """
    order = [int(j) for j in np.argsort(-cloud.mean.astype(np.float64).var(0), kind="stable") if j not in named]
    first, second = (order.pop(0) if j is None else j for j in named)
    return first, second


def project(plane: Plane, z: Latents) -> Tensor:
    """(n, d) codes to (n, 2) places in the plane, float32."""
    centre, directions = (torch.from_numpy(part) for part in (plane.centre, plane.directions))
    return ((z.double() - centre) @ directions.T).float()


def projected(plane: Plane, mean: Tensor, log_var: Tensor) -> tuple[ComponentMeans, Covariances]:
    """Diagonal Gaussians in the plane: means (K, 2) and covariances (K, 2, 2), float64."""
    directions = torch.from_numpy(plane.directions)
    centred = mean.double() - torch.from_numpy(plane.centre)
    products = torch.einsum("ad,bd->dab", directions, directions).flatten(1)  # (d, 4)
    return centred @ directions.T, (log_var.double().exp() @ products).view(-1, 2, 2)


def projected_prior(plane: Plane, prior: Prior) -> tuple[ComponentMeans, Covariances, LogWeights] | None:
    """A prior in the plane, exactly: means (K, 2), covariances (K, 2, 2), log-weights (K,); None for a flow."""
    if isinstance(prior, MixturePrior):
        mean, log_var, log_weight = prior.components()
        return *projected(plane, mean, log_var), log_weight.double()
    if (full := prior.gaussians()) is None:
        return None
    mean, covariance, log_weight = (part.double() for part in full)
    directions, centre = torch.from_numpy(plane.directions), torch.from_numpy(plane.centre)
    return (mean - centre) @ directions.T, directions @ covariance @ directions.T, log_weight


def dimensions(plane: Plane) -> tuple[int, int] | None:
    """The two dimensions, counted from 0, that the axes of the plane are; None where they are mixed directions."""
    rows = [np.flatnonzero(row) for row in plane.directions]
    aligned = all(len(found) == 1 and row[found[0]] == 1 for row, found in zip(plane.directions, rows, strict=True))
    return (int(rows[0][0]), int(rows[1][0])) if aligned and not plane.centre.any() else None


def _pooled(cloud: Codes, prior: Prior, seed: int) -> tuple[Tensor, Tensor]:
    """Mean (d,) and covariance (d, d) of equal numbers of draws of q and p, float64."""
    generator = torch.Generator().manual_seed(seed)
    draws = [cloud.sample(POOLED_DRAWS, generator=generator)[0], prior.sample(POOLED_DRAWS, generator=generator)]
    pooled = torch.cat(draws).double()
    return pooled.mean(0), torch.cov(pooled.T).view(prior.dim, prior.dim)


def _leading(covariance: Tensor, count: int) -> Tensor:
    """The leading eigenvectors, (count, d), each with its largest entry positive: a view never mirrors itself."""
    vectors = torch.linalg.eigh(covariance).eigenvectors.T.flip(0)[:count]
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return vectors * largest.sign()


def _plane(directions: Tensor, centre: Tensor, names: tuple[str, str], covariance: Tensor) -> Plane:
    share = torch.einsum("ad,de,ae->a", directions, covariance, directions) / covariance.trace().clamp(min=1e-300)
    return Plane(directions.numpy(), centre.numpy(), names, (float(share[0]), float(share[1])))


def _subscript(number: int) -> str:
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(number))
