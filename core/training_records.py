"""The course of a training as it is told while it runs: plain values, no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochRecord:
    """One point of the training curve; reconstruction, kl and validation_elbo in nats per image."""

    epoch: int
    beta: float
    reconstruction: float
    kl: float
    validation_elbo: float
    seconds: float

    @property
    def elbo(self) -> float:
        """Mean ELBO of the training images over the epoch, at beta = 1 and under the weights of its time, in nats."""
        return self.reconstruction - self.kl


@dataclass(frozen=True)
class TrainingCurve:
    """How far a training is.

    Attributes:
        epochs: that it may take at most.
        points: one for every ``every``-th epoch and for the last one, in their order; () before the first has ended.
        every: 1 unless the training has very many epochs.
        pace_epochs, pace_s: whole epochs that the present process has done, and the seconds they took on the clock,
            validation and writing included; 0 where it has done none.
    """

    epochs: int
    points: tuple[EpochRecord, ...]
    every: int
    pace_epochs: int
    pace_s: float

    @property
    def done(self) -> int:
        """Whole epochs that are over."""
        return self.points[-1].epoch if self.points else 0

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far, if every epoch is used: early stopping may end it sooner. None before there is a pace."""
        return self.pace_s / self.pace_epochs * (self.epochs - self.done) if self.pace_epochs else None

    @property
    def best(self) -> EpochRecord | None:
        """The epoch with the best validation ELBO: its weights are kept."""
        return max(self.points, key=lambda point: point.validation_elbo, default=None)
