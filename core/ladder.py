"""The optimal-prior ladder: priors of growing richness, fitted to one and the same aggregated posterior.

The encoder stays as it is. Of all priors the aggregated posterior q(z) = (1/n) sum_i q(z|x_i) of the training images
gives their bound its largest mean; every other prior p pays KL(q(z) || p(z)) nats an image for being simpler. A rung is
one family, fitted by

    maximise E_{z ~ q_train(z)} log p(z),    which minimises KL(q_train || p),

and measured on each split against that split's own aggregated posterior, whose density is exact and in float64. On the
training images the aggregated posterior is perfect by definition; what it is worth shows on the others, where even a
perfect prior has a marginal KL above zero (the null of ``core.metrics.surgery``). In many dimensions that part is
nearly all of it and depends on the number of images. It is the same for all priors and cancels in the gain

    KL(q || p_reference) - KL(q || p) = E_{z ~ q(z)} [log p(z) - log p_reference(z)],

the nats of ELBO won over the reference, N(0, I) where it is on the ladder: that is comparable across priors and splits.

Where q(z) is of an unusual size, as that of a foreign encoder can be, all but N(0, I) and priors made of posteriors are
fitted over standardised codes: a gain over the Gaussian does then not depend on the size (docs/decisions/0050).

References:
    Hoffman, Johnson (2016), ELBO surgery: yet another way to carve up the variational evidence lower bound.
    Tomczak, Welling (2018), VAE with a VampPrior, arXiv:1705.07120.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Generator, Tensor

from core.datasets import SPLIT_NAMES, Dataset
from core.flows import COUPLINGS
from core.ladder_fit import FRAMED, Fit, fit, fit_rung, fitted_numbers, start, title_of, work_of
from core.ladder_records import Ladder, LeftOut, Rung, reference_of
from core.ladder_target import Target
from core.latents import encode
from core.metrics.estimate import over_examples
from core.metrics.marginal_null import log_aggregated_and_null
from core.metrics.precise import draws, exact_log_prior
from core.plain_text import shown_error
from core.priors import Prior, PriorContext
from core.progress import Meter
from core.records import Estimate
from core.shapes import Latents
from core.vae import VAE

KINDS = ("standard", "gaussian", "mog", "vamp", "subset", "aggregated", "realnvp", "maf")
"""Families in the order in which they are fitted."""

SIZES: dict[str, tuple[int, ...]] = {
    "mog": (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
    "vamp": (10, 50, 100, 500, 1000),
    "subset": (10, 100, 1000, 10_000),
}
"""Numbers of components of the families that have a choice."""

DRAWS, MOST_EACH = 40_000, 16
"""Draws of q(z) on each split: about so many, from 1 to so many an image."""

Step = tuple[str, int | None]
"""A rung to climb: its kind, and the number of components where ``SIZES`` has the kind."""

Tell = Callable[[int, int, str], object]
"""Told done, total and what is being done."""


def plan(kinds: Iterable[str] = KINDS, components: Sequence[int] | None = None) -> tuple[Step, ...]:
    """The rungs of some families, in the order of ``KINDS``.

    Args:
        kinds: names in ``KINDS``.
        components: numbers of components for every family that has a choice; None takes those of ``SIZES``.

    Raises:
        ValueError: for a kind that is none, or a number below one.
    """
    wanted = set(kinds)
    if unknown := wanted - set(KINDS):
        raise ValueError(f"unknown kind of rung {', '.join(sorted(unknown))}; known: {', '.join(KINDS)}")
    if components is not None and any(size < 1 for size in components):
        raise ValueError(f"components must be at least 1; got {', '.join(map(str, components))}")
    rungs: list[Step] = []
    for kind in KINDS:
        if kind in wanted:
            sizes = SIZES.get(kind, (None,))
            rungs += [(kind, size) for size in (sorted(set(components)) if components and kind in SIZES else sizes)]
    return tuple(rungs)


def draws_per_image(n: int) -> int:
    """S, the number of draws of q(z|x_i) for each of n images behind a marginal KL."""
    return max(1, min(MOST_EACH, DRAWS // n))


def climb(
    vae: VAE,
    data: Dataset,
    *,
    digest: str,
    rungs: Sequence[Step] | None = None,
    steps: int = 2000,
    batch: int = 500,
    seed: int = 0,
    on_progress: Tell | None = None,
) -> Ladder:
    """Fit every rung to the aggregated posterior of the training images and measure it on all three splits.

    A rung's marginal KLs depend on the seed and the rung, not on which others are climbed; gains on the reference too.

    Args:
        vae: a trained model, left as it is; its own prior plays no part.
        data: that it was trained on.
        digest: of its checkpoint.
        rungs: as ``plan`` gives them; None takes all. Those with more components than training images are
            left out, and RealNVP in one dimension.
        steps: of Adam for each learned rung.
        batch: draws of q(z) in a step.
        seed: of every draw and fit.
        on_progress: told steps done, steps in all, and the rung.

    Returns:
        the ladder; a rung that could not be fitted is in ``left_out`` with the reason.

    Raises:
        ValueError: for settings out of range, a split of fewer than two images, or where no rung could be fitted.
    """
    images = {name: data.fixed(name).images for name in SPLIT_NAMES}
    encoder = copy.deepcopy(vae.posterior).cpu().eval().requires_grad_(False)
    context = PriorContext(vae.prior.dim, images["train"].shape[1], encoder, images["train"])
    codes = {name: partial(encode, vae, x) for name, x in images.items()}
    return climb_posteriors(
        codes, len(images["train"]), context,
        digest=digest, rungs=rungs, steps=steps, batch=batch, seed=seed, on_progress=on_progress,
    )  # fmt: skip


def climb_posteriors(
    codes: Mapping[str, Callable[[], tuple[Latents, Latents]]],
    n_train: int,
    context: PriorContext,
    *,
    digest: str,
    rungs: Sequence[Step] | None = None,
    steps: int = 2000,
    batch: int = 500,
    seed: int = 0,
    on_progress: Tell | None = None,
) -> Ladder:
    """``climb`` for posteriors that are there already, or made when they are asked for.

    Args:
        codes: for each of ``SPLIT_NAMES``, in that order, what gives mean and log_var, (n, d) each.
        n_train: number of training images.
        context: with the frozen encoder and the training images, where there are any.
        digest: of the checkpoint.
        rungs: as for ``climb``, and so are the others.
        steps: of Adam.
        batch: draws in a step.
        seed: of every draw and fit.
        on_progress: told how far it is.
    """
    for name, value, least in (("steps", steps, 1), ("batch", batch, 1), ("seed", seed, 0)):
        if value < least:
            raise ValueError(f"{name} must be at least {least}; got {value}")
    kept = _possible(plan() if rungs is None else rungs, n_train, context.dim)
    meter = Meter(on_progress, len(codes) + sum(work_of(kind, steps) for kind, _ in kept))
    splits: dict[str, _Split] = {}
    for stream, (name, make) in enumerate(codes.items()):
        meter.advance(0, f"log q(z) of the {name} images")
        splits[name] = _drawn(name, *make(), _generator(seed, stream))
        meter.advance(1, f"log q(z) of the {name} images")
    target = Target(splits["train"].mean, splits["train"].log_var)
    _warm_up(context, target)
    found, log_p, left_out = [], [], []
    for kind, size in kept:
        stream, title = (len(codes), KINDS.index(kind), size or 0), title_of(kind, size)
        how = Fit(target, steps, batch, _generator(seed, *stream), partial(meter.advance, message=title))
        end = meter.done + work_of(kind, steps)
        meter.advance(0, title)
        try:
            rung, per_image = _climbed(kind, size, context, how, splits)
        except ValueError as error:  # the others are worth as much without it
            left_out.append(LeftOut(title, shown_error(error)))
        else:
            found.append(rung)
            log_p.append(per_image)
        meter.advance(end - meter.done, title)
    if not found:
        raise ValueError("; ".join(f"{rung.title}: {rung.reason}" for rung in left_out))
    return Ladder(
        rungs=_with_gains(found, log_p),
        covariance=np.cov(np.stack([values["test"].numpy() for values in log_p])).reshape(len(found), len(found)),
        train_null=splits["train"].null,
        validation_null=splits["validation"].null,
        test_null=splits["test"].null,
        n_train=len(splits["train"].mean),
        n_validation=len(splits["validation"].mean),
        n_test=len(splits["test"].mean),
        steps=steps,
        seed=seed,
        digest=digest,
        standardised=target.unusual and any(rung.kind in FRAMED for rung in found),
        left_out=tuple(left_out),
    )


def _warm_up(context: PriorContext, target: Target) -> None:
    """One step that nobody times: the first optimiser of a process loads seconds of code, which is no prior's cost."""
    generator = _generator(0)
    prior = start("mog", 1, context, target, generator)
    fit(prior, "mog", Fit(target, 1, 2, generator, lambda _: None))


