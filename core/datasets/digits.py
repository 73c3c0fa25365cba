"""The 8x8 handwritten digits that come with scikit-learn: a data set that needs no network."""

from __future__ import annotations

import numpy as np
import torch

from core.datasets.base import SPLIT_SEED, Dataset, Request, Split, dynamic

N_VALIDATION, N_TEST = 200, 300
LEVELS = 16
"""Brightest intensity of the source: a count of ink pixels in a 4x4 block."""


def load_digits(request: Request) -> Dataset:
    """1,797 digits of 8x8 pixels, 1,297 / 200 / 300, each class in proportion in every split.

    Intensities are the source's counts divided by 16; binarisation is dynamic. The splits do not depend on the
    request's seed, only the binarisation does.

    Args:
        request: its seed is used; root and download are not, the images are part of scikit-learn.

    Returns:
        The data set; labels are the digits 0 to 9.

    References:
        Alpaydin and Kaynak, 1998, "Optical recognition of handwritten digits", UCI machine learning repository.
    """
    from sklearn import datasets as bundled
    from sklearn.model_selection import train_test_split

    pixels, labels = bundled.load_digits(return_X_y=True)
    images = (pixels / LEVELS).astype(np.float32)
    rest, test = train_test_split(np.arange(len(labels)), test_size=N_TEST, stratify=labels, random_state=SPLIT_SEED)
    train, validation = train_test_split(rest, test_size=N_VALIDATION, stratify=labels[rest], random_state=SPLIT_SEED)
    whole = Split(torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64)))
    return dynamic(
        name="digits",
        image_shape=(1, 8, 8),
        train=whole.take(torch.from_numpy(train)),
        validation=whole.take(torch.from_numpy(validation)),
        test=whole.take(torch.from_numpy(test)),
        seed=request.seed,
        class_names=tuple(str(digit) for digit in range(10)),
        source="UCI handwritten digits (Alpaydin and Kaynak, 1998), bundled with scikit-learn; "
        "stratified split 1,297 / 200 / 300",
    )
