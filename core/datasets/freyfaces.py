"""Frey faces: 1,965 grey frames of one man's face, for the discretised logistic likelihood."""

from __future__ import annotations

from pathlib import Path

import torch

from core.datasets.archive import read_arrays
from core.datasets.base import DataError, Dataset, Request, Split, is_file, partition

FILE = Path("freyfaces", "freyfaces.npz")
SHAPE = (1_965, 28, 20)
N_VALIDATION, N_TEST = 200, 200
EXPECTED = f"images: {SHAPE} uint8, grey levels 0 to 255, rows from top to bottom"


def load_freyfaces(request: Request) -> Dataset:
    """Frey faces, 28x20, 1,565 / 200 / 200, grey: a level k of 0 ... 255 becomes (k + 0.5) / 256.

    The frames come from a video and are shuffled by a fixed seed before they are cut, as published code shuffles
    them: a test frame's neighbours in time are in train, so a good test log-likelihood says little about new faces.
    The published shuffles are unseeded, so no two tables used the same split. The request's seed changes nothing.

    Args:
        request: the file is ``root/freyfaces/freyfaces.npz``; no download.

    Returns:
        The data set, without labels.

    Raises:
        DataError: the file is missing, damaged, or its array is not the one expected.

    References:
        Roweis, Saul and Hinton, 2002, "Global coordination of local linear models".
    """
    path = request.root / FILE
    if not is_file(path):
        raise DataError(
            f"freyfaces: {path} is missing and has no download. Put it there, or set PRIORSCOPE_DATA to the folder "
            f"that holds {FILE}. Expected array: {EXPECTED}."
        )
    images = read_arrays(path, ("images",)).get("images")
    if images is None:
        raise DataError(f"{path} lacks the array images. Expected: {EXPECTED}.")
    if images.shape != SHAPE or images.dtype != "uint8":
        raise DataError(f"{path}: images is {images.dtype} of shape {images.shape}. Expected: {EXPECTED}.")
    whole = Split((torch.from_numpy(images.reshape(len(images), -1)).float() + 0.5) / 256)
    train, validation, test = (whole.take(index) for index in partition(len(whole), N_VALIDATION, N_TEST))
    return Dataset(
        name="freyfaces",
        image_shape=(1, 28, 20),
        likelihood="logistic",
        binarisation="none",
        train=train,
        validation=validation,
        test=test,
        seed=request.seed,
        class_names=(),
        source="Frey faces (Brendan Frey and Sam Roweis), frames of a video, shuffled by a fixed seed",
    )
