"""One t-SNE map of draws of q(z) and p(z) together: which lie beside which, and nothing else.

t-SNE gives every point the room its neighbours need: sizes, gaps and densities of a map mean nothing, so no contour
belongs there. How far q is from p is measured in latent space (``core.metrics``); on the map only who is whose
neighbour, beside the same in latent space, to tell what the map makes of it.
What a map can be asked is whether neighbours in it are neighbours in latent space: its trustworthiness.
"""

from __future__ import annotations

import io
import math
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from core.embedding_file import MAX_POINTS, MIN_POINTS, read_embedding, write_embedding
from core.latents import LatentCloud
from core.priors.base import Prior
from core.progress import OnProgress
from core.records import Embedding

__all__ = ["embed", "read_embedding", "trustworthiness", "write_embedding"]

EXACT_POINTS = 5_000
"""Up to so many points scikit-learn's Barnes-Hut t-SNE makes the map, beyond it openTSNE's interpolation."""

NEIGHBOURS = 10
"""Neighbours of each point that trustworthiness looks at."""

TILE = 4_000_000
"""Distances held in memory at once while ranks are counted."""

_SKLEARN_STEPS = 1000
_OPENTSNE_STEPS = (250, 500)


@torch.no_grad()
def embed(
    cloud: LatentCloud,
    prior: Prior,
    *,
    n: int = 1000,
    perplexity: int | float = 30,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Embedding:
    """n draws of q(z) and n of p(z) in one map, started from their first two principal components.

    The draws of q(z) come from as many different images as there are. The same seed gives the same map on the same
    machine with the same libraries.

    Args:
        cloud: posteriors of the images, (images, d).
        prior: p(z) in the same d dimensions.
        n: draws of each side, 15 to 10,000.
        perplexity: about how many neighbours a point is arranged by, at least 2; at most (2n - 1) / 3 is used.
        seed: of draws and map, 0 to 2**32 - 1.
        on_progress: called with finished iterations, all of them, and what happens now.

    Returns:
        The map; its ``q_index`` counts within the cloud, as ``cloud.labels`` and ``cloud.split_rows()`` do.

    Raises:
        ValueError: an argument out of range; draws that are not finite, or all the same.

    References:
        van der Maaten and Hinton 2008, Visualizing Data using t-SNE; Kobak and Berens 2019, arXiv:1902.00984 (scaling
        and start); Linderman et al. 2019, arXiv:1712.09005 (interpolation).
    """
    _require_possible(cloud, prior, n, perplexity, seed)
    generator = torch.Generator().manual_seed(seed)
    q_z, index = cloud.sample(n, generator=generator)
    p_z = prior.sample(n, generator=generator).cpu()
    points = _standard(q_z.numpy(), p_z.numpy())
    report = on_progress or _silence
    used = min(float(perplexity), (2 * n - 1) / 3)
    start = time.perf_counter()
    # scikit-learn's forces take every OpenMP thread, whatever n_jobs says; with several, sums differ from run to run.
    with threadpool_limits(1):
        arranged = (_by_sklearn if 2 * n <= EXACT_POINTS else _by_opentsne)(points, used, seed, report)
    seconds = time.perf_counter() - start
    report(arranged.steps, arranged.total, "checking neighbours")
    return Embedding(
        q=arranged.positions[:n],
        p=arranged.positions[n:],
        q_z=q_z.numpy(),
        p_z=p_z.numpy(),
        q_index=index.numpy(),
        perplexity=used,
        asked=float(perplexity),
        seed=seed,
        divergence=arranged.divergence,
        trustworthiness=trustworthiness(points, arranged.positions),
        method=f"{arranged.method}, {arranged.steps:,} iterations from PCA; trustworthiness of {NEIGHBOURS} neighbours "
        f"among all {2 * n:,} points",
        seconds=seconds,
    )


def trustworthiness(points: np.ndarray, positions: np.ndarray, k: int = NEIGHBOURS) -> float:
    """Whether the k nearest in the map are near in the original space: 1 if all are, about 0.5 for a shuffled map.

    T(k) = 1 - 2 / (N k (2N - 3k - 1)) sum_i sum_{j in k nearest of i in the map} max(0, rank_i(j) - k)

    It is exact, with all points as possible neighbours; memory is bounded by a tile of distances.

    Args:
        points: (N, d), the original.
        positions: (N, 2), the map.
        k: number of neighbours, less than N / 2.

    Returns:
        A share in [0, 1].

    Raises:
        ValueError: too few points.

    References:
        Venna and Kaski 2001, Neighborhood preservation in nonlinear projection methods.
    """
    from sklearn.neighbors import NearestNeighbors

    count = len(points)
    if not 1 <= k < count / 2:
        raise ValueError(f"k is {k}, expected 1 to less than half of the {count} points")
    mapped = NearestNeighbors(n_neighbors=k, n_jobs=1).fit(positions).kneighbors(return_distance=False)
    original = points.astype(np.float64) - points.mean(0, dtype=np.float64)
    squares = (original**2).sum(1)
    beyond = 0
    for rows in np.array_split(np.arange(count), max(math.ceil(count * count / TILE), 1)):
        distance = squares - 2 * original[rows] @ original.T  # and + squares[rows], which changes no rank
        distance[np.arange(len(rows)), rows] = -np.inf  # a point is no neighbour of its own
        for near in mapped[rows].T:
            rank = (distance < distance[np.arange(len(rows)), near][:, None]).sum(1)  # itself counted: from 1
            beyond += int(np.maximum(rank - k, 0).sum())
    return 1 - 2 * beyond / (count * k * (2 * count - 3 * k - 1))


@dataclass(frozen=True)
class _Arranged:
    """positions (2n, 2) float32, final divergence in nats, iterations done and planned, and what made them."""

    positions: np.ndarray
    divergence: float
    steps: int
    total: int
    method: str


def _require_possible(cloud: LatentCloud, prior: Prior, n: int, perplexity: int | float, seed: int) -> None:
    if not isinstance(n, int) or not MIN_POINTS <= 2 * n <= MAX_POINTS:
        raise ValueError(
            f"n is {n!r}, expected {MIN_POINTS // 2} to {MAX_POINTS // 2:,} draws of each side: fewer make no map "
            "(look at the principal components), and more take too long"
        )
    if not math.isfinite(perplexity) or perplexity < 2:
        raise ValueError(f"perplexity is {perplexity!r}, expected a number of at least 2; 30 is usual")
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed!r}, expected an integer from 0 to 2**32 - 1")
    if cloud.mean.shape[1] != prior.dim:
        raise ValueError(
            f"the cloud has {cloud.mean.shape[1]} dimensions and the prior {prior.dim}; both must be of one model"
        )


