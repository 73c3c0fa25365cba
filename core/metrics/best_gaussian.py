"""The diagonal Gaussian of least KL to one image's true posterior, on a plane that is known in squares."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from core.distributions import LOG_2PI, DiagonalNormal
from core.metrics.refined import Level, Refined

RESOLVED = 0.7
"""Smallest standard deviation that is looked for, in sides of the squares that log p(x) was read from: a sum over
centres holds 1 - 1e-4 of the mass of such a Gaussian."""
WHOLE = 0.01
"""Of its mass that may be missing from the squares that were looked at closely."""
STEPS, ENOUGH = 100, 1e-9
"""Iterations of the search from each start, and the relative improvement at which it ends."""


def best_gaussian(known: Refined, start: DiagonalNormal) -> DiagonalNormal:
    """KL(N(m, diag s^2) || p(z|x)) minimised over m and s by descent from three starts.

    These are ``start``, the moments of p(z|x), and its highest peak with the curvature there.

    Args:
        known: the plane; p(z|x) may have several modes in it.
        start: of shape (2,); returned where no search ends in a Gaussian that the squares resolve.
    """
    from scipy.optimize import minimize  # torch's own L-BFGS imports a compiler first, which takes 1.7 s

    squares, log_joint = known.of_p.squares, known.of_p.log_joint
    centres, weight = squares.centres(), log_joint.softmax(0)[:, None]
    mean = (weight * centres).sum(0)
    scale = (weight * (centres - mean).square()).sum(0).sqrt()
    top = int(log_joint.argmax())
    own = start.mean.double().cpu(), torch.exp(0.5 * start.log_var).double().cpu()
    plane = _Plane(centres.numpy(), known.of_p.log_area, log_joint.numpy())
    low, high = centres.amin(0), centres.amax(0)
    smallest = RESOLVED * squares.side
    largest = max(smallest, float((high - low).max()))
    bounds = [*zip(low.tolist(), high.tolist(), strict=True), *[(math.log(smallest), math.log(largest))] * 2]
    found = []
    for middle, width in (own, (mean, scale), (centres[top], _curvature(known.of_p, top, scale))):
        first = np.clip(torch.cat([middle, width.log()]).numpy(), *np.array(bounds).T)
        if not np.isfinite(first).all():
            continue
        end = minimize(
            plane.kl, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS, "ftol": ENOUGH}
        )
        if math.isfinite(end.fun) and abs(plane.mass(end.x) - 1) < WHOLE:
            found.append((float(end.fun), end.x))
    if not found:
        return start
    place = torch.from_numpy(min(found, key=lambda pair: pair[0])[1]).to(start.mean)
    return DiagonalNormal(place[:2], 2 * place[2:])


def _curvature(level: Level, top: int, scale: Tensor) -> Tensor:
    """Standard deviations (2,) of a Gaussian as curved as p(z|x) at a centre; at most ``scale``."""
    sides = torch.tensor([[1, 0], [-1, 0], [0, 1], [0, -1]])
    at = level.squares.find(level.squares.place[top] + sides)
    beside = torch.where(at >= 0, level.log_joint[at], -torch.inf).view(2, 2).sum(1)
    bend = (2 * level.log_joint[top] - beside).clamp(min=0)
    return torch.minimum(level.squares.side / bend.sqrt(), scale)


class _Plane:
    """Sums over squares with a Gaussian's density, by (m_1, m_2, log s_1, log s_2)."""

    def __init__(self, centres: np.ndarray, log_area: float, log_joint: np.ndarray) -> None:
        self.centres, self.log_area, self.log_joint = centres, log_area, log_joint

    def mass(self, place: np.ndarray) -> float:
        """What the squares hold of it."""
        return float(np.exp(self._log_density(place)[0] + self.log_area).sum())

    def kl(self, place: np.ndarray) -> tuple[float, np.ndarray]:
        """Its KL to p(z|x) up to log p(x), and the gradient.

        Of the distribution over the squares that it is made into: where it lies between the centres or beyond them, its
        own sum would cost nothing, or less the further away it is.
        """
        log_density, offset = self._log_density(place)
        log_share = log_density - log_density.max()
        log_share -= math.log(np.exp(log_share).sum())
        share = np.exp(log_share)
        cost = log_share - self.log_area - self.log_joint
        value = float(share @ cost)
        slope = np.concatenate([offset / np.exp(place[2:]), offset**2 - 1], axis=1)  # of the log-density
        return value, (share * (cost - value)) @ slope

    def _log_density(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        offset = (self.centres - place[:2]) / np.exp(place[2:])
        return -0.5 * (offset**2).sum(1) - place[2:].sum() - LOG_2PI, offset
