"""Numbers beside a picture: each with its uncertainty and with what a perfect match would give."""

from __future__ import annotations

import streamlit as st

from core import figures
from core.metrics.repeats import repeats_sentence
from core.records import CheckpointInfo, ClassifierTest, Distance, KernelTest, Share
from pages._ui import cache_measures, drawn
from pages._ui.layout import estimate_of

HOLES = (
    "Share of prior draws where the data has no mass: log q(z) under the 1 % quantile of log q at held-out posterior "
    "draws."
)
LEAKS = "Share of posterior draws where the prior has no mass: log p(z) under the 1 % quantile of log p at prior draws."


def verdict(info: CheckpointInfo, found: Distance | None) -> str:
    """What the picture of a model says, in words."""
    if found is None:
        return f"Nothing is counted here: {info.images} images are too few for that."
    marginal = (estimate_of(info, "marginal_kl"), estimate_of(info, "marginal_kl_null"))
    repeats = repeats_sentence(cache_measures.repeats(info.name, info.digest), info.images)
    told = (figures.mismatch_sentence(found.mismatch, *marginal), figures.classifier_sentence(found.classifiers))
    return " ".join(filter(None, [*told, repeats]))


def metric_strip(info: CheckpointInfo, found: Distance | None) -> None:
    """Marginal KL, classifiers, discrepancy, holes, leaks and mutual information, as far as they are known."""
    columns = iter([*st.columns(3), *st.columns(3)])
    n, seed = (info.metrics.get("test", {}).get(key, 0) for key in ("n", "seed"))
    marginal, information, log_n = (estimate_of(info, key) for key in ("marginal_kl", "mutual_information", "log_n"))
    null = estimate_of(info, "marginal_kl_null")
    if marginal is not None:
        with next(columns):
            card(
                "Marginal KL(q ‖ p), nats",
                str(marginal),
                "match: not known, see help" if null is None else f"match: {null}",
                f"Test split, n = {n:,}, seed {seed}, ± one standard error. The part of the ELBO that a "
                "better prior can win back, "
                "down to what a perfect one would have: q(z) is a mixture of n posteriors, and the distribution they "
                "are a sample of is not that mixture. Where the posteriors hardly overlap, that value is large and not "
                "known: the information is then cut off at log n and the rest counts here, whatever the prior is. "
                "Differences between priors on the same images are not touched by this.",
            )
    if found is not None:
        with next(columns):
            _classifier_card(found.classifiers)
        with next(columns):
            _kernel_card(found.kernel)
        for label, share, what in (("Holes", found.mismatch.holes, HOLES), ("Leaks", found.mismatch.leaks, LEAKS)):
            with next(columns):
                _share_card(label, share, f"{what} Seed {found.mismatch.seed}.")
    if information is not None and log_n is not None:
        with next(columns):
            card(
                "Information I(n; z), nats",
                str(information),
                f"ceiling log n = {log_n.value:.2f}",
                f"Test split, n = {n:,}, seed {seed}, ± one standard error. What the code keeps of the image, "
                "from 0 to log n.",
            )


def _share_card(label: str, share: Share, what: str) -> None:
    low, high, null = (100 * value for value in (share.low, share.high, share.null))
    card(
        label,
        f"{100 * share.value:.1f} %",
        f"{low:.1f}–{high:.1f}, match: {figures.NULL_WORDS}",
        f"{what} 95 % interval, the quantile's own noise in it, {share.n:,} independent items. A perfect match gives "
        f"{figures.NULL_WORDS} on average, with few images somewhat more; tried with draws of one distribution it was "
        f"{null:.1f} %.",
    )


def _classifier_card(tests: tuple[ClassifierTest, ...]) -> None:
    best, low, high = figures.better(tests)
    share = best.accuracy
    every = "; ".join(
        f"{test.classifier} {100 * test.accuracy.value:.1f} % (with one distribution {100 * test.accuracy.null:.1f} %)"
        for test in tests
    )
    card(
        "Told apart by a classifier",
        f"{100 * share.value:.1f} %",
        f"{100 * low:.1f}–{100 * high:.1f}, match: 50 %",
        f"Held-out accuracy of the better of {len(tests)} classifiers that tell draws of q from draws of p, on images "
        f"they have not seen, with a Wilson interval that allows for the choice (95 % for both). {every}. "
        f"{best.draws:,} draws of each, {share.n:,} held out, seed {best.seed}.",
    )


def _kernel_card(test: KernelTest) -> None:
    low, high = (f"{1000 * value:.2f}".replace("-", "−") for value in (test.null_low, test.null_high))
    card(
        "MMD², thousandths",
        f"{1000 * test.value:.2f}".replace("-", "−"),
        f"match: {low} to {high}, p = {test.p_value:.3f}",
        "Unbiased squared maximum mean discrepancy of five Gaussian kernels around the median distance; beside it the "
        f"range that holds 95 % of {test.permutations} shuffles between q and p, and the share of shuffles that reach "
        f"the value. {test.draws:,} draws of each, seed {test.seed}.",
    )


def card(label: str, value: str, beside: str, explained: str) -> None:
    """A number in large with what stands beside it, kept for the report."""
    st.metric(label, value, delta=beside, delta_color="off", delta_arrow="off", border=True, help=explained)
    drawn.keep_number(label, value, beside)
