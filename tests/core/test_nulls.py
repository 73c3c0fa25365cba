"""What the numbers read when prior and data are the same: posteriors whose population is exactly N(0, I)."""

from __future__ import annotations

import math

import numpy as np
import torch

from core.latents import LatentCloud
from core.metrics.coverage import mismatch
from core.metrics.surgery import elbo_surgery
from core.priors.standard import StandardOptions, StandardPrior
from tests.contracts import seeded

PRIOR = StandardPrior(2, StandardOptions())
VARIANCE = 0.05


def posteriors(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """n posteriors N(m, 0.05 I) with m ~ N(0, 0.95 I): the distribution they are a sample of is N(0, I)."""
    mean = math.sqrt(1 - VARIANCE) * torch.randn(n, 2, generator=seeded(seed))
    return mean, torch.full((n, 2), math.log(VARIANCE))


def test_the_null_of_the_marginal_kl_is_what_a_perfect_prior_has() -> None:
    found = [elbo_surgery(*posteriors(300, seed), PRIOR, generator=seeded(seed + 100)) for seed in range(12)]
    perfect = np.mean([surgery.marginal_kl.value for surgery in found])
    null = np.mean([surgery.marginal_kl_null.value for surgery in found])
    assert perfect > 0.02, "a finite mixture differs from its population"
    assert 0.85 * perfect < null < 1.15 * perfect, "half of log q_n - log q_-i was 1.35 times as large"


def test_the_null_falls_with_the_number_of_images() -> None:
    small, large = (elbo_surgery(*posteriors(n, 0), PRIOR, generator=seeded(1)).marginal_kl_null for n in (300, 3000))
    assert large.value < 0.25 * small.value


def test_a_perfect_prior_is_rarely_accused_of_holes_or_leaks() -> None:
    accused = 0
    for seed in range(20):
        mean, log_var = (part.numpy() for part in posteriors(300, seed))
        found = mismatch(LatentCloud(mean, log_var, None, "test", 300), PRIOR, n=5000, seed=seed)
        accused += (found.holes.low > found.holes.null) + (found.leaks.low > found.leaks.null)
        assert found.holes.n == found.leaks.n == 300
    assert accused <= 4  # of 40; with intervals over the 5,000 draws it was 16


def test_where_posteriors_hardly_overlap_the_null_is_not_told() -> None:
    generator = seeded(8)
    mean = math.sqrt(0.75) * torch.randn(300, 30, generator=generator)
    log_var = torch.full((300, 30), math.log(0.25))
    prior = StandardPrior(30, StandardOptions())
    surgery = elbo_surgery(mean, log_var, prior, generator=generator)
    assert surgery.marginal_kl.value > 5, "the prior is perfect, and all this is the ceiling of the information"
    assert surgery.marginal_kl_null is None
