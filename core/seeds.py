"""The same recipe under other training seeds: their measures stand in metrics.json, their weights nowhere.

{"seed": 1, "training": {"epochs", "best_epoch", "seconds", "parameters"}, "evaluations": {split: ...},
 "command": what trained it, "commit": of this project}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import safe_open

from core.checkpoint import Checkpoint, load
from core.checkpoint_folders import place_of
from core.config import RunConfig
from core.errors import CheckpointError

SAME = ("n", "samples", "seed")
"""What two evaluations must share to be compared: images, importance samples, seed of the draws."""


def in_half(folder: Path) -> bool:
    """Whether the weights of a checkpoint are stored in half precision."""
    with safe_open(place_of(folder) / "model.safetensors", framework="np") as file:
        return any(file.get_slice(name).get_dtype() == "F16" for name in file.keys())  # noqa: SIM118


def with_seed(config: RunConfig, seed: int) -> RunConfig:
    """The recipe of a checkpoint under another training seed; what names its files and its making is left out."""
    train = config.train.model_copy(update={"seed": seed})
    return config.model_copy(update={"train": train, "files": {}})


def stored_seeds(metrics: dict[str, Any]) -> list[int]:
    """The other seeds that metrics.json holds."""
    return [one["seed"] for one in metrics.get("seeds", [])]


def require_other(config: RunConfig, seed: int) -> None:
    """Refuse the seed of the stored weights.

    Raises:
        ValueError: saying so.
    """
    if seed == config.train.seed:
        raise ValueError(f"seed {seed} is the one that the stored weights were trained with; name other seeds")


def entry(seed: int, training: dict[str, Any], evaluations: dict[str, Any], config: RunConfig) -> dict[str, Any]:
    """What is stored of one seed: everything but its curve and its weights.

    Args:
        seed: of the training.
        training: its cost, as metrics.json holds it.
        evaluations: by split.
        config: that trained it, with its command and commit.
    """
    cost = {key: value for key, value in training.items() if isinstance(value, int | float)}
    made = {"command": config.command, "commit": config.commit}
    return {"seed": seed, "training": cost, "evaluations": evaluations, **made}


def with_entry(metrics: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """metrics.json with one more seed, or another entry of that seed, in the order of the seeds."""
    entries = [one for one in metrics.get("seeds", []) if one["seed"] != new["seed"]] + [new]
    return {**metrics, "seeds": sorted(entries, key=lambda one: one["seed"])}


def taken_from(own: Checkpoint, folder: Path, other_folder: Path) -> dict[str, Any]:
    """The entry of a finished checkpoint that is this one under another seed.

    Args:
        own: the checkpoint that it belongs to, from ``folder``.
        folder: of that checkpoint.
        other_folder: of the finished one.

    Raises:
        ValueError: where the two recipes differ in anything but the seed, or were not measured in the same way, naming
            what differs.
    """
    other = load(other_folder)
    if difference := recipe_difference(own.config, other.config):
        raise ValueError(f"{other.name} is not {own.name} under another seed: {difference}")
    require_other(own.config, other.config.train.seed)
    if in_half(folder) != in_half(other_folder):
        raise ValueError(f"{other.name} is not {own.name} under another seed: only one has weights in half precision")
    theirs = other.metrics.get("evaluations", {})
    for split, stored in require_evaluated(own).items():
        differing = [key for key in SAME if theirs.get(split, {}).get(key) != stored.get(key)]
        if differing:
            raise ValueError(
                f"{other.name} was not measured as {own.name} was, on the {split} split: {differing[0]} is "
                f"{theirs.get(split, {}).get(differing[0], 'missing')}, expected {stored.get(differing[0])}. "
                f"Evaluate it in the same way: python -m core evaluate {other.name} --split {split} --save"
            )
    kept = {split: theirs[split] for split in own.metrics["evaluations"]}
    return entry(other.config.train.seed, other.metrics.get("training") or {}, kept, other.config)


def require_evaluated(own: Checkpoint) -> dict[str, Any]:
    """The stored evaluations by split, with which other seeds are compared.

    Raises:
        CheckpointError: where there is none.
    """
    evaluations = own.metrics.get("evaluations", {})
    if not evaluations or not own.config.model.decodes:
        raise CheckpointError(
            f"{own.name} has no evaluation of a trained model that other seeds could be compared with; measure it "
            f"first: python -m core evaluate {own.name} --save"
        )
    return evaluations


def recipe_difference(own: RunConfig, other: RunConfig) -> str | None:
    """The first setting, other than the seed of the training, in which two runs differ; None where there is none."""
    for part in ("data", "model", "train"):
        ours, theirs = (getattr(config, part).model_dump() for config in (own, other))
        for name in ours:
            if ours[name] != theirs[name] and (part, name) != ("train", "seed"):
                return f"{part}.{name} is {theirs[name]!r}, expected {ours[name]!r}"
    return None
