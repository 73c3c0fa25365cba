"""Fetching a data set so that nothing half-downloaded is ever read."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from core.datasets.base import DataError


def fetch(name: str, root: Path, retrieve: Callable[[str], object]) -> None:
    """Download into a temporary folder beside the data and rename the result into place.

    Args:
        name: the data set, for messages.
        root: folder that is to hold it; created if need be.
        retrieve: downloads into the folder it is given, laid out as under ``root``.

    Raises:
        DataError: no network, a broken download, no right to write, no space.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        # In root and not in the system's temporary folder: a rename is atomic only within one file system.
        # Standard output belongs to the caller's JSON; some releases of torchvision print their progress there.
        with (
            tempfile.TemporaryDirectory(prefix=".download-", dir=root) as folder,
            contextlib.redirect_stdout(sys.stderr),
        ):
            retrieve(folder)
            move_into(Path(folder), root)
    except Exception as error:  # torchvision lets urllib's, http's, zlib's and its own errors through
        raise DataError(
            f"{name}: the download into {root} failed ({type(error).__name__}: {error}). Check the network and the "
            f"space and run `python -m core data {name}` again, or set PRIORSCOPE_DATA to a folder that holds the data."
        ) from error


def move_into(source: Path, target: Path) -> None:
    """Rename all that is in ``source`` into ``target``; folders that exist there are merged, files replaced."""
    for child in sorted(source.iterdir()):
        destination = target / child.name
        if child.is_dir() and destination.is_dir():
            move_into(child, destination)
        else:
            child.replace(destination)


def missing(name: str, path: Path) -> DataError:
    """The error for a data set that is not there and may not be fetched."""
    return DataError(
        f"{name}: {path} is missing. Run `python -m core data {name}` to download it, or set PRIORSCOPE_DATA to the "
        f"folder that holds the data sets."
    )


def damaged(name: str, path: Path, what: str) -> DataError:
    """The error for a file of a downloadable data set that is not what it should be."""
    return DataError(f"{name}: {path} is damaged: {what}. Delete it and run `python -m core data {name}`.")
