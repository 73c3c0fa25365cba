"""Omniglot: 1,623 handwritten characters of 50 alphabets, twenty drawings each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from core.datasets.base import DataError, Dataset, Request, Split, dynamic, is_folder, partition
from core.datasets.fetch import fetch, missing

FOLDER = "omniglot-py"
BACKGROUND, EVALUATION = "images_background", "images_evaluation"
COUNTS = {BACKGROUND: 19_280, EVALUATION: 13_180}
N_VALIDATION = 1_345
SIDE = 28


def load_omniglot(request: Request) -> Dataset:
    """Omniglot at 28x28, 17,935 / 1,345 / 13,180, dynamically binarised.

    Train and validation are a fixed shuffle of the "background" drawings (30 alphabets), test is the "evaluation"
    set (20 other alphabets). Strokes are 1, paper 0; the 105x105 drawings are reduced by averaging over boxes of
    pixels, which leaves a share of ink in [0, 1]. **This is not the field's split**: published log-likelihoods use
    chardata.mat (23,000 / 1,345 / 8,070, all alphabets in both parts) and cannot be compared with those found here.
    Loading decodes 32,460 small files and takes some seconds.

    Args:
        request: the drawings are sought in ``root/omniglot-py``, where torchvision keeps them.

    Returns:
        The data set; labels are alphabets: 0 to 29 in train and validation, 30 to 49 in test, by name within each.

    Raises:
        DataError: missing and not to be downloaded, or damaged.

    References:
        Lake, Salakhutdinov and Tenenbaum, 2015, "Human-level concept learning through probabilistic program
        induction". Burda, Grosse and Salakhutdinov, 2015, arXiv 1509.00519, for chardata.mat.
    """
    folder = request.root / FOLDER
    absent = [folder / part for part in COUNTS if not is_folder(folder / part)]
    if absent and not request.download:
        raise missing("omniglot", absent[0])
    if absent:
        fetch("omniglot", request.root, _retrieve)
    background, background_names = _read(folder / BACKGROUND, COUNTS[BACKGROUND], first_label=0)
    test, test_names = _read(folder / EVALUATION, COUNTS[EVALUATION], first_label=len(background_names))
    train, validation, _ = partition(len(background), N_VALIDATION, 0)
    return dynamic(
        name="omniglot",
        image_shape=(1, SIDE, SIDE),
        train=background.take(train),
        validation=background.take(validation),
        test=test,
        seed=request.seed,
        class_names=background_names + test_names,
        source="Omniglot (Lake et al., 2015) at 28x28; train and validation from the background alphabets, test from "
        "the evaluation alphabets (not the chardata.mat split of published tables)",
    )


def _retrieve(folder: str) -> None:
    from torchvision import datasets

    for background in (True, False):
        datasets.Omniglot(folder, background=background, download=True)


def _read(folder: Path, n: int, first_label: int) -> tuple[Split, tuple[str, ...]]:
    """All drawings under ``folder``/alphabet/character, with the alphabets' names."""
    # Sorted, and not in the order of the folder as torchvision's class reads it: that differs between machines, and
    # the partition and the binarisation go by position.
    paths = sorted(folder.glob("*/*/*.png"), key=lambda path: path.parts[-3:])
    if len(paths) != n:
        raise _incomplete(folder, f"it holds {len(paths):,} drawings, expected {n:,}")
    names = sorted({path.parts[-3] for path in paths})
    label = {name: first_label + index for index, name in enumerate(names)}
    images = np.stack([_ink(path) for path in paths])
    labels = torch.tensor([label[path.parts[-3]] for path in paths], dtype=torch.int64)
    return Split(torch.from_numpy(images), labels), tuple(name.replace("_", " ") for name in names)


def _ink(path: Path) -> np.ndarray:
    """One drawing as (784,) float32 shares of ink; the source is black on white."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # as Pillow documents them
        raise _incomplete(path, f"it cannot be decoded ({error})") from error
    return 1 - np.asarray(small, dtype=np.float32).reshape(-1) / 255


def _incomplete(path: Path, what: str) -> DataError:
    return DataError(
        f"omniglot: {path} is damaged: {what}. Delete the folder {FOLDER} and run `python -m core data omniglot`."
    )
