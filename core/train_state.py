"""The state of a training run in one file: tensors as safetensors, the rest as JSON in its header."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.config import TrainConfig
from core.errors import CheckpointError
from core.replacing import replacing
from core.snapshots_file import pack, unpack
from core.tensor_file import read_tensors, write_tensors
from core.training_records import EpochRecord

if TYPE_CHECKING:
    from core.snapshots import Recorder
    from core.train import Run

FREE_TO_DIFFER = {"learning_rate", "final_rate", "clip_norm", "epochs", "patience"}
"""Settings of the training that say how to go on, not what the state means: a continued run may change them."""

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What Adam keeps of each parameter; the first is a number, the others have its shape."""


class OtherSettings(CheckpointError):
    """A state that is whole and belongs to another run."""


@dataclass
class Position:
    """How far a run is: whole epochs, steps within the present one, running sums, early stopping, the curve."""

    epoch: int = 0
    step: int = 0
    seen: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0])
    epoch_s: float = 0.0
    waited: int = 0
    best_epoch: int = 0
    best_validation: float = -1e300
    curve: list[EpochRecord] = field(default_factory=list)


def write_state(run: Run) -> None:
    """Replace the state file in one step; killed before that, the old one stays, as where a number is not finite."""
    assert run.state_file is not None  # the caller checks
    tensors: dict[str, Tensor] = {
        "random.now": run.generator.get_state(),
        "random.epoch_start": run.epoch_start.clone(),
    }
    for prefix, state in (("model", run.vae.state_dict()), ("best", run.best)):
        tensors |= {f"{prefix}.{name}": value.detach().cpu().clone().contiguous() for name, value in state.items()}
    for name, parameter in run.vae.named_parameters():
        moments = run.optimizer.state.get(parameter, {})
        tensors |= {f"adam.{name}.{moment}": value.detach().cpu().clone() for moment, value in moments.items()}
    metadata = {"position": json.dumps(asdict(run.position)), "config": run.config.model_dump_json()}
    if run.recorder is not None:
        stacked, heads = pack(run.recorder.taken)
        tensors |= {f"snapshots.{name}": value for name, value in stacked.items()}
        metadata |= {"schedule": json.dumps(run.recorder.schedule), "snapshots": heads}
    if not all(torch.isfinite(value).all() for value in tensors.values()):
        return
    run.state_file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(run.state_file, durable=True) as fresh:
        write_tensors(tensors, fresh, metadata=metadata)


def read_state(run: Run) -> None:
    """Put a run back to where its state file was written.

    Raises:
        CheckpointError: if the file is broken, or belongs to a run with other settings.
    """
    file = run.state_file
    assert file is not None  # the caller checks
    try:
        _restore(run, file)
    except OtherSettings:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{file} cannot be read ({reason}); delete it to start afresh") from error


def _restore(run: Run, file: Path) -> None:
    tensors, metadata = read_tensors(file)
    _require_same_settings(run, metadata.get("config", ""), file)
    position = json.loads(metadata["position"])
    run.position = Position(**{**position, "curve": [EpochRecord(**record) for record in position["curve"]]})
    run.vae.load_state_dict(_under("model.", tensors))
    best = _under("best.", tensors)
    _require_shapes("best.", best, {name: value.shape for name, value in run.vae.state_dict().items()})
    run.best = {name: value.to(run.device) for name, value in best.items()}
    run.optimizer.load_state_dict({**run.optimizer.state_dict(), "state": _moments(run, _under("adam.", tensors))})
    if run.recorder is not None:
        _restore_snapshots(run, run.recorder, _under("snapshots.", tensors), metadata)
    run.epoch_start = tensors["random.epoch_start"]
    run.generator.set_state(tensors["random.now"])


def _restore_snapshots(run: Run, recorder: Recorder, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """The snapshots so far, and the epochs of the others as they were decided at the beginning."""
    recorder.schedule = tuple(int(epoch) for epoch in json.loads(metadata["schedule"]))
    recorder.taken = unpack(tensors, metadata["snapshots"])
    for one in recorder.taken:
        _require_shapes("snapshots.", one.numbers, recorder.shapes(run.vae))


def _moments(run: Run, tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """Adam's moments by the number that the optimiser gives a parameter, from those by the parameter's name."""
    parameters = dict(run.vae.named_parameters())
    begun = [name for name in parameters if any(f"{name}.{moment}" in tensors for moment in MOMENTS)]
    shapes = {f"{name}.{moment}": parameters[name].shape for name in begun for moment in MOMENTS}
    _require_shapes("adam.", tensors, shapes | {f"{name}.step": torch.Size() for name in begun})
    in_order = [parameter for group in run.optimizer.param_groups for parameter in group["params"]]
    numbers = {id(parameter): number for number, parameter in enumerate(in_order)}
    return {numbers[id(parameters[name])]: {key: tensors[f"{name}.{key}"] for key in MOMENTS} for name in begun}


def _require_shapes(prefix: str, found: dict[str, Tensor], expected: dict[str, torch.Size]) -> None:
    """The names and shapes of the file must be those of the model.

    Raises:
        ValueError: naming the first that is not.
    """
    for name in sorted(found.keys() | expected.keys()):
        there = tuple(found[name].shape) if name in found else "missing"
        wanted = tuple(expected[name]) if name in expected else "nothing of that name"
        if there != wanted:
            raise ValueError(f"{prefix}{name} is {there}, expected {wanted}")


def _require_same_settings(run: Run, saved: str, file: Path) -> None:
    """What the state means must be the same; how the run goes on, where and when it was started may differ."""
    excluded = {"train": FREE_TO_DIFFER}
    ours = run.config.model_dump(mode="json", include={"data", "model", "train"}, exclude=excluded)
    theirs = {key: value for key, value in json.loads(saved or "{}").items() if key in ours}
    settings = TrainConfig.model_validate({}).model_dump(mode="json") | theirs.get("train", {})  # older files lack some
    theirs["train"] = {key: value for key, value in settings.items() if key not in FREE_TO_DIFFER}
    differing = [
        f"{part}.{name}"
        for part in ours
        for name in ours[part] | theirs.get(part, {})
        if ours[part].get(name) != theirs.get(part, {}).get(name)
    ]
    if differing:
        raise OtherSettings(
            f"{file} belongs to a run with other settings ({', '.join(differing)}); use them again, or --restart to "
            "discard it"
        )


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
