"""Sentences from numbers: what a chart says, with its uncertainty and with what a perfect match would give."""

from __future__ import annotations

from collections.abc import Sequence

from core.better_classifier import better
from core.intervals import Z_95
from core.metrics.neighbours import Mixing
from core.records import QUANTILE, ClassifierTest, Estimate, Mismatch, Share

NULL_WORDS = f"{100 * QUANTILE:.0f} %"
"""What holes and leaks are on average where both sides are draws of one distribution."""


def mismatch_sentence(
    mismatch: Mismatch, marginal_kl: Estimate | None = None, marginal_kl_null: Estimate | None = None
) -> str:
    """What the three panels show, in words; also their alternative text.

    A side counts as a mismatch where its whole 95 % interval lies above what two draws of one distribution would give.

    Args:
        mismatch: shares of prior draws in holes and of posterior draws that leak.
        marginal_kl: KL(q(z) ‖ p(z)) in nats, where it is known.
        marginal_kl_null: what it would be for a perfect prior with this many images, where that is known.

    Returns:
        Two or three sentences without markup.
    """
    holes, leaks = above(mismatch.holes), above(mismatch.leaks)
    lead = {
        (True, True): "The prior and the data disagree both ways",
        (True, False): "The prior has holes",
        (False, True): "The prior misses some of the data",
        (False, False): "No mismatch found between prior and data",
    }[holes, leaks]
    sentence = (
        f"{lead}: {_share(mismatch.holes)} of prior draws fall where the data has no mass {_interval(mismatch.holes)}, "
        f"and {_share(mismatch.leaks)} of the data's draws fall where the prior has none {_interval(mismatch.leaks)}."
    )
    if marginal_kl is None:
        return sentence
    half = Z_95 * marginal_kl.se
    low, high = marginal_kl.value - half, marginal_kl.value + half
    value = _nats(marginal_kl.value)
    kl = f"{sentence} Marginal KL: {value} nats [{_nats(low)}, {_nats(high)}]"
    if marginal_kl_null is None:
        return f"{kl}; what a perfect match would give is not known here."
    return f"{kl}; a perfect match would give about {_nats(marginal_kl_null.value)} with this many images."


def classifier_sentence(tests: Sequence[ClassifierTest]) -> str:
    """How well the better of the classifiers tells prior from data, with its interval and the null."""
    best, low, high = better(tests)
    numbers = f"{_percent(best.accuracy.value, 0)} % of the time [{_percent(low, 0)}, {_percent(high, 0)}]"
    return f"A classifier ({best.classifier}) tells them apart {numbers}; 50 % would be a perfect match."


def mixing_sentence(in_space: Mixing, on_map: Mixing) -> str:
    """How mixed the draws of a map are where they come from, and on the map.

    Args:
        in_space: of the draws in latent space.
        on_map: of the same draws' positions.
    """
    low, high = _percent(in_space.null_low, 1), _percent(in_space.null_high, 1)
    return (
        f"Of a draw's {in_space.k} nearest neighbours {_percent(in_space.share, 1)} % are of its own side in latent "
        f"space, and {_percent(on_map.share, 1)} % on the map. Without a difference it would be half: "
        f"{in_space.permutations} shuffles of the sides give {low} to {high} % in latent space, but for one in twenty."
    )


def caption(dataset: str, split: str, n: int, seed: int, method: str) -> str:
    """What stands under every chart: the data, how many, which seed, how it was computed."""
    if n < 1:
        raise ValueError(f"n must be 1 or more, got {n}")
    method = method.strip().rstrip(".")
    first = method.split(" ", 1)[0]
    if first == "a" or (first[:2].isalpha() and not any(letter.isdigit() for letter in first)):
        # a word: q(z) and the name of a model stay as they are
        method = method[0].upper() + method[1:]
    return f"{dataset}, {split} split, n = {n:,}, seed {seed}. {method}."


def above(share: Share) -> bool:
    """Whether the whole interval of a share of holes or leaks lies above what draws of one distribution give."""
    return share.low > QUANTILE


def share_words(share: Share) -> str:
    """A share with its interval: ``2.3 % [1.1, 4.7]``."""
    digits = _digits(share)
    return f"{_share(share)} [{_percent(share.low, digits)}, {_percent(share.high, digits)}]"


def _interval(share: Share) -> str:
    digits = _digits(share)
    low, high = (_percent(value, digits) for value in (share.low, share.high))
    return f"[{low}, {high}] ({NULL_WORDS} would be a perfect match)"


def _share(share: Share) -> str:
    return f"{_percent(share.value, _digits(share))} %"


def _digits(share: Share) -> int:
    """Decimals: none from 10 % on, one under it."""
    return 0 if share.value >= 0.0995 else 1


def _percent(value: float, digits: int) -> str:
    return f"{100 * value:.{digits}f}"


def _nats(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
