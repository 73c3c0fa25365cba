"""One image's true posterior beside q(z|x), with two latent dimensions, and what the gap of its bound consists of.

    log p(x) - ELBO(x) = KL(q(z|x) || p(z|x)) = [the best Gaussian's KL] + [what the encoder, or its flow, adds to that]

The blocks of ``core.metrics.quadrature`` that hold the mass of p(z|x) or of q(z|x) are resolved finely; the KL is a sum
over their nodes, the gap an average over draws, so that the two can disagree.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from core.density import FINEST, Window, function_grid
from core.distributions import DiagonalNormal, standard_normal
from core.metrics.estimate import over_examples
from core.metrics.quadrature import BLOCK, KEPT, NODES, Blocks, Joint, fine_plane
from core.posterior_records import ImagePosterior
from core.posteriors import FlowedNormal
from core.records import DensityGrid
from core.shapes import Images
from core.vae import VAE

CELLS = 128
DRAWS = 2048
MOST = 2**14
"""Coarse cells over the whole plane: seldom reached, and then what is missed shows in ``error`` and ``mass``."""
SCOUTED, FITTED = 64, 256
"""Draws with which the best Gaussian is looked for from each start, and with which the search goes on from the best."""
STEPS = 60
"""Iterations of that search, from each start."""
ENOUGH = 1e-6
"""Relative improvement at which it ends: what is searched is an average over few draws."""
WRONG, MOST_NODES = 5e-4, 2**19
"""Error of the mass of q(z|x) at which its nodes are close enough, and nodes that are not exceeded for it."""
TAIL = 0.0005
"""Share of p(z|x), and of q(z|x), that the picture may leave out on each side."""
MARGIN = 0.12
"""Of the picture's side, on each side."""

LogDensity = Callable[[Tensor], Tensor]


@torch.inference_mode()
def image_posterior(vae: VAE, x: Images, *, cells: int = CELLS, draws: int = DRAWS, seed: int = 0) -> ImagePosterior:
    """p(z|x) and q(z|x) of one image, log p(x), the bound and the KL between the two.

    Args:
        vae: in evaluation mode, with two latent dimensions.
        x: (1, pixels).
        cells: of the picture, along each side.
        draws: of q(z|x).
        seed: of the draws.

    Raises:
        ValueError: where the latent space has another dimension than 2, or there is not exactly one image.
    """
    if vae.prior.dim != 2 or len(x) != 1:
        raise ValueError(
            f"a posterior is drawn for one image and two latent dimensions; got {len(x)} images and d = {vae.prior.dim}"
        )
    x = x.to(next(vae.parameters()))
    generator = torch.Generator().manual_seed(seed)
    q = vae.posterior(x)
    z = q.sample(draws, generator=generator)[:, 0]
    plane, refine, change, coarse = fine_plane(vae, x, seed=seed, most=MOST)
    chosen, left = _occupied(plane, coarse[:, 0].double().cpu(), z)
    nodes, log_q, refine = _resolved(q, plane, chosen, refine)
    cell = 2 * math.log(plane.side / BLOCK / refine)
    joint = _in_parts(lambda part: Joint(vae, part).log_joint(x)[0].double(), nodes)
    log_px = float(torch.logaddexp(joint.logsumexp(0) + cell, left))
    weight = (log_q + cell).exp()
    bound = over_examples(vae.terms(x, draws, generator=generator).elbo[:, 0])
    starts = _starts(q, z, nodes, joint)
    best = _best_gaussian(vae, x, starts, generator)
    noise = best.rsample(draws, generator=generator)
    family = over_examples(best.log_prob(noise).double() - Joint(vae, noise).log_joint(x)[0].double() + log_px)
    part = _window(nodes, (joint + cell - log_px).exp(), weight)
    true, approximate = (
        _grid(density, part, cells, plane, chosen, refine)
        for density in (lambda at: Joint(vae, at.to(x)).log_joint(x)[0] - log_px, lambda at: q.log_prob(at.to(x)))
    )
    mean, scale = best.mean.tolist(), torch.exp(0.5 * best.log_var).tolist()
    return ImagePosterior(
        true, approximate, log_px, float(change.max()), bound, float((weight * (log_q - joint + log_px)).sum()),
        float(weight.sum()), family, ((mean[0], mean[1]), (scale[0], scale[1])), draws, seed,
    )  # fmt: skip


