"""What a checkpoint folder tells of its model: configuration, course of the training, files, how to reproduce it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.checkpoint import checkpoint_root, load
from core.checkpoint_content import FILES, sha256
from core.checkpoint_folders import place_of, signature
from core.config import RunConfig
from core.jsonfile import MAX_BYTES, read_text
from core.seeds import stored_seeds
from core.tensor_file import LARGEST
from core.training_file import read_rows
from core.training_records import TrainingCurve

TEXT_FILES = ("config.json", "metrics.json")
EXTRA = ("ladder.json",)
MEASURES = ("per_image", "components")
"""Beginnings of the names of files that hold measures, one for each split."""
"""Files that later commands add."""


@dataclass(frozen=True)
class StoredFile:
    """A file of a checkpoint: name, bytes, SHA-256 of its content, and whether config.json vouches for that.

    Of a file that is larger than it can be, the content is not read and the hash is "".
    """

    name: str
    size: int
    sha256: str
    vouched: bool


@dataclass(frozen=True)
class Training:
    """How the training went.

    Attributes:
        curve: of all its epochs.
        best_epoch: whose weights were kept, None where that was not stored.
        seconds: that it took, None where that was not stored.
    """

    curve: TrainingCurve
    best_epoch: int | None
    seconds: float | None


@dataclass(frozen=True)
class ModelCard:
    """Everything a checkpoint folder tells.

    Attributes:
        name, digest: of the checkpoint.
        config: how it was made.
        parameters: trained and fixed numbers of each part by name; a part without any is left out.
        training: its course, None where none was stored.
        evaluations: stored metrics by split.
        files: of the folder.
        commands: that train and evaluate it again, in this order.
    """

    name: str
    digest: str
    config: RunConfig
    parameters: dict[str, int]
    training: Training | None
    evaluations: dict[str, Any]
    files: tuple[StoredFile, ...]
    commands: tuple[str, ...]


def model_card(name: str, root: Path | None = None) -> ModelCard:
    """Read the card of a checkpoint.

    Args:
        name: of a folder under ``root``.
        root: folder of the checkpoints; default ``checkpoint_root()``.

    Raises:
        CheckpointError: with the reason, where the folder cannot be used.
    """
    loaded = load(name, root)
    folder = place_of((root or checkpoint_root()) / name)
    vae, config = loaded.vae, loaded.config
    parts = {"encoder": vae.posterior, "prior": vae.prior, "decoder": vae.decoder}
    counts = {part: sum(value.numel() for value in module.parameters()) for part, module in parts.items()}
    evaluations = loaded.metrics.get("evaluations", {})
    return ModelCard(
        name=name,
        digest=loaded.digest,
        config=config,
        parameters={part: count for part, count in counts.items() if count},
        training=_training(loaded.metrics, folder),
        evaluations=evaluations,
        files=_files(folder, config),
        commands=commands(name, config, evaluations, stored_seeds(loaded.metrics)),
    )


def commands(name: str, config: RunConfig, evaluations: dict[str, Any], seeds: Sequence[int] = ()) -> tuple[str, ...]:
    """The command lines that train and evaluate a model again.

    Args:
        name: of the checkpoint.
        config: with the command that trained it.
        evaluations: stored metrics by split, with their numbers of samples and seeds.
        seeds: other training seeds whose measures are stored.
    """
    lines = [config.command] if config.command else []
    for split, stored in evaluations.items():
        line = f"python -m core evaluate {name} --split {split}"
        if stored.get("samples"):
            line += f" --samples {stored['samples']}"
        lines.append(f"{line} --seed {stored.get('seed', 0)} --save")
    return (*lines, seeds_command(name, seeds)) if seeds else tuple(lines)


def seeds_command(name: str, seeds: Sequence[int]) -> str:
    """The command line that trains other seeds of a model again."""
    return f"python -m core seeds {name} --replace --seeds {' '.join(map(str, seeds))}"


def files_as_text(name: str, file: str, root: Path | None = None) -> str:
    """config.json or metrics.json as it is.

    Args:
        name: of the checkpoint.
        file: one of ``TEXT_FILES``.
        root: folder of the checkpoints; default ``checkpoint_root()``.

    Raises:
        ValueError: for any other file.
        CheckpointError: where it cannot be read.
    """
    if file not in TEXT_FILES:
        raise ValueError(f"file must be one of {TEXT_FILES}, got {file!r}")
    return read_text(place_of((root or checkpoint_root()) / name) / file)


def written(name: str, root: Path | None = None) -> str:
    """A text that changes whenever a file of the folder is written again, also while the clock is set back."""
    try:
        return str(signature(place_of((root or checkpoint_root()) / name)))
    except OSError:  # it is just being replaced
        return ""


def _training(metrics: dict[str, Any], folder: Path) -> Training | None:
    stored = metrics.get("training")
    if not isinstance(stored, dict):
        return None
    points = read_rows(stored.get("curve", []), folder / "metrics.json")
    if not points:
        return None
    curve = TrainingCurve(points[-1].epoch, points, 1, 0, 0.0)
    best, seconds = stored.get("best_epoch"), stored.get("seconds")
    known = isinstance(best, int) and any(point.epoch == best for point in points)
    return Training(curve, best if known else None, float(seconds) if isinstance(seconds, int | float) else None)


def _files(folder: Path, config: RunConfig) -> tuple[StoredFile, ...]:
    """Every file of a checkpoint that is there, weights first."""
    measures = sorted(file.name for kind in MEASURES for file in folder.glob(f"{kind}-*.safetensors"))
    found = [folder / name for name in (*FILES, *TEXT_FILES, *measures, *EXTRA) if (folder / name).is_file()]
    return tuple(_stored(file, file.stat().st_size, config) for file in found)


def _stored(file: Path, size: int, config: RunConfig) -> StoredFile:
    sum_ = sha256(file) if size <= (LARGEST if file.name in FILES else MAX_BYTES) else ""
    return StoredFile(file.name, size, sum_, bool(sum_) and config.files.get(file.name) == sum_)
