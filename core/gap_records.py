"""Images on which the bound is loosest, as stored in metrics.json: frozen, no torch."""

from __future__ import annotations

from dataclasses import dataclass

from core.records import Estimate

MOST_GAPS = 24
"""Images that are kept."""


@dataclass(frozen=True)
class ImageGap:
    """How far the bound lies below log p(x) for one image.

    Attributes:
        row: of the image in its split.
        gap: log p(x) - ELBO = KL(q(z|x) || p(z|x)) in nats; its standard error is over the draws of z.
    """

    row: int
    gap: Estimate


@dataclass(frozen=True)
class WorstGaps:
    """The images with the largest gaps of a split, the largest first.

    Which images these are was found with one set of draws and their gaps were measured with another: measured with the
    first, the largest of many noisy values would be too large.

    Attributes:
        images: at most ``MOST_GAPS``.
        scouted: draws an image with which they were found.
        draws: draws an image with which they were measured.
        quadrature_error: of log p(x), in nats, the largest of any checked image.
        seed: of the draws.
    """

    images: tuple[ImageGap, ...]
    scouted: int
    draws: int
    quadrature_error: float
    seed: int
