"""The subcommand ``measures``: keep what was measured of a model, not its weights."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_measures(subcommands: Any) -> argparse.ArgumentParser:
    """``measures``: from a finished checkpoint elsewhere."""
    command = subcommands.add_parser(
        "measures", help="keep the measures of a finished checkpoint without its weights, for the results"
    )
    command.add_argument("source", type=Path, metavar="FOLDER", help="the finished checkpoint, in another root")
    command.set_defaults(run=_measures, show=_show)
    return command


def _measures(options: argparse.Namespace) -> dict[str, Any]:
    from core.measures_only import keep_measures

    kept = keep_measures(options.source, options.root)
    return {"name": kept.name, "folder": str(kept), "bytes": sum(file.stat().st_size for file in kept.iterdir())}


def _show(result: dict[str, Any]) -> str:
    return f"{result['name']}: {result['bytes'] / 1e3:,.0f} kB of measures in {result['folder']}"
