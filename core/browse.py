"""Going about in a latent space: what a place in a view means, what lies near it, one dimension after another."""

from __future__ import annotations

import numpy as np
import torch

from core import mixture, projections
from core.browser_records import Neighbours, Ranges, Spacing, Traversal
from core.checkpoint import Checkpoint
from core.codes import Codes, codes_of
from core.gallery import decoded, stored_posteriors
from core.memorisation import latent_distances, typical_scale
from core.records import Draws, Plane

COMPARED = 1000
"""Stored images whose own nearest neighbour says what is near, at most."""
ROWS = 100
ENDS = (0.01, 0.99)
"""Shares of the draws of q(z) between which a dimension is gone through."""
DRAWS = 5000


def require_codes(checkpoint: Checkpoint) -> Codes:
    """The stored codes.

    Raises:
        ValueError: where there are none.
    """
    found = codes_of(checkpoint)
    if found is None:
        raise ValueError(f"checkpoint {checkpoint.name} holds no latents")
    return found


def base_of(codes: Codes, row: int | None) -> np.ndarray:
    """The code that keeps its other coordinates while a place in a plane is chosen, (d,) float64.

    Args:
        codes: of the model.
        row: of an image in its split, or None for the mean of all codes.

    Raises:
        ValueError: where the image's code is not stored.
    """
    if row is None:
        return codes.mean.astype(np.float64).mean(0)
    found = np.flatnonzero(codes.split_rows() == row)
    if not len(found):
        raise ValueError(f"there is no stored code of an image {row}")
    return codes.mean[found[0]].astype(np.float64)


def origin(plane: Plane, base: np.ndarray) -> np.ndarray:
    """The code at place (0, 0) of a plane through a base, (d,): a place y is the code origin + directions^T y.

    It shares with the base whatever the plane does not show: origin = b - W^T W (b - c).

    Args:
        plane: directions W (2, d) and centre c (d,).
        base: b, (d,).
    """
    return base - (plane.directions @ (base - plane.centre)) @ plane.directions


