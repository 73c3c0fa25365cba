"""What the components of a mixture prior are good for: how much each is used, which are dead, which are duplicates.

Component k of p(z) = sum_k w_k p(z|k) is responsible for z by p(k|z) = w_k p(z|k) / p(z). Its usage is the mean of that
over the aggregated posterior of images that were not trained on, r_k = E_q(z)[p(k|z)]. A prior that is q(z) has r = w.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from core import bhattacharyya, mixture
from core.component_records import DEAD_SHARE, DUPLICATE, SATURATED, Components, Effective
from core.intervals import Z_95
from core.latents import LatentCloud
from core.priors import MixturePrior
from core.priors.vamp import VampPrior
from core.records import Estimate
from core.shapes import Latents

DRAWS = 20_000
"""Draws of q(z) behind the usage, at least; every image gives equally many."""
MOST = 2000
"""Components up to which all pairs are compared and all are shown."""
REPEATS = 5
"""Sets of random posteriors behind the null of the duplicates."""
ROWS = 1000


def why_not(prior: object) -> str | None:
    """Why a prior has no components to look at, None where it has."""
    if not isinstance(prior, MixturePrior):
        return "this prior is no mixture, so it has no components"
    count = len(prior.components()[0])
    if count < 2:
        return "this prior is one single Gaussian: there is nothing to choose from"
    if count > MOST:
        return f"this prior has {count:,} components, more than the {MOST:,} that are shown"
    return None


@torch.no_grad()
def responsibilities(z: Latents, prior: MixturePrior) -> Tensor:
    """p(k|z) = w_k N(z; mean_k, diag exp(log_var_k)) / p(z), in log space, a block of points at a time.

    Args:
        z: (n, d).
        prior: of K components.

    Returns:
        (n, K) float32; every row sums to 1.
    """
    components = prior.components()
    blocks = []
    for part in z.split(ROWS):
        joint = mixture.component_log_prob(part, *components)
        share = joint.sub_(joint.amax(1, keepdim=True)).clamp_(min=mixture.EXP_FLOOR).exp_()
        blocks.append(share.div_(share.sum(1, keepdim=True)))
    return torch.cat(blocks) if blocks else z.new_empty(0, len(components[0]))


@torch.no_grad()
def components(prior: MixturePrior, cloud: LatentCloud, *, seed: int = 0) -> Components:
    """Usage, dead and duplicated components, class mix, each with its error or beside its null.

    Args:
        prior: of K components, from 2 to ``MOST``.
        cloud: posteriors of images that the prior was not trained on.
        seed: of draws and shuffles.

    Raises:
        ValueError: for a prior whose components cannot be shown, with the reason.
    """
    if reason := why_not(prior):
        raise ValueError(reason)
    generator = torch.Generator().manual_seed(seed)
    mean, log_var, log_weight = prior.components()
    rounds = -(-DRAWS // len(cloud))
    share, rounded = _by_image(prior, cloud, rounds, generator)
    usage, error = _mean_and_error(share)
    dead = usage < DEAD_SHARE / len(mean)
    null = _null(prior, len(cloud), rounds, generator)
    pairs = bhattacharyya.distances(mean, log_var).fill_diagonal_(math.inf)
    nearest, neighbour = pairs.min(1)
    mix, purity, purity_null = _classes(share, cloud.labels, generator)
    return Components(
        weight=log_weight.double().exp().numpy(),
        usage=usage.numpy(),
        usage_se=error.numpy(),
        effective=_effective(share, usage, rounded, null[0]),
        dead=dead.numpy(),
        dead_range=_dead_range(usage, error, len(cloud)),
        dead_null=null[1],
        neighbour=neighbour.numpy(),
        neighbour_distance=nearest.numpy(),
        duplicate_pairs=int((pairs < DUPLICATE).sum()) // 2,
        pairs_null=_pairs_null(cloud, len(mean), generator),
        spread=log_var.double().mean(1).mul(0.5).exp().numpy(),
        class_mix=mix,
        images_behind=_images_behind(share),
        purity=purity,
        purity_null=purity_null,
        saturated=_saturated(prior),
        images=len(cloud),
        draws=rounds * len(cloud),
        seed=seed,
    )


def entropy(usage: Tensor) -> float:
    """H(r) = -sum_k r_k log r_k in nats, of shares (K,) that sum to 1."""
    return -float(torch.xlogy(usage, usage).sum())


def _by_image(prior: MixturePrior, cloud: LatentCloud, rounds: int, generator: torch.Generator) -> tuple[Tensor, float]:
    """(n, K) mean responsibilities over the draws of each image, and the mean H(r) of single rounds.

    The images are the sampling units. A round has one draw of each: as many as a set of the null, so that both fall
    below the entropy of infinitely many draws in the same way.
    """
    total, entropies = torch.zeros(len(cloud), len(prior.components()[0])), []
    for _ in range(rounds):
        z, index = cloud.sample(len(cloud), generator=generator)
        share = responsibilities(z, prior)
        total[index] += share
        entropies.append(entropy(share.double().mean(0)))
    return total / rounds, float(np.mean(entropies))


def _mean_and_error(share: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over the images, (K,) float64, and its standard error."""
    share = share.double()
    usage = share.mean(0)
    error = share.std(0) / math.sqrt(len(share)) if len(share) > 1 else torch.zeros_like(usage)
    return usage / usage.sum(), error


