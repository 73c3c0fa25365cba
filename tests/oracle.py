"""Models whose truth is known: a linear-Gaussian VAE in closed form, small clouds by quadrature, a tiny data set."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from core.datasets import Dataset, Split
from core.distributions import DiagonalNormal
from core.latents import LatentCloud
from core.posteriors import GaussianPosterior
from core.priors import PRIORS, MixturePrior, PriorContext
from core.priors.base import Options
from core.vae import VAE
from tests.contracts import seeded


class GaussianDecoder(nn.Module):
    """p(x|z) = N(W z + b, s^2 I)."""

    def __init__(self, weight: Tensor, bias: Tensor, log_var: float) -> None:
        super().__init__()
        self.weight, self.bias, self.log_var = nn.Parameter(weight), nn.Parameter(bias), log_var

    def forward(self, z: Tensor) -> DiagonalNormal:
        mean = z @ self.weight.T + self.bias
        return DiagonalNormal(mean, torch.full_like(mean, self.log_var))


class ExactPosterior(nn.Module):
    """p(z|x) of the model above with prior N(0, I): diagonal, since the columns of W are orthogonal.

    ``shift`` and ``widen`` make it deliberately wrong.
    """

    def __init__(self, decoder: GaussianDecoder, shift: float = 0.0, widen: float = 0.0) -> None:
        super().__init__()
        self.decoder, self.shift, self.widen = [decoder], shift, widen

    def forward(self, x: Tensor) -> DiagonalNormal:
        weight, noise = self.decoder[0].weight, math.exp(self.decoder[0].log_var)
        variance = 1 / (1 + weight.square().sum(0) / noise)
        mean = (x - self.decoder[0].bias) @ weight / noise * variance + self.shift
        return DiagonalNormal(mean, (variance.log() + self.widen).expand_as(mean))


def linear_gaussian(dim: int = 2, pixels: int = 7, *, shift: float = 0.0, widen: float = 0.0) -> VAE:
    """A VAE in float64 whose posterior is exact unless shifted or widened."""
    generator = seeded(21)
    orthogonal = torch.linalg.qr(torch.randn(pixels, dim, generator=generator, dtype=torch.float64))[0]
    weight = orthogonal * torch.linspace(1, 2, dim, dtype=torch.float64)
    decoder = GaussianDecoder(weight, torch.randn(pixels, generator=generator, dtype=torch.float64), -0.5)
    return VAE(ExactPosterior(decoder, shift, widen), standard_prior(dim).double(), decoder).requires_grad_(False)


def images_of(vae: VAE, n: int, seed: int = 22) -> Tensor:
    """Draws of the model itself, (n, pixels)."""
    z = vae.prior.sample(n, generator=seeded(seed))
    return vae.decoder(z).sample(1, generator=seeded(seed + 1))[0]


def exact_log_marginal(vae: VAE, x: Tensor) -> Tensor:
    """log N(x; b, W W^T + s^2 I), (n,) nats."""
    weight, noise = vae.decoder.weight, math.exp(vae.decoder.log_var)
    covariance = weight @ weight.T + noise * torch.eye(len(weight), dtype=weight.dtype)
    return torch.distributions.MultivariateNormal(vae.decoder.bias, covariance).log_prob(x)


def standard_prior(dim: int) -> MixturePrior:
    return PRIORS["standard"].from_config({}, PriorContext(dim, 1, nn.Identity()))


class FixedMixture(MixturePrior):
    """A prior with given components, equal weights, nothing to learn."""

    def __init__(self, mean: Tensor, log_var: Tensor) -> None:
        super().__init__(mean.shape[1], Options())
        self.register_buffer("centres", mean)
        self.register_buffer("log_variances", log_var)

    def components(self) -> tuple[Tensor, Tensor, Tensor]:
        k = len(self.centres)
        return self.centres, self.log_variances, self.centres.new_full((k,), -math.log(k))


def cloud_of(mean: Tensor, log_var: Tensor, labels: Tensor | None = None) -> LatentCloud:
    """The posteriors as they are stored."""
    named = None if labels is None else labels.numpy().astype(np.int64)
    return LatentCloud(mean.float().numpy(), log_var.float().numpy(), named, "test", len(mean))


def exact_surgery(mean: Tensor, log_var: Tensor, half_width: float = 8.0, cells: int = 800) -> dict[str, float]:
    """Average KL (closed form), mutual information and marginal KL to N(0, I) of 2-D posteriors, by quadrature."""
    axis = (torch.arange(cells, dtype=torch.float64) + 0.5) * (2 * half_width / cells) - half_width
    grid = torch.cartesian_prod(axis, axis)
    normals = torch.distributions.Independent(
        torch.distributions.Normal(mean.double(), (0.5 * log_var.double()).exp()), 1
    )
    each = torch.stack([normals.log_prob(part[:, None]) for part in grid.split(20_000)], 0).flatten(
        0, 1
    )  # (cells^2, n)
    aggregated = each.logsumexp(1) - math.log(len(mean))
    cell = (2 * half_width / cells) ** 2
    log_prior = -0.5 * grid.square().sum(1) - math.log(2 * math.pi)
    entropy = -(each.exp() * each).sum(0).mul(cell).mean()
    mutual_information = -(aggregated.exp() * aggregated).sum() * cell - entropy
    marginal = (aggregated.exp() * (aggregated - log_prior)).sum() * cell
    average = DiagonalNormal(mean.double(), log_var.double()).kl_standard().mean()
    return {
        "average_kl": float(average),
        "mutual_information": float(mutual_information),
        "marginal_kl": float(marginal),
    }


def tiny_dataset(likelihood: str = "bernoulli", n: int = 50, seed: int = 23) -> Dataset:
    """Two kinds of 3x4 images, bright on the left or on the right: 50 for training, 20 and 20 held out."""
    generator = seeded(seed)

    def split(count: int) -> Split:
        labels = torch.arange(count) % 2
        side = torch.where(torch.arange(4) < 2, 0.9, 0.1)
        grey = torch.where(labels[:, None, None] == 0, side, side.flip(0)).expand(count, 3, 4).flatten(1)
        noisy = (grey + 0.05 * torch.randn(grey.shape, generator=generator)).clamp(0, 1)
        if likelihood == "logistic":
            return Split(((noisy * 255).round() + 0.5) / 256, labels)
        return Split((torch.rand(grey.shape, generator=generator) < noisy).float(), labels)

    return Dataset(
        name="tiny",
        image_shape=(1, 3, 4),
        likelihood=likelihood,
        binarisation="fixed" if likelihood == "bernoulli" else "none",
        train=split(n),
        validation=split(20),
        test=split(20),
        seed=seed,
        class_names=("left", "right"),
        source="made for the tests",
    )


def gaussian_posterior(pixels: int, dim: int) -> GaussianPosterior:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(24)
        return GaussianPosterior(pixels, dim, (8,))
