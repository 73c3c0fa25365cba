"""Two-dimensional latents without sampling: log p(x) by quadrature over z, and the gap of the bound.

    log p(x) = log of the integral of p(x|z) p(z) over z, here a sum over the midpoints of square cells

The integrand of one image may be 0.02 wide in a plane 30 across, so that a grid fine enough everywhere would cost
millions of decoded nodes for every image. Two levels do: a coarse grid over the whole plane tells for each image which
blocks hold its mass, modes that the encoder does not know of among them, and only these are refined. What is not
refined still counts, with its coarse sum. For Bernoulli pixels log p(x|z) of many images and nodes is one matrix
product.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from core import dense, mixture
from core.distributions import Bernoulli
from core.latents import posteriors
from core.metrics.extent import Extent, extent_of
from core.shapes import Images
from core.vae import VAE

BLOCK = 8
"""Coarse cells along a block's side."""
ACROSS = 64
"""Coarse cells across the plane, at least: an encoder that is far too unsure would make them too wide."""
STEPS = ((1.0, 3), (1.0, 6), (0.5, 6), (0.25, 6), (0.25, 12))
"""What is tried in turn: size of the coarse cells, as a multiple of the first choice, and fine cells along a side."""
KEPT = 14.0
"""A block within this many nats of an image's whole mass is refined: e^-14 = 8e-7 of it."""
REACH = 6.0
"""Posterior standard deviations around each mean that the plane includes."""
BORDER, RINGS = 1e-3, (1, 3, 7)
"""Share of a checked image's p(z|x) in the outermost blocks from which the plane is widened; rings of extra blocks."""
NODES, PAIRS = 2048, 2**22
"""Nodes decoded at once; images x nodes (x pixels where the likelihood must be broadcast) held at once."""
MOST_CELLS = 2**20
"""Coarse cells, or cells of the mixture's own grid, that are not exceeded."""


@dataclass(frozen=True)
class LogLikelihood:
    """log p(x) by quadrature.

    Attributes:
        value: (n,) float64 nats.
        error: largest difference in nats, over ``checked`` images, between this grid and the same one half a coarse
            and half a fine cell further along both axes. The leading errors of the two have opposite signs, so that
            it is about twice the error of either.
        error_rms: root mean square of that difference.
        checked: number of images of the check: the narrowest and the outermost posteriors, and an even choice of the
            others.
        spacing: between fine nodes, in latent units.
        prior_mass: integral of p(z) over the plane, 1 where nothing of the prior lies outside (coarse grid).
        border: the largest share of an image's p(z|x) that lies in the outermost blocks. What lies beyond the plane is
            missing from that image's value; it is of this order.
    """

    value: Tensor
    error: float
    error_rms: float
    checked: int
    spacing: float
    prior_mass: float
    border: float


@dataclass(frozen=True)
class Blocks:
    """Square blocks that cover the prior and the posteriors: (m, 2) lower corners and the length of a side."""

    corners: Tensor
    side: float

    def nodes(self, chosen: Tensor, across: int) -> Tensor:
        """Cell centres of the chosen blocks, (blocks * across^2, 2), a block's together."""
        offset = (torch.arange(across, dtype=torch.float64) + 0.5) * (self.side / across)
        return (self.corners[chosen][:, None] + torch.cartesian_prod(offset, offset)).flatten(0, 1)

    def border(self) -> Tensor:
        """Which blocks are outermost, (m,)."""
        return ((self.corners == self.corners.amin(0)) | (self.corners == self.corners.amax(0))).any(1)


