"""Two classifiers that try to tell two sets of draws apart, and what they get right on draws they have not seen.

The logistic regression is linear: it sees a shift and nothing else. The neural network sees the rest. It was chosen by
held-out accuracy with 5,000 draws of each side (mean of two seeds; 0.5 = sees nothing), the linear one being blind to
all four. "Wide": all standard deviations times 1.15 (d = 2) or 1.05 (d = 40). "Clusters": 6 (d = 2) or 100 (d = 40),
with the mean and covariance of the prior.

    ==============================  ========  =========  ============  =============
    ..                              wide, 2   wide, 40   clusters, 2   clusters, 40
    ==============================  ========  =========  ============  =============
    15 nearest neighbours           0.52      0.50       0.53          0.80
    logistic on z and z^2           0.56      0.58       0.51          0.49
    boosted trees                   0.54      0.54       0.54          0.66
    network on z                    0.55      0.51       0.54          0.51
    8 networks on z and z^2 (used)  0.55      0.57       0.56          0.74
    ==============================  ========  =========  ============  =============

References:
    Lopez-Paz, Oquab (2017), Revisiting classifier two-sample tests, arXiv:1610.06545.
    Kingma, Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from core.shapes import Latents

FEWEST = 30
"""Draws of each side under which no test is made."""

CLAMP = 10.0
"""Standardised inputs end here, so that a stray draw of a flow governs neither the scale nor the fit."""

RIDGE = 1.0
"""Weight of half the squared coefficients in the logistic loss, summed over the draws; keeps separable data finite."""

MEMBERS, UNITS, RATE, BATCH = 8, 32, 3e-3, 200
PATIENCE, EPOCHS = 8, 60
"""Epochs without progress on a fifth of the training draws after which the networks stop; epochs at most."""

Fitted = Callable[[Tensor], Tensor]
"""Gives the log-odds of class 1, (n,), at points (n, d)."""


@torch.no_grad()
def classify(x: Latents, y: Latents, classifier: str, *, seed: int = 0) -> tuple[float, int]:
    """Accuracy with which a classifier tells x from y: trained on the first half of each, tried on the second.

    Args:
        x: (n, d) draws, in random order, at least 30. No draw of the second half may know one of the first: a
            classifier that memorises the draws of an image would recognise its other draws.
        y: (n, d) draws of the other distribution.
        classifier: a key of ``CLASSIFIERS``.
        seed: of the classifier.

    Returns:
        Share of the held-out draws put on the right side, in [0, 1], and the number of held-out draws, both sides
        together.

    Raises:
        ValueError: naming what is wrong with the draws, or the classifier that is unknown.
    """
    if classifier not in CLASSIFIERS:
        raise ValueError(f"classifier must be one of {', '.join(CLASSIFIERS)}; got {classifier!r}")
    require_comparable(x, y)
    half = len(x) // 2
    log_odds = CLASSIFIERS[classifier](x[:half], y[:half], seed)
    right = (log_odds(x[half:]) > 0).sum() + (log_odds(y[half:]) <= 0).sum()
    held_out = 2 * (len(x) - half)
    return int(right) / held_out, held_out


def require_comparable(x: Tensor, y: Tensor) -> None:
    """Refuse draws that no test can compare.

    Raises:
        ValueError: naming the side and what is wrong with it: shape, number, NaN or infinity.
    """
    if x.dim() != 2 or x.shape != y.shape:
        raise ValueError(f"x and y must both be (n, d), equal in number; got {tuple(x.shape)} and {tuple(y.shape)}")
    if len(x) < FEWEST:
        raise ValueError(f"a two-sample test needs at least {FEWEST} draws of each side; got {len(x)}")
    for name, side in (("x", x), ("y", y)):
        if bad := int((~torch.isfinite(side)).any(1).sum()):
            raise ValueError(f"{name} holds NaN or infinity in {bad} of {len(side)} draws; expected finite numbers")


def spread(z: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and scale of each dimension, (d,) each: median, and half the width of the central 68 %.

    The scale is the standard deviation of a Gaussian but hardly moves with outliers. Where more than 68 % of the draws
    coincide it is the standard deviation, and 1 where all do, so that a constant dimension becomes 0 and not NaN.
    """
    low, centre, high = torch.quantile(z.double(), torch.tensor([0.16, 0.5, 0.84], dtype=torch.float64), dim=0)
    scale = (high - low) / 2
    scale = torch.where(scale > 0, scale, z.double().std(0))
    return centre, torch.where(z.amax(0) > z.amin(0), scale, torch.ones_like(scale))


