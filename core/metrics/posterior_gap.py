"""One image's true posterior beside q(z|x), with two latent dimensions, and what the gap of its bound consists of.

    log p(x) - ELBO(x) = KL(q(z|x) || p(z|x)) = [the best Gaussian's KL] + [what the encoder, or its flow, adds to that]

The squares of ``core.metrics.refined`` hold the mass of p(z|x) and of q(z|x); the KL is a sum over them, the gap an
average over draws, so that the two can disagree.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.density import FINEST, Window, lattice_grid
from core.distributions import DiagonalNormal
from core.interpolation import POINTS, lagrange
from core.metrics.best_gaussian import best_gaussian
from core.metrics.estimate import over_examples
from core.metrics.latent_map import LatentMap
from core.metrics.quadrature import log_joint
from core.metrics.refined import Level, Posterior, Refined, refined
from core.posterior_records import ImagePosterior
from core.records import DensityGrid
from core.shapes import Images
from core.vae import VAE

CELLS = 128
DRAWS = 1024
BORDER, RINGS = 1e-3, (3, 7, 15)
"""Share of p(z|x) in the outermost squares from which the map is made wider; rings of squares that are tried."""
TAIL = 0.0005
"""Share of p(z|x), and of q(z|x), that the picture may leave out on each side."""
MARGIN = 0.12
"""Of the picture's side, on each side."""
WIDEST = 2048
"""Squares across a picture, at most, that are read between."""
DEPTH = 60.0
"""Nats under the highest value from which a picture shows nothing."""


@torch.inference_mode()
def image_posterior(
    vae: VAE, x: Images, *, around: LatentMap | None = None, cells: int = CELLS, draws: int = DRAWS, seed: int = 0
) -> ImagePosterior:
    """p(z|x) and q(z|x) of one image, log p(x), the bound and the KL between the two.

    Args:
        vae: in evaluation mode, with two latent dimensions.
        x: (1, pixels).
        around: of this model, where one is at hand; what does not cover this image is not used.
        cells: of the picture, along each side.
        draws: of q(z|x).
        seed: of the draws.

    Raises:
        ValueError: where the latent space has another dimension than 2, or there is not exactly one image.
        FloatingPointError: where encoder or decoder give numbers that are none.
    """
    if vae.prior.dim != 2 or len(x) != 1:
        raise ValueError(
            f"a posterior is drawn for one image and two latent dimensions; got {len(x)} images and d = {vae.prior.dim}"
        )
    x = x.to(next(vae.parameters()))
    generator = torch.Generator().manual_seed(seed)
    q = vae.posterior(x)
    z = q.sample(draws, generator=generator)[:, 0]
    if not torch.isfinite(z).all():
        raise FloatingPointError("the encoder gives a posterior of this image that is not finite")
    known = refined(vae, x, q, z, _covering(vae, x, z, around, seed))
    log_px, of_p, of_q = known.log_likelihood, known.of_p, known.of_q
    if not math.isfinite(log_px):
        raise FloatingPointError("the decoder gives this image a probability that is no number")
    weight = (of_q.log_q + of_q.log_area).exp()
    kl = float((weight * (of_q.log_q - of_q.log_joint + log_px)).sum())
    bound = over_examples(vae.terms(x, draws, generator=generator).elbo[:, 0])
    best = best_gaussian(known, _moments(q, z))
    noise = best.sample(draws, generator=generator)
    family = over_examples(best.log_prob(noise).double().cpu() - log_joint(vae, x, noise) + log_px)
    part = _window((of_p.squares.centres(), of_p.log_joint.softmax(0)), (of_q.squares.centres(), weight))
    mean, scale = best.mean.tolist(), torch.exp(0.5 * best.log_var).tolist()
    return ImagePosterior(
        _picture(known, known.settled, "log_joint", log_px, part, cells),
        _picture(known, known.whole, "log_q", 0.0, part, cells), log_px, known.error, bound,
        kl, float(weight.sum()), family, ((mean[0], mean[1]), (scale[0], scale[1])), draws, seed,
    )  # fmt: skip


def _covering(vae: VAE, x: Tensor, z: Tensor, around: LatentMap | None, seed: int) -> LatentMap:
    """The map that is at hand, or else one of this image's own, wide enough for its posteriors."""
    if around is not None and around.holds(z) and _at_border(around, x) < BORDER:
        return around
    own = LatentMap(vae, x, rings=RINGS[0], seed=seed)
    for rings in RINGS[1:]:
        if _at_border(own, x) < BORDER:
            break
        own = LatentMap(vae, x, rings=rings, seed=seed)
    return own


