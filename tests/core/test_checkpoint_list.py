"""The list of checkpoints: a good one with what it is, a broken one with its reason, and never a crash."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch

from core.checkpoint import digest, load, save, write_metrics
from core.checkpoint_list import list_checkpoints
from core.errors import CheckpointError
from core.latents import cloud
from tests.core.test_checkpoint import FILES, METRICS, edit, trained, write
from tests.core.test_config_build import IMAGES


def truncate(path: Path, file: str, size: int = 40) -> None:
    (path / file).write_bytes((path / file).read_bytes()[:size])


def forget_hashes(path: Path) -> None:
    """As a file by somebody who wrote no hashes: what is behind them has to be found without."""
    edit(path, "config.json", lambda content: content.pop("files", None))


def change_state(path: Path, change) -> None:
    forget_hashes(path)
    state = safetensors.torch.load_file(path / "model.safetensors")
    change(state)
    safetensors.torch.save_file(state, path / "model.safetensors")


def change_latents(path: Path, total: str = "12", **tensors: torch.Tensor) -> None:
    forget_hashes(path)
    state = safetensors.torch.load_file(path / "latents.safetensors")
    metadata = {"split": "test", "total": total}
    safetensors.torch.save_file({**state, **tensors}, path / "latents.safetensors", metadata=metadata)


def flip_a_bit(path: Path, file: str) -> None:
    content = bytearray((path / file).read_bytes())
    content[-3] ^= 1
    (path / file).write_bytes(content)


def poison(state: dict) -> None:
    state["prior.mean"][0, 0] = float("nan")


def loop(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


DAMAGE = {
    "truncated weights": (lambda p: truncate(p, FILES[0]), "model.safetensors"),
    "empty weights": (lambda p: truncate(p, FILES[0], 0), "model.safetensors"),
    "no weights": (lambda p: (p / FILES[0]).unlink(), "model.safetensors"),
    "weights are text": (lambda p: (p / FILES[0]).write_text("hello"), "model.safetensors"),
    "other shape": (lambda p: change_state(p, lambda s: s.update({"prior.mean": torch.zeros(3, 2)})), "prior.mean"),
    "extra weight": (lambda p: change_state(p, lambda s: s.update({"spy": torch.zeros(3)})), "spy"),
    "missing weight": (lambda p: change_state(p, lambda s: s.pop("prior.logits")), "prior.logits"),
    "NaN weight": (lambda p: change_state(p, poison), "NaN or infinity in prior.mean"),
    "integer weight": (
        lambda p: change_state(p, lambda s: s.update({"prior.mean": s["prior.mean"].int()})),
        "integers",
    ),
    "one bit of the weights": (lambda p: flip_a_bit(p, FILES[0]), "model.safetensors is damaged"),
    "one bit of the latents": (lambda p: flip_a_bit(p, FILES[3]), "latents.safetensors is damaged"),
    "hash of another file": (lambda p: edit(p, FILES[1], lambda c: c["files"].update({"../x": ""})), "not a file of"),
    "a link to itself": (lambda p: loop(p / FILES[1]), "config.json cannot be read: OSError"),
    "no config": (lambda p: (p / FILES[1]).unlink(), "config.json cannot be read"),
    "truncated config": (lambda p: truncate(p, FILES[1]), "config.json is not JSON"),
    "config is a list": (lambda p: (p / FILES[1]).write_text("[1]"), "config.json must hold an object"),
    "config is not text": (lambda p: (p / FILES[1]).write_bytes(b"\xff\xfe\x00"), "config.json cannot be read"),
    "bottomless config": (lambda p: (p / FILES[1]).write_text("[" * 200_000), "config.json"),
    "endless integer": (lambda p: (p / FILES[1]).write_text('{"schema_version": ' + "1" * 10_000 + "}"), "config.json"),
    "huge config": (lambda p: (p / FILES[1]).write_text(" " * 8_000_001), "larger than 8,000,000 bytes"),
    "later schema": (lambda p: edit(p, FILES[1], lambda c: c.update(schema_version=2)), "schema version 2"),
    "no schema": (lambda p: edit(p, FILES[1], lambda c: c.pop("schema_version")), "schema version None"),
    "extra key": (lambda p: edit(p, FILES[1], lambda c: c.update(colour="red")), "colour"),
    "unknown prior": (lambda p: edit(p, FILES[1], lambda c: c["model"]["prior"].update(kind="magic")), "magic"),
    "unknown option": (lambda p: edit(p, FILES[1], lambda c: c["model"]["prior"]["options"].update(x=1)), "x"),
    "other size": (lambda p: edit(p, FILES[1], lambda c: c["model"].update(latent_dim=3)), "expected"),
    "infinite setting": (lambda p: edit(p, FILES[1], lambda c: c["train"].update(clip_norm=float("inf"))), "Infinity"),
    "metrics are text": (lambda p: (p / FILES[2]).write_text("elbo = 3"), "metrics.json is not JSON"),
    "metrics are a list": (lambda p: (p / FILES[2]).write_text("[]"), "metrics.json must hold an object"),
    "metrics with NaN": (lambda p: edit(p, FILES[2], lambda c: c.update(x=float("nan"))), "metrics.json"),
    "metrics beyond floats": (lambda p: (p / FILES[2]).write_text('{"x": 1e999}'), "metrics.json"),
    "evaluations are a list": (lambda p: edit(p, FILES[2], lambda c: c.update(evaluations=[1])), "evaluations"),
    "bottomless metrics": (lambda p: (p / FILES[2]).write_text('{"x":' * 200_000), "metrics.json"),
    "truncated latents": (lambda p: truncate(p, FILES[3]), "latents.safetensors"),
    "latents of other dim": (lambda p: change_latents(p, mean=torch.zeros(12, 3)), r"latents.safetensors"),
    "latents of other n": (lambda p: change_latents(p, log_var=torch.zeros(11, 2)), "latents.safetensors"),
    "no latent at all": (lambda p: change_latents(p, mean=torch.zeros(0, 2), log_var=torch.zeros(0, 2)), "latents"),
    "latents with NaN": (lambda p: change_latents(p, mean=torch.full((12, 2), float("nan"))), "NaN or infinity"),
    "latents in bfloat16": (lambda p: change_latents(p, mean=torch.zeros(12, 2, dtype=torch.bfloat16)), "latents"),
    "latents are integers": (lambda p: change_latents(p, mean=torch.zeros(12, 2, dtype=torch.int32)), "mean is int32"),
    "latents far away": (lambda p: change_latents(p, mean=torch.full((12, 2), -10_001.0)), "mean reaches 10001"),
    "latents too wide": (lambda p: change_latents(p, log_var=torch.full((12, 2), 31.0)), "log_var reaches 31"),
    "latents too narrow": (lambda p: change_latents(p, log_var=torch.full((12, 2), -31.0)), "log_var reaches 31"),
    "latents beyond float32": (lambda p: change_latents(p, mean=1e300 * torch.ones(12, 2).double()), "mean reaches"),
    "labels are floats": (lambda p: change_latents(p, labels=torch.zeros(12)), "labels are float32"),
    "labels are truth values": (lambda p: change_latents(p, labels=torch.zeros(12).bool()), "labels are bool"),
    "negative label": (lambda p: change_latents(p, labels=torch.arange(12) - 11), "labels run from -11 to 0"),
    "label without a name": (lambda p: change_latents(p, labels=torch.arange(12) % 3), "expected 0 to 1"),
    "huge label": (lambda p: change_latents(p, labels=torch.full((12,), 2**62)), "labels run from"),
    "fewer images than stored": (lambda p: change_latents(p, total="11"), "12 images of a split of 11"),
    "labels of other n": (lambda p: change_latents(p, labels=torch.zeros(3, dtype=torch.int32)), "latents.safetensors"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_broken_checkpoint_is_listed_with_its_reason(damage: str, tmp_path: Path) -> None:
    for name in ("a-good", "bad", "z-good"):
        write(tmp_path / name)
    DAMAGE[damage][0](tmp_path / "bad")
    infos = {info.name: info for info in list_checkpoints(tmp_path)}
    assert list(infos) == ["a-good", "bad", "z-good"]
    assert infos["a-good"].error is None and infos["z-good"].error is None
    assert infos["bad"].error is not None and DAMAGE[damage][1] in infos["bad"].error
    with pytest.raises(CheckpointError, match=r".") as caught:
        load("bad", tmp_path)
    assert str(caught.value) == infos["bad"].error and len(str(caught.value)) < 1000


def test_the_list_says_what_a_good_checkpoint_is(tmp_path: Path) -> None:
    write(tmp_path / "one", "vamp")
    (info,) = list_checkpoints(tmp_path)
    assert (info.name, info.error, info.dataset, info.prior, info.latent_dim) == ("one", None, "tiny", "vamp", 2)
    assert (info.image_shape, info.likelihood, info.binarisation) == ((1, 3, 4), "bernoulli", "fixed")
    assert info.metrics == METRICS["evaluations"] and info.digest == digest(tmp_path / "one")
    assert (info.images, info.split, info.total, info.data_seed) == (12, "test", 12, 99)


def test_the_list_tells_a_split_from_the_part_that_is_stored(tmp_path: Path) -> None:
    vae, config = trained()
    latents = cloud(vae, IMAGES, None, "validation", limit=5)
    save(vae, config, tmp_path / "part", latents=latents)
    save(vae, config, tmp_path / "without")
    part, without = list_checkpoints(tmp_path)
    assert (part.images, part.split, part.total) == (5, "validation", 12)
    assert (without.images, without.split, without.total, without.data_seed) == (0, "", 0, 99)


def test_the_list_follows_the_folder(tmp_path: Path) -> None:
    assert list_checkpoints(tmp_path / "nowhere") == []
    write(tmp_path / "one")
    (tmp_path / "file.txt").write_text("not a folder")
    for name in ("_notes", ".training", "a name"):
        (tmp_path / name).mkdir()
    assert [info.name for info in list_checkpoints(tmp_path)] == ["a name", "one"]
    assert list_checkpoints(tmp_path)[0].error is not None
    write_metrics(tmp_path / "one", {**METRICS, "evaluations": {}})
    assert list_checkpoints(tmp_path)[1].metrics == {}
    shutil.rmtree(tmp_path / "one")
    assert len(list_checkpoints(tmp_path)) == 1


METRICS_DAMAGE = {
    "evaluation is a number": ({"test": 3}, "evaluations"),
    "estimate is a number": ({"test": {"elbo": 3}}, "test: elbo must be an object"),
    "estimate is null": ({"test": {"marginal_kl_null": None}}, "marginal_kl_null must be"),
    "estimate without value": ({"test": {"nll": {"se": 1}}}, "nll must be"),
    "estimate without error": ({"test": {"nll": {"value": 1}}}, "nll must be"),
    "estimate is text": ({"test": {"log_n": {"value": "3", "se": 0}}}, "log_n must be"),
    "estimate is true": ({"test": {"active_units": {"value": True, "se": 0}}}, "active_units must be"),
    "estimate beyond floats": ({"test": {"average_kl": {"value": 10**400, "se": 0}}}, "average_kl must be"),
    "negative error": ({"test": {"elbo": {"value": 1, "se": -1}}}, "elbo must be"),
    "unknown object": ({"test": {"mine": {"a": 1}}}, "mine must be"),
    "n is a fraction": ({"test": {"n": 2.5}}, "n must be an integer"),
    "n is true": ({"test": {"n": True}}, "n must be an integer"),
    "n is 0": ({"test": {"n": 0}}, "n must be an integer, at least 1"),
    "seed is text": ({"test": {"seed": "0"}}, "seed must be an integer"),
    "samples are null": ({"validation": {"samples": None}}, "validation: samples must be an integer"),
    "ess is text": ({"test": {"ess_median": "many"}}, "ess_median must be a number"),
    "estimate without n": ({"test": {"elbo": {"value": 1, "se": 0}, "seed": 0}}, "n is missing"),
    "estimate without seed": ({"test": {"elbo": {"value": 1, "se": 0}, "n": 3}}, "seed is missing"),
    "likelihood without samples": ({"test": {"nll": {"value": 1, "se": 0}, "seed": 0, "n": 3}}, "samples is missing"),
    "long key": ({"test": {"y" * 100_000: {}}}, "must be an object"),
    "long split": ({"x" * 100_000: {}}, "is no name of a split"),
}


@pytest.mark.parametrize("damage", METRICS_DAMAGE)
def test_wrong_metrics_are_a_reason_that_names_the_key(damage: str, tmp_path: Path) -> None:
    evaluations, reason = METRICS_DAMAGE[damage]
    write(tmp_path / "bad")
    edit(tmp_path / "bad", "metrics.json", lambda content: content.update(evaluations=evaluations))
    (info,) = list_checkpoints(tmp_path)
    assert info.error is not None and info.error.startswith("metrics.json: evaluations") and reason in info.error
    assert len(info.error) < 1000


def test_metrics_may_hold_more_than_is_known(tmp_path: Path) -> None:
    write(tmp_path / "good")
    known = {**METRICS["evaluations"]["test"], "note": "mine", "extra": {"value": 1, "se": 0}, "ess_median": 3.5}
    edit(tmp_path / "good", "metrics.json", lambda content: content.update(evaluations={"test": known, "train": {}}))
    (info,) = list_checkpoints(tmp_path)
    assert info.error is None and info.metrics == {"test": known, "train": {}}


@pytest.mark.parametrize("missed", [1, 2])
def test_one_that_is_renamed_while_the_list_is_read_is_not_lost(
    missed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reading of the folder may meet it neither under its old name nor under its new one."""
    write(tmp_path / "good")
    real, readings = Path.iterdir, []

    def seldom(folder: Path) -> list[Path]:
        readings.append(folder)
        return [] if folder == tmp_path and readings.count(tmp_path) == missed else list(real(folder))

    monkeypatch.setattr(Path, "iterdir", seldom)
    assert [info.name for info in list_checkpoints(tmp_path)] == ["good"]
