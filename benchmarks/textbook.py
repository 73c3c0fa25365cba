"""The plain way to train a VampPrior: each formula written as it stands in the paper, nothing rearranged for speed.

Pseudo-inputs are the columns of a dense layer fed with the identity and clamped to [0, 1]; the encoder runs twice, for
the images and for the pseudo-inputs; a gated layer is two dense layers; the Bernoulli takes the log of clamped
probabilities; the mixture broadcasts every point against every component; Adam is torch's default.

References:
    Tomczak, Welling (2018), VAE with a VampPrior, arXiv:1705.07120, and the structure of the code published with it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from core.priors.vamp import VampPrior
from core.vae import VAE


def broadcast_log_prob(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """log (1/K) sum_k N(z; mean_k, exp(log_var_k)) with an array of (n, K, d), (n,) in nats."""
    return torch.logsumexp(_normal(z[:, None], mean[None], log_var[None]), 1) - math.log(len(mean))


def _normal(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    terms = -0.5 * (math.log(2 * math.pi) + log_var + (z - mean) ** 2 / torch.exp(log_var))
    return terms.sum(-1)


class Gated(nn.Module):
    """h * sigmoid(g) from two dense layers."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.h, self.g = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)."""
        return self.h(x) * torch.sigmoid(self.g(x))


class TextbookVamp(nn.Module):
    """VAE with a VampPrior, binary pixels."""

    def __init__(self, pixels: int = 784, hidden: int = 300, dim: int = 40, components: int = 500) -> None:
        super().__init__()
        self.encoder = nn.Sequential(Gated(pixels, hidden), Gated(hidden, hidden))
        self.mean = nn.Linear(hidden, dim)
        self.log_var = nn.Sequential(nn.Linear(hidden, dim), nn.Hardtanh(-6, 2))
        self.decoder = nn.Sequential(Gated(dim, hidden), Gated(hidden, hidden))
        self.pixel = nn.Sequential(nn.Linear(hidden, pixels), nn.Sigmoid())
        self.pseudo_inputs = nn.Sequential(nn.Linear(components, pixels, bias=False), nn.Hardtanh(0, 1))
        self.register_buffer("identity", torch.eye(components), persistent=False)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), (n, d) each."""
        hidden = self.encoder(x)
        return self.mean(hidden), self.log_var(hidden)

    def elbo(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Reconstruction and KL for one draw of z, (n,) each, in nats."""
        mean, log_var = self.encode(x)
        z = mean + torch.exp(0.5 * log_var) * torch.randn(mean.shape, generator=generator)
        probability = torch.clamp(self.pixel(self.decoder(z)), 1e-5, 1 - 1e-5)
        reconstruction = (x * torch.log(probability) + (1 - x) * torch.log(1 - probability)).sum(-1)
        prior = broadcast_log_prob(z, *self.encode(self.pseudo_inputs(self.identity)))
        return reconstruction, _normal(z, mean, log_var) - prior


class TextbookStep:
    """One training step at a time.

    Args:
        model: what is trained.
        learning_rate: of Adam.
    """

    def __init__(self, model: TextbookVamp, learning_rate: float = 1e-3) -> None:
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)

    def __call__(self, x: Tensor, generator: torch.Generator, beta: float = 1.0) -> float:
        """Loss of this batch, before the step."""
        reconstruction, kl = self.model.elbo(x, generator)
        loss = (-reconstruction + beta * kl).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


@torch.no_grad()
def from_ours(vae: VAE) -> TextbookVamp:
    """A textbook model that starts at the weights of ``vae`` (two hidden layers of one width, VampPrior, Bernoulli)."""
    weights = vae.state_dict()
    head = weights["posterior.head.weight"]
    hidden, pixels = head.shape[1], weights["decoder.head.weight"].shape[0]
    assert isinstance(vae.prior, VampPrior)
    pseudo_inputs = vae.prior.pseudo_inputs
    model = TextbookVamp(pixels, hidden, head.shape[0] // 2, len(pseudo_inputs))
    new = {"pseudo_inputs.0.weight": pseudo_inputs.T.contiguous()}
    for kind in ("weight", "bias"):
        for ours, theirs in (("posterior", "encoder"), ("decoder", "decoder")):
            for layer in (0, 1):
                h, g = weights[f"{ours}.body.{layer}.pair.{kind}"].chunk(2)
                new[f"{theirs}.{layer}.h.{kind}"], new[f"{theirs}.{layer}.g.{kind}"] = h, g
        new[f"mean.{kind}"], new[f"log_var.0.{kind}"] = weights[f"posterior.head.{kind}"].chunk(2)
        new[f"pixel.0.{kind}"] = weights[f"decoder.head.{kind}"]
    model.load_state_dict(new)
    return model
