"""What the guided tour says of models that were trained with another prior or posterior, and of what flows cost."""

from __future__ import annotations

from collections.abc import Mapping

from core.comparison import CLEAR, PARTS, Difference
from core.figures.compare_words import FROM
from core.figures.flow_timing_words import spread, times
from core.figures.prior_gains import GainBlock
from core.figures.surgery_words import difference_words
from core.figures.tour_words import Answer
from core.flow_timing_compare import at, ratio
from core.flow_timing_records import FlowRun
from core.intervals import luck
from core.records import Estimate

WON_BY = {
    "reconstruction": "better reconstruction",
    "mutual_information": "codes that carry less",
    "marginal_kl": "a smaller marginal KL",
    "average_kl": "a smaller KL",
}
LOST_TO = {
    "reconstruction": "worse reconstruction",
    "mutual_information": "codes that carry more",
    "marginal_kl": "a larger marginal KL",
    "average_kl": "a larger KL",
}
"""Where a gain may come from, and what may take away from it."""
NOTICED = 0.1
"""Share of the gain under which a loss is not worth a word in the verdict."""


def pair_answer(vamp: Difference) -> Answer:
    """Whether a VampPrior and a mixture of Gaussians, each trained with its encoder, are told apart by their bounds.

    Args:
        vamp: ELBO of the VampPrior's model minus that of the mixture's.
    """
    numbers = (
        "Each trained with its own encoder, the VampPrior's ELBO minus that of the mixture of Gaussians is "
        f"{difference_words(vamp.estimate)} nats ({_how(vamp)}); no difference would be 0."
    )
    if not vamp.clear:
        return Answer("These images do not tell them apart.", numbers)
    return Answer("The VampPrior, here." if vamp.estimate.value > 0 else "The mixture of Gaussians, here.", numbers)


def _how(difference: Difference) -> str:
    """What stands behind a difference of two models."""
    return f"{'taken image by image' if difference.paired else 'the errors of both added'}, one training of each"


def direction_answer(run: FlowRun, dim: int) -> Answer | None:
    """What the density of given codes costs with an IAF and with a MAF, and their draws; None where not measured."""
    given, quick = at(run, "iaf", "density", "naive", dim), at(run, "maf", "density", "", dim)
    here = at(run, "iaf", "density", "incremental", dim)
    drawn, slow = at(run, "iaf", "sample", "", dim), at(run, "maf", "sample", "naive", dim)
    if given is None or quick is None:
        return None
    found = ratio(given, quick)
    if found.low > 1:
        verdict = "A flow can; an IAF pays for it in every training step."
    elif found.high < 1:
        verdict = "A flow can, and here an IAF is even the quicker one in training."
    else:
        verdict = "A flow can, and no direction is found to be the dearer one."
    numbers = (
        f"Training asks for log p(z) of given codes: at d = {dim}, {given.batch:,} of them take {spread(quick)} with a "
        f"MAF and {spread(given)} with an IAF by the textbook, {times(found, 'as long')}"
    )
    if here is not None:
        numbers += f" ({times(ratio(here, quick))} by the incremental inversion)"
    numbers += "; 1 would be no difference."
    if drawn is not None and slow is not None:
        lead = "Drawing is the mirror image" if found.low > 1 and ratio(slow, drawn).low > 1 else "Drawing them"
        numbers += f" {lead}: {spread(slow)} with a MAF, {spread(drawn)} with an IAF."
    return Answer(verdict, numbers)


def flow_gain_answer(name: str, gained: Difference) -> Answer:
    """What a flow prior gains over N(0, I) in the bound.

    Args:
        name: of the flow.
        gained: ELBO of its model minus that of N(0, I).

    Example:
        >>> print(flow_gain_answer("RealNVP", Difference(Estimate(3.8, 0.04), True)))
        RealNVP is the better prior. Its ELBO minus that of N(0, I) is 3.800 ± 0.040 nats (taken image by image, one training of each); no difference would be 0.
    """  # noqa: E501
    numbers = (
        f"Its ELBO minus that of N(0, I) is {difference_words(gained.estimate)} nats ({_how(gained)}); no difference "
        "would be 0."
    )
    if not gained.clear:
        return Answer(f"{name} is not told from N(0, I) by the bound.", numbers)
    return Answer(f"{name} is the {'better' if gained.estimate.value > 0 else 'worse'} prior.", numbers)


