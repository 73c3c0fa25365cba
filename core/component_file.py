"""components-SPLIT.safetensors of a checkpoint: what is known of a mixture prior's components.

So that a page need not compare each of them with every image again. It holds `Components`, and where the data set was
there `Compared`. The file names the digest of the checkpoint that was measured: of another one it is refused.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from core.component_records import Components, ComponentSummary
from core.errors import CheckpointError, first_problem
from core.metrics_records import problem_of_summary
from core.nearest_records import Compared
from core.replacing import replacing
from core.tensor_file import read_arrays, write_arrays

MOST_TOLD = 10_000
"""Characters of the texts in the header."""
LARGEST = 1e12
OFF = 1e-4
"""How far weights and usage may be from a sum of 1."""
_SUMMARY = TypeAdapter(ComponentSummary)
_EACH = ("weight", "usage", "usage_se", "neighbour_distance", "spread", "images_behind", "saturated")
"""One number for each component, float64."""
_SHARES = {"weight", "usage", "saturated", "class_mix", "pixel", "new_pixel", "new_ratio"}
_STORED = {(1, np.int64): np.int32, (2, np.int64): np.int32, (2, np.float64): np.float32}
"""What arrays of so many dimensions and such numbers are in the file: none of them needs more."""
_OPTIONAL = {"saturated", "class_mix", "latent_labels", "pixel_labels", "new_labels"}
_COMPARED = [one.name for one in fields(Compared) if one.name not in ("drawn", "train", "seed")]


@dataclass(frozen=True)
class Stored:
    """What a checkpoint keeps of its components.

    Attributes:
        components: their usage and what follows from it.
        compared: with the training images; None where the data set was not there.
    """

    components: Components
    compared: Compared | None


def file_of(folder: Path, split: str) -> Path:
    """Where a checkpoint keeps the components as the images of a split use them."""
    return folder / f"components-{split}.safetensors"


def write_components(folder: Path, split: str, found: Stored, digest: str) -> None:
    """Store what was measured, in one step.

    Args:
        folder: of the checkpoint.
        split: whose images are behind the usage.
        found: what was measured.
        digest: of the checkpoint that was measured.
    """
    own = {name: getattr(found.components, name) for name in (*_EACH, "dead", "neighbour", "class_mix")}
    metadata = {"digest": digest, "summary": json.dumps(asdict(found.components.summary()), allow_nan=False)}
    if found.compared is not None:
        own |= {f"compared.{name}": getattr(found.compared, name) for name in _COMPARED}
        scalars = {name: getattr(found.compared, name) for name in ("drawn", "train", "seed")}
        metadata["compared"] = json.dumps(scalars)
    arrays = {name: np.ascontiguousarray(_small(value)) for name, value in own.items() if value is not None}
    with replacing(file_of(folder, split)) as fresh:
        write_arrays(arrays, fresh, metadata)


def _small(value: np.ndarray) -> np.ndarray:
    """Rows, labels and class shares in half the bytes that they have in memory."""
    fits = value.dtype.kind == "f" or value.size == 0 or np.abs(value).max() < 2**31
    return value.astype(_STORED.get((value.ndim, value.dtype.type), value.dtype)) if fits else value


def read_components(folder: Path, split: str, digest: str) -> Stored | None:
    """Read what ``write_components`` stored; None where there is no such file.

    Args:
        folder: of the checkpoint.
        split: whose images are behind the usage.
        digest: of the checkpoint.

    Raises:
        CheckpointError: naming what is wrong: damaged, wrong shapes, impossible numbers, or of another model.
    """
    file = file_of(folder, split)
    if not file.is_file():
        return None
    arrays, metadata = read_arrays(file)
    if metadata.get("digest") != digest:
        raise CheckpointError(
            f"{file.name} is of another model; run `python -m core evaluate NAME --only components --save`"
        )
    try:
        return Stored(_components(arrays, metadata), _compared(arrays, metadata) if "compared" in metadata else None)
    except ValidationError as error:
        raise CheckpointError(f"{file.name} cannot be used: {first_problem(error)}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{file.name} cannot be used: {error}") from error


def _components(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> Components:
    told = _SUMMARY.validate_json(metadata["summary"][:MOST_TOLD])
    if problem := problem_of_summary(told):
        raise ValueError(problem)
    count, own = told.count, {}
    for name in _EACH:
        own[name] = _array(arrays, name, (count,), np.float64, endless=name == "neighbour_distance")
    for name in ("weight", "usage"):
        if abs(own[name].sum() - 1) > OFF:
            raise ValueError(f"{name} must sum to 1; got {own[name].sum():.6g}")
    own["dead"] = _array(arrays, "dead", (count,), np.bool_)
    own["neighbour"] = _array(arrays, "neighbour", (count,), np.int64, below=count)
    own["class_mix"] = _array(arrays, "class_mix", (count, -1), np.float64, endless=True)
    if (own["class_mix"] is None) != (told.purity is None):
        raise ValueError("class_mix and purity must be there both or not at all")
    kept = asdict(told) | {"effective": told.effective}
    del kept["count"], kept["dead"]
    return Components(**kept, **own)


def _compared(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> Compared:
    scalars = json.loads(metadata["compared"][:MOST_TOLD])
    drawn, train, seed = scalars["drawn"], scalars["train"], scalars["seed"]
    if type(drawn) is not bool or type(train) is not int or type(seed) is not int or not 2 <= train < 2**40:
        raise ValueError(f"compared must name drawn, train and seed; got {scalars!r:.80}")
    count, own = len(arrays["usage"]), {}
    for name in _COMPARED:
        shape = (-1,) if name.startswith("new_") else (count, -1)
        labels, rows = name.endswith("_labels"), name.endswith("_rows")
        dtype, below = (np.int64, train if rows else 2**40) if labels or rows else (np.float32, None)
        own[name] = _array(arrays, f"compared.{name}", shape, dtype, below=below)
    sizes = {own[name].shape for name in ("latent_rows", "latent", "pixel_rows", "pixel")}
    news = {own[name].shape for name in ("new_latent", "new_pixel", "new_ratio")}
    if len(sizes) > 1 or len(news) > 1 or min(sizes)[1] < 2 or min(news)[0] < 1:
        raise ValueError(f"compared: lengths that do not fit: {sorted(sizes)}, {sorted(news)}")
    return Compared(**own, drawn=drawn, train=train, seed=seed)


def _array(
    arrays: dict[str, np.ndarray],
    name: str,
    shape: tuple[int, ...],
    dtype: type,
    *,
    below: int | None = None,
    endless: bool = False,
) -> Any:
    """One array, checked; None where it is one that need not be there.

    Args:
        arrays: of the file.
        name: of the array.
        shape: with -1 for any length.
        dtype: of its numbers.
        below: that whole numbers must be, from 0.
        endless: whether infinity and nan are possible.
    """
    base = name.removeprefix("compared.")
    found = arrays.get(name)
    if found is None and base in _OPTIONAL:
        return None
    if found is None:
        raise ValueError(f"{name} is missing")
    fits = found.ndim == len(shape) and all(want in (-1, size) for want, size in zip(shape, found.shape, strict=True))
    if not fits or found.dtype not in (dtype, _STORED.get((len(shape), dtype))):
        raise ValueError(f"{name} must be {dtype.__name__} of shape {shape}; got {found.dtype} of {found.shape}")
    found = found.astype(dtype, copy=False)
    if found.dtype.kind == "f":
        finite = found[np.isfinite(found)] if endless else found
        top = 1 + OFF if base in _SHARES else LARGEST
        if not np.isfinite(finite).all() or not ((finite >= 0) & (finite <= top)).all():
            raise ValueError(f"{name} must hold numbers from 0 to {top:g}")
    elif below is not None and not ((found >= 0) & (found < below)).all():
        raise ValueError(f"{name} must hold whole numbers from 0 to under {below:,}")
    return found
