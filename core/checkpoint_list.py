"""All checkpoints of a root, in one record each: what pages and commands know of a model before it is loaded."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from cachetools import LRUCache

from core.absent import NONE
from core.checkpoint import load
from core.checkpoint_folders import Signature, checkpoint_names, checkpoint_root, place_of, signature
from core.config import RunConfig
from core.errors import CheckpointError
from core.posteriors import POSTERIORS
from core.priors import PRIORS
from core.records import CheckpointInfo

_known: LRUCache[tuple[Path, Path, Signature], CheckpointInfo] = LRUCache(512)
"""What was found in each folder, by name, place and signature."""
_lock = Lock()


def list_checkpoints(root: Path | None = None) -> list[CheckpointInfo]:
    """Every checkpoint under ``root``, by name. A broken one is listed with its reason, never raised."""
    root = root or checkpoint_root()
    return [_info(root / name) for name in checkpoint_names(root)]


def _info(path: Path, *, attempts: int = 3) -> CheckpointInfo:
    """The check of one folder, done again where it was moved or written again meanwhile.

    Only what was found while nothing changed counts and is remembered: what is read across the moment in which another
    folder takes the place is a bit of both, and the one that looked damaged may come back as it was.
    """
    try:
        place = place_of(path)
        key = (path, place, signature(place))
        with _lock:
            if key in _known:
                return _known[key]
        info = _checked_info(path)
        if (path, place_of(path), signature(place)) == key:
            with _lock:
                _known[key] = info
            return info
    except OSError as error:
        info = CheckpointInfo(path.name, error=f"cannot be read: {error.__class__.__name__}")
    return _info(path, attempts=attempts - 1) if attempts > 1 else info


def forget() -> None:
    """Check every folder anew when it is asked for."""
    with _lock:
        _known.clear()


def _checked_info(path: Path) -> CheckpointInfo:
    """Full check of one folder."""
    try:
        checkpoint = load(path)
    except CheckpointError as error:
        return CheckpointInfo(path.name, error=str(error))
    except Exception as error:  # whatever nobody thought of: one folder must never take the others away
        logging.getLogger(__name__).exception("checkpoint %s", path.name)
        return CheckpointInfo(path.name, error=f"cannot be used: {type(error).__name__}: {error}"[:500])
    latents = checkpoint.latents or checkpoint.flow_latents
    return replace(
        measured_info(path.name, checkpoint.config, checkpoint.metrics),
        digest=checkpoint.digest,
        images=0 if latents is None else len(latents),
        split="" if latents is None else latents.split,
        total=0 if latents is None else latents.total,
        pictured=checkpoint.config.model.likelihood != NONE or checkpoint.images is not None,
    )


def measured_info(name: str, config: RunConfig, metrics: Mapping[str, Any]) -> CheckpointInfo:
    """What config.json and metrics.json tell of a model; nothing of its weights and its latents.

    Args:
        name: of the checkpoint.
        config: of it.
        metrics: of it, {} where it was not measured.
    """
    others = {entry["seed"]: entry["evaluations"] for entry in metrics.get("seeds", [])}
    return CheckpointInfo(
        name=name,
        dataset=config.data.name,
        prior=config.model.prior.kind,
        prior_title=PRIORS[config.model.prior.kind].title,
        posterior=config.model.posterior.kind,
        posterior_title=POSTERIORS[config.model.posterior.kind].title,
        latent_dim=config.model.latent_dim,
        image_shape=config.model.image_shape,
        likelihood=config.model.likelihood,
        binarisation=config.data.binarisation,
        data_seed=config.data.seed,
        metrics=metrics.get("evaluations", {}),
        seeds=(config.train.seed, *others) if config.model.likelihood != NONE else (),
        other_seeds=others,
    )
