"""The subcommand ``evaluate``, and what every other subcommand that measures a model shares with it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.metrics.evaluate import Evaluation

GAPS, IMAGES, COMPONENTS, COURSE = "gaps", "images", "components", "course"


def add_evaluate(subcommands: Any) -> argparse.ArgumentParser:
    """``evaluate``: one checkpoint on one split."""
    command = subcommands.add_parser("evaluate", help="bound, surgery and likelihood of a checkpoint on one split")
    command.add_argument("name", help="checkpoint name")
    command.add_argument("--split", choices=["test", "validation", "train"], default="test")
    command.add_argument("--samples", type=int, default=1000, help="importance samples for the likelihood")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--data", type=Path, default=None, help="folder of the data sets")
    command.add_argument(
        "--only",
        choices=[GAPS, IMAGES, COMPONENTS, COURSE],
        help="add to a stored evaluation: gaps, the images with the loosest bounds (d = 2); images, what each image "
        "gives to the bound, which paired differences need; components, how those of a mixture prior are used; "
        "course, the marginal KL after every snapshot of a recorded training. --samples is not used then, nor is "
        "--seed for images, which takes those of the evaluation",
    )
    command.add_argument("--save", action="store_true", help="store the result in the checkpoint")
    command.set_defaults(run=_evaluate, show=show_evaluation)
    return command


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    from core.checkpoint import load
    from core.metrics_file import put_evaluation
    from core.per_image import write_per_image
    from core.posthoc import data_of

    checkpoint = load(options.name, options.root)
    stored = checkpoint.metrics.get("evaluations", {}).get(options.split, {}) if options.only else {}
    if options.only and options.save and "elbo" not in stored:
        raise ValueError(f"{options.name} has no evaluation of the {options.split} split to add to; leave out --only")
    if not checkpoint.config.model.decodes:
        return _latents_only(checkpoint, options)
    if options.only == COURSE:
        return _course(checkpoint, options)
    data = data_of(checkpoint.config, options.data)
    if options.only == COMPONENTS:
        return _components(checkpoint, data, options)
    if options.only == IMAGES:
        return _images(checkpoint, data, stored, options)
    if options.only:
        result = _gaps_with_progress(checkpoint.vae, data, options.split, options.seed)
        if options.save:
            put_evaluation(options.root / options.name, options.split, {"worst_gaps": result["worst_gaps"]})
        return result
    found = evaluate_with_progress(checkpoint.vae, data, options.split, options.samples, options.seed)
    result = found.as_dict()
    if options.save:
        write_per_image(options.root / options.name, found.per_image)
        put_evaluation(options.root / options.name, options.split, result, replace=True)
        if checkpoint.latents is not None and options.split == checkpoint.latents.split:
            add_measures(options.name, options.root, data)
    return result


def add_measures(name: str, root: Path, data: Any) -> None:
    """What is known of a model's components and of its recorded training, put beside it where it has any."""
    from core.checkpoint import load
    from core.component_measure import reason_against, store_components
    from core.history_measure import store_course

    store_course(name, root)
    if reason_against(load(name, root)) is None:
        print("comparing the prior's components with all training images", file=sys.stderr)
        store_components(name, root, data)


def _components(checkpoint: Any, data: Any, options: argparse.Namespace) -> dict[str, Any]:
    """The components as the images use them whose posteriors are stored, and kept where that is asked for."""
    from dataclasses import asdict

    from core.component_measure import measure_components, store_components

    if checkpoint.latents is not None and options.split != checkpoint.latents.split:
        raise ValueError(
            f"{options.name} stores the posteriors of its {checkpoint.latents.split} split, which use the components; "
            f"got --split {options.split}"
        )
    if options.save:
        return {"components": asdict(store_components(options.name, options.root, data, seed=options.seed))}
    return {"components": asdict(measure_components(checkpoint, data, seed=options.seed).components.summary())}


def _course(checkpoint: Any, options: argparse.Namespace) -> dict[str, Any]:
    """The marginal KL after every snapshot, kept where that is asked for."""
    from dataclasses import asdict

    from core.history import course
    from core.history_measure import snapshots_of, store_course

    found = snapshots_of(checkpoint, options.root)
    if found is None:
        raise ValueError(f"{options.name} holds no snapshots of its training")
    if options.split != found.split:
        raise ValueError(f"{options.name} was recorded on its {found.split} split; got --split {options.split}")
    kept = store_course(options.name, options.root, seed=options.seed) if options.save else None
    return {"course": asdict(kept or course(found, checkpoint, seed=options.seed))}


