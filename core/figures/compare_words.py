"""Models side by side in a table and in sentences, every difference with its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.comparison import (
    OF_KL,
    Difference,
    Measured,
    difference,
    estimate_of,
    few_effective,
    gains,
    kl_splits,
    still_rising,
)
from core.figures.surgery_words import difference_words
from core.figures.verdicts import better
from core.records import Distance
from core.report import Table
from core.results_words import rise_sentence

NOTHING = "–"
"""In a cell where something was not measured, or means nothing."""
FROM = {
    "reconstruction": "from reconstruction",
    "mutual_information": "from the information",
    "marginal_kl": "from the marginal KL",
    "average_kl": "from the KL, whose parts are not told apart here",
}
"""The parts of a gain in a sentence."""
LIKELIHOODS = {"log_likelihood": "log p(x)", "nll": "importance-weighted log p(x)"}
"""Exact, or the gain of a bound."""
_IN_NATS = (
    ("elbo", "ELBO, nats"),
    ("reconstruction", "reconstruction, nats"),
    ("average_kl", "KL(q(z|x) ‖ p(z)), nats"),
    ("mutual_information", "information I(n; z), nats"),
    ("marginal_kl", "marginal KL, nats"),
    ("log_likelihood", "log p(x), exact, nats"),
    ("nll", "NLL, importance-weighted, nats"),
)


def comparison_table(
    models: Sequence[Measured],
    distances: Sequence[Distance | None] = (),
    facts: Sequence[Mapping[str, str]] = (),
) -> Table:
    """A column a model, a line a measure; under each measure in nats its difference from the first model.

    Args:
        models: in the order of the columns. The importance-weighted likelihood is left out where all are known exactly.
        distances: of each model's prior from its q(z), where known.
        facts: of each model, by name in words: parameters, seconds and the like.

    Returns:
        A table whose bold cells are the differences of more than two standard errors.
    """
    rows: list[tuple[str, ...]] = []
    bold: list[tuple[int, int]] = []
    told = sum(model.per_image is not None for model in models) > 1  # pairs there are: what is none is marked
    for measure, title in _shown(models):
        values = [estimate_of(model, measure) for model in models]
        if not any(values):
            continue
        rows.append((title + _samples(models, measure), *(str(value) if value else NOTHING for value in values)))
        gaps = [None, *(_difference(model, models[0], measure) for model in models[1:])]
        if any(gaps):
            rows.append(("… difference", *(_gap(gap, told=told) for gap in gaps)))
            bold += [(len(rows) - 1, k + 1) for k, gap in enumerate(gaps) if gap is not None and gap.clear]
    rows += _distance_rows(distances)
    units = [estimate_of(model, "active_units") for model in models]
    if any(units):
        rows.append(("active units", *(f"{unit.value:.0f}" if unit else NOTHING for unit in units)))
    rows += [
        (name, *(found.get(name, NOTHING) for found in facts))
        for name in dict.fromkeys(key for f in facts for key in f)
    ]
    return Table(("measure", *(model.label for model in models)), tuple(rows), bold=tuple(bold))


def _shown(models: Sequence[Measured]) -> list[tuple[str, str]]:
    """The measures in nats: the importance-weighted likelihood only where one is not known exactly."""
    exact = all(estimate_of(model, "log_likelihood") for model in models)
    return [(measure, title) for measure, title in _IN_NATS if measure != "nll" or not exact]


def gain_sentences(models: Sequence[Measured]) -> list[str]:
    """What each model gains over the first, the largest gain of the bound first, in sentences without markup."""
    other = models[0]
    found = [(model, gains(model, other)) for model in models[1:]]
    known = [(model, gained) for model, gained in found if "elbo" in gained]
    known.sort(key=lambda pair: -pair[1]["elbo"].estimate.value)
    return [_sentence(model.label, other.label, gained) for model, gained in known]


def pairing_words(models: Sequence[Measured]) -> str:
    """Whether the differences from the first model are taken image by image, and which are not."""
    gaps = {
        title: [gap for model in models[1:] if (gap := _difference(model, models[0], measure)) is not None]
        for measure, title in _shown(models)
    }
    alone = [title.split(",")[0] for title, found in gaps.items() if found and not all(gap.paired for gap in found)]
    if not any(gap.paired for found in gaps.values() for gap in found):
        return "differences are not paired: the values of single images are not stored, and both errors are added"
    if not alone:
        return "differences are taken image by image"
    return f"differences are taken image by image, but not all of {', '.join(alone)}: there both errors are added"


def whole_kl_words(models: Sequence[Measured]) -> str:
    """Why the KL is not taken apart in some differences from the first model, a sentence; "" where it always is."""
    if all(kl_splits(model, models[0]) for model in models[1:]):
        return ""
    return "The KL is taken apart only where the information of both models was measured, below its ceiling log n."


def few_draws_words(models: Sequence[Measured]) -> str:
    """How far importance-weighted likelihoods can be trusted; "" where there is none."""
    evaluations = [model.evaluation for model in models]
    rise, fewest = still_rising(evaluations), few_effective(evaluations)
    told = [] if rise is None else [rise_sentence(rise)]
    if fewest is not None:
        told.append(
            "Importance-weighted likelihoods hang on few draws here: the median effective sample size is as low as "
            f"{fewest:.1f}. Their differences may be those of how far each lies under log p(x)."
        )
    return " ".join(told)


def counts_sentence(chosen: Mapping[str, int], whole: Mapping[str, int]) -> str:
    """Of each class how many images are selected of how many shown, the most frequent first.

    Example:
        >>> counts_sentence({"3": 2, "5": 7}, {"3": 40, "5": 41, "8": 39})
        '5: 7 / 41 · 3: 2 / 40'
    """
    ordered = sorted((name for name, count in chosen.items() if count), key=lambda name: -chosen[name])
    return " · ".join(f"{name}: {chosen[name]:,} / {whole[name]:,}" for name in ordered)


def _sentence(label: str, other: str, gained: Mapping[str, Difference]) -> str:
    bound = gained["elbo"]
    value = difference_words(bound.estimate).removeprefix("−")
    if not bound.clear:
        lead = f"{label}: no difference found in the ELBO from {other}, {difference_words(bound.estimate)} nats"
    elif bound.estimate.value > 0:
        lead = f"{label} gains {value} nats of ELBO over {other}"
    else:
        lead = f"{label} loses {value} nats of ELBO against {other}"
    told = "".join(
        f"; {words}: {difference_words(gained[key].estimate)} nats"
        for key, words in LIKELIHOODS.items()
        if key in gained
    )
    return f"{lead}{parts_words(gained)}{told}."


def parts_words(gained: Mapping[str, Difference]) -> str:
    """What the gain of the bound is the sum of, after a colon; "" where it is not known."""
    parts = [f"{difference_words(gained[key].estimate)} {words}" for key, words in FROM.items() if key in gained]
    return f": {', '.join(parts)}" if parts else ""


def _samples(models: Sequence[Measured], measure: str) -> str:
    """The number of importance samples, where it is the same for all."""
    if measure != "nll":
        return ""
    found = {model.evaluation.get("samples") for model in models if estimate_of(model, "nll")}
    return f", S = {found.pop():,}" if len(found) == 1 else ", S differs"


def _difference(of: Measured, against: Measured, measure: str) -> Difference | None:
    """As ``core.comparison.difference``, but of the parts of the KL only where they are told apart."""
    return None if measure in OF_KL and not kl_splits(of, against) else difference(of, against, measure)


def _gap(gap: Difference | None, *, told: bool) -> str:
    """A difference in a cell; whether it is paired is told where that is not the same for all."""
    if gap is None:
        return ""
    sign = "+" if gap.estimate.value > 0 else ""
    return f"{sign}{difference_words(gap.estimate)}" + (", not paired" if told and not gap.paired else "")


def _distance_rows(distances: Sequence[Distance | None]) -> list[tuple[str, ...]]:
    if not any(distances):
        return []
    told, holes, leaks = [], [], []
    for found in distances:
        if found is None:
            for cells in (told, holes, leaks):
                cells.append(NOTHING)
            continue
        best, low, high = better(found.classifiers)
        told.append(_share(best.accuracy.value, low, high))
        for cells, share in ((holes, found.mismatch.holes), (leaks, found.mismatch.leaks)):
            cells.append(_share(share.value, share.low, share.high))
    return [
        ("p told from q by a classifier, 50 % is a match", *told),
        ("holes, about 1 % is a match", *holes),
        ("leaks, about 1 % is a match", *leaks),
    ]


def _share(value: float, low: float, high: float) -> str:
    return f"{100 * value:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def differences_csv(models: Sequence[Measured]) -> str:
    """Every measure of every model with its difference from the first: one line each, full precision."""
    from core.tables import write_csv

    lines: list[list[Any]] = []
    for model in models:
        for measure, _ in _IN_NATS:
            value, gap = estimate_of(model, measure), difference(model, models[0], measure)
            if value is not None:
                lines.append(
                    [model.name, measure, value.value, value.se, models[0].name]
                    + (["", "", ""] if gap is None else [gap.estimate.value, gap.estimate.se, gap.paired])
                )
    header = ["model", "measure", "nats", "standard error", "compared with", "difference", "its error", "paired"]
    return write_csv(header, lines)
