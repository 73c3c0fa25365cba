"""How near components come to training images, beside how near new images come: frozen, numpy, no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

LATENT_UNIT, PIXEL_UNIT, GREY_UNIT = "sd", "% of pixels", "% of the grey scale (RMS)"


@dataclass(frozen=True)
class Compared:
    """The training images nearest to every component, and how near to one of them images are that were never seen.

    Attributes:
        latent_rows: (K, m) rows of the training split, in latent space, nearest first.
        latent: (K, m) float32 distances, in standard deviations of the posteriors.
        latent_labels: (K, m) classes of these images, or None.
        pixel_rows, pixel, pixel_labels: the same in pixels, where distances are shares in [0, 1], or RMS.
        new_latent: (t,) float32 distance of each test image compared to its nearest training image in latent space.
        new_pixel: (t,) the same in pixels.
        new_ratio: (t,) that distance over the one to the second nearest.
        new_labels: (t,) classes of these test images, or None.
        drawn: whether training images are binary, and draws of the components are compared with them.
        train: number of training images, all of which were searched.
        seed: of the choice of test images.
    """

    latent_rows: np.ndarray
    latent: np.ndarray
    latent_labels: np.ndarray | None
    pixel_rows: np.ndarray
    pixel: np.ndarray
    pixel_labels: np.ndarray | None
    new_latent: np.ndarray
    new_pixel: np.ndarray
    new_ratio: np.ndarray
    new_labels: np.ndarray | None
    drawn: bool
    train: int
    seed: int


@dataclass(frozen=True)
class Nearest:
    """The training images nearest to one component, and how that compares with images the model has never seen.

    Attributes:
        rows: (m,) of the training split, nearest first.
        distances: (m,) in ``unit``.
        labels: (m,) their classes, or None.
        unit: of the distances; "%" of something where they are shares in [0, 1].
        closer: share of the test images compared that lie at least as near to their own nearest training image: small
            where the component is nearer than new images are. nan where there is nothing to compare with.
        low, high: its 95 % Wilson interval.
        compared: number of test images compared.
        of_class: their class, or None where they are of all classes.
        ratio: distance of the nearest over that of the second nearest; nan where it is not compared.
        apart: share of these test images whose nearest stands out as much, with a ratio as small.
        apart_low: lower end of its 95 % Wilson interval.
        apart_high: upper end.
    """

    rows: np.ndarray
    distances: np.ndarray
    labels: np.ndarray | None
    unit: str
    closer: float
    low: float
    high: float
    compared: int
    of_class: int | None
    ratio: float = math.nan
    apart: float = math.nan
    apart_low: float = math.nan
    apart_high: float = math.nan


@dataclass(frozen=True)
class Copies:
    """How many components are copies of a training image, and how many new images would be taken for one.

    Attributes:
        closer: (K,) share of the test images compared that come at least as near as each component does.
        apart: (K,) share of them whose nearest training image stands out from the second nearest as much.
        both: share of the components where ``closer`` and ``apart`` are under ``line``, with the ends of its 95 %
            Wilson interval over the components.
        near: the same of ``closer`` alone; of new images it would be about ``line``.
        standing: the same of ``apart`` alone.
        line: see above.
        new: share of the new images that would be counted in ``both``.
        compared: test images, of all classes.
    """

    closer: np.ndarray
    apart: np.ndarray
    both: tuple[float, float, float]
    near: tuple[float, float, float]
    standing: tuple[float, float, float]
    line: float
    new: float
    compared: int
