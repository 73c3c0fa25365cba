"""Models with flow posteriors from the command line to the disk and back, and what every command says of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from core.build import build
from core.checkpoint import load, save
from core.checkpoint_list import list_checkpoints
from core.cli import main
from core.errors import CheckpointError
from core.flow_latents import FlowCloud, read_flow_latents, write_flow_latents
from core.gallery import reconstructed, stored_posteriors
from core.latents import cloud, posteriors, read_latents
from core.posteriors import POSTERIORS
from core.posthoc import data_of
from tests.contracts import seeded
from tests.core.commands import answer, complaint, write_images
from tests.core.test_config_build import IMAGES, model_config
from tests.core.test_posteriors import with_posterior

FLOWED = [kind for kind in POSTERIORS if not POSTERIORS[kind].gaussian]
SMALL = ("--posterior-option", "layers=2", "--posterior-option", "hidden=8", "--posterior-option", "context=3")
QUICK = ("--hidden", "8", "--batch-size", "20", "--warmup-epochs", "1", "--epochs", "2", "--samples", "20")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def root(images: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model of each flow posterior, named "iaf" and "realnvp"."""
    root = tmp_path_factory.mktemp("models")
    for kind in FLOWED:
        arguments = ["train", "--root", str(root), "--dataset", images, "--name", kind, "--posterior", kind]
        assert main([*arguments, *SMALL, *QUICK, "--half"]) == 0
    return root


@pytest.mark.parametrize("kind", FLOWED)
def test_it_trains_and_is_listed(kind: str, root: Path, capsys: pytest.CaptureFixture) -> None:
    checkpoint = load(kind, root)
    assert checkpoint.config.model.posterior.kind == kind
    assert checkpoint.config.model.posterior.options == {"layers": 2, "hidden": 8, "context": 3}
    curve = checkpoint.metrics["training"]["curve"]
    assert len(curve) == 2 and all(math.isfinite(epoch["validation_elbo"]) for epoch in curve)
    assert all(torch.isfinite(value).all() for value in checkpoint.vae.state_dict().values())
    infos = {info.name: info for info in list_checkpoints(root)}
    info = infos[kind]
    assert info.error is None and info.posterior == kind and info.posterior_title == POSTERIORS[kind].title
    assert not info.of_gaussians and info.images == info.total == 10 and info.split == "test"
    assert info.metrics["test"]["mutual_information"]["value"] > -1 and info.metrics["test"]["worst_gaps"]["images"]
    assert main(["list", "--root", str(root)]) == 0
    assert f", {kind} posterior" in capsys.readouterr().out