def _possible(rungs: Sequence[Step], n: int, dim: int) -> list[Step]:
    """Those with no more components than images; couplings need two dimensions."""
    kept = [(kind, size) for kind, size in rungs if (size or 1) <= n and (kind not in COUPLINGS or dim > 1)]
    if not kept:
        raise ValueError(f"{n} training images in {dim} dimensions leave no rung to climb: ask for fewer components")
    return kept


@dataclass(frozen=True)
class _Split:
    """Posteriors of n images, draws z (S, n, d) of each, the exact log q(z) there in float64, and the split's null."""

    mean: Tensor
    log_var: Tensor
    z: Tensor
    log_q: Tensor
    null: Estimate | None


def _generator(seed: int, *stream: int) -> Generator:
    """A random stream of its own for every split and every rung."""
    words = np.random.SeedSequence([seed, *stream]).generate_state(1, np.uint32)
    return torch.Generator().manual_seed(int(words[0]))


@torch.inference_mode()
def _drawn(name: str, mean: Latents, log_var: Latents, generator: Generator) -> _Split:
    n = len(mean)
    if n < 2:
        raise ValueError(f"the {name} split has {n} image; the ladder leaves one out at a time and needs two")
    z, _ = draws(mean, log_var, draws_per_image(n), generator=generator)
    return _Split(mean, log_var, z, *log_aggregated_and_null(z, mean, log_var))


