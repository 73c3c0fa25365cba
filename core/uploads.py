"""Own images and own latents that somebody handed to the dashboard: checked, then kept by the hash of their content.

    ROOT/KIND/ID/TITLE.npz

KIND is "images" or "latents", ID the start of the SHA-256 of what was uploaded, TITLE its name, made harmless.
Nothing else is written. Of more than ``MOST`` images a random sample is kept, and its title says so.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from core import jobs
from core.cache_folder import cache_folder
from core.datasets.archive import read_arrays
from core.datasets.base import SPLIT_NAMES, DataError, Dataset
from core.datasets.npz import ARRAYS, PREFIX, load_npz
from core.generate import as_pictures
from core.imported import read_latents_file
from core.replacing import delete_orphans, fresh_name

LIMIT = 1024**3
"""Bytes that the arrays of an upload may take as float32."""
MOST = 100_000
"""Images of an upload that are kept."""
SAMPLE_SEED = 0
LONGEST = 40
"""Characters of a title, before what is added to that of a sample."""
SHOWN = 32
"""Images of a preview."""

Kind = Literal["images", "latents"]

_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Upload:
    """A file that is kept.

    Attributes:
        id: start of the hash of what was uploaded.
        title: what it is called.
        path: of the file; ``npz:PATH`` is the name of the data set.
        size: bytes of the file.
    """

    id: str
    title: str
    path: Path
    size: int

    @property
    def dataset(self) -> str:
        """Its name for ``core.datasets.load``, where it holds images."""
        return f"{PREFIX}{self.path}"


@dataclass(frozen=True)
class Preview:
    """What is in a data set.

    Attributes:
        pictures: (m, height, width[, 3]) in [0, 1], at most ``SHOWN`` training images, drawn at random.
        labels: class of each, () where there are none.
        sizes: number of images by split.
        counts: for each class its name and its number of images by split; () where there are no labels.
        image_shape: (channels, height, width).
        binarisation: "dynamic" or "fixed".
    """

    pictures: np.ndarray
    labels: tuple[str, ...]
    sizes: dict[str, int]
    counts: tuple[tuple[str, dict[str, int]], ...]
    image_shape: tuple[int, int, int]
    binarisation: str


def uploads_root() -> Path:
    """The environment's PRIORSCOPE_UPLOADS, else ``uploads`` in the user's cache folder of this program.

    Raises:
        ValueError: the path names an unknown home folder.
    """
    return cache_folder("uploads", "PRIORSCOPE_UPLOADS")


def uploads(kind: Kind = "images") -> list[Upload]:
    """Everything of a kind that is kept, by title."""
    root = uploads_root() / kind
    folders = [path for path in root.iterdir() if _ID.fullmatch(path.name)] if root.is_dir() else []
    found = [upload for folder in folders if (upload := _upload(folder)) is not None]
    return sorted(found, key=lambda upload: (upload.title, upload.id))


def keep(name: str, content: bytes, kind: Kind = "images") -> Upload:
    """Check what was uploaded and keep it; the same content again is what is there already.

    Args:
        name: of the file as its owner calls it; nothing of it but letters and digits gets into a path.
        content: of the file.
        kind: what it should hold.

    Returns:
        Where it is kept.

    Raises:
        DataError: it cannot be used, or not be written; the message names the file as its owner does.
    """
    root, title = uploads_root() / kind, title_of(name, f"own-{kind}")
    identity = hashlib.sha256(content).hexdigest()[:16]
    known = _upload(root / identity)
    if known is not None:
        return known
    try:
        root.mkdir(parents=True, exist_ok=True)
        delete_orphans(root)
        fresh = Path(tempfile.mkdtemp(prefix=fresh_name(""), dir=root))
    except OSError as error:
        raise DataError(f"{root} cannot be written ({error}); set PRIORSCOPE_UPLOADS to a folder that can") from error
    try:
        _write_checked(fresh, title, content, kind)
        try:
            fresh.rename(root / identity)
        except OSError:
            if _upload(root / identity) is None:  # else another session kept the same content just now
                raise
    except OSError as error:
        raise DataError(f"{title}.npz cannot be kept in {root}: {error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    kept = _upload(root / identity)
    if kept is None:
        raise DataError(f"{title}.npz was deleted while it was being kept; upload it again")
    return kept


def delete(identity: str, kind: Kind = "images") -> None:
    """Delete what is kept. Models that were made of it stay.

    Raises:
        ValueError: a job that waits or runs needs it, or it cannot be deleted.
    """
    root = uploads_root() / kind
    upload = _upload(root / identity) if _ID.fullmatch(identity) else None
    if upload is None:
        return
    users = [*jobs.alive("train"), *jobs.alive("import-latents")]
    if any(word in job.arguments for job in users for word in (upload.dataset, str(upload.path))):
        raise ValueError(f"a calculation that waits or runs uses {upload.title}; cancel it first")
    away = root / fresh_name(identity)
    try:
        (root / identity).rename(away)
        shutil.rmtree(away)
    except OSError as error:
        raise ValueError(f"{upload.title} cannot be deleted: {error}") from error


def preview(path: Path) -> Preview:
    """What is in a data set that is kept.

    Raises:
        DataError: its file is gone or cannot be used any more.
    """
    data = load_npz(path, seed=SAMPLE_SEED, limit=LIMIT)
    shown = np.random.default_rng(SAMPLE_SEED).permutation(len(data.train))[:SHOWN]
    labels = () if data.train.labels is None else tuple(data.class_names[k] for k in data.train.labels[shown].tolist())
    return Preview(
        pictures=as_pictures(data.train.images[shown], data.image_shape),
        labels=labels,
        sizes={split: len(data.split(split)) for split in SPLIT_NAMES},
        counts=_counts(data),
        image_shape=data.image_shape,
        binarisation=data.binarisation,
    )


def title_of(name: str, fallback: str) -> str:
    """What a file is called here: letters, digits, "_" and "-" of its name, without folders and ending.

    Example:
        >>> title_of("../../etc/Zähne & <b>.npz", "own")
        'Zahne-b'
    """
    last = re.split(r"[/\\]", name)[-1].removesuffix(".npz")
    plain = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-_")[:LONGEST].strip("-_") or fallback


def _upload(folder: Path) -> Upload | None:
    try:
        files = [path for path in folder.iterdir() if path.suffix == ".npz"]
        return Upload(folder.name, files[0].stem, files[0], files[0].stat().st_size) if len(files) == 1 else None
    except OSError:  # it is not there, or was deleted just now
        return None


def _write_checked(folder: Path, title: str, content: bytes, kind: Kind) -> None:
    """Write the file and read it as those will who need it; the file of too many images becomes a sample of them."""
    file = folder / f"{title}.npz"
    file.write_bytes(content)
    try:
        if kind == "latents":
            read_latents_file(file)
            return
        arrays = read_arrays(file, ARRAYS, limit=LIMIT)
        total = sum(len(array) for name, array in arrays.items() if name.endswith("images") and array.ndim)
        if total > MOST:
            smaller = _sampled(arrays, total)
            file.unlink()
            kept = sum(len(array) for name, array in smaller.items() if name.endswith("images"))
            file = folder / f"{title}-{kept}-of-{total}.npz"
            np.savez_compressed(file, **smaller)  # type: ignore[arg-type]  # the stub takes allow_pickle for an array
        load_npz(file, seed=SAMPLE_SEED, limit=LIMIT)
    except DataError as error:
        raise DataError(str(error).replace(str(file), file.name)) from error


def _sampled(arrays: dict[str, np.ndarray], total: int) -> dict[str, np.ndarray]:
    """The same arrays with ``MOST`` of their images at most, each split with its share; labels go with their images."""
    random, kept = np.random.default_rng(SAMPLE_SEED), dict(arrays)
    for name in [name for name in arrays if name.endswith("images")]:
        n, labels = len(arrays[name]), name.replace("images", "labels")
        rows = np.sort(random.permutation(n)[: max(1, n * MOST // total)])
        kept[name] = arrays[name][rows]
        if labels in arrays and arrays[labels].shape[:1] == (n,):  # else the check that follows says what is wrong
            kept[labels] = arrays[labels][rows]
    return kept


def _counts(data: Dataset) -> tuple[tuple[str, dict[str, int]], ...]:
    counted = {}
    for split in SPLIT_NAMES:
        labels = data.split(split).labels
        if labels is None:
            return ()
        counted[split] = np.bincount(labels.numpy(), minlength=len(data.class_names)).tolist()
    return tuple((name, {split: counted[split][k] for split in SPLIT_NAMES}) for k, name in enumerate(data.class_names))