def test_digits_train_without_a_nan(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Two epochs of the bundled digits, in bfloat16 too: nothing is lost to NaN, and the bound rises."""
    for kind, more in ((FLOWED[0], ()), (FLOWED[1], ("--bf16",))):
        arguments = ["train", "--json", "--root", str(tmp_path), "--dataset", "digits", "--posterior", kind, *SMALL]
        answer(capsys, *arguments, "--hidden", "16", "--epochs", "2", "--warmup-epochs", "1", "--samples", "2", *more)
        curve = load(f"digits-2d-standard-{kind}", tmp_path).metrics["training"]["curve"]
        assert curve[1]["validation_elbo"] > curve[0]["validation_elbo"] > -100


@pytest.mark.parametrize("kind", FLOWED)
def test_what_is_stored_is_the_posterior(kind: str, root: Path) -> None:
    checkpoint = load(kind, root)
    assert checkpoint.latents is None and checkpoint.flow_latents is not None
    x = data_of(checkpoint.config).fixed("test").images
    q, stored = posteriors(checkpoint.vae, x), stored_posteriors(checkpoint)
    z = torch.randn(5, 1, 2, generator=seeded(1))
    assert (q.log_prob(z) - stored.log_prob(z)).abs().max() < 0.05, "but for half precision"
    pictures = reconstructed(checkpoint, np.array([3, 7]))
    assert np.abs(pictures[0].ravel() - checkpoint.vae.reconstruct(x)[3].numpy()).max() < 1e-2


def test_saved_and_loaded_it_is_the_same_to_the_last_bit(tmp_path: Path, root: Path) -> None:
    before = load("iaf", root)
    save(before.vae, before.config, tmp_path / "again", metrics=before.metrics, latents=before.flow_latents)
    after = load("again", tmp_path)
    z = torch.randn(5, 1, 2, generator=seeded(1))
    assert torch.equal(before.vae.posterior(IMAGES).log_prob(z), after.vae.posterior(IMAGES).log_prob(z))
    assert after.config.model == before.config.model and after.flow_latents is not None
    assert np.array_equal(after.flow_latents.context, before.flow_latents.context)


@pytest.mark.parametrize("command", [["ladder"], ["aggregate"], ["embed"]])
def test_a_command_that_needs_gaussians_says_so(command: list[str], root: Path, capsys: pytest.CaptureFixture) -> None:
    found = complaint(capsys, *command, "iaf", "--root", str(root))
    assert "q(z|x) of this model is a flow, so q(z) is no mixture of Gaussians" in found
    assert sorted(path.name for path in root.iterdir() if path.name[0] != ".") == sorted(FLOWED)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--posterior", "magic"], "unknown posterior 'magic'; known: gaussian, iaf, realnvp"),
        (["--posterior", "iaf", "--posterior-option", "depth=3"], "IAF, posterior option depth"),
        (["--posterior", "iaf", "--posterior-option", "layers"], "--posterior-option takes NAME=VALUE; got 'layers'"),
        (["--posterior", "iaf", "--prior", "vamp"], "Use posterior 'gaussian', or one of the priors standard"),
        (["--posterior", "realnvp", "--latent-dim", "1"], "dim >= 2"),
        (["--posterior-option", "layers=2"], "Gaussian, posterior option layers"),
    ],
)
def test_a_wrong_posterior_is_answered_in_one_line(
    more: list[str], reason: str, images: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    arguments = ["train", "--root", str(tmp_path), "--dataset", images, "--name", "model", *QUICK, *more]
    assert reason in complaint(capsys, *arguments)


def test_gaps_alone_are_added_to_an_evaluation(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    before = load("iaf", root)
    metrics = json.loads(json.dumps(before.metrics))
    stored = metrics["evaluations"]["test"].pop("worst_gaps")
    save(before.vae, before.config, tmp_path / "old", metrics=metrics, latents=before.flow_latents)
    arguments = ("evaluate", "old", "--json", "--root", str(tmp_path), "--only", "gaps")
    found = answer(capsys, *arguments)
    assert found["worst_gaps"] == stored and "worst_gaps" not in load("old", tmp_path).metrics["evaluations"]["test"]
    answer(capsys, *arguments, "--save")
    assert load("old", tmp_path).metrics == before.metrics, "nothing else changes"
    assert "has no evaluation of the train split" in complaint(capsys, *arguments, "--save", "--split", "train")
    assert main(["evaluate", "old", "--root", str(tmp_path), "--only", "gaps"]) == 0
    assert "loosest bounds, log p(x) - ELBO in nats, 4,096 draws each, seed 0" in capsys.readouterr().out


def test_gaps_need_two_dimensions(images: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    arguments = [
        "train",
        "--json",
        "--root",
        str(tmp_path),
        "--dataset",
        images,
        "--name",
        "three",
        "--latent-dim",
        "3",
    ]
    assert "worst_gaps" not in answer(capsys, *arguments, *QUICK, "--posterior", "iaf", *SMALL)["test"]
    found = complaint(capsys, "evaluate", "three", "--root", str(tmp_path), "--only", "gaps")
    assert "quadrature needs two latent dimensions" in found


def small_cloud(**changes: np.ndarray) -> FlowCloud:
    parts = {"base_mean": np.zeros((3, 2), np.float32), "base_log_var": np.zeros((3, 2), np.float32)}
    parts |= {"context": np.ones((3, 4), np.float32)}
    return FlowCloud(**{**parts, **changes}, labels=np.arange(3), split="test", total=3)


def test_a_file_of_flow_latents_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "latents.safetensors"
    assert read_flow_latents(file, 2, 4) is None
    write_flow_latents(small_cloud(), file)
    found = read_flow_latents(file, 2, 4, ("a", "b", "c"))
    assert found is not None and len(found) == 3 and found.labels is not None and found.labels.tolist() == [0, 1, 2]
    assert found.split_rows().tolist() == [0, 1, 2] and (found.context == 1).all()
    for dim, context in ((3, 4), (2, 5)):
        with pytest.raises(CheckpointError, match=r"latents\.safetensors must hold base_mean"):
            read_flow_latents(file, dim, context)
    with pytest.raises(CheckpointError, match="labels run from 0 to 2"):
        read_flow_latents(file, 2, 4, ("a", "b"))
    for name, value in (("base_mean", 10_008), ("base_log_var", 31), ("context", 10_008), ("context", math.nan)):
        broken = np.full((3, 4 if name == "context" else 2), value, np.float32)
        write_flow_latents(small_cloud(**{name: broken}), file)
        with pytest.raises(CheckpointError, match=name):
            read_flow_latents(file, 2, 4)


def test_a_base_is_never_read_as_a_gaussian_posterior(tmp_path: Path) -> None:
    file = tmp_path / "latents.safetensors"
    write_flow_latents(small_cloud(), file)
    with pytest.raises(CheckpointError, match="must hold mean"):
        read_latents(file, 2)


def test_latents_of_another_posterior_are_refused(root: Path, tmp_path: Path) -> None:
    before = load("iaf", root)
    file = tmp_path / "model" / "latents.safetensors"
    save(before.vae, before.config, tmp_path / "model", latents=before.flow_latents)
    tensors = safetensors.torch.load_file(file)
    safetensors.torch.save_file({"mean": tensors["base_mean"], "log_var": tensors["base_log_var"]}, file)
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    del config["files"]["latents.safetensors"]
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="must hold base_mean"):
        load("model", tmp_path)


def test_a_cloud_is_what_the_posterior_says(root: Path) -> None:
    kept = cloud(build(with_posterior("iaf"), generator=seeded(1)).eval(), IMAGES, None, "test", limit=5)
    assert isinstance(kept, FlowCloud) and len(kept) == 5 and kept.total == 12 and len(kept.split_rows()) == 5
    assert not isinstance(cloud(build(model_config()).eval(), IMAGES, None, "test"), FlowCloud)
    with pytest.raises(ValueError, match="stores no posteriors"):
        stored_posteriors(replace(load("iaf", root), flow_latents=None))
