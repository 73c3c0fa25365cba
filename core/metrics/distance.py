"""All measures of how far a prior is from q(z) that need draws of both: one call, one seed, the full latent space."""

from __future__ import annotations

from core.latents import LatentCloud
from core.metrics.coverage import mismatch
from core.metrics.two_sample import classifier_tests, kernel_test
from core.priors import Prior
from core.records import Distance


def distance(cloud: LatentCloud, prior: Prior, *, seed: int = 0) -> Distance:
    """Holes and leaks, two classifiers, and the maximum mean discrepancy.

    Args:
        cloud: posteriors of at least 30 images.
        prior: p(z).
        seed: of every draw.

    Raises:
        ValueError: with too few images, naming how many are needed.
    """
    return Distance(
        mismatch(cloud, prior, seed=seed),
        classifier_tests(cloud, prior, seed=seed),
        kernel_test(cloud, prior, seed=seed),
    )
