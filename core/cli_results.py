"""The subcommand ``results``: the likelihood of every model beside what was published, as Markdown or JSON."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_results(subcommands: Any) -> argparse.ArgumentParser:
    """``results``: print the table, or write it to a file."""
    command = subcommands.add_parser("results", help="the test likelihood of every model beside published numbers")
    command.add_argument("--write", type=Path, default=None, metavar="FILE", help="write Markdown, as docs/results.md")
    command.set_defaults(run=_results, show=_show)
    return command


def _results(options: argparse.Namespace) -> dict[str, Any]:
    from core.results import results
    from core.results_text import results_markdown

    groups = results(options.root)
    text = results_markdown(groups)
    if options.write is not None:
        temporary = options.write.with_name(f".{options.write.name}.new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(options.write)
    models = [
        {
            "name": row.name,
            "dataset": group.dataset,
            "binarisation": group.binarisation,
            "latent_dim": group.latent_dim,
            "prior": row.prior,
            "nll": None if row.nll is None else row.nll.as_dict(),
            "exact": row.exact,
            "seeds": {} if row.seeds is None else {str(seed): value for seed, value in row.seeds.values.items()},
            "published": None if (one := group.published_of(row)) is None else one.nll.as_dict(),
            "state": row.state,
            "commands": list(row.commands),
        }
        for group in groups
        for row in group.rows
    ]
    written = None if options.write is None else str(options.write)
    return {"models": models, "written": written, "markdown": text}


def _show(result: dict[str, Any]) -> str:
    return result["markdown"] if result["written"] is None else f"{len(result['models'])} models in {result['written']}"
