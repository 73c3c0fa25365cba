"""Checkpoints: what is saved comes back bit for bit; whatever is wrong with a folder is a reason, never a crash."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.build import build, resolved
from core.checkpoint import digest, load, round_to_half, save
from core.checkpoint_list import list_checkpoints
from core.config import DataConfig, RunConfig
from core.errors import CheckpointError
from core.latents import cloud
from core.priors import PRIORS
from core.vae import VAE
from tests.contracts import perturbed, seeded
from tests.core.test_config_build import IMAGES, model_config

FILES = ("model.safetensors", "config.json", "metrics.json", "latents.safetensors")
METRICS = {
    "training": {"epochs": 2},
    "evaluations": {"test": {"elbo": {"value": -3.0, "se": 0.1}, "n": 12, "seed": 0, "samples": 5}},
}


def trained(kind: str = "mog", **changes) -> tuple[VAE, RunConfig]:
    config = model_config(kind, **changes)
    vae = build(config, images=IMAGES, generator=seeded(1))
    perturbed(vae, 0.1)
    vae.eval()
    data = DataConfig(
        name="tiny", seed=99, binarisation="fixed", train=12, validation=1, test=12, class_names=("a", "b")
    )
    return vae, RunConfig(data=data, model=resolved(config, vae))


def write(path: Path, kind: str = "mog", **options) -> VAE:
    vae, config = trained(kind)
    labels = torch.arange(12) % 2
    save(vae, config, path, metrics=METRICS, latents=cloud(vae, IMAGES, labels, "test"), **options)
    return vae


def edit(path: Path, file: str, change) -> None:
    """Rewrite config.json or metrics.json."""
    content = json.loads((path / file).read_text())
    change(content)
    (path / file).write_text(json.dumps(content))


@torch.no_grad()
def numbers_of(vae: VAE, z: torch.Tensor) -> tuple[torch.Tensor, ...]:
    elbo = vae.elbo(IMAGES, generator=seeded(3)).elbo
    return vae.prior.log_prob(z), vae.decode(z), vae.posterior(IMAGES).mean, elbo


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("half", [False, True])
def test_a_model_comes_back_bit_for_bit(kind: str, half: bool, tmp_path: Path) -> None:
    vae, config = trained(kind)
    if half:
        round_to_half(vae)
    z = torch.randn(20, 2, generator=seeded(2))
    before = numbers_of(vae, z)
    save(vae, config, tmp_path / "model", half=half)
    back = load("model", tmp_path)
    assert all(torch.equal(old, new) for old, new in zip(before, numbers_of(back.vae, z), strict=True))
    assert back.config.model_copy(update={"files": {}}) == config and back.metrics == {} and back.latents is None
    assert not back.vae.training and not any(p.requires_grad for p in back.vae.parameters())


def test_half_precision_halves_the_file(tmp_path: Path) -> None:
    write(tmp_path / "full")
    write(tmp_path / "half", half=True)
    assert (tmp_path / "half" / FILES[0]).stat().st_size < 0.75 * (tmp_path / "full" / FILES[0]).stat().st_size


def test_rounding_keeps_components_and_encoder_together() -> None:
    vae, _ = trained("aggregated")
    round_to_half(vae)
    assert torch.equal(vae.prior.components()[0], vae.posterior(IMAGES).mean.half().float())


def test_latents_metrics_and_digest_come_back(tmp_path: Path) -> None:
    vae = write(tmp_path / "model")
    back = load(tmp_path / "model")
    q = vae.posterior(IMAGES)
    assert back.metrics == METRICS and back.name == "model"
    assert np.allclose(back.latents.mean, q.mean.detach(), atol=2e-3, rtol=1e-3)
    assert back.latents.labels.tolist() == [0, 1] * 6 and (back.latents.split, back.latents.total) == ("test", 12)
    assert back.digest == digest(tmp_path / "model")
    edit(tmp_path / "model", "config.json", lambda c: c.update(commit="other"))
    assert load(tmp_path / "model").digest != back.digest


HUGE = {
    "wide layers": {"hidden": [16_384] * 16},
    "large images": {"image_shape": [16_384, 16_384, 16_384], "likelihood": "logistic"},
    "many components": {"prior": {"kind": "mog", "options": {"components": 20_000}}, "latent_dim": 4096},
    "many pseudo-inputs": {"prior": {"kind": "vamp", "options": {"components": 20_000}}, "image_shape": [16_384] * 3},
    "many posteriors": {"prior": {"kind": "aggregated", "options": {"size": 1_000_000}}, "latent_dim": 4096},
    "deep flow": {"prior": {"kind": "maf", "options": {"layers": 64, "hidden": 4096}}, "latent_dim": 4096},
}


@pytest.mark.parametrize("claim", HUGE)
def test_a_small_file_that_claims_a_huge_model_is_refused_at_once(claim: str, tmp_path: Path) -> None:
    write(tmp_path / "model")
    edit(tmp_path / "model", "config.json", lambda c: c["model"].update(HUGE[claim]))
    tracemalloc.start()
    began, before = time.process_time(), _resident_mb()
    with pytest.raises(CheckpointError, match=r"does not fit config\.json"):
        load("model", tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.process_time() - began < 5 and peak < 100e6 and _resident_mb() - before < 100


def _resident_mb() -> float:
    """Highest memory use of this process so far, where the system tells it."""
    resource = pytest.importorskip("resource")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("name", ["../x", "/etc", "", ".", "..", "a/b", "a\\b", ".hidden", "x" * 65, "a\n", "ü"])
def test_names_that_are_no_names_are_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path / "x")
    (tmp_path / "root").mkdir()
    with pytest.raises(CheckpointError, match="not a checkpoint name"):
        load(name, tmp_path / "root")
    if name and "/" not in name and name not in (".", ".."):
        with pytest.raises(CheckpointError, match="checkpoint name"):
            write(tmp_path / name)


def test_a_checkpoint_is_not_replaced_by_accident(tmp_path: Path) -> None:
    write(tmp_path / "model", "mog")
    with pytest.raises(CheckpointError, match="already there"):
        write(tmp_path / "model", "vamp")
    assert load("model", tmp_path).config.model.prior.kind == "mog"
    write(tmp_path / "model", "vamp", replace=True)
    assert load("model", tmp_path).config.model.prior.kind == "vamp"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"], "nothing is left lying about"


def test_a_failed_save_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch) -> None:
    write(tmp_path / "model", "mog")
    monkeypatch.setattr("core.checkpoint.write_latents", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "model", "vamp", replace=True)
    assert [(info.name, info.prior) for info in list_checkpoints(tmp_path)] == [("model", "mog")]


@pytest.fixture(scope="module")
def original() -> Path:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "model", "realnvp")
        yield Path(folder) / "model"


@settings(max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(
    file=st.sampled_from(FILES),
    cut=st.none() | st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255), st.booleans()), max_size=4),
)
def test_random_damage_loads_or_says_why(original: Path, file: str, cut: float | None, flips: list) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        shutil.copytree(original, path)
        content = bytearray((path / file).read_bytes())
        for place, value, in_head in flips:  # half of them in the first bytes, where the layout stands
            content[int(place * (min(400, len(content)) if in_head else len(content)))] = value
        (path / file).write_bytes(content if cut is None else content[: int(cut * len(content))])
        try:
            back = load(path)
        except CheckpointError as error:
            assert str(error)
            assert list_checkpoints(Path(folder))[0].error == str(error)
        else:
            z = back.vae.prior.sample(5, generator=seeded(4))
            assert back.vae.prior.log_prob(z).shape == (5,)
            assert list_checkpoints(Path(folder))[0].error is None