def _standard(q_z: np.ndarray, p_z: np.ndarray) -> np.ndarray:
    """Both sides, q first, (2n, d) float32: centred, and of mean square 1, as t-SNE does not see the scale."""
    for name, values in (("q(z)", q_z), ("p(z)", p_z)):
        if not np.isfinite(values).all():
            raise ValueError(f"draws of {name} hold NaN or infinity: the model is broken; train it again")
    both = np.concatenate([q_z, p_z]).astype(np.float64)
    if (both == both[0]).all():
        raise ValueError("all draws of q(z) and p(z) are the same point, which makes no map; is the model trained?")
    both -= both.mean(0)
    return (both / math.sqrt((both**2).mean())).astype(np.float32)


def _first_positions(points: np.ndarray, seed: int) -> np.ndarray:
    """The two largest principal components, (2n, 2) float32, small as t-SNE needs them: standard deviation 1e-4.

    A hundredth of that is noise, or equal points would never part and a line could not leave its line.
    """
    axes = np.linalg.eigh(points.T.astype(np.float64) @ points)[1][:, ::-1][:, :2]
    positions = np.zeros((len(points), 2))
    positions[:, : axes.shape[1]] = points @ axes
    noise = np.random.default_rng(seed).normal(scale=1e-6, size=positions.shape)
    return (1e-4 * positions / positions[:, 0].std() + noise).astype(np.float32)


def _by_sklearn(points: np.ndarray, perplexity: float, seed: int, report: OnProgress) -> _Arranged:
    import sklearn
    from sklearn.manifold import TSNE

    report(0, _SKLEARN_STEPS, "finding neighbours")
    tsne = TSNE(
        perplexity=perplexity,
        init=cast(Any, _first_positions(points, seed)),
        max_iter=_SKLEARN_STEPS,
        random_state=seed,
        n_jobs=1,
        verbose=2,
    )
    with _printed_iterations(_SKLEARN_STEPS, report):
        positions = tsne.fit_transform(points)
    return _Arranged(
        positions.astype(np.float32),
        float(tsne.kl_divergence_),
        int(tsne.n_iter_) + 1,  # the attribute is the index of the last one
        _SKLEARN_STEPS,
        f"t-SNE by scikit-learn {sklearn.__version__} (Barnes-Hut)",
    )


def _by_opentsne(points: np.ndarray, perplexity: float, seed: int, report: OnProgress) -> _Arranged:
    import openTSNE
    from openTSNE.affinity import PerplexityBasedNN

    early, total = _OPENTSNE_STEPS[0], sum(_OPENTSNE_STEPS)
    finished = 0

    def after_fifty(iteration: int, error: float, positions: Any) -> bool:  # noqa: ARG001
        nonlocal finished
        finished = iteration if finished < early and iteration <= early else early + iteration
        report(finished, total, "arranging")
        return False  # True would stop it

    report(0, total, "finding neighbours")
    # Exact neighbours: at these sizes they are found sooner than approximate ones.
    affinities = PerplexityBasedNN(
        points, perplexity=cast(int, perplexity), method="exact", n_jobs=1, random_state=seed
    )
    tsne = openTSNE.TSNE(
        early_exaggeration_iter=early,
        n_iter=total - early,
        negative_gradient_method="fft",
        n_jobs=1,
        random_state=seed,
        callbacks=after_fifty,
        callbacks_every_iters=50,
    )
    arranged = tsne.fit(affinities=affinities, initialization=_first_positions(points, seed))
    method = f"t-SNE by openTSNE {openTSNE.__version__} (interpolated forces)"
    return _Arranged(np.asarray(arranged, np.float32), float(arranged.kl_divergence), total, total, method)


def _silence(done: int, total: int, message: str) -> None:
    """Nobody wants to know how far it is."""


class _Lines(io.TextIOBase):
    """Standard output that reports the iterations in one thread's lines, and passes on those of others."""

    def __init__(self, total: int, report: OnProgress) -> None:
        self._total, self._report = total, report
        self._thread, self._behind = threading.get_ident(), sys.stdout

    def write(self, text: str) -> int:
        if threading.get_ident() != self._thread:
            return self._behind.write(text)
        if found := re.search(r"Iteration (\d+):", text):
            self._report(int(found[1]), self._total, "arranging")
        return len(text)


@contextmanager
def _printed_iterations(total: int, report: OnProgress) -> Iterator[None]:
    """Progress of scikit-learn, which has no callback but prints: a line every 50 iterations."""
    before = sys.stdout
    sys.stdout = _Lines(total, report)
    try:
        yield
    finally:
        sys.stdout = before
