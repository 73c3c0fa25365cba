"""What the page of the posterior says of its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.posterior_records import Absorption, ImagePosterior
from core.records import Estimate
from core.report import Table

FAR = 3.0
"""Standard errors from which a residual is no noise."""
LITTLE = 0.05
"""Nats under which a gap is called none."""


def image_sentence(name: str, found: ImagePosterior) -> str:
    """One image's gap, what it consists of, and whether the two ways of reading it agree."""
    kl, family = found.kl, found.family.value
    text = f"{name}: the bound lies {found.gap} nats below log p(x) = {_log_likelihood(found)}."
    if kl < LITTLE:
        text += " q(z|x) is all but the true posterior."
    elif kl <= family + 2 * found.family.se:
        text += (
            f" The best single Gaussian would be {found.family} away from p(z|x): this posterior is at least as near, "
            "so nothing is lost to the encoder."
        )
    else:
        share = 100 * max(0.0, min(1.0, (kl - family) / kl))
        text += (
            f" The best single Gaussian would be {found.family} away from p(z|x), so {kl - family:.2f} nats, "
            f"{share:.0f} % of the gap, would be won by a Gaussian of its own: they are lost because the encoder has "
            "to answer for every image at once."
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


def means_sentence(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Mean gap and bound of some models over the test images; those that cannot be told apart are named together."""
    gaps = {name: _of(metrics, "bound_gap") for name, metrics in rows}
    bounds = {name: _of(metrics, "elbo") for name, metrics in rows}
    if len(rows) == 1:
        return f"Over the test images the bound of the {rows[0][0]} lies {gaps[rows[0][0]]} nats below log p(x)."
    tight = _leaders({name: Estimate(-gap.value, gap.se) for name, gap in gaps.items()})
    best = _leaders(bounds)
    text = f"Smallest gap on the test images: {_named(tight, gaps)}. Best bound: {_named(best, bounds)}."
    if set(tight) & set(best):
        return text
    return (
        f"{text} A tighter bound need not be a better one: decoders are trained together with their posteriors, and "
        "a bound counts log p(x) too."
    )


def _leaders(values: Mapping[str, Estimate]) -> list[str]:
    """The largest, and all that are within two standard errors of the difference from it, best first."""
    order = sorted(values, key=lambda name: -values[name].value)
    first = values[order[0]]
    return [name for name in order if first.value - values[name].value <= 2 * math.hypot(first.se, values[name].se)]


def _named(names: Sequence[str], values: Mapping[str, Estimate]) -> str:
    text = " and ".join(f"{name}, {values[name]} nats" for name in names)
    return f"{text} (not told apart by these images)" if len(names) > 1 else text


def means_table(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> Table:
    """Bound, likelihood and gap of each model on the test images."""
    keys = ("elbo", "log_likelihood", "bound_gap", "quadrature_error")
    lines = []
    for name, metrics in rows:
        bound, exact, gap, error = (_of(metrics, key) for key in keys)
        lines.append((name, str(bound), str(exact), str(gap), f"{error.value:.1g}"))
    n, seed = rows[0][1]["n"], rows[0][1]["seed"]
    return Table(
        ("model", "ELBO", "log p(x), by quadrature", "gap = KL(q(z|x) ‖ p(z|x))", "grid error, at most"),
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
    header = ("model", "log p(x)", "ELBO", "gap, by draws", "KL, by quadrature", "difference", "best Gaussian's KL",
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
        f"the decoder. No image's bound differs by more than {_power(found.difference)} nats in double precision "
        f"({_power(found.difference_single)} in single). With a decoder that is not given the flow it is "
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
    return f"{value:.0e}" if value else "0"
