"""Cached ladders of priors; the rules are those of ``cache.py``."""

from __future__ import annotations

from pathlib import Path

from core import checkpoint, ladder_file
from core.ladder_records import Ladder
from pages._ui.cache_store import kept


def ladder(name: str, digest: str) -> Ladder | None:
    """The ladder stored with a checkpoint; None where there is none, or where it is of another encoder.

    Read in every run, some milliseconds: it may be fitted again at any time.

    Raises:
        CheckpointError: where its file cannot be used.
    """
    found = ladder_file.read_ladder(checkpoint.checkpoint_root() / name)
    return found if found is not None and found.digest == digest else None


@kept(16)
def fitted_ladder(file: str) -> Ladder:
    """The ladder that a job has fitted.

    Raises:
        CheckpointError: where its file cannot be used.
    """
    return ladder_file.read_ladder_file(Path(file))
