"""The file of a training's snapshots: it keeps everything, stays small, and damage to it is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from core.checkpoint import load
from core.checkpoint_list import list_checkpoints
from core.errors import CheckpointError
from core.priors import PRIORS
from core.snapshots import MOST, PICTURE_BYTES, Snapshots, stratified_rows
from core.snapshots_file import NAME, read_snapshots, write_snapshots
from core.train import Run
from tests.core.commands import answer, complaint, train_arguments, write_images
from tests.core.runs import make_run
from tests.core.test_snapshots import assert_same_snapshots, finished


@pytest.fixture(scope="module")
def vamp() -> tuple[Run, Snapshots]:
    run = make_run(kind="vamp", snapshots=20)
    return run, finished(run)


def reread(folder: Path, run: Run) -> Snapshots | None:
    return read_snapshots(folder, run.vae.prior, 12, ("left", "right"))


@pytest.mark.parametrize("kind", PRIORS)
def test_the_file_keeps_everything(kind: str, tmp_path: Path) -> None:
    run = make_run(kind=kind, snapshots=20)
    found = finished(run)
    assert reread(tmp_path, run) is None
    write_snapshots(found, tmp_path / NAME)
    back = reread(tmp_path, run)
    assert back is not None and (back.split, back.total) == ("test", 20)
    assert np.array_equal(back.labels, found.labels)
    assert_same_snapshots(found, back)


def test_twenty_snapshots_of_a_model_of_mnist_stay_small(tmp_path: Path) -> None:
    """All 10,000 test images, and a stated part of 500 pseudo-inputs of 784 pixels."""
    rows, count, pixels = stratified_rows(None, 10_000), 500, 784
    shown = PICTURE_BYTES // pixels
    numbers = {"mean": torch.randn(len(rows), 2).half(), "log_var": torch.randn(len(rows), 2).half()}
    numbers |= {"prior.mean": torch.randn(count, 2).half(), "prior.log_var": torch.randn(count, 2).half()}
    numbers |= {"prior.log_weight": torch.randn(count).half()}
    numbers |= {"pseudo_inputs": torch.randint(0, 256, (shown, pixels), dtype=torch.uint8)}
    one = finished(make_run(epochs=1, snapshots=2)).taken[0]
    taken = tuple(replace(one, epoch=epoch, numbers=numbers) for epoch in range(MOST))
    write_snapshots(Snapshots(taken, 3, rows, rows, "test", 10_000, np.arange(shown)), tmp_path / NAME)
    assert (tmp_path / NAME).stat().st_size < 2_200_000


DAMAGES = {
    "rows must be rising": lambda t, m: t["rows"].fill_(3),
    "labels must be those of the 2 classes": lambda t, m: t["labels"].fill_(2),
    "inputs must be rising, from 0 up to 6": lambda t, m: t["inputs"].add_(1),
    "log_var is \\(4, 20, 2\\), expected \\(4, 19, 2\\)": lambda t, m: t.update(
        rows=t["rows"][:19], labels=t["labels"][:19]
    ),
    "log_var is missing": lambda t, m: t.pop("log_var"),
    "prior.extra is \\(1,\\), expected nothing": lambda t, m: t.update({"prior.extra": torch.zeros(1)}),
    "mean is torch.float32": lambda t, m: t.update(mean=t["mean"].float()),
    "NaN or infinity in prior.mean": lambda t, m: t["prior.mean"].fill_(float("nan")),
    "log_var reaches 31 in size": lambda t, m: t["log_var"].fill_(31),
    "miss a sum of 1": lambda t, m: t["prior.log_weight"].fill_(0),
    "epochs must rise": lambda t, m: m.update(snapshots=m["snapshots"].replace('"epoch": 2', '"epoch": 1')),
    "with the kept one among them": lambda t, m: m.update(snapshots=m["snapshots"].replace('"kept": 3', '"kept": 9')),
    "taken.0.beta": lambda t, m: m.update(snapshots=m["snapshots"].replace('"beta": 0.0', '"beta": 7.0')),
    "NAME: taken".replace("NAME", NAME): lambda t, m: m.clear(),
    "pseudo_inputs is torch.int32": lambda t, m: t.update(pseudo_inputs=t["pseudo_inputs"].int()),
}


@pytest.mark.parametrize("reason", DAMAGES)
def test_what_is_wrong_with_a_file_is_told(reason: str, vamp: tuple[Run, Snapshots], tmp_path: Path) -> None:
    run, found = vamp
    write_snapshots(replace(found, kept=3), tmp_path / NAME)
    tensors = safetensors.torch.load_file(tmp_path / NAME)
    with safetensors.safe_open(tmp_path / NAME, framework="pt") as handle:
        metadata = handle.metadata()
    DAMAGES[reason](tensors, metadata)
    safetensors.torch.save_file(tensors, tmp_path / NAME, metadata=metadata)
    with pytest.raises(CheckpointError, match=reason):
        reread(tmp_path, run)


@pytest.mark.parametrize("size", [0, 5, 300, 2000])
def test_a_truncated_file_is_told(size: int, vamp: tuple[Run, Snapshots], tmp_path: Path) -> None:
    run, found = vamp
    write_snapshots(found, tmp_path / NAME)
    (tmp_path / NAME).write_bytes((tmp_path / NAME).read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"cannot be used|taken"):
        reread(tmp_path, run)


# ---------------------------------------------------------------- the command


def test_train_stores_them_and_a_damaged_file_breaks_the_checkpoint_with_its_reason(tmp_path: Path, capsys) -> None:
    images = write_images(tmp_path)
    answer(capsys, *train_arguments(images, tmp_path, "model", "--prior", "vamp", "--prior-option", "components=4"))
    answer(
        capsys,
        *train_arguments(
            images, tmp_path, "film", "--prior", "vamp", "--prior-option", "components=4", "--snapshots", "4", "--half"
        ),
    )
    assert not (tmp_path / "model" / NAME).exists() and not load("model", tmp_path).config.train.snapshots
    film = load("film", tmp_path)
    assert NAME in film.config.files and "--snapshots 4" in film.config.command
    found = read_snapshots(tmp_path / "film", film.vae.prior, 12, film.config.data.class_names)
    assert found is not None and 2 <= len(found.taken) <= 4
    kept = next(one for one in found.taken if one.epoch == found.kept)
    assert film.latents is not None
    assert np.array_equal(kept.numbers["mean"].float().numpy(), film.latents.mean), "of the weights that are stored"
    content = bytearray((tmp_path / "film" / NAME).read_bytes())
    content[-1] ^= 1
    (tmp_path / "film" / NAME).write_bytes(content)
    errors = {info.name: info.error for info in list_checkpoints(tmp_path)}
    assert errors == {"model": None, "film": f"{NAME} is damaged: its content is not what was saved"}
    (tmp_path / "film" / NAME).unlink()
    assert {info.error for info in list_checkpoints(tmp_path)} == {None, f"{NAME} is missing"}


@pytest.mark.parametrize("number", ["21", "-1"])
def test_more_than_20_are_refused(number: str, tmp_path: Path, capsys) -> None:
    arguments = train_arguments(write_images(tmp_path), tmp_path, "model", "--snapshots", number)
    assert "snapshots" in complaint(capsys, *arguments)
