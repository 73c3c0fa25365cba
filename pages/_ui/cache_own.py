"""Answers about own data and own models; the rules are those of ``cache.py``."""

from __future__ import annotations

from pathlib import Path

from core import training_runs, uploads
from core.training_records import TrainingCurve
from pages._ui.cache_store import kept


@kept(8, "Reading the images")
def preview(path: str) -> uploads.Preview:
    """What is in an uploaded data set; its folder is named by its content, so its path says which content it is.

    Raises:
        DataError: its file is gone or cannot be used any more.
    """
    return uploads.preview(Path(path))


def training_curve(name: str) -> TrainingCurve | None:
    """The curve stored with a finished model, read in every run; None where it holds none."""
    return training_runs.stored_curve(name)
