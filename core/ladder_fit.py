"""The fit of one rung: a prior of the registry, started where the training posteriors lie, and pulled onto them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor, nn

from core.ladder_target import Target
from core.nn import MaskedLinear
from core.priors import PRIORS, Prior, PriorContext
from core.priors.gaussian import GaussianPrior
from core.priors.mog import MixtureOfGaussians
from core.priors.standardised import StandardisedMixture, StandardisedPrior, standardised
from core.priors.vamp import VampPrior
from core.shapes import Latents

RATES = {"mog": 0.02, "vamp": 0.01, "realnvp": 0.002, "maf": 0.002}
"""First learning rate of Adam, times the ``rate_scale`` of the prior; it falls to zero along a cosine."""

FRAMED = ("gaussian", "mog", "realnvp", "maf")
"""Kinds that are fitted over standardised codes where q(z) is of unusual size. N(0, I) is what it is, and those made of
posteriors are of the size of the codes by themselves."""

GROWN = ("vamp",)
"""Kinds that are fitted from two starts, of which one is what a single component has become."""

JUDGED = 10_000
"""Draws of q_train(z) by which the better of two fits is told."""

CLIP_NORM = 10.0

REPORT_EVERY = 20
"""Steps between two reports of progress."""


def start(kind: str, size: int | None, context: PriorContext, target: Target, generator: Generator) -> Prior:
    """The registry's prior before the fit. Those that copy posteriors are done with it.

    Args:
        kind: key of ``PRIORS``, or "subset": the posteriors of ``size`` random training images.
        size: number of components; None where the kind has no choice.
        context: with the frozen encoder and the training images.
        target: what it is going to be fitted to.
        generator: of everything random in it.
    """
    if kind in ("subset", "aggregated"):
        chosen = torch.randperm(len(target.mean), generator=generator)[:size].sort().values
        prior = PRIORS["aggregated"].from_config({"size": len(chosen)}, replace(context, images=None))
        prior.load_state_dict({"mean": target.mean[chosen], "log_var": target.log_var[chosen]})
        return prior.eval()
    options: dict[str, Any] = {"components": size} if size else {}
    if kind == "vamp":
        options["init"] = "mean" if size == 1 else "data"
    with torch.random.fork_rng(devices=[]):  # layers initialise from the process-wide state: seed it here, then restore
        torch.manual_seed(int(torch.randint(2**31 - 1, (), generator=generator)))
        context = replace(context, generator=generator)
        if kind not in FRAMED or not target.unusual:
            prior = PRIORS[kind].from_config(options, context)
        else:
            prior = standardised(PRIORS[kind], options, context)
            target.place(prior.frame)
    inner, target = framed(prior, target)
    if isinstance(inner, MixtureOfGaussians):
        _start_at_posteriors(inner, target, generator)
    return prior


def framed(prior: Prior, target: Target) -> tuple[Prior, Target]:
    """What is fitted, and to what: a standardised prior's own prior, to the posteriors over its codes."""
    if isinstance(prior, StandardisedMixture | StandardisedPrior):
        return prior.inner, target.within(prior.frame)
    return prior, target


def title_of(kind: str, components: int | None) -> str:
    """A rung's name as shown to a person."""
    if kind == "subset":
        return "Posterior of 1 training image" if components == 1 else f"Posteriors of {components:,} training images"
    return PRIORS[kind].title + (f", K = {components:,}" if components else "")


def work_of(kind: str, steps: int) -> int:
    """Steps that a rung takes, where its fits are of so many; 1 where it is not fitted by steps."""
    return (3 if kind in GROWN else 1) * steps if kind in RATES else 1


@dataclass(frozen=True)
class Fit:
    """How a prior is fitted.

    Attributes:
        target: q_train(z).
        steps: of Adam.
        batch: draws in a step.
        generator: of the draws.
        on_steps: told how many steps were done since it was last told.
    """

    target: Target
    steps: int
    batch: int
    generator: Generator
    on_steps: Callable[[int], object]


