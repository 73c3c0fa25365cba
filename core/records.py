"""The values that cross from the calculations to figures and pages: frozen, numpy or plain Python, no torch.

Every log-density is in nats. Every share is a fraction in [0, 1], not a percentage.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

HDR_SHARES = (0.5, 0.8, 0.95)
"""Shares of a distribution's own mass that its highest-density contours enclose."""
QUANTILE = 0.01
"""Places less dense than this quantile of a distribution's own draws are said to have none of it: holes and leaks."""


@dataclass(frozen=True)
class Estimate:
    """A Monte Carlo estimate with its standard error, both in the same unit (nats unless said otherwise)."""

    value: float
    se: float

    def as_dict(self) -> dict[str, float]:
        """``{"value": ..., "se": ...}``, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """Value ± one standard error, with as many decimals as the error needs to be seen."""
        decimals = 2 if self.se >= 0.01 or self.se == 0 else 3
        return f"{self.value:.{decimals}f} ± {self.se:.{decimals}f}".replace("-", "−")


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval, and what it would be if the two distributions were one.

    Attributes:
        value: the share, in [0, 1].
        low: lower end of the interval.
        high: upper end of the interval.
        n: number of independent items behind the interval: the draws, or the images behind q(z) where these are fewer.
        null: one trial of the same count with draws of one distribution; its mean is ``QUANTILE``, or 0.5.
    """

    value: float
    low: float
    high: float
    n: int
    null: float

    def as_dict(self) -> dict[str, float]:
        """All five numbers, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class CurvePoint:
    """An estimate that depends on an effort, such as the number of samples.

    Attributes:
        at: the effort: components of a minibatch, importance samples.
        estimate: in nats.
        ess: median effective sample size behind it, None where that means nothing.
    """

    at: int
    estimate: Estimate
    ess: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        """``{"at", "value", "se", "ess"}``, ready for JSON."""
        return {"at": self.at, **self.estimate.as_dict(), "ess": self.ess}


@dataclass(frozen=True)
class ClassifierTest:
    """A classifier two-sample test: how well a classifier tells draws of q from draws of p it has not seen.

    Attributes:
        classifier: its name, as shown to a person.
        accuracy: held-out accuracy with its Wilson interval; ``null`` is that of the same classifier, trained and
            tested in the same way on two sets of draws of one distribution. 0.5 means no difference was found.
        draws: of each side, training and held-out together.
        seed: of draws, split and classifier.
    """

    classifier: str
    accuracy: Share
    draws: int
    seed: int


@dataclass(frozen=True)
class KernelTest:
    """The unbiased squared maximum mean discrepancy, 0 on average where the two distributions are one.

    Attributes:
        value: MMD^2, without unit; may be negative.
        null_low, null_high: range that holds 95 % of its values when draws are shuffled between the two sides.
        p_value: share of shuffles, this one included, that reach the value.
        permutations: number of shuffles.
        draws: of each side.
        seed: of draws and shuffles.
    """

    value: float
    null_low: float
    null_high: float
    p_value: float
    permutations: int
    draws: int
    seed: int


@dataclass(frozen=True)
class DensityGrid:
    """A two-dimensional density on a regular grid of cells.

    Attributes:
        x: (nx,) cell centres along the first latent dimension, ascending, equally spaced.
        y: (ny,) cell centres along the second.
        log_density: (ny, nx) float32; natural logarithm of the cell's density; ``-inf`` nowhere (floored at ``FLOOR``).
        mass: probability inside the window; 1 means nothing is cut off.
        levels: log-density thresholds, one for each share in ``HDR_SHARES`` and in that order (so descending):
            the cells above ``levels[k]`` hold the share ``HDR_SHARES[k]`` of the whole distribution's mass.
            ``nan`` where the window holds less than that share.
    """

    x: np.ndarray
    y: np.ndarray
    log_density: np.ndarray
    mass: float
    levels: tuple[float, ...]

    FLOOR = -700.0
    """Log-densities below this are reported as this: it is where float64 densities end."""


@dataclass(frozen=True)
class DimensionInformation:
    """How much each of the d latent dimensions is used.

    Attributes:
        information: I(n; z_j) of each, nats: 0 where all images have one posterior, at most log n. Dimensions may tell
            the same, so that the sum says nothing. The standard error is over images and draws.
        activity: variance over the images of each dimension's posterior mean.
        draws: of each dimension, from the posteriors of as many images.
        n: number of images, all of them components of q(z_j).
    """

    information: tuple[Estimate, ...]
    activity: tuple[float, ...]
    draws: int
    n: int


@dataclass(frozen=True)
class Mismatch:
    """How much of the prior lies where the data does not (holes), and the reverse (leaks); 1 % without a difference.

    Attributes:
        holes: share of prior draws whose log q(z) is under the 1 % quantile of log q at held-out posterior draws.
        leaks: share of posterior draws whose log p(z) is under the 1 % quantile of log p at prior draws.
        seed: of the draws.
    """

    holes: Share
    leaks: Share
    seed: int


@dataclass(frozen=True)
class Distance:
    """How far the prior is from q(z), by draws in the full latent space; every measure has its null beside it."""

    mismatch: Mismatch
    classifiers: tuple[ClassifierTest, ...]
    kernel: KernelTest


@dataclass(frozen=True)
class CheckpointInfo:
    """One line of the list of checkpoints. A broken one has an ``error`` and nothing else worth reading.

    Attributes:
        name: folder name, unique within its root.
        digest: content hash of weights, configuration and latents; "" where broken.
        error: why it cannot be used, or None.
        dataset, prior, latent_dim, image_shape, likelihood, binarisation: from config.json.
        posterior: key of the posterior; "gaussian" where q(z) is a mixture of Gaussians, of exactly known density.
        prior_title, posterior_title: their names as shown to a person.
        data_seed: seed of the data set's split and of its stored binarisation.
        images: number of images whose posteriors are stored; 0 where there are none, and nothing of q(z) can be drawn.
        split, total: where these images come from, and how many are there of which these are stored; "" and 0 without.
        metrics: evaluation by split name, as `python -m core evaluate` wrote it.
        seeds: training seeds behind the evaluations, that of the stored weights first; () where nothing was trained.
        other_seeds: evaluations by split of the same recipe under each other seed; their weights are not stored.
        pictured: whether images of the stored codes can be shown: by the decoder, or because they came with the codes.
    """

    name: str
    digest: str = ""
    error: str | None = None
    dataset: str = ""
    prior: str = ""
    prior_title: str = ""
    posterior: str = ""
    posterior_title: str = ""
    latent_dim: int = 0
    image_shape: tuple[int, ...] = ()
    likelihood: str = ""
    binarisation: str = ""
    data_seed: int = 0
    images: int = 0
    split: str = ""
    total: int = 0
    metrics: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    other_seeds: dict[int, dict[str, Any]] = field(default_factory=dict)
    pictured: bool = True

    @property
    def decodes(self) -> bool:
        """Whether it has a decoder; imported latents have none."""
        return self.likelihood != "none"

    @property
    def of_gaussians(self) -> bool:
        """Whether q(z) is a mixture of Gaussians, whose density is known everywhere."""
        return self.posterior == "gaussian"


@dataclass(frozen=True)
class Plane:
    """Two orthonormal directions in latent space. A code z is drawn at ``directions @ (z - centre)``.

    Attributes:
        directions: (2, d) float64, orthonormal rows.
        centre: (d,) float64.
        axes: what the two axes are called.
        explained: share of the pooled variance of q and p along each axis, in [0, 1].
    """

    directions: np.ndarray
    centre: np.ndarray
    axes: tuple[str, str]
    explained: tuple[float, float]


@dataclass(frozen=True)
class Draws:
    """Equal numbers of draws of q(z) and p(z), with their places in a two-dimensional view.

    Attributes:
        q, p: (n, 2) float32 places.
        q_z, p_z: (n, d) float32 the draws themselves.
        rows: (n,) int64 row in its split of the image that each posterior draw came from.
        labels: (n,) class of that image, or None where the data has none.
    """

    q: np.ndarray
    p: np.ndarray
    q_z: np.ndarray
    p_z: np.ndarray
    rows: np.ndarray
    labels: np.ndarray | None


@dataclass(frozen=True)
class Embedding:
    """One t-SNE map of equal numbers of draws of q(z) and p(z). Positions, sizes and gaps in it are not to scale.

    Attributes:
        q, p: (n, 2) float32 positions of the draws.
        q_z, p_z: (n, d) float32 the draws themselves.
        q_index: (n,) int64 image each posterior draw came from.
        perplexity: used; smaller than ``asked`` where that was too large for the number of points.
        asked: perplexity asked for.
        seed: of draws and map.
        divergence: final Kullback-Leibler divergence of the map, in nats.
        trustworthiness: share in [0, 1]; 1 means that neighbours in the map are neighbours in latent space.
        method: library and algorithm, in words.
        seconds: that the map took.
    """

    q: np.ndarray
    p: np.ndarray
    q_z: np.ndarray
    p_z: np.ndarray
    q_index: np.ndarray
    perplexity: float
    asked: float
    seed: int
    divergence: float
    trustworthiness: float
    method: str
    seconds: float
