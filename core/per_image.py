"""per_image-SPLIT.safetensors of a checkpoint: what each image gives to the estimates in metrics.json.

Two models that were measured on the same images are compared image by image: the images are of very different
difficulty, and that cancels in the difference. The file names the images by a hash of their pixels, so that a pair is
known to be one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import CheckpointError
from core.replacing import replacing
from core.tensor_file import read_arrays, write_arrays

MEASURES = ("reconstruction", "average_kl", "mutual_information", "marginal_kl", "nll", "log_likelihood")
"""Names of the measures a file may hold, as in metrics.json; the bound is reconstruction - average_kl."""
MOST = 10_000_000
"""Images at most."""
LARGEST = 1e12
"""No measure of an image is larger, nats."""
AGREES = 1e-4
"""How far the mean over the images may be from the stored estimate, as a share of its size or in nats."""


@dataclass(frozen=True)
class PerImage:
    """Measures of n images in their order in the split.

    Attributes:
        values: (n,) float32 nats by measure, names of ``MEASURES``.
        split: name of the split.
        seed: of the draws behind the values.
        samples: importance samples behind "nll".
        images: ``fingerprint`` of the images that were measured.
    """

    values: Mapping[str, np.ndarray]
    split: str
    seed: int
    samples: int
    images: str

    def __len__(self) -> int:
        return len(self.values["average_kl"])

    def of(self, measure: str) -> np.ndarray | None:
        """(n,) float64 nats; "elbo" and "bound_gap" are calculated. None where it was not measured."""
        if measure == "elbo":
            return self.values["reconstruction"].astype(np.float64) - self.values["average_kl"]
        if measure == "bound_gap":
            exact, bound = self.of("log_likelihood"), self.of("elbo")
            return None if exact is None or bound is None else exact - bound
        found = self.values.get(measure)
        return None if found is None else found.astype(np.float64)


def fingerprint(images: np.ndarray) -> str:
    """Hash of (n, pixels) images as they were measured, 32 hexadecimal digits."""
    pixels = np.ascontiguousarray(images, np.float32)
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()[:32]


def file_of(folder: Path, split: str) -> Path:
    """Where a checkpoint keeps the measures of a split."""
    return folder / f"per_image-{split}.safetensors"


def write_per_image(folder: Path, found: PerImage) -> None:
    """Store the measures in single precision, in one step."""
    metadata = {
        "split": found.split, "seed": str(found.seed), "samples": str(found.samples), "images": found.images,
    }  # fmt: skip
    values = {name: np.ascontiguousarray(value, np.float32) for name, value in found.values.items()}
    with replacing(file_of(folder, found.split)) as fresh:
        write_arrays(values, fresh, metadata)


def read_per_image(folder: Path, split: str, evaluation: Mapping[str, Any]) -> PerImage | None:
    """Read what ``write_per_image`` stored; None where there is no such file.

    Args:
        folder: of the checkpoint.
        split: name of the split.
        evaluation: of that split, from metrics.json: the means over the images must be its estimates.

    Raises:
        CheckpointError: naming what is wrong: damaged, wrong shapes, NaN, or of another evaluation.
    """
    file = file_of(folder, split)
    if not file.is_file():
        return None
    arrays, metadata = read_arrays(file)
    _require_shapes(file, {name: array.shape for name, array in arrays.items()}, evaluation.get("n"))
    values = {name: _checked(file, name, array) for name, array in arrays.items()}
    try:
        found = PerImage(values, metadata["split"], int(metadata["seed"]), int(metadata["samples"]), metadata["images"])
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{file.name} cannot be used: {error}") from error
    require_same_evaluation(file.name, found, evaluation)
    return found


def _require_shapes(file: Path, shapes: Mapping[str, tuple[int, ...]], n: Any) -> None:
    needed = {"reconstruction", "average_kl"}
    if not needed <= set(shapes) <= set(MEASURES):
        raise CheckpointError(f"{file.name} must hold {sorted(needed)} and at most {MEASURES}; got {sorted(shapes)}")
    if not isinstance(n, int) or not 0 < n <= MOST or set(shapes.values()) != {(n,)}:
        raise CheckpointError(f"{file.name} must hold a number for each of the {n} images; got {dict(shapes)}")


def _checked(file: Path, name: str, values: np.ndarray) -> np.ndarray:
    if values.dtype != np.float32 or not np.isfinite(values).all() or np.abs(values).max() > LARGEST:
        raise CheckpointError(f"{file.name}: {name} must be finite float32 numbers; got {values.dtype}")
    return values


def require_same_evaluation(name: str, found: PerImage, evaluation: Mapping[str, Any]) -> None:
    """The measures and an evaluation are one: same draws, and the means over the images are the estimates.

    Args:
        name: what holds the measures, for the message.
        found: the measures.
        evaluation: of the same split, from metrics.json.

    Raises:
        CheckpointError: where they are not, naming what differs.
    """
    again = "run `python -m core evaluate NAME --save` again"
    for key, value in (("split", found.split), ("seed", found.seed), ("samples", found.samples)):
        if evaluation.get(key) != value:
            raise CheckpointError(
                f"{name} is of another evaluation: {key} {value}, metrics.json has {evaluation.get(key)}; {again}"
            )
    for measure, values in found.values.items():
        mean, stored = float(values.mean(dtype=np.float64)), evaluation.get(measure)
        told = stored.get("value") if isinstance(stored, dict) else None
        if told is None or abs(mean - told) > AGREES * max(1.0, abs(told)):
            raise CheckpointError(
                f"{name} is of another evaluation: mean {measure} {mean:.6g}, metrics.json has {told}; {again}"
            )
