"""Answers about checkpoint folders and reports; the rules are those of ``cache.py``."""

from __future__ import annotations

from core import model_card
from core.figures.report_page import report_html
from core.model_card import ModelCard
from pages._ui.cache_store import kept

__all__ = ["card", "commands", "report_html", "text"]


@kept(32, "Reading the checkpoint")
def _card(name: str, digest: str, written: str) -> ModelCard:  # noqa: ARG001
    """The card, as long as no file of the folder was written again."""
    return model_card.model_card(name)


def card(name: str, digest: str) -> ModelCard:
    """What the folder of a checkpoint tells.

    Raises:
        CheckpointError: where the folder cannot be used.
    """
    return _card(name, digest, model_card.written(name))


def commands(name: str, digest: str) -> tuple[str, ...]:
    """The commands that train and evaluate a model again."""
    return card(name, digest).commands


def text(name: str, file: str) -> str:
    """config.json or metrics.json of a checkpoint, as it is."""
    return model_card.files_as_text(name, file)