def fit(prior: Prior, kind: str, how: Fit) -> None:
    """Maximise E_{z ~ q_train(z)} log p(z) with Adam, on fresh draws in every step, from where the prior is.

    Args:
        prior: of any parameters.
        kind: its key, which tells the learning rate.
        how: the fit.

    Raises:
        ValueError: if a gradient is not finite.
    """
    rate, steps = RATES[kind] * prior.rate_scale, how.steps
    optimizer = torch.optim.Adam(prior.parameters(), lr=rate, fused=True)
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = rate * 0.5 * (1 + math.cos(math.pi * (step - 1) / steps))
        loss = -prior.log_prob(how.target.sample(how.batch, how.generator)).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_(prior.parameters(), CLIP_NORM))
        if not math.isfinite(norm):
            what = f"{type(prior).__name__}({prior.extra_repr()})"
            raise ValueError(f"the fit of {what} diverged in step {step} of {steps}: leave it out, or change the seed")
        optimizer.step()
        if step % REPORT_EVERY == 0 or step == steps:
            how.on_steps((step - 1) % REPORT_EVERY + 1)


def fit_rung(kind: str, prior: Prior, one: Callable[[], Prior], how: Fit) -> None:
    """Fit a rung in the way of its kind; nothing where it has nothing to fit.

    Args:
        kind: as for ``start``.
        prior: as that gives it.
        one: gives the same with one component, for the kinds that are ``GROWN``.
        how: the fit.

    Raises:
        ValueError: if a gradient is not finite, or the moments are those of no Gaussian that can be calculated with.
    """
    prior, target = framed(prior, how.target)
    how = replace(how, target=target)
    if isinstance(prior, GaussianPrior):
        fit_moments(prior, target)
    elif kind in GROWN:
        fit_twice(prior, one(), how)
    elif kind in RATES:
        fit(prior, kind, how)


def fit_twice(prior: Prior, one: Prior, how: Fit) -> None:
    """Fit all pseudo-inputs from training images, and again from what a single one has become, and keep the better.

    Posteriors of training images are narrow, and so are those of images near them: where there are few for all of q(z)
    they stay narrow (docs/decisions/0049). A single one has to become as wide as q(z), if the encoder can make that of
    any image; but where images make a good start, copies of one are slow to part.

    Args:
        prior: of any number of pseudo-inputs, at training images.
        one: of one, at the mean image; both as ``start`` gives them.
        how: of each of the three fits.

    Raises:
        ValueError: if a gradient is not finite, or for priors without pseudo-inputs.
    """
    if not isinstance(prior, VampPrior) or not isinstance(one, VampPrior):
        raise ValueError(f"only a VampPrior starts from pseudo-inputs; got {type(prior).__name__}")
    fit(one, "vamp", how)
    fit(prior, "vamp", how)
    judge = how.target.sample(JUDGED, how.generator)
    with torch.no_grad():
        from_images, reached = prior.logits.clone(), float(prior.log_prob(judge).mean())
        prior.logits.copy_(one.logits + torch.randn(prior.logits.shape, generator=how.generator))
    fit(prior, "vamp", how)
    with torch.no_grad():
        if float(prior.log_prob(judge).mean()) < reached:
            prior.logits.copy_(from_images)


def fit_moments(prior: GaussianPrior, target: Target) -> None:
    """Closed form: mean and covariance of q_train(z)."""
    prior.fit_moments(*target.moments)


def fitted_numbers(model: nn.Module) -> int:
    """Parameters, without the weights that a mask keeps out."""
    masked = sum(int((module.mask == 0).sum()) for module in model.modules() if isinstance(module, MaskedLinear))
    return sum(parameter.numel() for parameter in model.parameters()) - masked


@torch.no_grad()
def _start_at_posteriors(prior: MixtureOfGaussians, target: Target, generator: Generator) -> None:
    """Components at posteriors that lie apart, widened by their share of the variance between posteriors."""
    count, dim = prior.mean.shape
    chosen = _spread_out(target.mean, count, generator)
    variance = target.log_var[chosen].exp() + target.mean.var(0) * count ** (-2 / dim)
    prior.place(target.mean[chosen], variance.log())


def _spread_out(points: Latents, count: int, generator: Generator) -> Tensor:
    """Rows (count,) of points that lie apart: the chance of each is its squared distance from those drawn before.

    Drawn alike, two of a few components often start in one cluster and leave another without any.

    References:
        Arthur, Vassilvitskii (2007), k-means++: the advantages of careful seeding.
    """
    chosen = torch.randint(len(points), (count,), generator=generator)
    nearest = (points - points[chosen[0]]).square().sum(1)
    for k in range(1, count):
        total = nearest.cumsum(0)
        if float(total[-1]) > 0:  # else all are at a chosen one, and any is as good
            chosen[k] = torch.searchsorted(total, float(total[-1]) * torch.rand(1, generator=generator))[0]
        nearest = torch.minimum(nearest, (points - points[chosen[k]]).square().sum(1))
    return chosen
