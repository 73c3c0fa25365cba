"""The results in sentences: ours against published, what differs, and what must be known to read the numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.comparison import Rise, at_ceiling, few_effective, still_rising
from core.published import Published, Study
from core.records import Estimate
from core.results_records import ResultGroup, ResultRow

STILL_RISING = 0.95
"""Share of the epochs after which a best epoch says that the training was not over."""
HIDDEN = 0.5
"""Nats of bias from which it is said that effective samples do not tell of it."""


@dataclass(frozen=True)
class Comparison:
    """One of our models against a published one.

    Attributes:
        row, published: the two.
        ours: -log p(x) in nats, the mean over the training seeds, with the error of the stored weights over the images.
        gained: nats by which ours is better, negative where it falls short, with the error it would have if the two
            numbers shared nothing. They share the test images, so the true error is smaller.
    """

    row: ResultRow
    published: Published
    ours: Estimate
    gained: Estimate


def comparisons(group: ResultGroup) -> list[Comparison]:
    """Every measured model that has a published counterpart, both with the same prior."""
    found = []
    for row in group.measured:
        published = group.published_of(row)
        if published is None or row.nll is None:
            continue
        ours = Estimate(row.nll.value if row.seeds is None else row.seeds.mean, row.nll.se)
        error = math.hypot(ours.se, published.nll.se)
        found.append(Comparison(row, published, ours, Estimate(published.nll.value - ours.value, error)))
    return found


def better_words(one: Comparison) -> str:
    """By how much ours is better or worse, with the error that this has at most."""
    better = f"{abs(one.gained.value):.2f} nats {'better' if one.gained.value >= 0 else 'short'}"
    told = "" if abs(one.gained.value) >= 2 * one.gained.se else ", no difference found"
    return f"{better}, ± {one.gained.se:.2f} if the two shared no images{told}"


def comparison_sentence(one: Comparison) -> str:
    """By how much ours is better or worse, and what that is of."""
    seeds = 1 if one.row.seeds is None else one.row.seeds.n
    most = one.row.cost.epochs if one.row.cost.epochs is not None else one.row.epochs
    training = f"{seeds} training seed{'s' if seeds > 1 else ''}, {most:,} epochs in batches of {one.row.batch_size}"
    return (
        f"{one.row.title} ({one.row.name}): {one.ours} here, {one.published.nll} published: {better_words(one)}. "
        f"Ours: {training}.{_why(one)}"
    )


def _why(one: Comparison) -> str:
    """What may be behind a shortfall, as far as the training tells."""
    if one.gained.value >= 0:
        return ""
    reasons = []
    if _still_rising(one.row):
        reasons.append(
            f"the best of the {one.row.cost.epochs:,} epochs was number {one.row.cost.best_epoch:,}, so it was still "
            "improving when it ended"
        )
    if abs(one.gained.value) < 2 * one.gained.se:
        reasons.append("chance: the difference is within two of these errors")
    return f" What may be behind it: {'; '.join(reasons)}." if reasons else " The reason is not known."


def _still_rising(row: ResultRow) -> bool:
    epochs, best = row.cost.epochs, row.cost.best_epoch
    return epochs is not None and best is not None and best >= STILL_RISING * epochs


def group_sentences(group: ResultGroup) -> list[str]:
    """What has to be known to read the numbers of a group."""
    told = [comparison_sentence(one) for one in comparisons(group)]
    studies = dict.fromkeys(one.study for one in group.published)
    of_rows = (_of_samples, _of_exact, _of_ceiling, _of_measures, _of_missing)
    return [*told, *map(study_sentence, studies), *(sentence for of in of_rows for sentence in of(group))]


def study_sentence(study: Study) -> str:
    """Where published numbers come from, and how their models were trained."""
    return (
        f"Published: {study.authors}, {study.title}, {study.address}; read in {study.read}; trained {study.settings}. "
        "What its ± is of is not said there."
    )


def _of_samples(group: ResultGroup) -> list[str]:
    tests = [row.test for row in group.measured]
    rise, fewest = still_rising(tests), few_effective(tests)
    told = [] if rise is None else [rise_sentence(rise)]
    if fewest is not None:
        told.append(
            "Importance sampling hangs on few draws here: the median effective sample size is as low as "
            f"{fewest:.1f}. So −log p(x) may lie well above the truth, and not equally far for every model."
        )
    return told


def _of_exact(group: ResultGroup) -> list[str]:
    """What importance sampling would have told where the truth is known: effective samples do not tell of its bias."""
    both = [row.test for row in group.measured if row.exact and "nll" in row.test and "ess_median" in row.test]
    if not both:
        return []
    short = [test["log_likelihood"]["value"] + test["nll"]["value"] for test in both]
    sizes, samples = [test["ess_median"] for test in both], sorted({test["samples"] for test in both})
    hidden = "; effective samples are no sign of it, as draws of q(z|x) miss what it does not cover"
    return [
        f"Importance sampling would have told −log p(x) {_range(short, '.2f')} nats too high here, with "
        f"{' or '.join(f'{size:,}' for size in samples)} samples an image, of which {_range(sizes, ',.0f')} are "
        f"effective (median){hidden if max(short) > HIDDEN else ''}."
    ]


def _range(values: Sequence[float], form: str) -> str:
    """From the least to the largest, or one number where both look the same."""
    low, high = (format(of(values), form) for of in (min, max))
    return low if low == high else f"{low} to {high}"


def rise_sentence(rise: Rise) -> str:
    """How far the bounds still rose with their last samples, and what that means."""
    return (
        f"Importance-weighted likelihoods are bounds: with {rise.end:,} samples an image in place of {rise.start:,} "
        f"they still rose by {_range((rise.least, rise.most), '.2f')} nats. log p(x) lies above them by an amount that "
        "is not known, and their differences may move by as much as their rises differ."
    )


def _of_ceiling(group: ResultGroup) -> list[str]:
    """Where the information is as large as it can be, what of the marginal KL is the prior's doing is not known."""
    found = [row for row in group.measured if at_ceiling(row.test) and "marginal_kl_null" not in row.test]
    if not found:
        return []
    whose = "" if len(found) == len(group.measured) else f" of {', '.join(row.name for row in found)}"
    return [
        f"The information{whose} has reached its ceiling log n = {found[0].test['log_n']['value']:.2f}: what an "
        "encoder carries above it counts as marginal KL. How much of that is the prior's doing is not known, nor its "
        "null, and gains of the two are told as one there."
    ]


def _of_measures(group: ResultGroup) -> list[str]:
    names = [row.name for row in group.rows if not row.weights]
    if not names:
        return []
    return [f"Only the measures of {', '.join(names)} are here, not the weights: the commands train them again."]


def _of_missing(group: ResultGroup) -> list[str]:
    missing = [row.name for row in group.rows if row.state]
    return [f"Without numbers so far: {', '.join(missing)}."] if missing else []
