"""Short training runs on the tiny data set, and what must be the same of two of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from core.config import DataConfig, ModelConfig, PriorConfig, RunConfig, TrainConfig
from core.datasets import Dataset, Split
from core.train import Progress, Run
from tests.contracts import small_options
from tests.oracle import tiny_dataset


def run_config(data: Dataset, kind: str = "standard", **training) -> RunConfig:
    settings = {"epochs": 3, "batch_size": 16, "warmup_epochs": 2, "learning_rate": 5e-3, **training}
    return RunConfig(
        data=DataConfig(name=data.name, binarisation=data.binarisation, train=len(data.train), validation=20, test=20),
        model=ModelConfig(
            image_shape=data.image_shape,
            likelihood=data.likelihood,
            latent_dim=2,
            hidden=(8,),
            prior=PriorConfig(kind=kind, options=small_options(kind)),
        ),
        train=TrainConfig(**settings),
    )


def make_run(state_file: Path | None = None, data: Dataset | None = None, kind: str = "standard", **training) -> Run:
    data = data or tiny_dataset()
    return Run(run_config(data, kind, **training), data, state_file, save_every_s=0.0)


def stop_after(run: Run, steps: int):
    """A progress callback that asks the run to stop after so many steps."""
    seen: list[Progress] = []

    def tell(progress: Progress) -> None:
        seen.append(progress)
        run.stop_requested = len(seen) >= steps

    return tell


def outcome(run: Run) -> tuple[dict[str, Tensor], list, int]:
    """All that must be the same after an interruption: weights, curve without the seconds, best epoch."""
    curve = [replace(record, seconds=0.0) for record in run.position.curve]
    return run.vae.state_dict(), curve, run.position.best_epoch


def assert_same(left: Run, right: Run) -> None:
    ours, theirs = outcome(left), outcome(right)
    assert ours[1:] == theirs[1:]
    assert ours[0].keys() == theirs[0].keys()
    assert all(torch.equal(ours[0][name], theirs[0][name]) for name in ours[0])


def poisoned(data: Dataset) -> Dataset:
    """Every training image is NaN: the next step diverges."""
    return replace(data, train=Split(torch.full_like(data.train.images, float("nan")), data.train.labels))
