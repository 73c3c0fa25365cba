"""Is the aggregated posterior q(z) the prior p(z)? Two-sample tests in the full latent space.

One draw z ~ q(z|x_i) an image and no more: draws of one image's posterior are not independent draws of q(z). A test
that took them for that would find a difference where there is none, and a classifier could recognise the held-out draws
of an image by those it was trained on. So n is at most the number of images, and an image is in one half only.

One case has no fair test: a prior that is the mixture of these very images' posteriors. It repeats the images of both
halves, a narrow posterior's draw lies beside the prior's, and the accuracy falls *below* 0.5. That is no difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from core.intervals import wilson
from core.latents import LatentCloud
from core.metrics import mmd
from core.metrics.classifiers import CLASSIFIERS, FEWEST, classify, linear_weights, spread
from core.priors import Prior
from core.records import ClassifierTest, KernelTest, Share


@dataclass(frozen=True)
class Direction:
    """The direction in latent space along which a linear classifier tells q from p.

    Attributes:
        vector: (d,) float64, of length 1, in the coordinates of latent space; it points from p to q.
        held_out: (m,) int64, ascending: the images of the cloud that had no part in the choice. Only their draws show
            honestly how far apart q and p are along it; draws of the others were used to push the two apart.
    """

    vector: Tensor
    held_out: Tensor


def classifier_tests(cloud: LatentCloud, prior: Prior, *, n: int = 5000, seed: int = 0) -> tuple[ClassifierTest, ...]:
    """Held-out accuracy of every classifier that tells draws of q(z) from draws of p(z), with its Wilson interval.

    Half the images and half the prior draws train; the others are counted, as many of q as of p.

    The null value deals the same draws out anew, training and held-out halves each on their own, and sends them through
    the same classifier: both sides are then draws of (q + p) / 2. It keeps every size and every point, needs no more
    draws of a prior that may be slow to sample, and its mean is exactly 0.5. (Two halves of the images would halve n;
    p against p would not hold the places where only q lies.)

    Args:
        cloud: posteriors of at least 30 images.
        prior: p(z).
        n: draws of each side, at most one an image: fewer images mean fewer draws.
        seed: of draws, split and classifiers.

    Raises:
        ValueError: with fewer than 30 draws of each side, and for draws that are not finite.

    References:
        Lopez-Paz, Oquab (2017), Revisiting classifier two-sample tests, arXiv:1610.06545.
    """
    generator = torch.Generator().manual_seed(seed)
    q, p, _ = _draws(cloud, prior, n, generator)
    null_q, null_p = _dealt_anew(q, p, generator)
    tests = []
    for name in CLASSIFIERS:
        accuracy, held_out = classify(q, p, name, seed=seed)
        null, _ = classify(null_q, null_p, name, seed=seed)
        tests.append(ClassifierTest(name, Share(accuracy, *wilson(accuracy, held_out), held_out, null), len(q), seed))
    return tuple(tests)


def most_different_direction(cloud: LatentCloud, prior: Prior, *, n: int = 5000, seed: int = 0) -> Direction:
    """Weights of the logistic regression of ``classifier_tests`` (same n and seed: the same fit), as a unit vector.

    Args:
        cloud: posteriors of at least 30 images.
        prior: p(z).
        n: draws of each side, at most one an image; half of them choose the direction.
        seed: of draws and split.

    Raises:
        ValueError: as ``classifier_tests``; and when q and p give the classifier nothing to go by.
    """
    q, p, index = _draws(cloud, prior, n, torch.Generator().manual_seed(seed))
    half = len(q) // 2
    weight, _ = linear_weights(q[:half], p[:half])
    _, scale = spread(torch.cat([q[:half], p[:half]]))
    weight = weight / scale
    if not float(weight.norm()) > 0:
        raise ValueError("q(z) and p(z) differ along no direction: every draw of both is the same point")
    held_out = torch.ones(len(cloud), dtype=torch.bool)
    held_out[index[:half]] = False
    return Direction(weight / weight.norm(), held_out.nonzero()[:, 0])


def kernel_test(
    cloud: LatentCloud, prior: Prior, *, n: int = 2000, permutations: int = 500, seed: int = 0
) -> KernelTest:
    """Unbiased MMD^2 between draws of q(z) and draws of p(z), its null range and its permutation p-value.

    Args:
        cloud: posteriors of at least 30 images.
        prior: p(z).
        n: draws of each side, at most one an image. Memory grows as 16 n^2 bytes: 64 MB for 2,000.
        permutations: shuffles of the draws between the two sides, at least 39.
        seed: of draws and shuffles.

    Raises:
        ValueError: with fewer than 30 draws of each side, for draws that are not finite, and when all are one point.
    """
    q, p, _ = _draws(cloud, prior, n, torch.Generator().manual_seed(seed))
    return mmd.compare(q, p, permutations=permutations, seed=seed)


@torch.no_grad()
def _draws(cloud: LatentCloud, prior: Prior, n: int, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """As many draws of q as of p, (n, d) each, and the image of each draw of q: in random order, none twice."""
    if cloud.mean.shape[1] != prior.dim:
        raise ValueError(f"q(z) has {cloud.mean.shape[1]} dimensions and p(z) {prior.dim}; expected the same number")
    draws = min(n, len(cloud))
    if draws < FEWEST:
        raise ValueError(
            f"a two-sample test needs at least {FEWEST} draws of each side, at most one an image; "
            f"got n = {n} and {len(cloud)} images"
        )
    q, index = cloud.sample(draws, generator=generator)
    p = prior.sample(draws, generator=generator)
    for name, side in (("q(z)", q), ("p(z)", p)):
        if bad := int((~torch.isfinite(side)).any(1).sum()):
            raise ValueError(f"{bad} of {draws} draws of {name} hold NaN or infinity; the model may have diverged")
    return q, p, index


def _dealt_anew(q: Tensor, p: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """The same draws, dealt out at random to two sides; the halves that ``classify`` makes stay apart."""
    half = len(q) // 2
    sides: tuple[list[Tensor], list[Tensor]] = [], []
    for part in (slice(None, half), slice(half, None)):
        pooled = torch.cat([q[part], p[part]])
        for side, dealt in zip(sides, pooled[torch.randperm(len(pooled), generator=generator)].chunk(2), strict=True):
            side.append(dealt)
    return torch.cat(sides[0]), torch.cat(sides[1])