def _images(checkpoint: Any, data: Any, stored: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """What each image gives to the bound of a stored evaluation, measured again with its draws, and kept."""
    from core.metrics.bound import measure_images
    from core.per_image import require_same_evaluation, write_per_image

    if "elbo" not in stored:
        raise ValueError(f"{options.name} has no evaluation of the {options.split} split to add to; leave out --only")
    images = data.fixed(options.split)
    found = measure_images(checkpoint.vae, images, options.split, seed=stored["seed"], samples=stored.get("samples", 0))
    require_same_evaluation("what was measured now", found, stored)
    if options.save:
        write_per_image(options.root / options.name, found)
    return {"n": len(found), "split": found.split, "seed": found.seed, "measures": ["elbo", *found.values]}


def _latents_only(checkpoint: Any, options: argparse.Namespace) -> dict[str, Any]:
    """The KL and its parts of imported latents, which have no images to be encoded and no bound."""
    from core.metrics.evaluate_latents import evaluate_latents
    from core.metrics_file import put_evaluation
    from core.progress import Progress

    if options.only or options.split != "test" or checkpoint.latents is None:
        raise ValueError(f"{options.name} holds imported latents only: leave out --only and --split")
    with Progress("evaluate", unit="part") as report:
        result = evaluate_latents(checkpoint.latents, checkpoint.vae.prior, seed=options.seed, on_progress=report)
    if options.save:
        put_evaluation(options.root / options.name, "test", result, replace=True)
    return result


def evaluate_with_progress(vae: Any, data: Any, split: str, samples: int, seed: int) -> Evaluation:
    """``core.metrics.evaluate``, with its progress told."""
    from core.metrics.evaluate import evaluate
    from core.progress import Progress

    images, done = data.fixed(split), 0
    with Progress(f"log p(x), {samples} samples", unit="image") as report:

        def tell(more: int) -> None:
            nonlocal done
            done += more
            report(done, len(images), "measuring the model")

        tell(0)
        return evaluate(vae, images, split, samples=samples, seed=seed, on_progress=tell)


def _gaps_with_progress(vae: Any, data: Any, split: str, seed: int) -> dict[str, Any]:
    """``core.metrics.gaps`` with a progress bar on standard error."""
    from dataclasses import asdict

    from tqdm import tqdm

    from core.metrics.gaps import measure_gaps

    images = data.fixed(split)
    with tqdm(total=100, desc="log p(x) by quadrature", unit="%", file=sys.stderr) as bar:
        found = measure_gaps(vae, images.images, seed=seed, on_progress=lambda done: bar.update(done - bar.n))
    return {"n": len(images), "split": split, "seed": seed, "worst_gaps": asdict(found)}


def show_evaluation(result: dict[str, Any]) -> str:
    """A table for people: value and standard error in nats per image."""
    if "measures" in result:
        return f"{result['n']:,} {result['split']} images, seed {result['seed']}: {', '.join(result['measures'])}"
    if "average_kl" not in result and "components" in result:
        return "\n".join(_show_components(result["components"]))
    if "average_kl" not in result and "course" in result:
        return "\n".join(_show_course(result["course"]))
    if "average_kl" not in result:
        return "\n".join(_show_gaps(result["worst_gaps"], len(result["worst_gaps"]["images"])))
    estimates = {name: value for name, value in result.items() if isinstance(value, dict) and "value" in value}
    rows = [f"{name:20} {value['value']:10.3f} ± {value['se']:.3f}" for name, value in estimates.items()]
    sizes = f"n = {result['n']:,}, seed {result['seed']}" + (
        f", S = {result['samples']:,}" if "samples" in result else ""
    )
    rows += _show_distance(result.get("distance"))
    if "mutual_information" not in result:
        rows.append("mutual information and marginal KL: not measured, q(z|x) is a flow and the images are many")
    rows += _show_gaps(result.get("worst_gaps"), 3)
    return "\n".join([*rows, f"nats per image; {result['split']} split, {sizes}"])


def _show_components(found: dict[str, Any]) -> list[str]:
    """The components of the prior all together, beside what a perfect match would give."""
    effective, (sure, most) = found["effective"], found["dead_range"]
    return [
        f"{'effective components':20} {effective['value']:8.1f} of {found['count']:,}   "
        f"[{effective['low']:.1f}, {effective['high']:.1f}], match {effective['null']:.1f}",
        f"{'dead':20} {found['dead']:8,}   [{sure:,}, {most:,}], match {found['dead_null']:.1f}",
        f"{'duplicate pairs':20} {found['duplicate_pairs']:8,}   random images {found['pairs_null']:.1f}",
        f"{found['draws']:,} draws of q(z) from {found['images']:,} images, seed {found['seed']}",
    ]


def _show_course(found: dict[str, Any]) -> list[str]:
    """The marginal KL by epoch, beside what a perfect prior would give."""
    rows = []
    for moment in found["moments"]:
        kl, null = moment["marginal_kl"], moment["marginal_kl_null"]
        told = "unknown" if null is None else f"{null['value']:.3f}"
        rows.append(f"epoch {moment['epoch']:<8,} {kl['value']:10.3f} ± {kl['se']:.3f}   null {told}")
    head = f"KL(q(z) || p(z)) in nats, {found['images']:,} {found['split']} images, seed {found['seed']}:"
    return [head, *rows]


def _show_gaps(found: dict[str, Any] | None, most: int) -> list[str]:
    """The images with the loosest bounds, by row of the split."""
    if found is None:
        return []
    images = [(image["row"], image["gap"]["value"], image["gap"]["se"]) for image in found["images"][:most]]
    head = f"loosest bounds, log p(x) - ELBO in nats, {found['draws']:,} draws each, seed {found['seed']}:"
    return [head, *(f"image {row:<14,} {value:10.3f} ± {se:.3f}" for row, value, se in images)]


def _show_distance(found: dict[str, Any] | None) -> list[str]:
    """Shares and tests between prior and aggregated posterior, each with its interval and its null."""
    from core.records import QUANTILE

    if found is None:
        return []
    shares = [(name, found["mismatch"][name], QUANTILE) for name in ("holes", "leaks")]
    shares += [(test["classifier"], test["accuracy"], 0.5) for test in found["classifiers"]]
    rows = [
        f"{name:20} {100 * share['value']:8.1f} %   [{100 * share['low']:.1f}, {100 * share['high']:.1f}], "
        f"null {100 * null:.0f} %"
        for name, share, null in shares
    ]
    kernel = found["kernel"]
    null = f"null {kernel['null_low']:.2e} to {kernel['null_high']:.2e}, p = {kernel['p_value']:.3f}"
    return [*rows, f"{'MMD^2':20} {kernel['value']:10.2e}   {null}"]
