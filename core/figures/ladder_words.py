"""The lecture's questions about priors, answered by a ladder's numbers on the test images."""

from __future__ import annotations

import math

from core.figures.ladder import over_fit, words_of
from core.figures.ladder_axis import reference_name
from core.figures.surgery_words import difference_words
from core.ladder_records import Ladder, Rung
from core.records import Estimate

SURE = 2.0
"""Standard errors under which a difference is none that the test split can show."""
_FROZEN = (
    "The VampPrior is fitted here afterwards, to a frozen encoder, so its components can only be what that encoder "
    "makes of an image; trained together, the encoder would move towards them as well. Pseudo-inputs are found more "
    "slowly than a mixture's means, so that its gain, in three fits for a mixture's one, is a lower bound all the same."
)
_NO_DIFFERENCE = "no difference that this test split can show"


def ladder_answers(ladder: Ladder) -> tuple[str, ...]:
    """Whether several modes, coupling to the encoder, and the optimal prior pay: a question and its answer each.

    Within a family the rung with the largest gain on the validation images speaks for it; gains over N(0, I) and
    differences are of the test images, with paired standard errors. None needs the null of the marginal KL.

    Args:
        ladder: of one encoder.

    Returns:
        Up to three paragraphs without markup; a question whose families are not on the ladder is left out.
    """
    asked = (
        ("Do we need a multimodal prior?", multimodal_answer(ladder)),
        ("Is coupling to the posterior needed, or is a mixture of Gaussians enough?", _frozen(coupling_answer(ladder))),
        ("What does the optimal prior cost?", _cost_answer(ladder)),
    )
    return tuple(f"{question} {answer}" for question, answer in asked if answer)


def standardised_words(ladder: Ladder) -> str:
    """That some fits were made over standardised codes, "" where none was."""
    if not ladder.standardised:
        return ""
    return (
        "q(z) lies or spreads otherwise than these priors are made for, so the Gaussian, mixtures and flows were "
        "fitted over codes of mean 0 and deviation 1 in every dimension, and their densities carried back"
    )


def left_out_words(ladder: Ladder) -> str:
    """Which priors could not be fitted and why, "" where all could."""
    return " ".join(f"{one.title} is left out: {one.reason}." for one in ladder.left_out)


def multimodal_answer(ladder: Ladder) -> str:
    """Whether a mixture fits better than one Gaussian, then a colon and the numbers; "" where one is not there."""
    gaussian, several = _best(ladder, "gaussian"), _best(ladder, "mog", least=2)
    return "" if gaussian is None or several is None else _multimodal(ladder, several, gaussian)


def coupling_answer(ladder: Ladder) -> str:
    """Whether a VampPrior fits better than a mixture, then a colon and the numbers; "" where one is not there."""
    mog, vamp = _best(ladder, "mog"), _best(ladder, "vamp")
    return "" if mog is None or vamp is None else f"{_coupling(ladder, vamp, mog)}{_unfinished(ladder)}"


def _unfinished(ladder: Ladder) -> str:
    """Whether a fit has surely ended short of what it can reach: below a smaller one of its kind, which it contains."""
    told = []
    for kind in ("mog", "vamp"):
        rungs = [rung for rung in ladder.rungs if rung.kind == kind]
        pairs = [(few, many) for few in rungs for many in rungs if _contains(many, few)]
        short = [(few.train_gain.value - many.train_gain.value, few, many) for few, many in pairs]
        short = [found for found in short if found[0] > SURE * math.hypot(*(rung.train_gain.se for rung in found[1:]))]
        if short:
            by, few, many = max(short, key=lambda found: found[0])
            told.append(
                f" Not all was fitted to its end: {many.title} does {by:.2f} nats worse on the training images than "
                f"{few.title}, which it contains, so differences of this size can be those of the fits."
            )
    return "".join(told)


def _contains(many: Rung, few: Rung) -> bool:
    """Whether a mixture of equal weights could be the other one, each component several times."""
    return (many.components or 0) > (few.components or 0) > 0 and (many.components or 0) % (few.components or 1) == 0


def _frozen(answer: str) -> str:
    return f"{answer} {_FROZEN}" if answer else ""


