"""Data sets in words."""

from __future__ import annotations

from pathlib import Path

from core.config import LATENTS
from core.datasets.npz import PREFIX
from core.plain_text import shown

DATASET_TITLES = {
    "digits": "Digits",
    "mnist": "MNIST",
    "fashion_mnist": "FashionMNIST",
    "omniglot": "Omniglot",
    "caltech101_silhouettes": "Caltech-101 Silhouettes",
    "freyfaces": "Frey faces",
}
"""In the order in which they are offered."""


def dataset_title(name: str) -> str:
    """The data set in words; for somebody's own images the name of their file, for imported latents that they are."""
    if name.startswith(LATENTS):
        return f"{shown(name.removeprefix(LATENTS))} (latents)"
    if name.startswith(PREFIX):
        return shown(Path(name.removeprefix(PREFIX)).stem)
    return DATASET_TITLES.get(name, shown(name))


def dataset_place(name: str) -> tuple[bool, int, str]:
    """Where a data set stands among others: in the order above, own ones after them, the bundled digits last."""
    order = list(DATASET_TITLES)
    return name == "digits", order.index(name) if name in order else len(order), name
