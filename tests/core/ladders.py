"""A model whose q(z) is known, and images for it: what ladders are climbed on in tests."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from core.datasets import Dataset, Split
from core.distributions import DiagonalNormal
from core.latents import encode
from core.vae import VAE
from tests.contracts import seeded
from tests.oracle import standard_prior

DIGEST = "0123456789abcdef"
CENTRES = torch.tensor([[-2.0, 0.0], [2.0, 1.0], [0.0, -2.0]])
SPREAD, VARIANCE = 0.3, 0.05


class Linear(nn.Module):
    """q(z|x) = N(A x, v I): images of two numbers are their own latent means, up to a rotation."""

    def __init__(self, variance: float) -> None:
        super().__init__()
        self.rotation, self.variance = nn.Parameter(torch.tensor([[0.6, 0.8], [-0.8, 0.6]])), variance

    def forward(self, x: Tensor) -> DiagonalNormal:
        mean = x @ self.rotation.T
        return DiagonalNormal(mean, torch.full_like(mean, math.log(self.variance)))


def model(variance: float = VARIANCE) -> VAE:
    return VAE(Linear(variance), standard_prior(2), nn.Identity()).eval()


def dataset(*sizes: int, seed: int = 1) -> Dataset:
    """Images whose posterior means are draws of three round clusters: q(z) is a sample of a known mixture of three."""
    generator = seeded(seed)

    def split(n: int) -> Split:
        chosen = torch.randint(3, (n,), generator=generator)
        z = CENTRES[chosen] + SPREAD * torch.randn(n, 2, generator=generator)
        return Split(z @ Linear(1.0).rotation.detach(), None)  # the rotation's inverse is its transpose

    train, validation, test = (split(n) for n in sizes)
    parts = {"train": train, "validation": validation, "test": test}
    return Dataset("made", (1, 1, 2), "logistic", "none", **parts, seed=0, class_names=(), source="made for the tests")


def posteriors(vae: VAE, data: Dataset, split: str) -> tuple[Tensor, Tensor]:
    mean, log_var = encode(vae, data.split(split).images)
    return mean.double(), log_var.double()