@torch.inference_mode()
def log_likelihood_2d(
    vae: VAE,
    x: Images,
    *,
    tolerance: float = 0.01,
    check: int = 64,
    seed: int = 0,
    on_progress: Callable[[int], object] | None = None,
) -> LogLikelihood:
    """log p(x) of each image for a model with two latent dimensions, to within an error that is measured.

    The coarse spacing is twice the smallest standard deviation of a posterior, or less; the fine one a third of that.
    Both are made smaller, ``STEPS`` times at most, until no checked image differs between two shifted grids by more
    than ``tolerance``: look at the record's ``error``.

    Args:
        vae: the model, in evaluation mode.
        x: (n, pixels).
        tolerance: nats.
        check: images of the check.
        seed: of the prior draws that tell how far the plane reaches.
        on_progress: told the share of the last pass that is done, in per cent.

    Raises:
        ValueError: where the latent space has another dimension than 2, or there is no image.
    """
    if vae.prior.dim != 2 or not len(x):
        raise ValueError(
            f"quadrature needs two latent dimensions and an image; got d = {vae.prior.dim} and {len(x)} images; "
            "use core.metrics.likelihood.log_marginal in more dimensions"
        )
    extent = extent_of(posteriors(vae, x), seed=seed)
    points = vae.prior.sample(5000, generator=torch.Generator().manual_seed(seed)).cpu().double()
    reached = torch.cat([points, extent.reached])
    plane, refine, change = _fine_enough(vae, x[_to_check(extent, check)], extent, reached, tolerance)
    value, prior_mass, border = _integrate(vae, x, plane, refine, on_progress)
    rms = float(change.square().mean().sqrt())
    return LogLikelihood(value, float(change.max()), rms, len(change), plane.side / BLOCK / refine, prior_mass, border)


def total_error(found: LogLikelihood) -> float:
    """How wrong a value may be, in nats: the grid's error, and the mass at the border, beyond which may be more."""
    return found.error - math.log1p(-found.border)


def plane_over(
    mean: Tensor,
    log_var: Tensor,
    points: Tensor,
    side: float,
    widest: float = math.inf,
    rings: int = 1,
) -> Blocks:
    """Blocks over the points and over every posterior's surroundings, and ``rings`` more on every side.

    ``side`` is cut down where a cell would be wider than the share ``widest`` of the plane, and raised where there
    would be too many cells.
    """
    reach = REACH * torch.exp(0.5 * log_var.double())
    around = torch.cat([mean.double() - reach, mean.double() + reach, points])
    low, extent = around.amin(0), around.amax(0) - around.amin(0)
    side = min(side, widest * BLOCK * float(extent.max()))
    side = max(side, BLOCK * math.sqrt(float(extent.prod()) / MOST_CELLS))
    counts = (extent / side).floor().long() + 1 + 2 * rings
    low = low - (counts * side - extent) / 2  # what is added is added on both sides
    steps = [low[axis] + side * torch.arange(int(counts[axis]), dtype=torch.float64) for axis in (0, 1)]
    return Blocks(torch.cartesian_prod(*steps), side)


