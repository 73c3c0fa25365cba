"""The project's own errors. All are ValueErrors whose message says what came, what was expected and what to do."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError

from core.plain_text import shown

UNREADABLE = (SafetensorError, OSError, ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError)
"""What reading a safetensors file raises that somebody damaged, or that holds types of number that numpy lacks."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be used."""


class TrainingDiverged(ValueError):
    """A loss that is no longer a number.

    Args:
        epoch: the epoch it happened in, counted from 1.
        term: which term of the bound was not finite first.
        kept: the last good state, or None where none was written yet.
    """

    def __init__(self, epoch: int, term: str, kept: Path | None) -> None:
        advice = "Lower --learning-rate or --clip-norm"
        if kept:
            advice = f"The last good state is kept in {kept}: go on from it with a lower --learning-rate or --clip-norm"
        super().__init__(f"training diverged in epoch {epoch}: {term} is not finite. {advice}")
        self.epoch, self.term, self.kept = epoch, term, kept


def first_problem(error: ValidationError) -> str:
    """Which field a validation refused first, and why, in one line."""
    first = error.errors(include_url=False)[0]
    where = shown(".".join(str(part) for part in first["loc"]))
    return f"{where}: {first['msg']}"
