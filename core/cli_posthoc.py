"""The subcommand ``aggregate``: a trained model with the aggregated posterior of its training images as prior."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_aggregate(subcommands: Any) -> argparse.ArgumentParser:
    """``aggregate``: swap the prior, evaluate, store under another name."""
    command = subcommands.add_parser(
        "aggregate", help="a trained model with the aggregated posterior of its training images as prior"
    )
    command.add_argument("name", help="checkpoint name")
    command.add_argument("--as", dest="new", metavar="NEW", help="name of the new checkpoint; default NAME-aggregated")
    command.add_argument("--data", type=Path, default=None, help="folder of the data sets")
    command.add_argument("--samples", type=int, default=1000, help="importance samples of the evaluation")
    command.add_argument("--half", action="store_true", help="store, and evaluate, weights rounded to half precision")
    command.set_defaults(run=_aggregate, show=_show)
    return command


def _aggregate(options: argparse.Namespace) -> dict[str, Any]:
    from core.build import resolved
    from core.checkpoint import NAME, load, round_to_half, save
    from core.cli_evaluate import add_measures, evaluate_with_progress
    from core.cli_train import provenance, require_samples
    from core.config import PriorConfig
    from core.latents import cloud
    from core.posthoc import OPTIMAL, data_of, with_aggregated_posterior

    new = options.new or f"{options.name}-aggregated"
    require_samples(options.samples)
    checkpoint = load(options.name, options.root)
    if not NAME.fullmatch(new):
        raise ValueError(f"checkpoint name {new!r}: use letters, digits, '.', '_' and '-'; give one with --as")
    if (options.root / new).exists():
        raise ValueError(f"checkpoint {new!r} is already there; use another name with --as")
    data = data_of(checkpoint.config, options.data)
    if options.half:
        round_to_half(checkpoint.vae)  # before the images are encoded: the components are those of the stored encoder
    vae = with_aggregated_posterior(checkpoint.vae, data.fixed("train").images)
    if options.half:
        round_to_half(vae)
    images = data.fixed("test")
    test = evaluate_with_progress(vae, data, "test", options.samples, 0)
    model = checkpoint.config.model.model_copy(update={"prior": PriorConfig(kind=OPTIMAL)})
    save(
        vae,
        checkpoint.config.model_copy(update={"model": resolved(model, vae), **provenance(options)}),
        options.root / new,
        metrics={"evaluations": {"test": test.as_dict()}},
        per_image=test.per_image,
        latents=cloud(vae, images.images, images.labels, "test"),
        half=options.half,
    )
    add_measures(new, options.root, data)
    return {"name": new, "from": options.name, "components": len(data.train), "test": test.as_dict()}


def _show(result: dict[str, Any]) -> str:
    from core.cli_evaluate import show_evaluation

    head = f"{result['name']}: {result['from']} with the posteriors of its {result['components']:,} training images"
    return f"{head} as prior\n{show_evaluation(result['test'])}"