def optimal_rung(ladder: Ladder) -> Rung | None:
    """The aggregated posterior on a ladder, None where it is not there or is what the others are measured from."""
    place = _best(ladder, "aggregated")
    return None if place is None or place == ladder.reference else ladder.rungs[place]


def _cost_answer(ladder: Ladder) -> str:
    return "" if optimal_rung(ladder) is None else _optimal(ladder, _best(ladder, "aggregated") or 0)


def _best(ladder: Ladder, *kinds: str, least: int = 1) -> int | None:
    """Place of the rung of these kinds, of at least so many components, that gains most on the validation images."""
    rungs = enumerate(ladder.rungs)
    places = [place for place, rung in rungs if rung.kind in kinds and (rung.components or 1) >= least]
    return max(places, key=lambda place: ladder.gain(place, "validation").value, default=None)


def _against(ladder: Ladder, a: int, b: int) -> tuple[int, str]:
    """1 where rung a gains more than b, -1 where less, 0 where that is noise; and the two with it in words."""
    difference = ladder.difference(b, a)  # of what they leave: the other way round it is of what they gain
    won, other = ladder.gain(a, "test"), ladder.gain(b, "test")
    words = (
        f"{ladder.rungs[a].title} {_won(won)} nats {_from(won, ladder)}, {ladder.rungs[b].title} {_won(other)}, "
        f"difference {difference_words(difference)} nats"
    )
    if abs(difference.value) <= SURE * difference.se:
        return 0, words
    return (1 if difference.value > 0 else -1), words


def _won(gain: Estimate) -> str:
    """What is gained, or that it is a loss."""
    return f"{'gains' if gain.value >= 0 else 'loses'} {words_of(Estimate(abs(gain.value), gain.se))}"


def _from(gain: Estimate, ladder: Ladder) -> str:
    return f"{'over' if gain.value >= 0 else 'against'} {reference_name(ladder)}"


def _multimodal(ladder: Ladder, mog: int, gaussian: int) -> str:
    sign, words = _against(ladder, mog, gaussian)
    return {
        1: f"Yes, one Gaussian is not enough: {words}.",
        0: f"Not here, {_NO_DIFFERENCE}: {words}.",
        -1: f"No, one Gaussian fits better: {words}.",
    }[sign]


def _coupling(ladder: Ladder, vamp: int, mog: int) -> str:
    sign, words = _against(ladder, vamp, mog)
    fits = (
        "A mixture fits better, as far as these fits go"
        if _unfinished(ladder)
        else "A mixture is enough and fits better"
    )
    size = f"with {_numbers(ladder.rungs[vamp])} fitted numbers against {_numbers(ladder.rungs[mog])}"
    verdict = {
        1: f"Coupling helps: {words}, {size}.",
        0: f"A mixture is enough, {_NO_DIFFERENCE}: {words}, {size}.",
        -1: f"{fits}: {words}, {size}.",
    }[sign]
    return verdict


def _optimal(ladder: Ladder, place: int) -> str:
    """Gains on the two splits, what of them is over-fitting, and the best prior that was fitted."""
    rung = ladder.rungs[place]
    over = over_fit(rung)
    train, test = rung.train_gain, rung.test_gain
    again = words_of(test) if train.value >= 0 and test.value >= 0 else _won(test)
    lead = (
        f"{rung.title} {_won(train)} nats {_from(train, ladder)} on the training images and {again} on the test "
        f"images, with {rung.components or 0:,} components in every density: "
    )
    if over.value > SURE * over.se:
        lead += f"over-fitted by {difference_words(over)} nats."
    else:
        lead += f"no over-fitting that these images can show (difference {difference_words(over)} nats)."
    best = _best(ladder, "standard", "gaussian", "mog", "vamp", "realnvp", "maf")
    if best is None:
        return lead
    sign, words = _against(ladder, place, best)
    verdict = {1: "No simpler prior does as well", 0: f"Against the best simpler prior, {_NO_DIFFERENCE}"}
    cheaper = f"A simpler prior with {_numbers(ladder.rungs[best])} fitted numbers does better"
    return f"{lead} {verdict.get(sign, cheaper)}: {words}."


def _numbers(rung: Rung) -> str:
    return f"{rung.parameters:,}"
