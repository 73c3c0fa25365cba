"""Sentences say the right thing, with interval and null."""

from __future__ import annotations

import pytest

from core.figures import caption, mismatch_sentence
from core.records import Estimate, Mismatch, Share

BAD = Share(value=0.123, low=0.112, high=0.134, n=3000, null=0.0104)
SOME = Share(value=0.031, low=0.025, high=0.038, n=3000, null=0.012)
FINE = Share(value=0.0095, low=0.007, high=0.013, n=3000, null=0.01)


def test_the_whole_sentence():
    assert mismatch_sentence(Mismatch(BAD, SOME, 0), Estimate(0.52, 0.03)) == (
        "The prior and the data disagree both ways: 12 % of prior draws fall where the data has no mass [11, 13] "
        "(1.0 % would be a perfect match), and 3.1 % of the data's draws fall where the prior has none [2.5, 3.8] "
        "(1.2 % would be a perfect match). Marginal KL: 0.52 nats [0.46, 0.58]; what a perfect match would give is not "
        "known here."
    )


@pytest.mark.parametrize(
    ("holes", "leaks", "lead"),
    [
        (BAD, FINE, "The prior has holes:"),
        (FINE, BAD, "The prior misses some of the data:"),
        (FINE, FINE, "No mismatch found between prior and data:"),
        (BAD, BAD, "The prior and the data disagree both ways:"),
    ],
)
def test_the_lead_follows_the_intervals(holes, leaks, lead):
    assert mismatch_sentence(Mismatch(holes, leaks, 0)).startswith(lead)


def test_an_interval_that_holds_the_null_is_no_mismatch():
    wide = Share(value=0.05, low=0.009, high=0.2, n=20, null=0.01)
    assert mismatch_sentence(Mismatch(wide, FINE, 0)).startswith("No mismatch found")


def test_no_marginal_kl_no_words_about_it_and_a_negative_one_stays_negative():
    assert "nats" not in mismatch_sentence(Mismatch(FINE, FINE, 0))
    assert "−0.02 nats [−0.06, 0.02]" in mismatch_sentence(Mismatch(FINE, FINE, 0), Estimate(-0.02, 0.02))


def test_caption_is_complete():
    words = caption("MNIST", "test", 10000, 3, "Exact mixture density, no KDE.")
    assert words == "MNIST, test split, n = 10,000, seed 3. Exact mixture density, no KDE."
    with pytest.raises(ValueError, match="n must be"):
        caption("MNIST", "test", 0, 3, "x")


def test_the_null_of_the_marginal_kl_stands_beside_it():
    sentence = mismatch_sentence(Mismatch(BAD, SOME, 0), Estimate(0.13, 0.004), Estimate(0.139, 0.001))
    assert sentence.endswith("0.13 nats [0.12, 0.14]; a perfect match would give about 0.14 with this many images.")
