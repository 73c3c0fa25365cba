"""A folder of small real checkpoints of every kind a page may meet, trained in a second or two."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from core.build import resolved
from core.checkpoint import load, save
from core.config import DataConfig, ModelConfig, PosteriorConfig, PriorConfig, RunConfig, TrainConfig
from core.datasets import Dataset, Split
from core.imported import LatentsFile, make
from core.ladder import climb, plan
from core.ladder_file import NAME, write_ladder
from core.latents import cloud
from core.metrics.evaluate import evaluate
from core.metrics.evaluate_latents import evaluate_latents
from core.priors import PRIORS
from core.train import Run

PAGES = (
    "home",
    "tour",
    "compare",
    "prior_vs_posterior",
    "latent_browser",
    "pseudo_inputs",
    "elbo_surgery",
    "optimal_prior",
    "variational_posterior",
    "model_card",
    "results",
)
BROKEN = ("broken-config", "broken-weights")
FLOW_POSTERIORS = ("posterior-iaf", "posterior-realnvp", "posterior-many", "posterior-three-d")
"""With a flow as q(z|x); "many" has more images than its KL is taken apart for."""
LATENTS_ONLY = ("latents", "latents-mog", "latents-three-d", "latents-pictures")
"""Imported, without encoder and decoder; the last ones came with their images."""
KINDS = (
    *PRIORS,
    "grey",
    "unlabelled",
    "unevaluated",
    "no-latents",
    "three-d",
    "three-d-maf",
    "three-d-gaussian",
    "one-d",
    "recorded",
    "recorded-maf",
    *FLOW_POSTERIORS,
    *LATENTS_ONLY,
)
"""Names of the checkpoints in the folder; a prior's key is a usable checkpoint with that prior."""

SMALL = {"mog": {"components": 5}, "vamp": {"components": 5}}
FLOW = {"layers": 2, "hidden": 8}


def tiny_data(name: str = "digits", likelihood: str = "bernoulli", *, labels: bool = True) -> Dataset:
    """120 drawn 4 x 4 images of two kinds: a left bar and a top bar, with noise."""
    generator = torch.Generator().manual_seed(0)
    kind = torch.arange(120) % 2
    image = torch.full((120, 4, 4), 0.1)
    image[kind == 0, :, 0] = 0.9
    image[kind == 1, 0, :] = 0.9
    binary = torch.bernoulli(image.flatten(1), generator=generator)
    pixels = binary if likelihood == "bernoulli" else (torch.floor(image.flatten(1) * 255) + 0.5) / 256
    parts = (slice(60), slice(60, 80), slice(80, 120))
    splits = [Split(pixels[rows], kind[rows] if labels else None) for rows in parts]
    return Dataset(
        name=name,
        image_shape=(1, 4, 4),
        likelihood=likelihood,  # type: ignore[arg-type]
        binarisation="fixed" if likelihood == "bernoulli" else "none",
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        seed=777,
        class_names=("left", "top") if labels else (),
        source="drawn",
    )


def trained(
    root: Path,
    name: str,
    prior: str,
    data: Dataset,
    *,
    dim: int = 2,
    latents: bool = True,
    evaluated: bool = True,
    posterior: str = "gaussian",
    snapshots: int = 0,
    epochs: int = 2,
) -> Path:
    """Train for some epochs, evaluate, store."""
    options = SMALL.get(prior, FLOW if prior in ("realnvp", "maf", "iaf") else {})
    config = RunConfig(
        data=DataConfig(
            name=data.name,
            binarisation=data.binarisation,
            train=60,
            validation=20,
            test=40,
            class_names=data.class_names,
        ),
        model=ModelConfig(
            image_shape=data.image_shape,
            likelihood=data.likelihood,
            latent_dim=dim,
            hidden=(8,),
            prior=PriorConfig(kind=prior, options=options),
            posterior=PosteriorConfig(kind=posterior, options=FLOW if posterior != "gaussian" else {}),
        ),
        train=TrainConfig(epochs=epochs, batch_size=20, warmup_epochs=1, snapshots=snapshots),
    )
    run = Run(config, data)
    vae = run.train()
    test = data.fixed("test")
    found = evaluate(vae, test, "test", samples=5) if evaluated else None
    save(
        vae,
        config.model_copy(update={"model": resolved(config.model, vae)}),
        root / name,
        metrics={} if found is None else {"evaluations": {"test": found.as_dict()}},
        per_image=None if found is None else found.per_image,
        latents=cloud(vae, test.images, test.labels, "test") if latents else None,
        snapshots=run.snapshots(),
    )
    return root / name