def _at_border(around: LatentMap, x: Tensor) -> float:
    return float(around.log_joint(x).softmax(0)[around.border].sum())


def _moments(q: Posterior, z: Tensor) -> DiagonalNormal:
    """q(z|x), of a flow the Gaussian with the moments of its draws; of shape (2,)."""
    if isinstance(q, DiagonalNormal):
        return DiagonalNormal(q.mean[0], q.log_var[0])
    return DiagonalNormal(z.mean(0), z.var(0).log())


def _window(*weighted: tuple[Tensor, Tensor]) -> Window:
    """A square around all but the tails of each set of places (n, 2) with its weights (n,)."""
    ends = []
    for centres, weight in weighted:
        for axis in (0, 1):
            place, order = centres[:, axis].sort()
            share = weight[order].cumsum(0) / weight.sum()
            first, last = torch.searchsorted(share, torch.tensor([TAIL, 1 - TAIL], dtype=share.dtype)).tolist()
            ends.append((axis, float(place[first]), float(place[min(last, len(place) - 1)])))
    low = [min(start for axis, start, _ in ends if axis == k) for k in (0, 1)]
    high = [max(end for axis, _, end in ends if axis == k) for k in (0, 1)]
    half = max(high[0] - low[0], high[1] - low[1], 1e-6) * (0.5 + MARGIN)
    centre = [(low[k] + high[k]) / 2 for k in (0, 1)]
    return Window((centre[0] - half, centre[0] + half), (centre[1] - half, centre[1] + half))


def _picture(known: Refined, number: int, of: str, shift: float, part: Window, cells: int) -> DensityGrid:
    """A density in the window, read between the centres of one level's squares.

    Where these are far smaller than a cell, their masses are summed up instead.
    """
    squares = known.levels[number].squares
    if part.x[1] - part.x[0] > WIDEST * squares.side:
        return _summed(known.levels[number], of, shift, part, cells)
    points = min(FINEST, max(2, math.ceil((part.x[1] - part.x[0]) / cells / squares.side)))
    places, rows = [], []
    for axis, edges in enumerate(part.edges(cells * points)):
        at = ((edges[1:] + edges[:-1]) / 2 - squares.low[axis]) / squares.side - 0.5
        first, last = int(at[0].floor()) - POINTS // 2, int(at[-1].ceil()) + POINTS // 2
        places.append(torch.arange(first, last + 1))
        rows.append(lagrange((at - first).numpy(), len(places[-1])))
    values = _painted(known, number, of, torch.cartesian_prod(*places)).view(len(places[0]), -1)
    lowest = float(values.max()) - DEPTH
    between = torch.from_numpy(rows[1] @ values.clamp(min=lowest).numpy().T @ rows[0].T)
    nearest = [torch.from_numpy(row.argmax(1)) for row in rows]
    known_here = (values > lowest)[nearest[0]][:, nearest[1]].T
    return lattice_grid(torch.where(known_here, between - shift, DensityGrid.FLOOR), part, points)


def _summed(level: Level, of: str, shift: float, part: Window, cells: int) -> DensityGrid:
    low = torch.tensor([part.x[0], part.y[0]], dtype=torch.float64)
    cell = (part.x[1] - part.x[0]) / cells
    at = ((level.squares.centres() - low) / cell).floor().long()
    inside = ((at >= 0) & (at < cells)).all(1)
    mass = (getattr(level, of) - shift + level.log_area).exp()[inside]
    summed = torch.bincount(at[inside, 1] * cells + at[inside, 0], mass, cells**2).view(cells, cells)
    return lattice_grid((summed / cell**2).log().clamp(min=DensityGrid.FLOOR), part, 1)


def _painted(known: Refined, number: int, of: str, place: Tensor) -> Tensor:
    """Log-densities at places of a level's lattice, (n,); of the larger square around where it has none."""
    values = torch.full((len(place),), -torch.inf, dtype=torch.float64)
    for up in range(number, -1, -1):
        level = known.levels[number - up]
        at = level.squares.find(place.div(2**up, rounding_mode="floor"))
        values = torch.where(at >= 0, getattr(level, of)[at], values)
    return values
