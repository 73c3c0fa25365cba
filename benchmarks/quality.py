"""Held-out bounds after equal training: the faster step must reach what the textbook step reaches."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from benchmarks.textbook import TextbookStep, TextbookVamp, from_ours
from core.config import RunConfig
from core.datasets import Dataset
from core.train import Run

NOISE_SEED = 2


@dataclass(frozen=True)
class Comparison:
    """Test ELBO in nats per image, one draw of z each, and the time the epochs took.

    Attributes:
        epochs, images: how long both were trained, and how many test images there were.
        ours, textbook: mean ELBO.
        ours_se, textbook_se: standard errors over the test images.
        difference, difference_se: ours minus textbook, paired by image.
        ours_s, textbook_s: seconds of training.
    """

    epochs: int
    images: int
    ours: float
    ours_se: float
    textbook: float
    textbook_se: float
    difference: float
    difference_se: float
    ours_s: float
    textbook_s: float

    def sentence(self) -> str:
        """For people."""
        return (
            f"Test ELBO after {self.epochs} epoch(s) at batch 100 from equal weights and in equal order, one seed, "
            f"n = {self.images:,}: "
            f"ours {self.ours:.2f} (SE {self.ours_se:.2f}) in {self.ours_s:.0f} s, textbook {self.textbook:.2f} "
            f"(SE {self.textbook_se:.2f}) in {self.textbook_s:.0f} s; difference {self.difference:+.2f} "
            f"(SE {self.difference_se:.2f}) nats, paired by image. The SE is that of the test images, not of the seed."
        )

    def values(self) -> dict[str, float | None]:
        """For the JSON file."""
        return dict(asdict(self))


def compare(data: Dataset, config: RunConfig, epochs: int) -> Comparison:
    """Train both from the same weights on the same batches of images (their noise differs) and evaluate both."""
    run = Run(config, data)
    textbook = TextbookStep(from_ours(run.vae), config.train.learning_rate)
    ours_s = textbook_s = 0.0
    noise = torch.Generator().manual_seed(config.train.seed)
    for epoch in range(epochs):
        order = torch.randperm(len(data.train.images), generator=torch.Generator().manual_seed(epoch))
        run.vae.train()
        run.position.step = 0
        began = time.perf_counter()
        while run.position.step < run.steps:
            run._step(order)
        ours_s += time.perf_counter() - began
        began = time.perf_counter()
        for index in order.split(config.train.batch_size):
            textbook(data.training_batch(index, noise), noise)
        textbook_s += time.perf_counter() - began
    ours, theirs = _our_bound(run, data.test.images), _textbook_bound(textbook.model, data.test.images)
    mean_and_se = [_mean_and_se(values) for values in (ours, theirs, ours - theirs)]
    (a, a_se), (b, b_se), (c, c_se) = mean_and_se
    return Comparison(epochs, len(ours), a, a_se, b, b_se, c, c_se, ours_s, textbook_s)


@torch.no_grad()
def _our_bound(run: Run, images: Tensor) -> Tensor:
    run.vae.eval()
    generator = torch.Generator().manual_seed(NOISE_SEED)
    return torch.cat([run.vae.elbo(part, generator=generator).elbo for part in images.split(500)])


@torch.no_grad()
def _textbook_bound(model: TextbookVamp, images: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(NOISE_SEED)
    parts = [model.elbo(part, generator) for part in images.split(500)]
    return torch.cat([reconstruction - kl for reconstruction, kl in parts])


def _mean_and_se(values: Tensor) -> tuple[float, float]:
    return values.double().mean().item(), (values.double().std() / len(values) ** 0.5).item()