def imported(root: Path, name: str, prior: str, *, dim: int = 2, pictures: bool = False) -> Path:
    """Posteriors of two classes without a model, 40 of them in the test split."""
    random, n = np.random.default_rng(0), 40 if prior == "standard" else 80
    labels = np.arange(n) % 2
    mean = (random.normal(size=(n, dim)) + 2 * labels[:, None] - 1).astype(np.float32)
    log_var = np.full((n, dim), -1.5, np.float32)
    images = random.random((n, 16)).astype(np.float32) if pictures else None
    shape = (1, 4, 4) if pictures else (1, 1, 1)
    made = make(LatentsFile("mine", mean, log_var, labels, ("left", "right"), images, shape), prior,
                {"components": 5} if prior == "mog" else {}, steps=20)  # fmt: skip
    config = RunConfig(data=made.data, model=made.model)
    metrics = {"evaluations": {"test": evaluate_latents(made.cloud, made.vae.prior)}}
    save(made.vae, config, root / name, metrics=metrics, latents=made.cloud, images=made.images)
    return root / name


def climbed(root: Path, name: str, data: Dataset) -> None:
    """Fit a short ladder to a checkpoint and store it."""
    checkpoint = load(name, root)
    rungs = plan(("standard", "gaussian", "mog", "vamp", "aggregated"), (1, 3))
    write_ladder(root / name / NAME, climb(checkpoint.vae, data, digest=checkpoint.digest, rungs=rungs, steps=20))


def fill(root: Path) -> None:
    """One checkpoint of each prior and of each unusual kind, and two broken ones."""
    with pytest.MonkeyPatch.context() as quick:
        # What pages show of it need not be accurate: the first of the grids, few draws.
        quick.setattr("core.metrics.quadrature.STEPS", ((1.0, 3),))
        quick.setattr("core.metrics.gaps.DRAWS", 256)
        _fill(root, tiny_data())


def _fill(root: Path, data: Dataset) -> None:
    for prior in PRIORS:
        trained(root, prior, prior, data)
    trained(root, "grey", "vamp", tiny_data("freyfaces", "logistic"))
    trained(root, "unlabelled", "standard", tiny_data("npz:own.npz", labels=False))
    trained(root, "unevaluated", "mog", data, evaluated=False)
    trained(root, "no-latents", "standard", data, latents=False)
    trained(root, "three-d", "standard", data, dim=3)
    trained(root, "three-d-maf", "maf", data, dim=3)
    trained(root, "three-d-gaussian", "gaussian", data, dim=3)
    trained(root, "one-d", "standard", data, dim=1)
    trained(root, "recorded", "vamp", data, snapshots=20)
    trained(root, "recorded-maf", "maf", data, snapshots=20)
    trained(root, "posterior-iaf", "standard", data, posterior="iaf")
    trained(root, "posterior-realnvp", "mog", data, posterior="realnvp")
    trained(root, "posterior-three-d", "standard", data, dim=3, posterior="iaf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.metrics.flow_surgery.MOST", 39)
        trained(root, "posterior-many", "standard", data, posterior="iaf")
    imported(root, "latents", "standard")
    imported(root, "latents-mog", "mog")
    imported(root, "latents-three-d", "gaussian", dim=3)
    imported(root, "latents-pictures", "mog", pictures=True)
    for name in BROKEN:
        shutil.copytree(root / "standard", root / name)
    climbed(root, "standard", data)
    (root / "broken-config" / "config.json").write_text("{}")
    weights = root / "broken-weights" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
