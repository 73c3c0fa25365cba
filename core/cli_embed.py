"""The subcommand ``embed``: a t-SNE map of draws of q(z) and p(z) of one checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_embed(subcommands: Any) -> argparse.ArgumentParser:
    """``embed``: calculate a map, and store it where that is asked for."""
    command = subcommands.add_parser("embed", help="t-SNE map of draws of q(z) and p(z) of a checkpoint")
    command.add_argument("name", help="checkpoint name")
    command.add_argument("--draws", type=int, default=1000, help="draws of each side")
    command.add_argument("--perplexity", type=float, default=30.0)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--output", type=Path, default=None, metavar="FILE", help="store the map, as safetensors")
    command.add_argument("--digest", default=None, help="refuse a checkpoint whose content has another digest")
    command.set_defaults(run=_embed, show=_show)
    return command


def _embed(options: argparse.Namespace) -> dict[str, Any]:
    from core.checkpoint import load
    from core.embedding import embed, write_embedding
    from core.latents import NO_MIXTURE
    from core.progress import Progress

    checkpoint = load(options.name, options.root)
    if options.digest not in (None, checkpoint.digest):
        raise ValueError(f"checkpoint {options.name!r} has the digest {checkpoint.digest}, not {options.digest}")
    if checkpoint.flow_latents is not None:
        raise ValueError(f"checkpoint {options.name!r}: {NO_MIXTURE}; a map needs one")
    if checkpoint.latents is None:
        raise ValueError(f"checkpoint {options.name!r} stores no posteriors, so nothing of q(z) can be drawn")
    with Progress("t-SNE", "iteration") as report:
        embedding = embed(
            checkpoint.latents,
            checkpoint.vae.prior,
            n=options.draws,
            perplexity=options.perplexity,
            seed=options.seed,
            on_progress=report,
        )
    if options.output is not None:
        write_embedding(embedding, options.output)
    return {
        "name": checkpoint.name,
        "digest": checkpoint.digest,
        "split": checkpoint.latents.split,
        "draws": len(embedding.q),
        "perplexity": embedding.perplexity,
        "asked": embedding.asked,
        "seed": embedding.seed,
        "divergence": embedding.divergence,
        "trustworthiness": embedding.trustworthiness,
        "method": embedding.method,
        "seconds": embedding.seconds,
        "output": None if options.output is None else str(options.output),
    }


def _show(result: dict[str, Any]) -> str:
    perplexity = f"perplexity {result['perplexity']:g}"
    if result["perplexity"] != result["asked"]:
        perplexity += f" ({result['asked']:g} is too large for so few draws)"
    lines = [
        f"{result['name']}: {result['draws']:,} draws of q(z), {result['split']} split, and as many of p(z)",
        f"KL divergence of the map {result['divergence']:.3f} nats, trustworthiness {result['trustworthiness']:.3f}",
        f"{perplexity}, seed {result['seed']}, {result['seconds']:.1f} s; {result['method']}",
        f"stored in {result['output']}" if result["output"] else "not stored; give a file with --output",
    ]
    return "\n".join(lines)
