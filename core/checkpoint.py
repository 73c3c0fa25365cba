"""Checkpoints: a folder with weights, configuration, metrics and test latents. safetensors and JSON, never pickle.

    checkpoints/<name>/model.safetensors    the weights
                       config.json          RunConfig: data, model, training, versions, commit, command
                       metrics.json         {"training": curve and cost, "evaluations": {split: ...}}
                       latents.safetensors  posterior mean and log-variance (float16) and labels of up to 10,000 test
                       images; of a flow posterior its base and its context, under names of their own
                       snapshots.safetensors  codes and prior at some epochs (``core.snapshots_file``), where asked for
                       images.safetensors     pictures of imported latents (``core.stored_images``)
                       per_image-SPLIT.safetensors  what each image gives to the measures (``core.per_image``)
                       components-SPLIT.safetensors  what is known of a mixture's components (``core.component_file``)

A folder is written whole beside its place, as .tmp-PID-MACHINE-NAME, and then renamed, so that a checkpoint is either
there or not. One that is replaced is .tmp-old-NAME for a moment, and is read there. Reading never changes the disk.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from core.checkpoint_content import require_files, require_same_content, sha256
from core.checkpoint_folders import NAME, OLD, checkpoint_root, clear, place_of, recover
from core.checkpoint_half import round_to_half
from core.checkpoint_weights import built_and_filled
from core.config import SCHEMA_VERSION, RunConfig
from core.errors import CheckpointError, first_problem
from core.flow_latents import FlowCloud, read_flow_latents, write_flow_latents
from core.jsonfile import read_object
from core.latents import LatentCloud, read_latents, write_latents
from core.metrics_file import metrics_text, read_metrics, write_metrics
from core.per_image import PerImage, write_per_image
from core.posteriors import FlowPosterior
from core.replacing import deleted_on_failure, fresh_name, sync
from core.snapshots import Snapshots
from core.snapshots_file import write_snapshots
from core.stored_images import read_images, write_images
from core.tensor_file import write_tensors
from core.vae import VAE

__all__ = [
    "NAME", "Checkpoint", "checkpoint_root", "digest", "load", "read_config", "read_metrics",
    "recover", "round_to_half", "save", "write_metrics",
]  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """A trained model, ready to use: evaluation mode, on the CPU.

    Attributes:
        name: folder name.
        vae: the model.
        config: how it was made.
        metrics: content of metrics.json, {} where not evaluated.
        latents: Gaussian posteriors of the stored test images, None where there are none or they are no Gaussians.
        digest: content hash of weights, configuration and latents.
        flow_latents: what the flow posteriors of these images are made of, None with a Gaussian posterior.
        images: (n, pixels) pictures in [0, 1] that came with imported latents, None where none did.
    """

    name: str
    vae: VAE
    config: RunConfig
    metrics: dict[str, Any]
    latents: LatentCloud | None
    digest: str
    flow_latents: FlowCloud | None = None
    images: np.ndarray | None = None


def save(
    vae: VAE,
    config: RunConfig,
    path: Path,
    *,
    metrics: dict[str, Any] | None = None,
    per_image: PerImage | None = None,
    latents: LatentCloud | FlowCloud | None = None,
    snapshots: Snapshots | None = None,
    images: np.ndarray | None = None,
    half: bool = False,
    replace: bool = False,
) -> None:
    """Write a checkpoint folder, whole or not at all.

    Args:
        vae: the model.
        config: how it was made; the settings of prior and posterior complete (``core.build.resolved``).
        path: the folder, whose name is the checkpoint's.
        metrics: content of metrics.json.
        per_image: what each image gives to an evaluation in it.
        latents: posteriors of test images.
        snapshots: of its training; without any, there is no file of them.
        images: (n, pixels) pictures in [0, 1] that came with imported latents.
        half: store floats in half precision. Round the model first (``round_to_half``), so that what was measured is
            what is stored.
        replace: put it in the place of a folder of that name.

    Raises:
        CheckpointError: if the name is unusable, or the folder is there and ``replace`` is false.
        OSError: it cannot be written; what was there stays, and is read where it is.
    """
    if not NAME.fullmatch(path.name):
        raise CheckpointError(
            f"checkpoint name {path.name!r}: use letters, digits, '.', '_' and '-', at most 64 of them"
        )
    fresh, old = path.parent / fresh_name(path.name), path.parent / f"{OLD}{path.name}"
    shutil.rmtree(fresh, ignore_errors=True)
    clear(path.parent, path.name)
    if place_of(path).exists() and not replace:
        raise CheckpointError(
            f"checkpoint {path.name!r} is already there; choose another name or replace it on purpose"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with deleted_on_failure(fresh):
        fresh.mkdir()
        _write(fresh, vae, config, metrics, per_image, latents, snapshots, images, half=half)
        if replace and path.exists():
            shutil.rmtree(old, ignore_errors=True)
            path.rename(old)
        fresh.rename(path)  # fails where another process was faster: what it stored is not thrown away
    shutil.rmtree(old, ignore_errors=True)


def _write(
    fresh: Path,
    vae: VAE,
    config: RunConfig,
    metrics: dict[str, Any] | None,
    per_image: PerImage | None,
    latents: LatentCloud | FlowCloud | None,
    snapshots: Snapshots | None,
    images: np.ndarray | None,
    *,
    half: bool,
) -> None:
    """Every file of a checkpoint, into an empty folder, and onto the disk."""
    state = {name: value.detach().cpu().contiguous() for name, value in vae.state_dict().items()}
    if half:
        state = {name: value.half() for name, value in state.items()}
    write_tensors(state, fresh / "model.safetensors")
    (fresh / "metrics.json").write_text(metrics_text(metrics or {}))
    if isinstance(latents, FlowCloud):
        write_flow_latents(latents, fresh / "latents.safetensors")
    elif latents is not None:
        write_latents(latents, fresh / "latents.safetensors")
    if snapshots is not None and snapshots.taken:
        write_snapshots(snapshots, fresh / "snapshots.safetensors")
    if images is not None:
        write_images(images, fresh / "images.safetensors")
    files = {file.name: sha256(file) for file in sorted(fresh.glob("*.safetensors"))}
    if per_image is not None:
        write_per_image(fresh, per_image)  # a measure, which may be taken again: it has no hash
    (fresh / "config.json").write_text(config.model_copy(update={"files": files}).model_dump_json(indent=2) + "\n")
    for file in fresh.iterdir():
        sync(file)


def load(name_or_path: str | Path, root: Path | None = None) -> Checkpoint:
    """Read and check a checkpoint.

    Args:
        name_or_path: a folder name under ``root``, or the path of a folder.
        root: where names are looked up; default ``checkpoint_root()``.

    Raises:
        CheckpointError: with the reason, whatever is wrong with the folder.
    """
    path = name_or_path if isinstance(name_or_path, Path) else (root or checkpoint_root()) / name_or_path
    if not NAME.fullmatch(path.name if isinstance(name_or_path, Path) else name_or_path):
        raise CheckpointError(f"{str(name_or_path)!r} is not a checkpoint name")
    place = place_of(path)
    require_files(place)
    config = read_config(place)
    require_same_content(place, config)
    vae = built_and_filled(place / "model.safetensors", config)
    vae.eval().requires_grad_(False)
    latents = flow_latents = None
    file, dim, names = place / "latents.safetensors", config.model.latent_dim, config.data.class_names
    if isinstance(vae.posterior, FlowPosterior):
        flow_latents = read_flow_latents(file, dim, vae.posterior.sizes[-1], names)
    else:
        latents = read_latents(file, dim, names)
    images = read_images(place, len(latents), config.model.pixels) if latents is not None else None
    metrics = read_metrics(place, config.train.seed)
    return Checkpoint(path.name, vae, config, metrics, latents, digest(place), flow_latents, images)


def digest(path: Path) -> str:
    """Content hash of weights, configuration and latents: 16 hexadecimal digits."""
    hasher = hashlib.sha256()
    for name in ("model.safetensors", "config.json", "latents.safetensors"):
        file = path / name
        if not file.is_file():
            hasher.update(b"-")
            continue
        with file.open("rb") as content:
            while part := content.read(2**20):
                hasher.update(part)
    return hasher.hexdigest()[:16]


def read_config(path: Path) -> RunConfig:
    """config.json, validated.

    Raises:
        CheckpointError: with the reason.
    """
    content = read_object(path / "config.json")
    version = content.get("schema_version")
    if version != SCHEMA_VERSION:
        raise CheckpointError(f"config.json has schema version {version!r}; this program reads {SCHEMA_VERSION}")
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        raise CheckpointError(f"config.json: {first_problem(error)}") from error
