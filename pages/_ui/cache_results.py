"""Answers about the results of all models; the rules are those of ``cache.py``."""

from __future__ import annotations

from core import results as core_results
from core.checkpoint import checkpoint_root
from core.results_records import ResultGroup
from pages._ui.cache_store import kept


@kept(4, "Reading the results")
def _results(stamp: str) -> tuple[list[ResultGroup], str]:  # noqa: ARG001
    """As long as no file that they come from was written again."""
    try:
        return core_results.results(checkpoint_root()), ""
    except ValueError as error:
        return core_results.results(checkpoint_root(), recipes=False), str(error)


def results() -> tuple[list[ResultGroup], str]:
    """Every group of models, and why the recipes of those that are not trained cannot be read, "" where they can."""
    return _results(core_results.stamp(checkpoint_root()))
