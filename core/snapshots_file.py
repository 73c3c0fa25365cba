"""snapshots.safetensors of a checkpoint: the snapshots of its training, stacked; everything is checked when read.

    mean, log_var   (S, n, 2) float16    posteriors of n test images after each of S epochs
    prior.NAME      (S, ...) float16     of a mixture its components, of another prior its parameters
    pseudo_inputs   (S, m, pixels) uint8, and inputs (m,): which of the K they are; for a VampPrior
    rows, labels    (n,) int32           the images in their split, and their classes

The header holds, as JSON, what else is known of each snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from torch import Tensor

from core.errors import CheckpointError, first_problem
from core.latents_file import LOG_VAR_LIMIT, MEAN_LIMIT
from core.plain_text import is_plain, shown
from core.priors import MixturePrior, Prior
from core.priors.vamp import VampPrior
from core.records import Estimate
from core.snapshots import DIM, MOST, MOST_BYTES, Snapshot, Snapshots, prior_numbers
from core.tensor_file import read_tensors, write_tensors

NAME = "snapshots.safetensors"
LIMIT = 1e6
"""Largest nats of a header: far beyond any ELBO."""
WEIGHTS_OFF = 0.05
"""Nats by which the weights of a mixture may miss a sum of 1: 500 of them in half precision miss it by 0.002."""


def _plain(text: str) -> str:
    if not is_plain(text):
        raise ValueError(f"{shown(text)!r} is no name of a split")
    return text


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    epoch: Annotated[int, Field(ge=0, le=100_000)]
    beta: Annotated[float, Field(ge=0, le=1)]
    value: Annotated[float, Field(ge=-LIMIT, le=LIMIT)]
    se: Annotated[float, Field(ge=0, le=LIMIT)]


class _About(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    taken: Annotated[list[_Head], Field(min_length=1, max_length=MOST)]
    kept: int | None
    split: Annotated[str, Field(max_length=64), AfterValidator(_plain)]
    total: Annotated[int, Field(ge=1, lt=2**53)]


_HEADS = TypeAdapter(list[_Head])


def pack(taken: Sequence[Snapshot]) -> tuple[dict[str, Tensor], str]:
    """Snapshots as stacked tensors by name, and the rest of them as JSON."""
    heads = [{"epoch": one.epoch, "beta": one.beta, **one.validation_elbo.as_dict()} for one in taken]
    names = taken[0].numbers if taken else ()
    return {name: torch.stack([one.numbers[name] for one in taken]) for name in names}, json.dumps(heads)


def unpack(tensors: dict[str, Tensor], text: str) -> list[Snapshot]:
    """What ``pack`` packed.

    Raises:
        ValueError: where the heads are no such thing, or are not as many as the tensors have.
    """
    heads = _HEADS.validate_json(text)
    if any(len(value) != len(heads) for value in tensors.values()):
        raise ValueError(f"{len(heads)} snapshots, but tensors of {sorted({len(v) for v in tensors.values()})}")
    return [_snapshot(head, {name: value[k] for name, value in tensors.items()}) for k, head in enumerate(heads)]


def write_snapshots(found: Snapshots, file: Path) -> None:
    """Store the snapshots of a finished training; there must be one or more."""
    tensors, heads = pack(found.taken)
    tensors["rows"] = torch.from_numpy(found.rows.astype(np.int32))
    if found.labels is not None:
        tensors["labels"] = torch.from_numpy(found.labels.astype(np.int32))
    if len(found.inputs):
        tensors["inputs"] = torch.from_numpy(found.inputs.astype(np.int32))
    about = {"taken": json.loads(heads), "kept": found.kept, "split": found.split, "total": found.total}
    write_tensors(tensors, file, metadata={"snapshots": json.dumps(about)})


def read_snapshots(folder: Path, prior: Prior, pixels: int, class_names: Sequence[str] = ()) -> Snapshots | None:
    """The snapshots of a checkpoint folder; None where there are none.

    Args:
        folder: of the checkpoint.
        prior: of its model: names and shapes must be those of its numbers.
        pixels: of an image.
        class_names: where not empty, every label must be the index of one.

    Raises:
        CheckpointError: naming what is wrong: truncated, wrong names, shapes or types, numbers out of range.
    """
    file = folder / NAME
    if not file.is_file():
        return None
    try:
        if file.stat().st_size > 2 * MOST_BYTES:
            raise CheckpointError(f"{NAME} is larger than {2 * MOST_BYTES / 1e6:.0f} MB")
        tensors, metadata = read_tensors(file)
        about = _About.model_validate_json(metadata.get("snapshots", "{}"))
    except ValidationError as error:
        raise CheckpointError(f"{NAME}: {first_problem(error)}") from error
    except OSError as error:
        raise CheckpointError(f"{NAME} cannot be read: {error.__class__.__name__}") from error
    _require(tensors, about, prior, pixels, len(class_names))
    numbers = {name: value for name, value in tensors.items() if name not in ("rows", "labels", "inputs")}
    taken = [_snapshot(head, {name: value[k] for name, value in numbers.items()}) for k, head in enumerate(about.taken)]
    labels = tensors["labels"].long().numpy() if "labels" in tensors else None
    inputs = tensors["inputs"].long().numpy() if "inputs" in tensors else np.arange(0)
    return Snapshots(tuple(taken), about.kept, tensors["rows"].long().numpy(), labels, about.split, about.total, inputs)


def _snapshot(head: _Head, numbers: dict[str, Tensor]) -> Snapshot:
    return Snapshot(head.epoch, head.beta, Estimate(head.value, head.se), numbers)


def _require(tensors: dict[str, Tensor], about: _About, prior: Prior, pixels: int, classes: int) -> None:
    """Names, shapes, types and ranges; what is found first is told."""
    epochs = [head.epoch for head in about.taken]
    if epochs != sorted(set(epochs)) or about.kept not in (None, *epochs):
        raise CheckpointError(f"{NAME}: epochs must rise, with the kept one among them; got {epochs}, {about.kept}")
    count, n = len(epochs), len(tensors.get("rows", ()))
    shapes: dict[str, tuple[int, ...]] = {"rows": (n,), "mean": (count, n, DIM), "log_var": (count, n, DIM)}
    shapes |= {f"prior.{name}": (count, *value.shape) for name, value in prior_numbers(prior).items()}
    if isinstance(prior, VampPrior):
        pictured = len(tensors.get("inputs", ()))
        shapes |= {"inputs": (pictured,), "pseudo_inputs": (count, pictured, pixels)}
    if "labels" in tensors:
        shapes["labels"] = (n,)
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    for name in sorted(found.keys() | shapes.keys()):
        if found.get(name) != shapes.get(name) or 0 in found[name]:
            there, wanted = found.get(name, "missing"), shapes.get(name, "nothing of that name")
            raise CheckpointError(f"{NAME}: {shown(name)} is {there}, expected {wanted}")
    for name, value in tensors.items():
        _require_type(name, value)
    _require_indices("rows", tensors["rows"], about.total)
    if "labels" in tensors and not (tensors["labels"].min() >= 0 and tensors["labels"].max() < (classes or 100_000)):
        raise CheckpointError(f"{NAME}: labels must be those of the {classes} classes")
    if isinstance(prior, VampPrior):
        _require_indices("inputs", tensors["inputs"], len(prior.logits))
    if isinstance(prior, MixturePrior):
        off = tensors["prior.log_weight"].double().logsumexp(-1).abs().max()
        if off > WEIGHTS_OFF:
            raise CheckpointError(f"{NAME}: the weights of the mixture miss a sum of 1 by {off:.2g} nats")


def _require_type(name: str, value: Tensor) -> None:
    wanted = {"rows": torch.int32, "labels": torch.int32, "inputs": torch.int32, "pseudo_inputs": torch.uint8}
    if value.dtype != wanted.get(name, torch.float16):
        raise CheckpointError(f"{NAME}: {name} is {value.dtype}, expected {wanted.get(name, torch.float16)}")
    limit = {"mean": MEAN_LIMIT, "log_var": LOG_VAR_LIMIT}.get(name.removeprefix("prior."))
    if value.is_floating_point():
        if not torch.isfinite(value).all():
            raise CheckpointError(f"{NAME} holds NaN or infinity in {name}")
        if limit is not None and value.abs().max() > limit:
            raise CheckpointError(
                f"{NAME}: {name} reaches {value.abs().max():g} in size, at most {limit:g} is possible"
            )


def _require_indices(name: str, value: Tensor, end: int) -> None:
    """Rising whole numbers from 0 up to, and without, an end."""
    if value[0] < 0 or value[-1] >= end or not (value.diff() > 0).all():
        raise CheckpointError(f"{NAME}: {name} must be rising, from 0 up to {end - 1}")
