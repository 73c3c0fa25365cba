"""What the terms of the ELBO say about a model, in sentences with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from core.comparison import AT_CEILING
from core.records import Estimate

RESIDUAL_LIMIT = 3.0
"""Standard errors within which the residual of the identity is noise."""


def estimate_of(metrics: Mapping[str, Any], key: str, name: str = "the model") -> Estimate:
    """One metric with its standard error.

    Raises:
        ValueError: where it is missing, with the way to compute it.
    """
    if key not in metrics:
        raise ValueError(f"metrics of {name!r} lack {key!r}, have {sorted(metrics)}: run `python -m core evaluate`")
    return Estimate(float(metrics[key]["value"]), float(metrics[key]["se"]))


def difference_words(value: Estimate) -> str:
    """A difference ± one standard error, with two digits of the error, up to three decimals."""
    decimals = min(3, max(2, 1 - math.floor(math.log10(value.se)))) if value.se > 0 else 2
    return f"{value.value:z.{decimals}f} ± {value.se:.{decimals}f}".replace("-", "−")


def surgery_sentence(name: str, metrics: Mapping[str, Any]) -> str:
    """What the bound is made of, what a better prior could win back, and how loose the bound is.

    Args:
        name: of the model.
        metrics: as `core.figures.waterfall.elbo_waterfall` takes them, with "average_kl".

    Returns:
        Four sentences without markup.
    """
    keys = ("elbo", "average_kl", "mutual_information", "marginal_kl")
    elbo, average, information, marginal = (estimate_of(metrics, key, name) for key in keys)
    null = estimate_of(metrics, "marginal_kl_null", name) if "marginal_kl_null" in metrics else None
    return " ".join(
        (
            f"{name}: ELBO = {elbo} nats per image.",
            _share(average, information, estimate_of(metrics, "log_n", name)),
            _win(marginal, null, estimate_of(metrics, "log_n", name)),
            _looseness(name, metrics, elbo),
        )
    )


def residual_sentence(metrics: Mapping[str, Any]) -> str:
    """Whether the three terms, estimated from draws of their own, add up as they must.

    Args:
        metrics: with "identity_residual", in nats.
    """
    residual = estimate_of(metrics, "identity_residual")
    lead = f"average KL − information − marginal KL = {residual} nats: "
    if abs(residual.value) <= RESIDUAL_LIMIT * residual.se:
        return f"{lead}zero within {RESIDUAL_LIMIT:.0f} standard errors of the draws, as the identity demands."
    return (
        f"{lead}more than {RESIDUAL_LIMIT:.0f} standard errors from zero, which the identity forbids. "
        "Do not trust these terms: evaluate the model again, and report it if it stays."
    )


def _share(average: Estimate, information: Estimate, log_n: Estimate) -> str:
    """Part of the average KL that is mutual information; nothing to divide by where that KL is noise."""
    if information.value > log_n.value - AT_CEILING:
        return (
            f"Of the KL of {average} nats at least {information} is information about the image: more cannot be seen "
            f"with these images, log n is {log_n.value:.2f}."
        )
    if average.value <= 2 * average.se:
        return f"The KL is {average} nats, no more than noise: the codes carry nothing about the image."
    share = information.value / average.value
    words = f"{100 * share:.0f}".replace("-", "−")
    return f"Of the KL of {average} nats, {words} % is information about the image ({information} nats)."


def _win(marginal: Estimate, null: Estimate | None, log_n: Estimate) -> str:
    """The marginal KL above that of a perfect prior, with the larger standard error that unrelated noise would have."""
    if null is None:
        return (
            f"How much of the marginal KL of {marginal} nats a better prior could win back cannot be told from these "
            f"images alone: their posteriors hardly overlap, the information is cut off at log n = {log_n.value:.2f}, "
            "and what lies above that counts as marginal KL whatever the prior is. Differences between priors for one "
            "and the same encoder are free of this."
        )
    excess = Estimate(marginal.value - null.value, math.hypot(marginal.se, null.se))
    numbers = f"marginal KL {marginal}, of which a perfect prior would still have {null}"
    if excess.value > 2 * excess.se:
        return f"A better prior for this encoder could win back {difference_words(excess)} nats ({numbers})."
    return f"A better prior for this encoder has nothing to win back that these images can show ({numbers})."


def _looseness(name: str, metrics: Mapping[str, Any], elbo: Estimate) -> str:
    """How far the bound lies under log p(x), with the error of the paired difference where it was measured."""
    key, exact = "bound_gap", "log_likelihood" in metrics
    if exact:
        likelihood = estimate_of(metrics, "log_likelihood", name)
    else:
        nll, key = estimate_of(metrics, "nll", name), "importance_gain"
        likelihood = Estimate(-nll.value, nll.se)
    gap = f"{likelihood.value - elbo.value:.2f}".replace("-", "−")
    gap = str(estimate_of(metrics, key, name)) if key in metrics else gap
    if not exact:
        samples = f", S = {metrics['samples']:,}" if "samples" in metrics else ""
        return f"The bound lies {gap} nats or more under log p(x), which is {likelihood} or more (importance{samples})."
    grid = f" to {metrics['quadrature_error']['value']:.1g} nats" if "quadrature_error" in metrics else ""
    return f"The bound lies {gap} nats under log p(x) = {likelihood}, integrated over the plane{grid}."