def lift(plane: Plane, base: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The codes at places of a plane through a base, (n, 2) to (n, d) float64; ``project`` undoes it."""
    return origin(plane, base) + at @ plane.directions


def project(plane: Plane, z: np.ndarray) -> np.ndarray:
    """Codes (n, d) to their places in a plane, (n, 2) float64."""
    return (z.astype(np.float64) - plane.centre) @ plane.directions.T


@torch.no_grad()
def spacing(checkpoint: Checkpoint, *, seed: int = 0) -> Spacing:
    """How near the codes of images usually are to each other.

    Args:
        checkpoint: with stored codes.
        seed: of the choice of images that are compared.

    Raises:
        ValueError: where no codes are stored.
    """
    codes, centre, scale = require_codes(checkpoint), stored_posteriors(checkpoint).centre, _scale(checkpoint)
    some = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))[:COMPARED]
    own = [latent_distances(centre[part], centre, scale).topk(min(2, len(codes)), largest=False).values[:, -1]
           for part in some.split(ROWS)]  # fmt: skip
    low, middle, high = np.quantile(torch.cat(own).numpy(), [0.05, 0.5, 0.95]).tolist()
    return Spacing(scale.numpy(), (low, middle, high), len(some))


@torch.no_grad()
def neighbours(checkpoint: Checkpoint, z: tuple[float, ...], count: int, usual: Spacing) -> Neighbours:
    """The stored images whose codes lie nearest to a place.

    Args:
        checkpoint: with stored codes.
        z: d coordinates.
        count: how many.
        usual: what ``spacing`` gives for this checkpoint.

    Raises:
        ValueError: where no codes are stored.
    """
    codes, centre = require_codes(checkpoint), stored_posteriors(checkpoint).centre
    distance = latent_distances(torch.tensor([z]), centre, torch.from_numpy(usual.scale))[0]
    order = distance.argsort(stable=True)[:count].numpy()
    labels = None if codes.labels is None else codes.labels[order]
    return Neighbours(codes.split_rows()[order], distance.numpy()[order], usual, labels)


def _scale(checkpoint: Checkpoint) -> torch.Tensor:
    """Typical standard deviation of a posterior in each dimension, (d,); of draws around its centre for a flow."""
    if checkpoint.latents is not None:
        return typical_scale(checkpoint.latents.components()[1])
    found = stored_posteriors(checkpoint)
    spread = found.sample(8, generator=torch.Generator().manual_seed(0)).double() - found.centre.double()
    return spread.square().mean((0, 1)).sqrt()


def ranges(codes: Codes, *, seed: int = 0) -> Ranges:
    """How active each dimension is, and from where to where q(z) reaches in it.

    Args:
        codes: of a model.
        seed: of the draws behind the quantiles.

    References:
        Burda, Grosse, Salakhutdinov (2016), Importance weighted autoencoders, arXiv:1509.00519: a dimension is active
        above 0.01.
    """
    draws = codes.sample(DRAWS, generator=torch.Generator().manual_seed(seed))[0].numpy()
    low, high = np.quantile(draws.astype(np.float64), ENDS, axis=0)
    return Ranges(codes.mean.astype(np.float64).var(0), low, high)


@torch.no_grad()
def traversals(
    checkpoint: Checkpoint, z: tuple[float, ...], count: int, steps: int, known: Ranges
) -> tuple[Traversal, ...]:
    """The most active dimensions one by one, each from the 1 % to the 99 % quantile of q(z) in it, the others as in z.

    Args:
        checkpoint: with a decoder.
        z: d coordinates.
        count: of dimensions.
        steps: values of each.
        known: of the model's codes.

    Raises:
        ValueError: where z has another length.
    """
    if len(z) != len(known.activity):
        raise ValueError(f"z must be {len(known.activity)} numbers; got {len(z)}")
    chosen = np.argsort(-known.activity, kind="stable")[:count]
    values = np.linspace(known.low[chosen], known.high[chosen], steps, axis=1)
    at = np.tile(np.array(z, np.float64), (len(chosen), steps, 1))
    at[np.arange(len(chosen)), :, chosen] = values
    images = decoded(checkpoint, at.reshape(-1, len(z)))
    images = images.reshape(len(chosen), steps, *images.shape[1:])
    return tuple(
        Traversal(int(j), float(known.activity[j]), value, image)
        for j, value, image in zip(chosen, values, images, strict=True)
    )


@torch.inference_mode()
def densities_at(
    checkpoint: Checkpoint, draws: Draws
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray, np.ndarray]:
    """log q at the draws of q and of p, None each where it is not known, then log p at both, (n,) float32 in nats.

    A draw of q leaves out the component it came from.

    Args:
        checkpoint: with stored codes.
        draws: of its q(z) and p(z).
    """
    cloud, prior = checkpoint.latents, checkpoint.vae.prior
    of_q, of_p = torch.from_numpy(draws.q_z), torch.from_numpy(draws.p_z)
    log_p = [prior.log_prob(z).float().numpy() for z in (of_q, of_p)]
    if cloud is None:
        return None, None, log_p[0], log_p[1]
    own = torch.from_numpy(np.searchsorted(cloud.split_rows(), draws.rows)) if len(cloud) > 1 else None
    log_q = mixture.log_prob(of_q, *cloud.components(), exclude=own), mixture.log_prob(of_p, *cloud.components())
    return log_q[0].float().numpy(), log_q[1].float().numpy(), log_p[0], log_p[1]


def nearest_draw(draws: Draws, at: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """The code (d,) of the draw whose place (2,) is nearest to one in a map, and that place: a map has no inverse."""
    places, codes = np.concatenate([draws.q, draws.p]), np.concatenate([draws.q_z, draws.p_z])
    found = int(((places.astype(np.float64) - at) ** 2).sum(1).argmin())
    return codes[found].astype(np.float64), places[found].astype(np.float64)


def posterior_ellipses(checkpoint: Checkpoint, plane: Plane, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """q(z|x) of images in a plane, where a Gaussian stays one: means (m, 2) and covariances (m, 2, 2).

    Args:
        checkpoint: with Gaussian posteriors.
        plane: two directions.
        rows: of the images in their split; those that are not stored are left out.

    Raises:
        ValueError: where the posteriors are not Gaussian.
    """
    cloud = checkpoint.latents
    if cloud is None:
        raise ValueError(f"checkpoint {checkpoint.name} holds no Gaussian latents")
    index = np.flatnonzero(np.isin(cloud.split_rows(), rows))
    mean, log_var = (part[torch.from_numpy(index)] for part in cloud.components())
    means, covariances = projections.projected(plane, mean, log_var)
    return means.numpy(), covariances.numpy()


def posterior_in(plane: Plane, mean: np.ndarray, log_var: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One Gaussian posterior in a plane: mean (2,) and covariance (2, 2).

    Args:
        plane: two directions.
        mean: (d,) of the posterior.
        log_var: (d,) of it.
    """
    means, covariances = projections.projected(plane, torch.from_numpy(mean)[None], torch.from_numpy(log_var)[None])
    return means[0].numpy(), covariances[0].numpy()
