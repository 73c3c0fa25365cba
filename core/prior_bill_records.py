"""What a flow prior costs a VAE, in training and in generation: frozen, plain numbers, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.flow_timing_records import Machine, OfRepeats

BillMethod = Literal["naive", "default", ""]
BilledPrior = Literal["standard", "maf", "iaf", "realnvp"]
BILLED_PRIORS: tuple[BilledPrior, ...] = ("maf", "iaf", "realnvp")


@dataclass(frozen=True)
class Cost(OfRepeats):
    """Repeats of one calculation.

    Attributes:
        seconds: of each repeat, in the order they were run.
    """

    seconds: tuple[float, ...]


@dataclass(frozen=True)
class PriorBill:
    """One VAE with one prior: what a training step and what generating costs.

    Attributes:
        prior: "maf", "iaf", "realnvp", or "standard" for what is left without a flow.
        method: of the flow's sequential direction: "naive" is the textbook's d passes, "default" the fastest that this
            program has; "" where no direction is sequential.
        dim: d.
        parameters: numbers of the prior that can be learned.
        step: a whole training step: bound, its gradients, Adam; encoder and decoder are part of it.
        density: log p(z) of one batch with its gradients, the prior's own share of a step.
        sampling: ``samples`` draws of z.
        generating: the same with the decoder behind them.
        passes_density, passes_sampling: network passes a layer that the textbook counts for the two, 1 or d; 0 for
            "standard", which has no network.
    """

    prior: BilledPrior
    method: BillMethod
    dim: int
    parameters: int
    step: Cost
    density: Cost
    sampling: Cost
    generating: Cost
    passes_density: int
    passes_sampling: int


@dataclass(frozen=True)
class BillSettings:
    """What is measured.

    Attributes:
        dims: latent dimensions, ascending.
        priors: keys of ``PRIORS``.
        batch: images of a training step.
        samples: codes that are generated.
        pixels: of an image.
        hidden: widths of the gated layers, in the encoder and in the decoder.
        layers: of every flow.
        width: of the two hidden layers of MAF's and IAF's networks; RealNVP's have as many parameters.
        repeats: of each case; a slow one gets fewer.
        threads: of torch.
        seed: of weights, images and noise.
    """

    dims: tuple[int, ...] = (2, 40)
    priors: tuple[str, ...] = BILLED_PRIORS
    batch: int = 100
    samples: int = 1000
    pixels: int = 64
    hidden: tuple[int, ...] = (300, 300)
    layers: int = 5
    width: int = 128
    repeats: int = 20
    threads: int = 1
    seed: int = 0


@dataclass(frozen=True)
class BillRun:
    """Everything one run measured, in float32 on the CPU.

    Attributes:
        stamp: UTC, ISO 8601, when it began.
        settings: what was asked for.
        machine: where.
        bills: one for each prior, method and d.
        left_out: what was asked for and cannot be, with the reason.
    """

    stamp: str
    settings: BillSettings
    machine: Machine
    bills: tuple[PriorBill, ...]
    left_out: tuple[str, ...]

    def bill(self, prior: BilledPrior, dim: int, method: BillMethod) -> PriorBill | None:
        """One of them; None where it was not measured."""
        for found in self.bills:
            if (found.prior, found.dim) == (prior, dim) and found.method in (method, ""):
                return found
        return None


@dataclass(frozen=True)
class StoredBill:
    """One line of the list of stored runs. A broken one has an ``error`` and no ``run``.

    Attributes:
        name: file name, unique in the list.
        run: what it holds.
        error: why it cannot be used.
        shipped: whether it came with the program instead of being measured here.
    """

    name: str
    run: BillRun | None
    error: str = ""
    shipped: bool = False
