"""Training steps of a VampPrior through ``core.train.Run`` against the textbook step, and the bound that both reach."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from unittest import mock

import torch
from torch import Tensor

from benchmarks.harness import Case, interleave
from benchmarks.quality import compare
from benchmarks.report import Report, Row
from benchmarks.textbook import TextbookStep, from_ours
from core import dense
from core.config import DataConfig, ModelConfig, PriorConfig, RunConfig, TrainConfig
from core.datasets import Dataset, load
from core.train import Run

STEPS = {100: 16, 500: 6}
"""Steps in one timed block, by batch size."""
BY_TORCH = "ours, bfloat16 as torch multiplies it"
"""The variant beside which the arithmetic of ``core.dense`` stands, on processors without units for bfloat16."""


def run(*, quick: bool = False) -> Report:
    """Time both steps at batch 100 and 500, with the variants in bfloat16 and compiled, then compare the bounds."""
    data = load("digits" if quick else "mnist")
    compilable = not quick and any(shutil.which(name) for name in ("c++", "g++", "clang++"))
    rows = []
    for batch in (100,) if quick else (100, 500):
        rows += _rows(data, batch, compilable, repeats=3 if quick else 7)
    comparison = compare(data, configuration(data, 100, epochs=2), epochs=1 if quick else 2)
    return Report(
        "train",
        f"Training step: {data.name}, VampPrior with 500 pseudo-inputs, gated {data.train.images.shape[1]}-300-300-40",
        rows,
        ["Times are of one step, batches drawn and binarised from memory included.", comparison.sentence()],
        comparison.values(),
    )


def configuration(
    data: Dataset, batch: int, *, epochs: int = 1000, bf16: bool = False, compiled: bool = False
) -> RunConfig:
    """The product's own settings for this model; a constant learning rate and no warm-up, as the textbook step has."""
    height, width = data.image_shape[1:]
    settings = {"final_rate": 1.0, "warmup_epochs": 0, "bf16": bf16, "compile": compiled}
    return RunConfig(
        data=DataConfig(
            name=data.name,
            seed=data.seed,
            binarisation=data.binarisation,
            train=len(data.train.images),
            validation=len(data.validation.images),
            test=len(data.test.images),
        ),
        model=ModelConfig(
            image_shape=(1, height, width),
            likelihood=data.likelihood,
            latent_dim=40,
            hidden=(300, 300),
            prior=PriorConfig(kind="vamp", options={"components": 500}),
        ),
        train=TrainConfig.model_validate({"batch_size": batch, "epochs": epochs, **settings}),
    )


def batches(order: Tensor, size: int) -> Iterator[Tensor]:
    """Rows of one batch after another, for ever; a short last batch is left out."""
    while True:
        yield from (part for part in order.split(size) if len(part) == size)


def _rows(data: Dataset, batch: int, compilable: bool, repeats: int) -> list[Row]:
    variants: dict[str, dict[str, bool]] = {"ours, float32": {}, "ours, bfloat16": {"bf16": True}}
    if dense.BFLOAT16_IS_SLOW:
        variants[BY_TORCH] = {"bf16": True}
    if compilable:
        variants["ours, float32, compiled"] = {"compiled": True}
        variants["ours, bfloat16, compiled"] = {"bf16": True, "compiled": True}
    steps = STEPS[batch]
    runs = {name: Run(configuration(data, batch, **settings), data) for name, settings in variants.items()}
    cases = {"textbook": Case(_textbook_block(data, runs["ours, float32"], batch, steps), 1 / steps)}
    cases |= {name: Case(_our_block(run, steps, by_torch=name == BY_TORCH), 1 / steps) for name, run in runs.items()}
    timings = interleave(cases, repeats=repeats, warmup=2)
    return [
        Row(
            f"batch {batch}, {name}",
            timing,
            None if name == "textbook" else timings["textbook"],
            f"{batch / timing.median:,.0f} images/s",
        )
        for name, timing in timings.items()
    ]


def _our_block(run: Run, steps: int, *, by_torch: bool) -> Callable[[], None]:
    order = torch.randperm(len(run.data.train.images), generator=run.generator)
    run.vae.train()

    def block() -> None:
        with mock.patch.object(dense, "BFLOAT16_IS_SLOW", dense.BFLOAT16_IS_SLOW and not by_torch):
            for _ in range(steps):
                if (run.position.step + 1) * run.config.train.batch_size > len(order):
                    run.position.step = 0  # only whole batches
                run._step(order)

    return block


def _textbook_block(data: Dataset, start: Run, batch: int, steps: int) -> Callable[[], None]:
    step = TextbookStep(from_ours(start.vae), start.config.train.learning_rate)
    generator = torch.Generator().manual_seed(0)
    supply = batches(torch.randperm(len(data.train.images), generator=generator), batch)

    def block() -> None:
        for _ in range(steps):
            step(data.training_batch(next(supply), generator), generator)

    return block
