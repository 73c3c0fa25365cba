"""How many latent dimensions a model uses."""

from __future__ import annotations

import math

from core.records import Estimate
from core.shapes import Latents

ACTIVE_VARIANCE = 0.01


def active_units(mean: Latents, threshold: float = ACTIVE_VARIANCE) -> Estimate:
    """Number of dimensions whose posterior mean varies over the examples: Var_x E[z_j|x] > threshold.

    Args:
        mean: (n, d) posterior means.
        threshold: variance that counts as active.

    Returns:
        the count; its standard error is the root of the summed variances p (1 - p), with p the chance of a dimension's
        verdict being another with new examples (normal approximation of the variance's own error), so it is 0 when no
        dimension is near the threshold.

    References:
        Burda, Grosse, Salakhutdinov (2016), Importance weighted autoencoders, arXiv:1509.00519.
    """
    centred = (mean - mean.mean(0)).double().square()
    variance = centred.mean(0)
    error = centred.std(0) / math.sqrt(len(mean))
    z_score = (variance - threshold).abs() / error.clamp(min=1e-12)
    flip = 0.5 * (1 - (z_score / math.sqrt(2)).erf())
    return Estimate(float((variance > threshold).sum()), float((flip * (1 - flip)).sum().sqrt()))