def _occupied(plane: Blocks, coarse: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Blocks that p(z|x) or a draw of q(z|x) lies in, with the neighbours of the latter; log-mass of all others."""
    held = plane.containing(z).unique()
    corners = plane.corners[held[held >= 0]]
    steps = torch.cartesian_prod(*[torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)] * 2) * plane.side
    around = plane.containing((corners[:, None] + steps + plane.side / 2).flatten(0, 1)).unique()
    keep = coarse > coarse.logsumexp(0) - KEPT
    keep[around[around >= 0]] = True
    return keep.nonzero().squeeze(1), coarse.masked_fill(keep, -torch.inf).logsumexp(0)


def _resolved(
    q: DiagonalNormal | FlowedNormal, plane: Blocks, chosen: Tensor, refine: int
) -> tuple[Tensor, Tensor, int]:
    """Nodes in the chosen blocks, log q there, and the refinement at which these sum to a mass of 1.

    A bent q(z|x) may be far thinner than p(z|x), for which the first refinement was chosen.
    """
    like = q.base.mean if isinstance(q, FlowedNormal) else q.mean
    while True:
        nodes = plane.nodes(chosen, BLOCK * refine).to(like)
        log_q = _in_parts(lambda part: q.log_prob(part).double(), nodes)
        mass = float(log_q.exp().sum()) * (plane.side / BLOCK / refine) ** 2
        if abs(mass - 1) < WRONG or 4 * len(nodes) > MOST_NODES:
            return nodes, log_q, refine
        refine *= 2


def _in_parts(values: LogDensity, nodes: Tensor) -> Tensor:
    return torch.cat([values(part) for part in nodes.split(NODES)]).cpu()


def _starts(q: DiagonalNormal | FlowedNormal, z: Tensor, nodes: Tensor, joint: Tensor) -> list[DiagonalNormal]:
    """Where the search for the best Gaussian starts: q's own moments, those of p(z|x), and its highest peak."""
    own = q if isinstance(q, DiagonalNormal) else DiagonalNormal(z.mean(0)[None], z.var(0).log()[None])
    weight = joint.softmax(0).to(nodes)[:, None]
    mean = (weight * nodes).sum(0)
    log_var = (weight * (nodes - mean).square()).sum(0).log()
    peak = nodes[joint.argmax()]
    return [DiagonalNormal(own.mean[0], own.log_var[0]), DiagonalNormal(mean, log_var), DiagonalNormal(
        peak, torch.minimum(log_var, own.log_var[0]))]  # fmt: skip


def _best_gaussian(vae: VAE, x: Tensor, starts: list[DiagonalNormal], generator: torch.Generator) -> DiagonalNormal:
    """The diagonal Gaussian of least KL to p(z|x) that gradient descent finds from any start, on fixed draws."""
    few, many = (_even_noise(n, x, generator) for n in (SCOUTED, FITTED))
    scouted, best = min((_descended(vae, x, start, few) for start in starts), key=lambda pair: pair[0])
    if not math.isfinite(scouted):
        return starts[0]
    final, found = _descended(vae, x, best, many)
    return found if math.isfinite(final) else best


@torch.inference_mode(False)
@torch.enable_grad()
def _descended(vae: VAE, x: Tensor, start: DiagonalNormal, noise: Tensor) -> tuple[float, DiagonalNormal]:
    """KL to p(z|x), up to log p(x), and the Gaussian that descent from a start ends in; inf where it diverges."""
    from scipy.optimize import minimize  # torch's own L-BFGS imports a compiler first, which takes 1.7 s

    noise, x = noise.clone(), x.clone()

    def loss(place: np.ndarray) -> tuple[float, np.ndarray]:
        at = torch.from_numpy(place).to(x).requires_grad_()
        mean, log_scale = at.chunk(2)
        z = mean + log_scale.exp() * noise
        value = -(vae.decoder(z).log_prob(x) + vae.prior.log_prob(z)).mean() - log_scale.sum()
        slope = torch.autograd.grad(value, at)[0]
        return value.item(), slope.double().numpy(force=True)

    first = torch.cat([start.mean, 0.5 * start.log_var]).double().numpy(force=True)
    found = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "ftol": ENOUGH})
    mean, log_scale = torch.from_numpy(found.x).to(x).chunk(2)
    return float(found.fun) if math.isfinite(found.fun) else math.inf, DiagonalNormal(mean, 2 * log_scale)


def _even_noise(n: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal draws in pairs, z and -z, linearly mapped to covariance I: a quadratic is averaged exactly."""
    half = standard_normal((n // 2, 2), like, generator)
    spread = torch.linalg.cholesky(half.T @ half / len(half))
    half = torch.linalg.solve_triangular(spread, half.T, upper=False).T
    return torch.cat([half, -half])


def _window(nodes: Tensor, *weights: Tensor) -> Window:
    """A square around all but the tails of each weighted set of nodes."""
    ends = []
    for weight in weights:
        for axis in (0, 1):
            place, order = nodes[:, axis].double().cpu().sort()
            share = weight[order].cumsum(0) / weight.sum()
            first, last = torch.searchsorted(share, torch.tensor([TAIL, 1 - TAIL], dtype=share.dtype)).tolist()
            ends.append((axis, float(place[first]), float(place[min(last, len(place) - 1)])))
    low = [min(start for axis, start, _ in ends if axis == k) for k in (0, 1)]
    high = [max(end for axis, _, end in ends if axis == k) for k in (0, 1)]
    half = max(high[0] - low[0], high[1] - low[1], 1e-6) * (0.5 + MARGIN)
    centre = [(low[k] + high[k]) / 2 for k in (0, 1)]
    return Window((centre[0] - half, centre[0] + half), (centre[1] - half, centre[1] + half))


def _grid(density: LogDensity, part: Window, cells: int, plane: Blocks, chosen: Tensor, refine: int) -> DensityGrid:
    """A density in the window, evaluated in the occupied blocks alone and as finely as the quadrature does."""
    step = (part.x[1] - part.x[0]) / cells
    points = min(FINEST, max(1, math.ceil(step / (1.5 * plane.side / BLOCK / refine))))
    occupied = torch.zeros(len(plane.corners) + 1, dtype=torch.bool)  # the last one stands for "in no block"
    occupied[chosen] = True

    def log_prob(z: Tensor) -> Tensor:
        inside = occupied[plane.containing(z)]
        values = torch.full((len(z),), DensityGrid.FLOOR)
        if inside.any():
            values[inside] = _in_parts(lambda part: density(part).float(), z[inside]).clamp(min=DensityGrid.FLOOR)
        return values

    return function_grid(log_prob, part, cells, points)
