"""One view of q(z) against p(z): which plane, which images, and what is drawn in it.

plane      the latent space itself, where d = 2
pair       two of its dimensions
pca        the first two principal axes of q and p together
different  the direction that a linear classifier tells them apart by, and a principal axis at right angles to it;
           the classifier saw some of the images, the view shows the others
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from core import density, projections
from core.codes import Codes
from core.density import CELLS, Window
from core.latents import LatentCloud
from core.metrics.two_sample import most_different_direction
from core.priors import MixturePrior, Prior
from core.records import DensityGrid, Draws, Plane

VIEWS = ("plane", "pair", "pca", "different")
WINDOW_DRAWS = 5000


@dataclass(frozen=True)
class View:
    """A plane, and the posteriors that are drawn in it."""

    plane: Plane
    cloud: LatentCloud


def view(
    kind: str,
    cloud: LatentCloud,
    prior: Prior,
    *,
    dims: tuple[int | None, int | None] = (None, None),
    seed: int = 0,
) -> View:
    """The view of that kind.

    Args:
        kind: see above.
        cloud: posteriors behind q(z).
        prior: p(z).
        dims: for a pair, its two dimensions, counted from 0; None takes the most active one.
        seed: of draws and of the classifier.

    Raises:
        ValueError: for a plane of a space that has none, for a pair that is none, for too few images to split.
    """
    if kind == "different":
        if prior.dim < 2:
            raise ValueError("a plane needs two latent dimensions or more; this model has one")
        found = most_different_direction(cloud, prior, seed=seed)
        plane = projections.along(found.vector, "most different direction", cloud, prior, seed=seed)
        return View(plane, cloud.take(found.held_out.numpy()))
    return View(plane_of(kind, cloud, prior, dims=dims, seed=seed), cloud)


def plane_of(
    kind: str,
    codes: Codes,
    prior: Prior,
    *,
    dims: tuple[int | None, int | None] = (None, None),
    seed: int = 0,
) -> Plane:
    """The plane of a view that needs no more than draws: every kind but the most different direction.

    Args:
        kind: see above.
        codes: posteriors behind q(z), Gaussian or not.
        prior: p(z).
        dims: for a pair, its two dimensions, counted from 0; None takes the most active one.
        seed: of draws.

    Raises:
        ValueError: for a plane of a space that has none, for a pair that is none.
    """
    if kind == "plane":
        if prior.dim != 2:
            raise ValueError(f"the whole plane is shown for two latent dimensions; this model has {prior.dim}")
        return projections.whole_plane()
    if prior.dim < 2:
        raise ValueError("a plane needs two latent dimensions or more; this model has one")
    if kind == "pair":
        return projections.pair(*projections.active_pair(codes, dims), codes, prior, seed=seed)
    if kind == "pca":
        return projections.principal(codes, prior, seed=seed)
    raise ValueError(f"view must be one of {', '.join(VIEWS)}; got {kind!r}")


def window(shown: View, prior: Prior, *, seed: int = 0) -> Window:
    """The part of the plane that holds nearly all of q and of p."""
    return window_of(shown.plane, shown.cloud, prior, seed=seed)


def window_of(plane: Plane, codes: Codes, prior: Prior, *, seed: int = 0) -> Window:
    """The part of a plane that holds nearly all of q and of p, whatever q(z|x) is."""
    generator = torch.Generator().manual_seed(seed)
    draws = [codes.sample(WINDOW_DRAWS, generator=generator)[0], prior.sample(WINDOW_DRAWS, generator=generator)]
    return density.window([projections.project(plane, z) for z in draws])


@torch.inference_mode()
def cloud_grid(cloud: LatentCloud, plane: Plane, part: Window, cells: int = CELLS) -> DensityGrid:
    """The marginal of q(z) = (1/n) sum_i q(z|x_i) in the plane, exact, all n components."""
    mean, log_var = cloud.components()
    if (pair := projections.dimensions(plane)) is not None:
        return density.mixture_grid(mean[:, pair], log_var[:, pair], None, part, cells)
    equal = torch.full((len(mean),), -np.log(len(mean)), dtype=torch.float64)
    return density.full_mixture_grid(*projections.projected(plane, mean, log_var), equal, part, cells)


@torch.inference_mode()
def prior_grid(prior: Prior, plane: Plane, part: Window, cells: int = CELLS) -> DensityGrid | None:
    """The marginal of the prior in the plane: exact for Gaussians and their mixtures.

    A flow in the whole plane is evaluated at the centre of each cell; None for a flow in a plane of more dimensions,
    whose marginal there is not known: draw samples.
    """
    pair = projections.dimensions(plane)
    if pair is not None and isinstance(prior, MixturePrior):
        mean, log_var, log_weight = prior.components()
        return density.mixture_grid(mean[:, pair], log_var[:, pair], log_weight, part, cells)
    if (exact := projections.projected_prior(plane, prior)) is not None:
        return density.full_mixture_grid(*exact, part, cells)
    if prior.dim == 2 and pair == (0, 1):
        return density.function_grid(prior.log_prob, part, cells)
    return None


def places(shown: View, z: np.ndarray) -> np.ndarray:
    """(n, d) codes to (n, 2) places in the view, float32."""
    return projections.project(shown.plane, torch.from_numpy(z)).numpy()


def draws(shown: View, prior: Prior, n: int, *, seed: int = 0) -> Draws:
    """n draws of q(z), spread evenly over the images of the view, and n of p(z), with their places in the plane."""
    return draws_of(shown.plane, shown.cloud, prior, n, seed=seed)


@torch.inference_mode()
def draws_of(plane: Plane, codes: Codes, prior: Prior, n: int, *, seed: int = 0) -> Draws:
    """The same, whatever q(z|x) is."""
    generator = torch.Generator().manual_seed(_apart(seed))
    of_q, index = codes.sample(n, generator=generator)
    of_p = prior.sample(n, generator=generator)
    q, p = (projections.project(plane, z).numpy() for z in (of_q, of_p))
    images, labels = index.numpy(), codes.labels
    rows = codes.split_rows()[images]
    return Draws(q, p, of_q.numpy(), of_p.numpy(), rows, None if labels is None else labels[images])


def draws_of_block(shown: View, prior: Prior, n: int, number: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Places of n draws of q(z), one of each of n images, and of n of p(z): the images of no two numbers are the same.

    Args:
        shown: the view.
        prior: p(z).
        n: draws of each side.
        number: of the block of images, from 0; there are ``len(shown.cloud) // n``.
        seed: of the blocks and of all draws.

    Raises:
        ValueError: for a block that there is not.
    """
    blocks = len(shown.cloud) // n if n > 0 else 0
    if not 0 <= number < blocks:
        raise ValueError(f"there are {blocks} blocks of {n} of the {len(shown.cloud)} images; got number {number}")
    order = np.random.default_rng(np.random.SeedSequence([seed, 3])).permutation(len(shown.cloud))
    block = shown.cloud.take(order[n * number :][:n])
    words = np.random.SeedSequence([seed, 4, number]).generate_state(1)
    found = draws_of(shown.plane, block, prior, n, seed=int(words[0]))
    return found.q, found.p


def _apart(seed: int) -> int:
    """Another seed, so that what is drawn is never what the classifier was trained with (torch keeps 32 bits of it)."""
    return int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])