def _climbed(
    kind: str, size: int | None, context: PriorContext, how: Fit, splits: dict[str, _Split]
) -> tuple[Rung, dict[str, Tensor]]:
    """A rung, fitted and measured as ``_measured`` says."""
    prior, one = (partial(start, kind, number, context, how.target, how.generator) for number in (size, 1))
    made = prior()
    began = time.perf_counter()
    fit_rung(kind, made, one, how)
    return _measured(kind, size, made, splits, time.perf_counter() - began)


def _measured(
    kind: str, size: int | None, prior: Prior, splits: dict[str, _Split], seconds: float
) -> tuple[Rung, dict[str, Tensor]]:
    """The rung, still without gains, and each image's mean log p(z) on every split, (n,) in float64."""
    log_p = {
        name: exact_log_prior(prior, split.z.flatten(0, 1)).view(split.log_q.shape) for name, split in splits.items()
    }
    marginal = {name: over_examples((split.log_q - log_p[name]).mean(0)) for name, split in splits.items()}
    if kind == "aggregated":
        size = len(splits["train"].mean)
    elif kind in ("standard", "gaussian"):
        size = 1
    title, none = title_of(kind, size if kind in SIZES else None), Estimate(0.0, 0.0)
    rung = Rung(kind, title, size, fitted_numbers(prior), seconds, **marginal,
                train_gain=none, validation_gain=none, test_gain=none)  # fmt: skip
    return rung, {name: values.mean(0) for name, values in log_p.items()}


def _with_gains(rungs: Sequence[Rung], log_p: Sequence[dict[str, Tensor]]) -> tuple[Rung, ...]:
    """The rungs with what each wins over the reference, from each image's mean log p(z) under every rung."""
    base = log_p[reference_of([rung.kind for rung in rungs])]
    return tuple(
        replace(rung, **{f"{split}_gain": over_examples(values[split] - base[split]) for split in base})
        for rung, values in zip(rungs, log_p, strict=True)
    )
