"""From a configuration and a file of weights to a model, after the file was found to fit."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from core.budget import AllocationBudget, OverBudget
from core.build import build
from core.config import RunConfig
from core.errors import CheckpointError
from core.plain_text import shown
from core.tensor_file import read_tensors
from core.vae import VAE


def built_and_filled(file: Path, config: RunConfig) -> VAE:
    """The configured model with the weights of the file, after their names and shapes were found to be the model's.

    Raises:
        CheckpointError: naming what does not fit.
    """
    state, _ = read_tensors(file)
    found = {name: tuple(value.shape) for name, value in state.items()}
    try:
        with AllocationBudget(sum(math.prod(shape) for shape in found.values())):
            vae = build(config.model)
    except OverBudget as error:
        raise CheckpointError(f"model.safetensors does not fit config.json: {error}") from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"config.json describes no model: {error}") from error
    expected = {name: tuple(value.shape) for name, value in vae.state_dict().items()}
    if found != expected:
        wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))[0]
        raise CheckpointError(
            f"model.safetensors does not fit config.json: {shown(wrong)} is {found.get(wrong, 'missing')}, "
            f"expected {expected.get(wrong, 'nothing of that name')}"
        )
    for name, value in state.items():
        if not value.is_floating_point() or not torch.isfinite(value).all():
            raise CheckpointError(f"model.safetensors holds integers, NaN or infinity in {shown(name)}")
    vae.load_state_dict(state)
    return vae
