"""The state of a training run in one file: tensors as safetensors, the rest as JSON in its header."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.errors import CheckpointError

if TYPE_CHECKING:
    from core.train import Run


@dataclass(frozen=True)
class EpochRecord:
    """One point of the training curve; reconstruction, kl and validation_elbo in nats per image."""

    epoch: int
    beta: float
    reconstruction: float
    kl: float
    validation_elbo: float
    seconds: float


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
    """Replace the state file in one step; killed before that, the old one stays."""
    assert run.state_file is not None  # the caller checks
    tensors: dict[str, Tensor] = {
        "random.now": run.generator.get_state(),
        "random.epoch_start": run.epoch_start.clone(),
    }
    for prefix, state in (("model", run.vae.state_dict()), ("best", run.best)):
        tensors |= {f"{prefix}.{name}": value.detach().cpu().clone().contiguous() for name, value in state.items()}
    for number, moments in run.optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{number}.{name}": value.detach().cpu().clone() for name, value in moments.items()}
    metadata = {"position": json.dumps(asdict(run.position)), "config": run.config.model_dump_json()}
    run.state_file.parent.mkdir(parents=True, exist_ok=True)
    temporary = run.state_file.with_name(f"{run.state_file.name}.{os.getpid()}.tmp")
    save_file(tensors, temporary, metadata=metadata)
    with temporary.open("rb") as handle:
        os.fsync(handle.fileno())
    temporary.replace(run.state_file)


def read_state(run: Run) -> None:
    """Put a run back to where its state file was written.

    Raises:
        CheckpointError: if the file is broken, or belongs to a run with other settings.
    """
    file = run.state_file
    assert file is not None  # the caller checks
    try:
        _restore(run, file)
    except CheckpointError:
        raise
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{file} cannot be read ({reason}); delete it to start afresh") from error


def _restore(run: Run, file: Path) -> None:
    with safe_open(file, framework="pt") as handle:
        metadata = handle.metadata() or {}
    tensors = load_file(file)
    _require_same_settings(run, metadata.get("config", ""), file)
    position = json.loads(metadata["position"])
    run.position = Position(**{**position, "curve": [EpochRecord(**record) for record in position["curve"]]})
    run.vae.load_state_dict(_under("model.", tensors))
    run.best = {name: value.to(run.device) for name, value in _under("best.", tensors).items()}
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("adam.", tensors).items():
        number, _, moment = name.partition(".")
        state.setdefault(int(number), {})[moment] = value
    run.optimizer.load_state_dict({**run.optimizer.state_dict(), "state": state})
    run.epoch_start = tensors["random.epoch_start"]
    run.generator.set_state(tensors["random.now"])


def _require_same_settings(run: Run, saved: str, file: Path) -> None:
    """The run's own settings must be those of the file; where it was started from and when may differ."""
    ours = run.config.model_dump(mode="json", include={"data", "model", "train"})
    theirs = {key: value for key, value in json.loads(saved or "{}").items() if key in ours}
    if ours != theirs:
        raise CheckpointError(
            f"{file} belongs to a run with other settings; use them again, or --restart to discard it"
        )


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
