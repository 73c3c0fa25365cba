"""Imported latents: checked, stored without networks, measured like any model's, and fitted priors judged fairly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core import checkpoint, checkpoint_list, gallery
from core.build import build
from core.config import DataConfig, ModelConfig, PosteriorConfig, PriorConfig, RunConfig
from core.datasets import DataError
from core.distributions import DiagonalNormal
from core.errors import CheckpointError
from core.imported import PRIOR_KINDS, LatentsFile, make, read_latents_file
from core.ladder_latents import climb_latents
from core.latents import MAX_STORED
from core.metrics.evaluate_latents import evaluate_latents
from core.metrics.surgery import elbo_surgery
from core.posthoc import data_of
from tests.core.commands import answer, complaint


def write(file: Path, n: int = 120, d: int = 2, **more: object) -> Path:
    random = np.random.default_rng(0)
    labels = np.arange(n) % 2
    arrays = {
        "mean": (0.5 * random.normal(size=(n, d)) + 6 * labels[:, None]).astype(np.float32),
        "log_var": np.full((n, d), -1.5, np.float32),
        "labels": labels,
    }
    np.savez_compressed(file, **{name: value for name, value in {**arrays, **more}.items() if value is not None})
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pictures = np.random.default_rng(1).random((120, 3, 4)).astype(np.float32)
    return write(tmp_path / "mine.npz", images=pictures)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"log_var": None}, "lacks log_var"),
        ({"mean": None, "log_var": None}, "lacks mean and log_var"),
        ({"log_var": np.zeros((120, 3), np.float32)}, "one shape"),
        ({"mean": np.zeros(120), "log_var": np.zeros(120)}, "one shape"),
        ({"mean": np.zeros((1, 2)), "log_var": np.zeros((1, 2)), "labels": None}, "two images or more"),
        ({"mean": np.zeros((120, 0)), "log_var": np.zeros((120, 0))}, "1 to 4096"),
        ({"log_var": np.zeros((120, 2), int)}, "expected floats"),
        ({"log_var": np.full((120, 2), np.nan)}, "NaN"),
        ({"log_var": np.full((120, 2), 31.0)}, "logarithm of the variance"),
        ({"mean": np.full((120, 2), -2e4)}, "at most 10000"),
        ({"labels": np.arange(5)}, "one for each image"),
        ({"images": np.zeros((7, 3, 4))}, "nothing to learn|one for each"),
        ({"images": np.random.default_rng(0).random((7, 3, 4))}, "one for each"),
    ],
)
def test_a_bad_file_is_refused_with_the_array_and_what_was_expected(tmp_path: Path, more: dict, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        read_latents_file(write(tmp_path / "bad.npz", **more))


@pytest.mark.parametrize("prior", PRIOR_KINDS)
def test_every_prior_is_saved_and_loaded_bit_for_bit(tmp_path: Path, file: Path, prior: str) -> None:
    made = make(read_latents_file(file), prior, {"components": 3} if prior == "mog" else {}, steps=5)
    save = {"latents": made.cloud, "images": made.images}
    checkpoint.save(made.vae, RunConfig(data=made.data, model=made.model), tmp_path / "root" / "mine", **save)
    back = checkpoint.load("mine", tmp_path / "root")
    z = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(back.vae.prior.log_prob(z), made.vae.prior.log_prob(z))
    assert (len(back.latents), back.latents.split) == (120 if prior == "standard" else 60, "test")
    assert np.abs(back.images - made.images).max() <= 0.5 / 255 + 1e-6
    (info,) = checkpoint_list.list_checkpoints(tmp_path / "root")
    assert info.error is None and not info.decodes and info.pictured and info.of_gaussians
    assert (info.dataset, info.prior, info.images) == ("latents:mine", prior, len(made.cloud))
    with pytest.raises(ValueError, match="without a decoder"):
        back.vae.decode(z)
    with pytest.raises(ValueError, match="without an encoder"):
        back.vae.posterior(torch.zeros(1, 12))
    with pytest.raises(ValueError, match="imported latents"):
        data_of(back.config)


def test_the_pictures_are_those_of_their_codes(tmp_path: Path, file: Path) -> None:
    read = read_latents_file(file)
    made = make(read, "gaussian")
    checkpoint.save(made.vae, RunConfig(data=made.data, model=made.model), tmp_path / "mine", latents=made.cloud,
                    images=made.images)  # fmt: skip
    back = checkpoint.load(tmp_path / "mine")
    shown = gallery.stored_pictures(back, np.array([5, 9]))
    for k, picture in zip((5, 9), shown, strict=True):
        row = np.flatnonzero((read.mean == made.cloud.mean[k]).all(1))[0]
        assert np.abs(picture.ravel() - read.images[row]).max() < 0.01 and read.labels[row] == made.cloud.labels[k]
    with pytest.raises(ValueError, match="not stored"):
        gallery.stored_pictures(back, np.array([10_000]))


def test_a_fitted_prior_never_sees_what_it_is_judged_by(file: Path) -> None:
    read = read_latents_file(file)
    made = make(read, "gaussian")
    shown = {row.tobytes() for row in made.cloud.mean}
    seen = np.array([row for row in read.mean if row.tobytes() not in shown])
    assert (made.data.train, made.data.test, len(seen)) == (60, 60, 60)
    mean, covariance, _ = made.vae.prior.gaussians()
    assert np.allclose(mean[0], seen.mean(0), atol=1e-4)
    within = np.exp(-1.5) * np.eye(2)
    assert np.allclose(covariance[0], np.cov(seen.T, bias=True) + within, atol=1e-3)
    assert "fitted to 60 of them" in made.data.source


def test_the_numbers_are_those_of_the_surgery_and_n01_has_its_closed_form(file: Path) -> None:
    made = make(read_latents_file(file))
    found = evaluate_latents(made.cloud, made.vae.prior, seed=3)
    mean, log_var = made.cloud.components()
    same = elbo_surgery(mean, log_var, made.vae.prior, n_samples=4, generator=torch.Generator().manual_seed(3))
    assert found["marginal_kl"] == same.marginal_kl.as_dict()
    standard = DiagonalNormal(torch.zeros(2), torch.zeros(2))
    exact = float((0.5 * (mean.square() + log_var.exp() - 1 - log_var)).sum(1).mean())
    assert abs(found["average_kl"]["value"] - exact) < 5 * found["average_kl"]["se"] and standard.event_shape == (2,)
    parts = found["average_kl"]["value"] - found["mutual_information"]["value"] - found["marginal_kl"]["value"]
    assert parts == pytest.approx(found["identity_residual"]["value"])
    assert not {"elbo", "reconstruction", "nll"} & set(found), "what is not known is not there"
    assert (found["n"], found["split"], found["seed"]) == (120, "test", 3)


def test_a_richer_prior_is_nearer_and_too_rich_a_one_is_refused(file: Path) -> None:
    read = read_latents_file(file)
    kl = [
        evaluate_latents(made.cloud, made.vae.prior)["marginal_kl"]["value"]
        for made in (make(read, "gaussian"), make(read, "mog", {"components": 2}, steps=200))
    ]
    assert kl[1] < kl[0], "two clusters"
    with pytest.raises(ValueError, match="at most as many as the 60"):
        make(read, "mog", {"components": 61})
    for prior in ("vamp", "aggregated", "none"):
        with pytest.raises(ValueError, match="needs no encoder"):
            make(read, prior)
    with pytest.raises(ValueError, match="init_scale has no meaning"):
        make(read, "mog", {"init_scale": 2.0})


def test_more_than_are_stored_become_a_stated_sample() -> None:
    n = MAX_STORED + 500
    mean = np.arange(2.0 * n, dtype=np.float32).reshape(n, 2) / n
    made = make(LatentsFile("many", mean, np.zeros_like(mean), None, (), None, (1, 1, 1)))
    assert (len(made.cloud), made.cloud.total, made.data.test) == (MAX_STORED, n, n)
    assert np.array_equal(made.cloud.mean, mean[made.cloud.split_rows()]), "rows are those of the file"


def test_the_ladder_cuts_the_stored_codes_in_three(tmp_path: Path, file: Path) -> None:
    made = make(read_latents_file(file))
    checkpoint.save(made.vae, RunConfig(data=made.data, model=made.model), tmp_path / "mine", latents=made.cloud)
    loaded = checkpoint.load(tmp_path / "mine")
    found = climb_latents(loaded, rungs=(("standard", None), ("gaussian", None), ("mog", 2), ("vamp", 2)), steps=500)
    assert (found.n_train, found.n_validation, found.n_test) == (72, 24, 24)
    assert [rung.kind for rung in found.rungs] == ["standard", "gaussian", "mog"], "no VampPrior without an encoder"
    assert found.digest == loaded.digest and found.rungs[2].test_gain.value > found.rungs[1].test_gain.value


@pytest.mark.parametrize("prior", ["vamp", "aggregated"])
def test_a_configuration_that_needs_an_encoder_is_refused(prior: str) -> None:
    model = {"image_shape": (1, 1, 1), "likelihood": "none", "latent_dim": 2}
    with pytest.raises(ValueError, match="needs no encoder"):
        build(ModelConfig(**model, prior=PriorConfig(kind=prior)))
    with pytest.raises(ValueError, match="Gaussian posteriors"):
        build(ModelConfig(**model, prior=PriorConfig(kind="standard"), posterior=PosteriorConfig(kind="iaf")))
    with pytest.raises(ValueError, match="train"):
        DataConfig(name="digits", binarisation="none", train=0, validation=0, test=5)


def test_damaged_pictures_make_a_broken_checkpoint(tmp_path: Path, file: Path) -> None:
    made = make(read_latents_file(file))
    checkpoint.save(made.vae, RunConfig(data=made.data, model=made.model), tmp_path / "mine", latents=made.cloud,
                    images=made.images[:, :5])  # fmt: skip
    with pytest.raises(CheckpointError, match=r"images\.safetensors must hold"):
        checkpoint.load(tmp_path / "mine")


def test_the_subcommand(tmp_path: Path, file: Path, capsys) -> None:
    root = ("--root", str(tmp_path / "root"))
    mog = ("--prior", "mog", "--prior-option", "components=4", "--steps", "20")
    told = answer(capsys, "import-latents", str(file), "--json", *root, *mog, "--name", "mixed")
    assert (told["name"], told["images"], told["stored"]) == ("mixed", 120, 60) and told["test"]["n"] == 60
    assert answer(capsys, "import-latents", str(file), "--json", *root)["name"] == "mine"
    again = answer(capsys, "evaluate", "mixed", "--json", *root)
    assert again["marginal_kl"] == pytest.approx(told["test"]["marginal_kl"], abs=0.05)
    assert "already there" in complaint(capsys, "import-latents", str(file), "--json", *root)
    assert "needs no encoder" in complaint(capsys, "import-latents", str(file), *root, "--name", "v", "--prior", "vamp")
    assert "expected 1 to" in complaint(capsys, "import-latents", str(file), *root, "--name", "v", "--steps", "0")
    assert "latents only" in complaint(capsys, "evaluate", "mixed", *root, "--split", "train")
    ladder = answer(capsys, "ladder", "mine", "--json", *root, "--steps", "3", "--components", "2", "--kinds", "mog")
    assert ladder["n_train"] == 72