def _fine_enough(vae: VAE, x: Tensor, extent: Extent, points: Tensor, tolerance: float) -> tuple[Blocks, int, Tensor]:
    """The first of ``STEPS`` at which two shifted grids agree on the images x, or the last, and their differences."""
    step = ring = 0
    while True:
        share, refine = STEPS[step]
        side = 2 * share * extent.narrowest * BLOCK
        plane = plane_over(extent.mean, extent.log_var, points, side, share / ACROSS, RINGS[ring])
        # about half a coarse cell, and an odd number of halves of a fine one
        shifted = Blocks(plane.corners + (refine // 2 + 0.5) / refine * plane.side / BLOCK, plane.side)
        first, _, border = _integrate(vae, x, plane, refine)
        if border > BORDER and ring < len(RINGS) - 1:
            ring += 1
            continue
        change = (first - _integrate(vae, x, shifted, refine)[0]).abs()
        step += 1
        if float(change.max()) <= tolerance or step == len(STEPS):
            return plane, refine, change


def _to_check(extent: Extent, check: int) -> Tensor:
    """Half the narrowest posteriors, half an even choice of the rest, and the four outermost."""
    mean, order = extent.mean, extent.size.argsort()
    even = torch.linspace(0, len(order) - 1, max(1, check - check // 2)).long()
    return torch.cat([order[: check // 2], order[even], mean.argmin(0), mean.argmax(0)]).unique()


def _integrate(
    vae: VAE, x: Tensor, plane: Blocks, refine: int, on_progress: Callable[[int], object] | None = None
) -> tuple[Tensor, float, float]:
    """log p(x) on one grid, (n,) float64, the prior's mass in it and the largest share of an image in its border."""
    parameter = next(vae.parameters())
    x = x.to(parameter)
    coarse, prior_mass = coarse_masses(vae, x, plane)  # (blocks, n)
    total = coarse.logsumexp(0)
    border = float((coarse[plane.border()].logsumexp(0) - total).exp().max())
    refined = coarse > total - KEPT
    value = coarse.masked_fill(refined, -torch.inf).logsumexp(0).double()
    busy = refined.any(1).nonzero().squeeze(1)
    for done, block in enumerate(busy, 1):
        field = Joint(vae, plane.nodes(block[None].cpu(), BLOCK * refine).to(parameter))
        rows = refined[block].nonzero().squeeze(1)
        mass = torch.cat([_log_sum(field.log_joint(x[part]).double()) for part in field.batches(rows)])
        value[rows] = torch.logaddexp(value[rows], mass + 2 * math.log(plane.side / BLOCK / refine))
        if on_progress is not None:
            on_progress(100 * done // len(busy))
    return value.cpu(), prior_mass, border


def coarse_masses(vae: VAE, x: Tensor, plane: Blocks) -> tuple[Tensor, float]:
    """Log-mass of every block for every image from its coarse cells, (blocks, n) float32; the prior's mass."""
    log_area = 2 * math.log(plane.side / BLOCK)
    parts, prior_mass = [], 0.0
    for group in torch.arange(len(plane.corners)).split(NODES // BLOCK**2):
        field = Joint(vae, plane.nodes(group, BLOCK).to(x))
        prior_mass += float((field.log_prior.double() + log_area).exp().sum())
        rows = [field.log_joint(part).view(len(part), len(group), -1) for part in field.batches(x)]
        parts.append(torch.cat([_log_sum(tile) for tile in rows]).T.float() + log_area)
    return torch.cat(parts), prior_mass


def _log_sum(tile: Tensor) -> Tensor:
    """logsumexp over the last axis, in place; clamped as in core.mixture, whose reason holds here."""
    peak = tile.amax(-1, keepdim=True)
    return tile.sub_(peak).clamp_(min=mixture.EXP_FLOOR).exp_().sum(-1).log_().add_(peak.squeeze(-1))


def log_joint(vae: VAE, x: Images, z: Tensor) -> Tensor:
    """log p(x, z) of one image (1, pixels) at places (n, 2), (n,) float64."""
    parts = z.to(x).split(NODES)
    return torch.cat([Joint(vae, part).log_joint(x)[0] for part in parts]).double().cpu()


class Joint:
    """log p(x|z) + log p(z) on g decoded nodes."""

    def __init__(self, vae: VAE, z: Tensor) -> None:
        self.likelihood = vae.decoder(z)
        self.log_prior = vae.prior.log_prob(z)
        self.constant = self.log_prior
        if isinstance(self.likelihood, Bernoulli):
            self.constant = self.log_prior - self.likelihood.log_normaliser()

    def batches(self, x: Tensor) -> tuple[Tensor, ...]:
        """Images or rows, as many at a time as memory is meant to hold."""
        width = 1 if isinstance(self.likelihood, Bernoulli) else self.likelihood.event_shape[0]
        return x.split(max(1, PAIRS // (len(self.log_prior) * width)))

    def log_joint(self, x: Tensor) -> Tensor:
        """(n, g) in nats."""
        if isinstance(self.likelihood, Bernoulli):  # sum_j x_j l_j - log(1 + exp(l_j))
            return dense.linear(x, self.likelihood.logits, self.constant)
        return self.likelihood.log_prob(x[:, None]) + self.log_prior
