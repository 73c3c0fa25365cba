"""Measures the components of a trained model's prior, and keeps what was found with the model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from core.checkpoint import Checkpoint, load
from core.component_file import Stored, read_components, write_components
from core.component_records import ComponentSummary
from core.datasets import Dataset
from core.memorisation import compare_with
from core.metrics_file import put_evaluation
from core.pseudo_inputs import components, why_not


def reason_against(checkpoint: Checkpoint) -> str | None:
    """Why the components of a model cannot be measured, None where they can."""
    if checkpoint.latents is None:
        return "q(z) is no mixture of Gaussians here, or no codes are stored"
    return why_not(checkpoint.vae.prior)


def measure_components(checkpoint: Checkpoint, data: Dataset | None, *, seed: int = 0) -> Stored:
    """Measure the components of a model's prior, as its stored images use them.

    Args:
        checkpoint: the model.
        data: that it was trained on; None leaves out the comparison with the training images.
        seed: of draws, shuffles and the choice of test images.

    Raises:
        ValueError: where there are none to be measured, with the reason.
    """
    cloud, prior = checkpoint.latents, checkpoint.vae.prior
    if (reason := reason_against(checkpoint)) or cloud is None:
        raise ValueError(f"{checkpoint.name}: {reason}")
    found = components(prior, cloud, seed=seed)  # pyright: ignore[reportArgumentType]  # else there was a reason
    return Stored(found, None if data is None else compare_with(checkpoint, data, seed=seed))


def store_components(name: str, root: Path, data: Dataset | None, *, seed: int = 0) -> ComponentSummary:
    """The same for a stored model, kept with it.

    The file of the components is written, and their summary is put to the evaluation of that split, if there is one.
    """
    checkpoint = load(name, root)
    found = measure_components(checkpoint, data, seed=seed)
    assert checkpoint.latents is not None  # else there was a reason
    split, summary = checkpoint.latents.split, found.components.summary()
    write_components(root / name, split, found, checkpoint.digest)
    read_components(root / name, split, checkpoint.digest)  # what could not be read again is told now, not to a visitor
    if split in checkpoint.metrics.get("evaluations", {}):
        put_evaluation(root / name, split, {"components": asdict(summary)})
    return summary
