"""Models side by side: which may stand in one table, and how far each is from one of them, image by image.

The images of a data set are of very different difficulty, so the measures of one model have large standard errors over
the images. All models see the same images, though, and in the difference of two measures of one image its difficulty
cancels: differences are known many times better than the values themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.per_image import PerImage
from core.records import CheckpointInfo, Estimate

CLEAR = 2.0
"""Standard errors beyond which a difference is told from none."""
FEW_EFFECTIVE = 10
"""Effective importance samples of an image under which a likelihood hangs on few draws."""
AT_CEILING = 0.1
"""Nats under log n within which the information is cut off rather than measured."""
PARTS = {"reconstruction": 1, "mutual_information": -1, "marginal_kl": -1, "average_kl": -1}
"""What a gain of the bound is the sum of, and with which sign: the KL is one part or two, see ``gains``."""
OF_KL = ("mutual_information", "marginal_kl")
"""What the average KL is the sum of."""


@dataclass(frozen=True)
class Measured:
    """A model with what was measured of it on one split.

    Attributes:
        name: of the checkpoint.
        label: as shown to a person; different for every model that is compared.
        evaluation: of the split, from metrics.json.
        per_image: what each image gives to it; None where that was not stored.
    """

    name: str
    label: str
    evaluation: Mapping[str, Any]
    per_image: PerImage | None


@dataclass(frozen=True)
class Difference:
    """Of one measure between two models, in nats per image: this one minus the other.

    Attributes:
        estimate: with its standard error over the images.
        paired: whether it is a mean of differences image by image. If not, the two measures are treated as
            unrelated, which makes the error too wide rather than too narrow.
    """

    estimate: Estimate
    paired: bool

    @property
    def clear(self) -> bool:
        """Whether it is more than ``CLEAR`` standard errors from zero."""
        return abs(self.estimate.value) > CLEAR * self.estimate.se


def why_apart(first: CheckpointInfo, other: CheckpointInfo) -> str | None:
    """Why the measures of two models cannot stand in one table, None where they can.

    A likelihood is that of certain images: binarised in another way, or with grey values, they are other images, and
    their likelihoods are in another unit.
    """
    differing = [
        f"its {what} is {there}, not {here}"
        for what, here, there in (
            ("data set", first.dataset, other.dataset),
            ("image shape", _shape(first), _shape(other)),
            ("binarisation", first.binarisation, other.binarisation),
            ("likelihood", first.likelihood, other.likelihood),
            ("binarisation's seed", first.data_seed, other.data_seed),
        )
        if here != there
    ]
    sizes = [info.metrics.get("test", {}).get("n") for info in (first, other)]
    if not differing and None not in sizes and sizes[0] != sizes[1]:
        differing = [f"it was measured on {sizes[1]:,} images, not on {sizes[0]:,}"]
    return "; ".join(differing) or None


def difference(of: Measured, against: Measured, measure: str) -> Difference | None:
    """How far a measure of one model is from that of another, None where one of them lacks it.

    Two importance-weighted likelihoods are compared only where they have the same number of samples: they are bounds,
    and more samples make them tighter.

    Args:
        of: this model.
        against: the other one, measured on the same images.
        measure: a key of an evaluation that is an estimate, in nats.
    """
    ours, theirs = (estimate_of(model, measure) for model in (of, against))
    if ours is None or theirs is None:
        return None
    if measure == "nll" and of.evaluation.get("samples") != against.evaluation.get("samples"):
        return None
    pair = _pair(of, against, measure)
    if pair is None:
        return Difference(Estimate(ours.value - theirs.value, math.hypot(ours.se, theirs.se)), False)
    return Difference(paired(*pair), True)


def paired(of: np.ndarray, against: np.ndarray) -> Estimate:
    """Mean of the differences of (n,) values of the same n images, with its standard error over the images.

    Raises:
        ValueError: with fewer than two images, or where the numbers of images differ.

    Example:
        >>> paired(np.array([3.0, 5.0]), np.array([1.0, 3.0]))
        Estimate(value=2.0, se=0.0)
    """
    if of.shape != against.shape or of.ndim != 1 or len(of) < 2:
        raise ValueError(f"a paired difference needs (n,) values of the same images; got {of.shape}, {against.shape}")
    gaps = of.astype(np.float64) - against
    return Estimate(float(gaps.mean()), float(gaps.std(ddof=1) / math.sqrt(len(gaps))))


def gains(of: Measured, against: Measured) -> dict[str, Difference]:
    """What one model gains over another, in nats, so that more is better: the bound, its parts, the likelihood.

    The parts are signed as they stand in the bound, so that their sum is the gain of the bound; where the KL is taken
    apart, up to the noise of the draws (its parts are estimated from draws of their own).

    Returns:
        By "elbo", "reconstruction", "log_likelihood" where it is known exactly or else "nll" (a gain of the
        importance-weighted bound), as far as they are known, and either "mutual_information" and "marginal_kl" or,
        where ``kl_splits`` says no, "average_kl".
    """
    left_out = {"average_kl"} if kl_splits(of, against) else set(OF_KL)
    found: dict[str, Difference] = {}
    for measure, sign in {"elbo": 1, **PARTS, "log_likelihood": 1, "nll": -1}.items():
        gap = difference(of, against, measure)
        if gap is not None and measure not in left_out:
            found[measure] = Difference(Estimate(sign * gap.estimate.value, gap.estimate.se), gap.paired)
    if "log_likelihood" in found:
        found.pop("nll", None)
    return found


def few_effective(evaluations: Iterable[Mapping[str, Any]]) -> float | None:
    """The smallest median effective sample size behind importance-weighted likelihoods; None where it is no concern.

    Under ``FEW_EFFECTIVE`` such a bound may lie far under log p(x), and further for one model than for another.
    """
    bounds = [test for test in evaluations if "nll" in test and "log_likelihood" not in test]
    sizes = [test["ess_median"] for test in bounds if "ess_median" in test]
    return min(sizes) if sizes and min(sizes) < FEW_EFFECTIVE else None


@dataclass(frozen=True)
class Rise:
    """How far importance-weighted likelihoods still rose with the last of their samples, in nats per image.

    Attributes:
        start, end: samples an image from which and to which.
        least: by the model whose bound rose least.
        most: by the one whose bound rose most. What is missing up to log p(x) is not known, but hardly alike for two
            models whose bounds do not rise alike; effective samples tell nothing of it where draws miss a mode.
    """

    start: int
    end: int
    least: float
    most: float


def still_rising(evaluations: Iterable[Mapping[str, Any]]) -> Rise | None:
    """That of all models measured with the most samples; None where no likelihood is importance-weighted."""
    curves = [test["likelihood_curve"] for test in evaluations if "nll" in test and "log_likelihood" not in test
              and len(test.get("likelihood_curve", ())) > 1]  # fmt: skip
    if not curves:
        return None
    end = max(curve[-1]["at"] for curve in curves)
    last = [curve for curve in curves if curve[-1]["at"] == end]
    start = last[0][-2]["at"]
    risen = [c[-1]["estimate"]["value"] - c[-2]["estimate"]["value"] for c in last if c[-2]["at"] == start]
    return Rise(start, end, min(risen), max(risen))


def kl_splits(of: Measured, against: Measured) -> bool:
    """Whether a difference of the average KL can be told as one of information and one of marginal KL.

    It cannot where one of the two models lacks them, nor where the information of one is at its ceiling log n: what
    an encoder carries above that counts as marginal KL, and is not the prior's doing.
    """
    both = (of, against)
    known = all(estimate_of(model, part) is not None for model in both for part in OF_KL)
    return known and not any(at_ceiling(model.evaluation) for model in both)


def at_ceiling(evaluation: Mapping[str, Any]) -> bool:
    """Whether the information is cut off at log n rather than measured; False where that was not measured."""
    if not {"mutual_information", "log_n"} <= set(evaluation):
        return False
    return bool(evaluation["mutual_information"]["value"] > evaluation["log_n"]["value"] - AT_CEILING)


def estimate_of(model: Measured, measure: str) -> Estimate | None:
    """A measure of a model, None where it was not measured."""
    stored = model.evaluation.get(measure)
    return None if stored is None else Estimate(float(stored["value"]), float(stored["se"]))


def reference(infos: Sequence[CheckpointInfo]) -> int:
    """Place of the model that the others are compared with unless another one is asked for.

    The first with the prior N(0, I) and a Gaussian posterior; the first of all where there is none.
    """
    standard = (place for place, info in enumerate(infos) if info.prior == "standard" and info.of_gaussians)
    return next(standard, 0)


def _pair(of: Measured, against: Measured, measure: str) -> tuple[np.ndarray, np.ndarray] | None:
    """The measure of each image of both, None where they are not known of the same images."""
    first, second = of.per_image, against.per_image
    if first is None or second is None or first.images != second.images:
        return None
    ours, theirs = first.of(measure), second.of(measure)
    return None if ours is None or theirs is None else (ours, theirs)


def _shape(info: CheckpointInfo) -> str:
    return " x ".join(str(side) for side in info.image_shape)