def gap_answer(gaussian: Estimate, flows: Mapping[str, tuple[Estimate, Difference]]) -> Answer:
    """Whether the bound of the Gaussian posterior is loose, and whether a flow makes it tighter.

    Args:
        gaussian: log p(x) - ELBO of the model with the Gaussian posterior, nats.
        flows: of each other posterior by its name the same, and by how much it differs from the Gaussian one's.
    """
    loose = gaussian.value > CLEAR * gaussian.se
    tighter = [name for name, (_, gap) in flows.items() if gap.clear and gap.estimate.value < 0]
    numbers = f"With Gaussian posteriors the bound lies {gaussian} nats below log p(x)"
    for name, (value, gap) in flows.items():
        numbers += f", with {name} ones {value} (difference {difference_words(gap.estimate)})"
    numbers += "; a true posterior would have 0."
    if not loose:
        return Answer("Rich enough, as far as these images can show.", numbers)
    if tighter:
        comes = "comes" if len(tighter) == 1 else "come"
        return Answer(f"A Gaussian is not; {' and '.join(tighter)} {comes} nearer to the true posterior.", numbers)
    if flows:
        return Answer("A Gaussian is not, and no flow is found to be nearer here.", numbers)
    return Answer("A Gaussian is not.", numbers)


def gap_at_least_answer(gained: Estimate, samples: int) -> Answer:
    """The same where log p(x) is only known to be above the importance-weighted bound.

    Args:
        gained: importance-weighted bound minus ELBO, nats.
        samples: importance samples of each image.
    """
    numbers = (
        f"The bound lies {gained} nats or more below log p(x), by {samples:,} importance samples an image; a true "
        "posterior would have 0."
    )
    if gained.value > CLEAR * gained.se:
        return Answer("A Gaussian is not.", numbers)
    return Answer("Rich enough, as far as these samples can show.", numbers)


def gained_answer(block: GainBlock) -> Answer:
    """Which prior gains most over N(0, I), whether that is more than the luck of the best of several, and from what.

    The best of m priors is clear where its whole interval is above 0 although it was chosen: each of the m intervals
    is as wide as it must be for all of them to hold together 95 % of the time (Bonferroni).
    """
    m = len(block.rows)
    best = max(block.rows, key=lambda row: row.gains["elbo"].estimate.value)
    bound, parts = best.gains["elbo"].estimate, {key: best.gains[key] for key in PARTS if key in best.gains}
    lead = f"{best.title}, the best of {m}," if m > 1 else best.title
    told = ", ".join(f"{difference_words(one.estimate)} {FROM[key]}" for key, one in parts.items())
    numbers = f"{lead} gains {difference_words(bound)} nats" + (f", of which {told}" if told else "")
    numbers += "; no difference would be 0."
    if bound.value <= luck(m) * bound.se:
        chance = f" With {m} priors to choose from, chance alone can do as much." if m > 1 else ""
        return Answer("No prior is found to gain over N(0, I).", f"{numbers}{chance}")
    return Answer(f"A better bound{_source(bound.value, parts)}.", numbers)


def _source(gain: float, parts: Mapping[str, Difference]) -> str:
    """The largest part of a gain that is surely one, and those that surely and noticeably take away from it.

    It is most of the gain where it is over half of it and no part that is not sure is larger.
    """
    more = [(one.estimate.value, key) for key, one in parts.items() if one.clear and one.estimate.value > 0]
    less = [LOST_TO[key] for key, one in parts.items() if one.clear and one.estimate.value < -NOTICED * gain]
    if not more:
        return ""
    cost = f"; {' and '.join(less)} cost some of it" if less else ""
    value, key = max(more)
    most = value > gain / 2 and value >= max(one.estimate.value for one in parts.values())
    return f", {'most' if most else 'part'} of it from {WON_BY[key]}{cost}"
