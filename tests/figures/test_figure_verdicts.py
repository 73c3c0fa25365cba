"""Sentences say the right thing, with interval and null."""

from __future__ import annotations

import pytest

from core.figures import caption, mismatch_sentence, mixing_sentence
from core.metrics.neighbours import Mixing
from core.records import Estimate, Mismatch, Share

BAD = Share(value=0.123, low=0.112, high=0.134, n=3000, null=0.0104)
SOME = Share(value=0.031, low=0.025, high=0.038, n=3000, null=0.012)
FINE = Share(value=0.0095, low=0.007, high=0.013, n=3000, null=0.01)


def test_the_whole_sentence():
    assert mismatch_sentence(Mismatch(BAD, SOME, 0), Estimate(0.52, 0.03)) == (
        "The prior and the data disagree both ways: 12 % of prior draws fall where the data has no mass [11, 13] "
        "(1 % would be a perfect match), and 3.1 % of the data's draws fall where the prior has none [2.5, 3.8] "
        "(1 % would be a perfect match). Marginal KL: 0.52 nats [0.46, 0.58]; what a perfect match would give is not "
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
    wide = Share(value=0.05, low=0.009, high=0.2, n=20, null=0.001)  # whatever a single trial gave
    assert mismatch_sentence(Mismatch(wide, FINE, 0)).startswith("No mismatch found")


def test_no_marginal_kl_no_words_about_it_and_a_negative_one_stays_negative():
    assert "nats" not in mismatch_sentence(Mismatch(FINE, FINE, 0))
    assert "−0.02 nats [−0.06, 0.02]" in mismatch_sentence(Mismatch(FINE, FINE, 0), Estimate(-0.02, 0.02))


def test_caption_is_complete():
    words = caption("MNIST", "test", 10000, 3, "Exact mixture density, no KDE.")
    assert words == "MNIST, test split, n = 10,000, seed 3. Exact mixture density, no KDE."
    assert caption("MNIST", "test", 9, 3, "a low share").endswith("seed 3. A low share.")
    assert caption("MNIST", "test", 9, 3, "digits-2d-vamp: means").endswith("seed 3. digits-2d-vamp: means.")
    assert caption("MNIST", "test", 9, 3, "q(z) is exact").endswith("seed 3. q(z) is exact.")
    with pytest.raises(ValueError, match="n must be"):
        caption("MNIST", "test", 0, 3, "x")


def test_the_null_of_the_marginal_kl_stands_beside_it():
    sentence = mismatch_sentence(Mismatch(BAD, SOME, 0), Estimate(0.13, 0.004), Estimate(0.139, 0.001))
    assert sentence.endswith("0.13 nats [0.12, 0.14]; a perfect match would give about 0.14 with this many images.")


def test_how_mixed_draws_are_is_told_beside_what_their_map_makes_of_it():
    in_space, on_map = (Mixing(share, 0.4997, 0.491, 0.508, 10, 2000, 500, 0) for share in (0.623, 0.71))
    assert mixing_sentence(in_space, on_map) == (
        "Of a draw's 10 nearest neighbours 62.3 % are of its own side in latent space, and 71.0 % on the map. Without "
        "a difference it would be half: 500 shuffles of the sides give 49.1 to 50.8 % in latent space, but for one in "
        "twenty."
    )