def _images_behind(share: Tensor) -> np.ndarray:
    """(sum r)^2 / sum r^2 of each component; 0 where it is responsible for nothing. In float32 squares become 0."""
    share = share.double()
    return (share.sum(0).square() / share.square().sum(0).clamp(min=1e-300)).numpy()


def _effective(share: Tensor, usage: Tensor, value: float, null: float) -> Effective:
    """exp(H(r)); the error of H is that of the mean of -sum_k r_ik log r_k, its first-order change with image i."""
    influence = -(share.double() @ usage.clamp(min=1e-300).log())
    se = float(influence.std() / math.sqrt(len(share))) if len(share) > 1 else 0.0
    low, high = (math.exp(value + side * Z_95 * se) for side in (-1, 1))
    return Effective(math.exp(value), low, high, math.exp(null), Estimate(value, se), null)


def _null(prior: MixturePrior, images: int, repeats: int, generator: torch.Generator) -> tuple[float, float]:
    """Mean H(r) and mean number of dead components over sets of ``images`` draws of the prior itself."""
    found = [responsibilities(prior.sample(images, generator=generator), prior).double() for _ in range(repeats)]
    usages = [share.mean(0) for share in found]
    dead = [int((usage < DEAD_SHARE / len(usage)).sum()) for usage in usages]
    return float(np.mean([entropy(usage) for usage in usages])), float(np.mean(dead))


def _dead_range(usage: Tensor, error: Tensor, images: int) -> tuple[int, int]:
    """How many are dead for certain and at most.

    What no image uses has no spread either, but a component with a usage of just the line l is missed by all n images
    in exp(-n l) of cases. Where K - D are alive, that share of them looks dead besides the D that are: told are the
    fewest D that explain what is seen, two standard deviations taken off.
    """
    count, line = len(usage), DEAD_SHARE / len(usage)
    missed = math.exp(-images * line)
    seen = int((usage + 2 * error < line).sum())
    chance = count * missed + 2 * math.sqrt(count * missed * (1 - missed))
    surely = max(0, math.ceil((seen - chance) / (1 - missed)))
    return min(surely, seen), int((usage - 2 * error < line).sum())


def _pairs_null(cloud: LatentCloud, count: int, generator: torch.Generator) -> float:
    """Pairs of duplicates among ``count`` posteriors of random images; scaled up where there are fewer images."""
    mean, log_var = cloud.components()
    taken = min(count, len(cloud))
    if taken < 2:
        return math.nan
    shares = []
    for _ in range(REPEATS):
        rows = torch.randperm(len(cloud), generator=generator)[:taken]
        pairs = bhattacharyya.distances(mean[rows], log_var[rows]).fill_diagonal_(math.inf)
        shares.append(float((pairs < DUPLICATE).sum()) / (taken * (taken - 1)))
    return float(np.mean(shares)) * count * (count - 1) / 2


def _classes(
    share: Tensor, labels: np.ndarray | None, generator: torch.Generator
) -> tuple[np.ndarray | None, float | None, float | None]:
    """Class mix (K, C), its usage-weighted purity, and the purity with shuffled labels."""
    if labels is None:
        return None, None, None
    classes, each = torch.from_numpy(labels.astype(np.int64)), share.double().T
    shuffled = classes[torch.randperm(len(classes), generator=generator)]
    empty = each.new_zeros(len(each), int(classes.max()) + 1)
    mass, chance = (empty.index_add(1, of, each) for of in (classes, shuffled))
    mix = mass / mass.sum(1, keepdim=True)  # 0 / 0 is nan: responsible for nothing
    pure, by_chance = (float(of.amax(1).sum() / each.sum()) for of in (mass, chance))
    return mix.numpy(), pure, by_chance


def _saturated(prior: MixturePrior) -> np.ndarray | None:
    if not isinstance(prior, VampPrior):
        return None
    u = prior.pseudo_inputs
    return ((u < SATURATED) | (u > 1 - SATURATED)).double().mean(1).numpy()
