"""Models of which only the measures are kept: config.json, metrics.json and what each image gives, without weights.

They lie in the folder ``_measured`` of a root, where no list of checkpoints looks: what has no weights can be looked at
nowhere. Its likelihood belongs into the results all the same, and the command beside it trains it again. Where there is
a checkpoint of the same name, that is what counts.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from core.checkpoint import load, read_config
from core.checkpoint_folders import NAME, place_of
from core.checkpoint_list import measured_info
from core.errors import CheckpointError
from core.metrics_file import read_metrics
from core.records import CheckpointInfo
from core.replacing import replacing

FOLDER = "_measured"
METRICS, IMAGES = "metrics.json", "per_image-*.safetensors"


def keep_measures(source: Path, root: Path) -> Path:
    """Keep the measures of a finished checkpoint, in the place of those that were kept under its name.

    Args:
        source: folder of the checkpoint; all of it is checked first.
        root: folder of the checkpoints.

    Returns:
        The folder that was written.

    Raises:
        CheckpointError: where the checkpoint cannot be used, or was not measured.
        ValueError: where the root has a checkpoint of that name.
        OSError: where it cannot be written.
    """
    found = load(source)
    if not found.metrics.get("evaluations"):
        raise CheckpointError(f"{found.name} was not measured: python -m core evaluate {found.name} --save")
    if (root / found.name).exists():
        raise ValueError(f"{root} has a checkpoint {found.name}, whose own measures count")
    place, target = place_of(source), root / FOLDER / found.name
    target.mkdir(parents=True, exist_ok=True)
    images = sorted(place.glob(IMAGES))
    for old in {file.name for file in target.glob(IMAGES)} - {file.name for file in images}:
        (target / old).unlink()
    for file in (*images, place / "config.json", place / METRICS):  # the last makes it one that is listed
        with replacing(target / file.name) as fresh:
            shutil.copyfile(file, fresh)
    return target


def list_measured(root: Path) -> list[CheckpointInfo]:
    """The models of which only measures are here, by name; one that cannot be read with its reason."""
    place = root / FOLDER
    folders = sorted(path for path in place.iterdir() if NAME.fullmatch(path.name)) if place.is_dir() else []
    return [_info(path) for path in folders if (path / METRICS).is_file() and not (root / path.name).exists()]


def folder_of(root: Path, name: str) -> Path:
    """Where the measures of a model lie: in its checkpoint, or else where only they are kept."""
    own = place_of(root / name)
    return own if own.is_dir() else root / FOLDER / name


def _info(path: Path) -> CheckpointInfo:
    try:
        config = read_config(path)
        return measured_info(path.name, config, read_metrics(path, config.train.seed))
    except (CheckpointError, OSError) as error:
        return CheckpointInfo(path.name, error=str(error))
