"""The values of a flow timing run that cross to figures and pages: frozen, plain numbers, no torch."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Literal

from core.intervals import quartiles

FlowName = Literal["maf", "iaf", "realnvp", "nice"]
Task = Literal["sample", "density", "own_density"]
Method = Literal["naive", "incremental", "fixed_point", ""]

FLOW_NAMES: tuple[FlowName, ...] = ("maf", "iaf", "realnvp", "nice")
TASKS: tuple[Task, ...] = ("sample", "density", "own_density")
METHOD_NAMES: tuple[Method, ...] = ("naive", "incremental", "fixed_point")


class OfRepeats:
    """Summaries of the seconds of some repeats."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median, s."""
        return statistics.median(self.seconds)

    @property
    def low(self) -> float:
        """First quartile, s."""
        return quartiles(self.seconds)[0]

    @property
    def high(self) -> float:
        """Third quartile, s."""
        return quartiles(self.seconds)[1]


@dataclass(frozen=True)
class FlowTiming(OfRepeats):
    """One flow doing one task: a batch at once.

    Attributes:
        flow: "maf", "iaf", "realnvp" or "nice".
        task: "sample": draw u and give z = g(u); "density": log p(z) of points that are given; "own_density": draw z
            and give log p(z) of these very points, whose log-determinant falls out of drawing them.
        method: how the sequential direction is calculated, "naive", "incremental" or "fixed_point"; "" where the task
            is one pass anyway.
        dim: d.
        batch: points at once.
        layers: number of layers.
        hidden: widths of each layer's network; a coupling's are chosen so that the parameters match MAF's.
        parameters: numbers that can be learned, the weights under a mask left out.
        passes: network passes a layer: 1; d for "naive"; 1 for "incremental", which means the arithmetic of one pass;
            for "fixed_point" the measured mean over the layers.
        seconds: of each repeat, in the order they were run, all repeats of all pooled runs.
    """

    flow: FlowName
    task: Task
    method: Method
    dim: int
    batch: int
    layers: int
    hidden: tuple[int, ...]
    parameters: int
    passes: float
    seconds: tuple[float, ...]

    @property
    def repeats(self) -> int:
        """Number of repeats."""
        return len(self.seconds)

    @property
    def rate(self) -> float:
        """Points a second, from the median."""
        return self.batch / self.median

    @property
    def sequential(self) -> bool:
        """Whether every coordinate waits for the one before, so that there is a method to choose."""
        return self.method != ""


@dataclass(frozen=True)
class FlowCheck:
    """Errors of the very model that was timed, with one method.

    Attributes:
        flow: as in ``FlowTiming``.
        method: of the sequential direction; "" for couplings.
        dim: d.
        points: number of points checked; the log-determinant is checked at the first few of them.
        round_trip: largest |f(g(u)) - u|.
        log_det: largest |log_det - slogdet of autograd's Jacobian|, nats; None where d is too large for that.
        reference: largest |z - z'| with z' from the naive loop in float64.
    """

    flow: FlowName
    method: Method
    dim: int
    points: int
    round_trip: float
    log_det: float | None
    reference: float


@dataclass(frozen=True)
class FlowTimingSettings:
    """What is measured. Two runs of the same settings on the same machine can be pooled.

    Attributes:
        dims: the dimensions d, ascending.
        batch: points at once.
        hidden: widths of each layer of MAF and IAF; couplings get widths of as many parameters.
        layers: of every flow.
        methods: of the sequential directions.
        threads: of torch.
        device: "cpu" or "cuda".
        dtype: "float32" or "float64".
        repeats: of each case; a case that is slow gets fewer, and ``FlowTiming.repeats`` says how many.
        seed: of weights and noise.
        sharpness: the weights are random, not trained: the last layer of every network is scaled until what it gives at
            noise, shifts and log-scales a quarter as strong, has this standard deviation. A fixed point takes the more
            passes the sharper the flow is, about 7 a layer at 0.1, where trained flows need 6 to 10; the other methods
            take the same time for every flow.
    """

    dims: tuple[int, ...] = (2, 4, 8, 16, 32, 64, 128)
    batch: int = 1000
    hidden: tuple[int, ...] = (128, 128)
    layers: int = 5
    methods: tuple[str, ...] = METHOD_NAMES
    threads: int = 1
    device: str = "cpu"
    dtype: str = "float32"
    repeats: int = 20
    seed: int = 0
    sharpness: float = 0.1


@dataclass(frozen=True)
class Machine:
    """Where it was measured.

    Attributes:
        cpu: model of the processor.
        cores: it has, as the system counts them.
        gpu: model of the graphics processor; "" where it was not used.
        torch: version.
        python: version.
        system: operating system.
        load: processes that wanted a core at the start, the mean over a minute; None where the system does not say.
            Over about 0.5 the machine was busy with something else.
    """

    cpu: str
    cores: int
    gpu: str
    torch: str
    python: str
    system: str
    load: float | None


@dataclass(frozen=True)
class FlowRun:
    """Everything one run measured, or several pooled ones.

    Attributes:
        stamps: UTC, ISO 8601, when each pooled run began, oldest first; one for a run as it was measured.
        settings: what was asked for; of a pooled run, ``repeats`` is the sum.
        machine: where; of a pooled run, ``load`` is the largest.
        timings: one for each flow, task, method and d.
        checks: one for each flow, method and d.
        left_out: what was asked for and cannot be, with the reason.
    """

    stamps: tuple[str, ...]
    settings: FlowTimingSettings
    machine: Machine
    timings: tuple[FlowTiming, ...]
    checks: tuple[FlowCheck, ...]
    left_out: tuple[str, ...]

    @property
    def stamp(self) -> str:
        """When the newest part of it began, UTC."""
        return self.stamps[-1]

    @property
    def parameter_gap(self) -> float:
        """Largest relative difference of a flow's parameters from MAF's of the same d: 0.01 is one per cent."""
        maf = {timing.dim: timing.parameters for timing in self.timings if timing.flow == "maf"}
        return max((abs(t.parameters / maf[t.dim] - 1) for t in self.timings if t.dim in maf), default=0.0)

    def series(self, flow: FlowName, task: Task, method: Method = "") -> tuple[FlowTiming, ...]:
        """The timings of one line of the chart, by ascending d; () where there are none."""
        found = [t for t in self.timings if (t.flow, t.task, t.method) == (flow, task, method)]
        return tuple(sorted(found, key=lambda timing: timing.dim))


@dataclass(frozen=True)
class StoredRun:
    """One line of the list of stored runs. A broken one has an ``error`` and no ``run``.

    Attributes:
        name: file name, unique in the list.
        run: what it holds.
        error: why it cannot be used.
        shipped: whether it came with the program instead of being measured here.
    """

    name: str
    run: FlowRun | None
    error: str = ""
    shipped: bool = False


@dataclass(frozen=True)
class Slope:
    """Exponent b of median time ~ d^b.

    Attributes:
        value: least squares of log time on log d.
        low, high: 95 % interval from the residuals about the line (Student's t with n - 2 degrees of freedom). It says
            how straight the line is, curvature included, not how noisy single repeats are.
        n: number of dimensions.
    """

    value: float
    low: float
    high: float
    n: int