def linear_weights(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Logistic regression on standardised inputs, fitted to the end.

    Returns:
        Coefficients (d,) of the standardised inputs, and the intercept. They point from y to x.
    """
    pooled = torch.cat([x, y])
    centre, scale = spread(pooled)
    inputs = F.pad(_standardise(pooled, centre, scale), (0, 1), value=1.0)
    target = torch.cat([torch.ones(len(x)), torch.zeros(len(y))]).double()
    ridge = torch.full((inputs.shape[1],), RIDGE, dtype=torch.float64)
    ridge[-1] = 1e-8  # the intercept is free
    weight = torch.zeros_like(ridge)

    def loss(at: Tensor) -> float:
        logit = inputs @ at
        return float((F.softplus(logit) - target * logit).sum() + 0.5 * (ridge * at * at).sum())

    value = loss(weight)
    for _ in range(50):  # Newton's steps, halved until they descend; the loss is convex
        share = torch.sigmoid(inputs @ weight)
        gradient = inputs.T @ (share - target) + ridge * weight
        hessian = (inputs * (share * (1 - share))[:, None]).T @ inputs + ridge.diag()
        step = torch.linalg.solve(hessian, gradient)
        while (new := loss(weight - step)) > value and float(step.abs().max()) > 1e-9:
            step = step / 2
        if new > value or float(step.abs().max()) <= 1e-9:
            break
        weight, value = weight - step, new
    return weight[:-1], weight[-1]


def _logistic(x: Tensor, y: Tensor, seed: int) -> Fitted:  # noqa: ARG001  (nothing in it is random)
    centre, scale = spread(torch.cat([x, y]))
    weight, intercept = linear_weights(x, y)
    return lambda z: _standardise(z, centre, scale) @ weight + intercept


def _standardise(z: Tensor, centre: Tensor, scale: Tensor) -> Tensor:
    return ((z.double() - centre) / scale).clamp(-CLAMP, CLAMP)


def _networks(x: Tensor, y: Tensor, seed: int) -> Fitted:
    """Eight networks of one hidden layer on z and z^2, trained side by side; their log-odds are averaged."""
    centre, scale = spread(torch.cat([x, y]))

    def features(z: Tensor) -> Tensor:
        inputs = _standardise(z, centre, scale)
        return torch.cat([inputs, (inputs.square() - 1) / 2**0.5], 1).float()

    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(2 * len(x), generator=generator)
    target = torch.cat([torch.ones(len(x)), torch.zeros(len(y))])
    networks = _Networks(2 * x.shape[1], generator)
    networks.train(features(torch.cat([x, y]))[order], target[order], generator)
    return lambda z: networks.log_odds(features(z)).mean(1)


class _Networks:
    """``MEMBERS`` networks of ``UNITS`` rectified units, their parameters in one vector.

    Gradients and Adam's steps are written out: a caller may have switched autograd off for good (inference mode), and
    the first optimiser of a process costs torch four seconds of imports.
    """

    def __init__(self, width: int, generator: Generator) -> None:
        units = MEMBERS * UNITS
        shapes = ((width, units), (units,), (MEMBERS, UNITS), (MEMBERS,))
        self.vector = torch.zeros(sum(math.prod(shape) for shape in shapes))
        parts = self.vector.split([math.prod(shape) for shape in shapes])
        self.weight, self.bias, self.readout, self.intercept = (p.view(s) for p, s in zip(parts, shapes, strict=True))
        self.weight.copy_(torch.randn(width, units, generator=generator) * math.sqrt(2 / width))
        self.readout.copy_(torch.randn(MEMBERS, UNITS, generator=generator) / math.sqrt(UNITS))

    def hidden(self, inputs: Tensor) -> Tensor:
        """Activations, (n, members, units)."""
        return torch.addmm(self.bias, inputs, self.weight).relu_().view(-1, MEMBERS, UNITS)

    def log_odds(self, inputs: Tensor) -> Tensor:
        """Log-odds of every member, (n, members)."""
        return (self.hidden(inputs) * self.readout).sum(2) + self.intercept

    def gradient(self, inputs: Tensor, target: Tensor) -> Tensor:
        """Of the cross-entropy, mean over the draws and summed over the members, in the order of ``vector``."""
        hidden = self.hidden(inputs)
        log_odds = (hidden * self.readout).sum(2) + self.intercept
        error = (torch.sigmoid(log_odds) - target[:, None]) / len(inputs)
        before = (error[:, :, None] * self.readout * (hidden > 0)).flatten(1)
        readout = (error[:, :, None] * hidden).sum(0)
        return torch.cat([(inputs.T @ before).flatten(), before.sum(0), readout.flatten(), error.sum(0)])

    def train(self, inputs: Tensor, target: Tensor, generator: Generator) -> None:
        """End at the epoch whose average log-odds did best on the first fifth, which no gradient sees."""
        kept, step = len(inputs) // 5, 0
        first, second = torch.zeros_like(self.vector), torch.zeros_like(self.vector)
        best, best_loss, waited = self.vector.clone(), float("inf"), 0
        for _ in range(EPOCHS):
            for rows in (torch.randperm(len(inputs) - kept, generator=generator) + kept).split(BATCH):
                gradient, step = self.gradient(inputs[rows], target[rows]), step + 1
                first.lerp_(gradient, 0.1)
                second.lerp_(gradient.square(), 0.001)
                size = (second / (1 - 0.999**step)).sqrt_().add_(1e-8)
                self.vector.addcdiv_(first, size, value=-RATE / (1 - 0.9**step))
            average = self.log_odds(inputs[:kept]).mean(1)
            loss = float(F.binary_cross_entropy_with_logits(average, target[:kept]))
            waited += 1
            if loss < best_loss:
                best, best_loss, waited = self.vector.clone(), loss, 0
            if waited == PATIENCE:
                break
        self.vector.copy_(best)


CLASSIFIERS: dict[str, Callable[[Tensor, Tensor, int], Fitted]] = {
    "logistic regression": _logistic,
    "neural network": _networks,
}
"""Name as shown to a person -> fit(x, y, seed)."""
