"""The training loop, written out: one step, one epoch, one run. The bound itself is ``VAE.elbo`` and nowhere else.

A run's whole state (weights, optimiser, random generator, position within the epoch, curve) goes into one file that is
replaced in one step, so that a run killed at any moment continues, and ends at the same weights as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from core.build import build
from core.config import RunConfig
from core.datasets import Dataset
from core.errors import TrainingDiverged
from core.metrics.estimate import over_examples
from core.records import Estimate
from core.snapshots import Recorder, Snapshots
from core.train_state import EpochRecord, Position, read_state, write_state
from core.vae import VAE

VALIDATION_SEED = 1
"""Seed of the noise of every validation, so that two epochs are compared on the same draws."""


@dataclass(frozen=True)
class Progress:
    """What is told after every step.

    Attributes:
        epoch: counted from 1.
        epochs: at most.
        step: within the epoch, counted from 1.
        steps: of the epoch.
        elbo, reconstruction, kl: running means of this epoch, in nats per image.
        beta: present weight of the KL.
        last: record of the last whole epoch, None in the first.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    elbo: float
    reconstruction: float
    kl: float
    beta: float
    last: EpochRecord | None


@dataclass
class Run:
    """A training run in progress.

    Args:
        config: what to train.
        data: the images.
        state_file: where the state is kept; None keeps nothing.
        save_every_s: seconds between two writes of the state.
    """

    config: RunConfig
    data: Dataset
    state_file: Path | None = None
    save_every_s: float = 10.0
    position: Position = field(default_factory=Position)

    def __post_init__(self) -> None:
        settings = self.config.train
        self.device = torch.device(settings.device)
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise ValueError(
                f"device {settings.device!r} was asked for, but torch sees no CUDA device; use --device cpu"
            )
        self.generator = torch.Generator().manual_seed(settings.seed)
        images = self.data.fixed("train").images
        self.vae = build(self.config.model, images=images, generator=self.generator).to(self.device)
        self.optimizer = torch.optim.Adam(_parameter_groups(self.vae), lr=settings.learning_rate, fused=True)
        self.epoch_start = self.generator.get_state()
        self.best = {name: value.clone() for name, value in self.vae.state_dict().items()}
        self.saved_at = time.monotonic()
        self.stop_requested = False
        self.validation_se = 0.0
        self._loss = torch.compile(_negative_elbo) if settings.compile else _negative_elbo
        self.recorder: Recorder | None = None
        if settings.snapshots:
            self.recorder = Recorder.begin(settings, self.config.model, self.data, self.vae)
        if self.state_file is not None and self.state_file.exists():
            read_state(self)

    @property
    def steps(self) -> int:
        """Steps of an epoch; the last batch may be smaller."""
        return math.ceil(len(self.data.train.images) / self.config.train.batch_size)

    def train(self, on_progress: Callable[[Progress], None] | None = None) -> VAE:
        """Run to the end, to early stopping, or until ``stop_requested``.

        Returns:
            the model at its best validation ELBO, in evaluation mode, on the CPU. A stopped run gives it as it is, in
            the middle of training and where it was trained: clear ``stop_requested`` and call again to go on.

        Raises:
            TrainingDiverged: when a term is not finite; the last good state is on disk, where a file was named.
        """
        while not self.finished and not self.stop_requested:
            self._epoch(on_progress)
        self.save(force=True)
        if not self.finished:
            return self.vae
        self.vae.load_state_dict(self.best)
        return self.vae.cpu().eval()

    @property
    def finished(self) -> bool:
        """Whether the last epoch is over or patience is at its end."""
        return self.position.epoch >= self.config.train.epochs or self.position.waited >= self.config.train.patience

    def snapshots(self) -> Snapshots | None:
        """Those of a finished run, that of the best epoch taken now: weights may have been rounded since. Or None."""
        if self.recorder is None:
            return None
        best = self.position.best_epoch
        self._snapshot(best, self.position.curve[best - 1].beta, self.validation_elbo())
        return self.recorder.finished(best)

    def save(self, *, force: bool = False) -> None:
        """Write the state if it is time to."""
        if self.state_file is not None and (force or time.monotonic() - self.saved_at > self.save_every_s):
            write_state(self)
            self.saved_at = time.monotonic()

    def _epoch(self, on_progress: Callable[[Progress], None] | None) -> None:
        began = time.perf_counter()
        resumed_at, spent = self.generator.get_state(), self.position.epoch_s
        if self.position.step == 0:
            self.epoch_start = resumed_at
            if self.position.epoch == 0 and self.recorder is not None and self.recorder.due(0):
                self._snapshot(0, 0.0, self.validation_elbo())
        self.generator.set_state(self.epoch_start)
        order = torch.randperm(len(self.data.train.images), generator=self.generator)
        if self.position.step:
            self.generator.set_state(resumed_at)  # in the middle of an epoch: same order, later noise
        self.vae.train()
        while self.position.step < self.steps:
            self._step(order)
            self.position.epoch_s = spent + time.perf_counter() - began
            if on_progress is not None:
                on_progress(self._progress())
            self.save()
            if self.stop_requested:
                return
        self._close_epoch()

    def _step(self, order: Tensor) -> None:
        settings, position = self.config.train, self.position
        index = order[position.step * settings.batch_size :][: settings.batch_size]
        before = self.generator.get_state() if position.step else self.epoch_start  # whence an epoch draws its order
        images = self.data.training_batch(index, self.generator).to(self.device)
        self._set_learning_rate()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=settings.bf16):
            loss, reconstruction, kl = self._loss(self.vae, images, self.beta, self.generator)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.vae.parameters(), settings.clip_norm)
        *values, norm = torch.stack([reconstruction.detach(), kl.detach(), norm]).tolist()
        for term, value in (("reconstruction", values[0]), ("KL", values[1]), ("gradient", norm)):
            if not math.isfinite(value):
                self._diverge(term, before)  # before the weights are touched, so that they are never NaN
        self.optimizer.step()
        position.step += 1
        position.seen += len(index)
        position.sums = [total + value * len(index) for total, value in zip(position.sums, values, strict=True)]

    def _close_epoch(self) -> None:
        position = self.position
        reconstruction, kl = (total / position.seen for total in position.sums)
        validation = self.validation_elbo()
        if not math.isfinite(validation):
            self.position = _epoch_again(position)
            self._diverge("validation ELBO", self.epoch_start)
        position.curve.append(
            EpochRecord(position.epoch + 1, self.beta, reconstruction, kl, validation, position.epoch_s)
        )
        if validation > position.best_validation:
            position.best_validation, position.best_epoch, position.waited = validation, position.epoch + 1, 0
            self.best = {name: value.clone() for name, value in self.vae.state_dict().items()}
        elif position.epoch >= self.config.train.warmup_epochs:
            position.waited += 1
        if self.recorder is not None and self.recorder.due(position.epoch + 1):
            self._snapshot(position.epoch + 1, self.beta, validation)
        self.position = replace(_epoch_again(position), epoch=position.epoch + 1)

    def _snapshot(self, epoch: int, beta: float, validation: float) -> None:
        """Have one taken of the model as it is; ``validation`` is what ``validation_elbo`` has just said of it."""
        assert self.recorder is not None  # the caller checks
        self.recorder.take(self.vae, epoch, beta, Estimate(validation, self.validation_se))

    def _diverge(self, term: str, random: Tensor) -> NoReturn:
        """Save the state with the random generator put back to ``random``, the place to go on from, and raise."""
        self.generator.set_state(random)
        self.save(force=True)
        kept = self.state_file if self.state_file is not None and self.state_file.exists() else None
        raise TrainingDiverged(self.position.epoch + 1, term, kept)

    @torch.no_grad()
    def validation_elbo(self, batch: int = 1000) -> float:
        """Mean ELBO of the validation images at beta = 1, one draw each, always the same noise, in nats."""
        self.vae.eval()
        generator = torch.Generator().manual_seed(VALIDATION_SEED)
        images = self.data.validation.images
        device = next(self.vae.parameters()).device  # a finished model is on the CPU
        parts = [
            self.vae.elbo(images[start : start + batch].to(device), generator=generator).elbo.double()
            for start in range(0, len(images), batch)
        ]
        self.validation_se = over_examples(torch.cat(parts)).se
        return float(torch.stack([part.sum() for part in parts]).sum() / len(images))

    @property
    def beta(self) -> float:
        """Weight of the KL in this epoch: linear from 1/warm-up to 1."""
        warmup = self.config.train.warmup_epochs
        return min(1.0, (self.position.epoch + 1) / warmup) if warmup else 1.0

    def _set_learning_rate(self) -> None:
        settings = self.config.train
        done = (self.position.epoch + self.position.step / self.steps) / settings.epochs
        share = settings.final_rate + (1 - settings.final_rate) * 0.5 * (1 + math.cos(math.pi * done))
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * share * group["rate_scale"]

    def _progress(self) -> Progress:
        position = self.position
        reconstruction, kl = (total / position.seen for total in position.sums)
        last = position.curve[-1] if position.curve else None
        return Progress(
            position.epoch + 1,
            self.config.train.epochs,
            position.step,
            self.steps,
            reconstruction - kl,
            reconstruction,
            kl,
            self.beta,
            last,
        )


def _epoch_again(position: Position) -> Position:
    """The start of the same epoch."""
    return replace(position, step=0, seen=0, sums=[0.0, 0.0], epoch_s=0.0)


def _parameter_groups(vae: VAE) -> list[dict[str, Any]]:
    """The networks' weights at the learning rate, the prior's own at its multiple of it."""
    own = list(vae.prior.parameters())
    networks = [*vae.posterior.parameters(), *vae.decoder.parameters()]
    groups = [{"params": networks, "rate_scale": 1.0}, {"params": own, "rate_scale": vae.prior.rate_scale}]
    return [group for group in groups if group["params"]]


def _negative_elbo(vae: VAE, images: Tensor, beta: float, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Loss (-reconstruction + beta KL) and its two terms, means over the batch."""
    terms = vae.elbo(images, generator=generator)
    reconstruction, kl = terms.reconstruction.mean(), terms.kl.mean()
    return beta * kl - reconstruction, reconstruction, kl
