"""What the guided tour says of priors: each answer is read off the numbers, and claims no more than they can show.

An answer is a short verdict and the sentence it rests on. The same functions speak of every data set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.figures.ladder import over_fit, words_of
from core.figures.ladder_axis import reference_name
from core.figures.ladder_words import SURE, coupling_answer, multimodal_answer, optimal_rung
from core.figures.surgery_words import difference_words
from core.figures.verdicts import NULL_WORDS, above, better, classifier_sentence, share_words
from core.ladder_records import Ladder
from core.records import ClassifierTest, Distance, Estimate


@dataclass(frozen=True)
class Answer:
    """To one question, of one data set.

    Attributes:
        verdict: a sentence.
        numbers: one or two, with what the verdict rests on.
    """

    verdict: str
    numbers: str

    def __str__(self) -> str:
        """Both, without markup."""
        return f"{self.verdict} {self.numbers}"


def samples_answer(found: Distance) -> Answer:
    """Where samples come from, and whether the prior's draws are codes that the decoder knows."""
    holes = found.mismatch.holes
    if above(holes):
        verdict = "From the prior, and some of its draws fall where the decoder has never been trained."
    else:
        verdict = "From the prior, and its draws are not found to fall where the decoder was never trained."
    return Answer(
        verdict,
        f"Of N(0, I)'s draws {share_words(holes)} fall where no image is encoded; a perfect match would give "
        f"{NULL_WORDS}. {classifier_sentence(found.classifiers)}",
    )


def standard_answer(marginal: Estimate, null: Estimate | None, found: Distance) -> Answer:
    """Whether N(0, I) is found to differ from q(z), and by how many nats where that is known.

    Args:
        marginal: KL(q(z) || p(z)), nats.
        null: what it would be for a perfect prior; None where the posteriors overlap too little to know.
        found: holes, leaks and classifiers.
    """
    holes, leaks = found.mismatch.holes, found.mismatch.leaks
    sides = (
        f"Holes: {share_words(holes)} of its draws; leaks: {share_words(leaks)} of the codes; a match has {NULL_WORDS} "
        "of each."
    )
    if null is None:
        differs = above(holes) or above(leaks) or told_apart(found.classifiers)
        return Answer(
            "It is not where the codes are." if differs else "No mismatch that these images can show.",
            f"How much of its marginal KL of {marginal} nats is its own doing is not known, since the posteriors "
            f"hardly overlap. {sides}",
        )
    excess = Estimate(marginal.value - null.value, math.hypot(marginal.se, null.se))
    numbers = f"Its marginal KL is {difference_words(marginal)} nats, a perfect prior's {difference_words(null)}"
    if excess.value > SURE * excess.se:
        verdict = "It is not where the codes are, and that costs nats."
        numbers += f": {difference_words(excess)} nats are lost to it"
    else:
        verdict = "It costs nothing that these images can show."
        numbers += f", a difference of {difference_words(excess)} nats, no more than noise"
    return Answer(verdict, f"{numbers}. {sides}")


def told_apart(tests: Sequence[ClassifierTest]) -> bool:
    """Whether the better classifier is surely above one half."""
    _, low, _ = better(tests)
    return low > 0.5


def optimal_answer(ladder: Ladder) -> Answer | None:
    """What the aggregated posterior gains on images it knows and on others; None where it is not on the ladder."""
    rung = optimal_rung(ladder)
    if rung is None:
        return None
    over = over_fit(rung)
    numbers = (
        f"Over {reference_name(ladder)} it gains {words_of(rung.train_gain)} nats on the {ladder.n_train:,} training "
        f"images whose codes it is made of, and {words_of(rung.test_gain)} on {ladder.n_test:,} others; every density "
        f"is a sum of {rung.components or 0:,} Gaussians."
    )
    if over.value <= SURE * over.se:
        return Answer(
            "The aggregated posterior q(z), at the price of all training codes.",
            f"{numbers} These images show no over-fitting, a difference of {difference_words(over)} nats.",
        )
    if rung.test_gain.value > SURE * rung.test_gain.se:
        verdict = "The aggregated posterior q(z), but it knows its images by heart."
    else:
        verdict = "The aggregated posterior q(z) of the training images, which is of no use for others."
    return Answer(verdict, f"{numbers} It has learned {difference_words(over)} nats by heart.")


def modes_answer(ladder: Ladder) -> Answer | None:
    """Whether several modes fit better than one; None where the ladder lacks one of the two."""
    return _split(multimodal_answer(ladder))


def coupled_answer(ladder: Ladder) -> Answer | None:
    """Whether pseudo-inputs fit a frozen encoder better than free components; None where the ladder lacks one."""
    found = _split(coupling_answer(ladder))
    return found and Answer(
        f"Fitted afterwards to one encoder, {found.verdict[:1].lower()}{found.verdict[1:]}",
        f"{found.numbers} Trained together with it, the encoder would move towards the pseudo-inputs as well; and they "
        "are found slowly, so what they gain in as many steps is a lower bound.",
    )


def _split(answer: str) -> Answer | None:
    """``verdict: numbers`` as an answer, None for an empty one."""
    verdict, _, numbers = answer.partition(": ")
    return Answer(f"{verdict}.", f"{numbers[:1].upper()}{numbers[1:]}") if numbers else None
