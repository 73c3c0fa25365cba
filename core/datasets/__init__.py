"""Data sets: `load(name)` gives three splits with a stored binarisation, or says what is missing.

``base``: Dataset, Split, binarisation. One file for each source: ``digits``, ``mnist`` (and Fashion-MNIST),
``omniglot``, ``silhouettes``, ``freyfaces``, ``npz`` (own images). ``archive`` reads .npz files, ``fetch`` downloads.

A new data set is one file with a function ``Request -> Dataset`` and one line in `DATASETS`.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.datasets.base import (
    DEFAULT_SEED,
    SPLIT_NAMES,
    DataError,
    Dataset,
    Loader,
    Request,
    Split,
    binarise,
)
from core.datasets.digits import load_digits
from core.datasets.freyfaces import load_freyfaces
from core.datasets.mnist import load_fashion_mnist, load_mnist
from core.datasets.npz import PREFIX, load_npz
from core.datasets.omniglot import load_omniglot
from core.datasets.silhouettes import load_silhouettes

__all__ = [
    "DATASETS",
    "DEFAULT_SEED",
    "SPLIT_NAMES",
    "DataError",
    "Dataset",
    "Loader",
    "Request",
    "Split",
    "binarise",
    "data_root",
    "load",
]

DATASETS: dict[str, Loader] = {
    "digits": load_digits,
    "mnist": load_mnist,
    "fashion_mnist": load_fashion_mnist,
    "omniglot": load_omniglot,
    "caltech101_silhouettes": load_silhouettes,
    "freyfaces": load_freyfaces,
}


def load(name: str, *, root: Path | str | None = None, download: bool = True, seed: int = DEFAULT_SEED) -> Dataset:
    """The data set called ``name``, downloaded first if need be and allowed.

    Args:
        name: a key of `DATASETS`, or ``npz:PATH`` for own images (see `core.datasets.npz.load_npz`).
        root: folder that holds the data sets; see `data_root` for what stands in when it is None.
        download: whether a missing data set may be fetched; progress goes to standard error.
        seed: seed of the stored binarisation, from 0 to 2**63 - 1. The splits do not depend on it.

    Returns:
        The data set; two loads with one seed hold identical images, on any machine.

    Raises:
        DataError: unknown name, or data that are missing, damaged or not of the expected form.

    Example:
        >>> digits = load("digits")
        >>> digits.train.images.shape, digits.binarisation
        (torch.Size([1297, 64]), 'dynamic')
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise DataError(f"seed is {seed!r}, expected an integer from 0 to 2**63 - 1")
    if isinstance(name, str) and name.startswith(PREFIX):
        return load_npz(name.removeprefix(PREFIX), seed=seed)
    if not isinstance(name, str) or name not in DATASETS:
        raise DataError(f"data set is {name!r}, expected one of {', '.join(DATASETS)}, or npz:PATH for own images")
    return DATASETS[name](Request(root=data_root(root), download=download, seed=seed))


def data_root(root: Path | str | None = None) -> Path:
    """The folder that holds the data sets.

    Args:
        root: taken if given.

    Returns:
        ``root``, else the environment's PRIORSCOPE_DATA, else ``$XDG_CACHE_HOME/priorscope``, else
        ``~/.cache/priorscope``. It need not exist.

    Raises:
        DataError: the path contains a NUL character or names an unknown home folder.
    """
    chosen = root or os.environ.get("PRIORSCOPE_DATA")
    if not chosen:
        cache = os.environ.get("XDG_CACHE_HOME", "")
        # The XDG specification has relative values ignored.
        chosen = Path(cache if Path(cache).is_absolute() else "~/.cache") / "priorscope"
    if "\0" in str(chosen):
        raise DataError(f"the data folder is {str(chosen)!r}: it contains a NUL character")
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise DataError(f"the data folder {chosen} has no known home folder; set PRIORSCOPE_DATA to a path") from error
