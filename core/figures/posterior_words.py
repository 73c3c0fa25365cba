"""What the page of the posterior says of its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.comparison import Measured, difference
from core.posterior_records import Absorption, ImagePosterior
from core.records import Estimate
from core.report import Table

FAR = 3.0
"""Standard errors from which a residual is no noise."""
LITTLE = 0.05
"""Nats under which a gap is called none."""


def image_sentence(name: str, found: ImagePosterior, *, gaussian: bool = True) -> str:
    """One image's gap and what it consists of.

    Args:
        name: of the model.
        found: of the image.
        gaussian: whether q(z|x) is one; of a flow the best that it could be for this image is not looked for.
    """
    kl, family = found.kl, found.family.value
    text = f"{name}: the bound lies {found.gap} nats below log p(x) = {_log_likelihood(found)}."
    if kl < LITTLE:
        text += " q(z|x) is all but the true posterior."
    elif not gaussian:
        near = "nearer than" if kl < family - 2 * found.family.se else "no nearer than"
        text += (
            f" It is {near} the best single Gaussian, {found.family} away from p(z|x) (a Gaussian's approximation "
            "gap). The best flow for this image was not looked for, so what is lost to the encoder is not known."
        )
    elif kl <= family + 2 * found.family.se:
        text += (
            f" The best single Gaussian would be {found.family} away from p(z|x), the approximation gap: this "
            "posterior is at least as near, so nothing is lost to the encoder."
        )
    else:
        share = 100 * max(0.0, min(1.0, (kl - family) / kl))
        text += (
            f" The best single Gaussian would be {found.family} away from p(z|x), the approximation gap, so "
            f"{kl - family:.2f} nats, {share:.0f} % of the gap, would be won by a Gaussian of its own: the "
            "amortisation gap, lost because the encoder has to answer for every image at once."
        )
    return text


def agreement_sentence(found: ImagePosterior) -> str:
    """Whether draws and quadrature give the same KL, as they have to."""
    residual, se = found.residual, max(found.residual.se, 1e-12)
    text = f"Gap by {found.draws:,} draws minus KL by quadrature: {residual} nats"
    if abs(residual.value) <= FAR * se:
        return f"{text}, 0 within its noise."
    return (
        f"{text}, {abs(residual.value) / se:.0f} standard errors from 0. The quadrature holds {found.mass:.4f} of "
        "q(z|x); where that is not 1, or draws hardly ever meet the places that count, neither number is exact."
    )


def means_sentence(models: Sequence[Measured]) -> str:
    """Mean gap and bound of some models over the test images; those that cannot be told apart are named together.

    Models are told apart by their paired differences where both store what each image gives.
    """
    if len(models) == 1:
        gap = _of(models[0].evaluation, "bound_gap")
        return f"Over the test images the bound of the {models[0].label} lies {gap} nats below log p(x)."
    tight, best = _leaders(models, "bound_gap", -1), _leaders(models, "elbo", 1)
    text = f"Smallest gap on the test images: {_named(tight, 'bound_gap')}. Best bound: {_named(best, 'elbo')}."
    if {model.name for model in tight} & {model.name for model in best}:
        return text
    return (
        f"{text} A tighter bound need not be a better one: decoders are trained together with their posteriors, and "
        "a bound counts log p(x) too."
    )


def _leaders(models: Sequence[Measured], key: str, sign: int) -> list[Measured]:
    """The best by a measure, and all whose difference from it is within two standard errors of 0, best first."""
    order = sorted(models, key=lambda model: -sign * _of(model.evaluation, key).value)
    gaps = [difference(model, order[0], key) for model in order]
    return [model for model, gap in zip(order, gaps, strict=True) if gap is not None and not gap.clear]


def _named(models: Sequence[Measured], key: str) -> str:
    text = " and ".join(f"{model.label}, {_of(model.evaluation, key)} nats" for model in models)
    return f"{text} (not told apart by these images)" if len(models) > 1 else text


def gap_place_sentence(gaps: np.ndarray, gap: Estimate) -> str:
    """How usual the gap of one image is.

    Args:
        gaps: (n,) of all images, nats, from the few draws of an evaluation.
        gap: of the image, from many.
    """
    middle, high = np.quantile(gaps, [0.5, 0.9])
    share = 100 * float((gaps < gap.value).mean())
    return (
        f"of all {len(gaps):,} images half have a gap under {middle:.1f} nats and 90 % one under {high:.1f}; {gap} is "
        f"more than in {share:.1f} % of them (few draws of each, which spread them a little wider than they are)"
    )


def means_table(models: Sequence[Measured]) -> Table:
    """Bound, likelihood and gap of each model on the test images."""
    keys = ("elbo", "log_likelihood", "bound_gap", "quadrature_error")
    lines = []
    for model in models:
        bound, exact, gap, error = (_of(model.evaluation, key) for key in keys)
        lines.append((model.label, str(bound), str(exact), str(gap), f"{error.value:.1g}"))
    n, seed = models[0].evaluation["n"], models[0].evaluation["seed"]
    return Table(
        ("model", "ELBO", "log p(x), by quadrature", "gap = KL(q(z|x) ‖ p(z|x))", "grid error, largest checked"),
        tuple(lines),
        f"Test split, n = {n:,}, seed {seed}; nats per image, ± one standard error over the images; one training seed "
        "a model. A perfect posterior would have a gap of 0.",
    )


def image_table(rows: Sequence[tuple[str, ImagePosterior]]) -> Table:
    """Everything that was measured on one image."""
    lines = [
        (
            name, _log_likelihood(found), str(found.elbo), str(found.gap), f"{found.kl:.3f}", str(found.residual),
            str(found.family), f"{found.mass:.4f}",
        )
        for name, found in rows
    ]  # fmt: skip
    header = ("model", "log p(x)", "ELBO", "gap, by draws", "KL, by quadrature", "difference",
              "best Gaussian's KL (approximation gap)",
              "q(z|x) on the grid")  # fmt: skip
    draws, seed = rows[0][1].draws, rows[0][1].seed
    return Table(
        header, tuple(lines),
        f"One image; nats, ± one standard error over {draws:,} draws of z, seed {seed}; the error of log p(x) is the "
        "difference from grids of twice the spacing. Were q(z|x) the true posterior, gap and KL would read 0.",
    )  # fmt: skip


def absorption_sentence(name: str, found: Absorption) -> str:
    """The theorem in numbers."""
    return (
        f"{name}: ELBO {found.elbo} with the flow in the prior, {found.absorbed} with the flow in the posterior and in "
        f"the decoder. None of the {found.n:,} bounds differs by more than {_power(found.difference)} nats in double "
        f"precision ({_power(found.difference_single)} in single). With a decoder that is not given the flow it is "
        f"{found.kept_decoder}: then it is another model."
    )


def _of(metrics: Mapping[str, Any], key: str) -> Estimate:
    return Estimate(metrics[key]["value"], metrics[key]["se"])


def _log_likelihood(found: ImagePosterior) -> str:
    """log p(x) with the digits that its error leaves, four decimals at most."""
    if found.error < 1e-4:
        return f"{found.log_likelihood:.4f} ± less than 0.0001".replace("-", "−")
    decimals = max(0, -math.floor(math.log10(found.error)))
    return f"{found.log_likelihood:.{decimals}f} ± {found.error:.1g}".replace("-", "−").replace("e+", "e")


def _power(value: float) -> str:
    """With one digit, rounded up: nothing is larger.

    Example:
        >>> _power(4.2e-13)
        '5e-13'
    """
    if not value:
        return "0"
    exponent = math.floor(math.log10(value))
    return f"{math.ceil(value / 10.0**exponent) * 10.0**exponent:.0e}"
