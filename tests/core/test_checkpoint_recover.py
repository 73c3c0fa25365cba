"""Killed and concurrent writers: readers change nothing on the disk, and what was there before is never lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.checkpoint import load, recover
from core.checkpoint_folders import place_of
from core.checkpoint_list import list_checkpoints
from core.errors import CheckpointError
from core.replacing import MACHINE
from tests.core.test_checkpoint import write

OLD = ".tmp-old-model"


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def killed(root: Path, pid: int, machine: str = MACHINE) -> None:
    """What a process leaves that was killed between the two renames of a replacement."""
    write(root / "model")
    (root / "model").rename(root / OLD)
    shutil.copytree(root / OLD, root / f".tmp-{pid}-{machine}-model")


def content(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()}


@pytest.mark.parametrize("reader", ["load", "list"])
def test_a_checkpoint_between_two_renames_is_read_where_it_is(reader: str, tmp_path: Path, dead: int) -> None:
    killed(tmp_path, dead)
    before = content(tmp_path)
    found = load("model", tmp_path) if reader == "load" else list_checkpoints(tmp_path)[0]
    assert found.name == "model" and getattr(found, "error", None) is None
    assert content(tmp_path) == before == {OLD, f".tmp-{dead}-{MACHINE}-model"}, "a reader changes nothing"


def test_readers_need_no_right_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: int) -> None:
    killed(tmp_path, dead)
    write(tmp_path / "other")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    for name in ("rename", "replace", "unlink", "rmdir", "mkdir"):
        monkeypatch.setattr(Path, name, refuse)
    monkeypatch.setattr(shutil, "rmtree", refuse)
    assert [(info.name, info.error) for info in list_checkpoints(tmp_path)] == [("model", None), ("other", None)]
    assert load("model", tmp_path).name == "model"


def test_recovering_a_root_that_cannot_be_changed_is_no_error(tmp_path: Path, monkeypatch, dead: int) -> None:
    killed(tmp_path, dead)

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "rename", refuse)
    recover(tmp_path)
    assert load("model", tmp_path).name == "model"


def test_the_newer_one_is_read_where_both_are_there(tmp_path: Path) -> None:
    write(tmp_path / "model", "mog")
    (tmp_path / "model").rename(tmp_path / OLD)
    shutil.copytree(tmp_path / OLD, tmp_path / "model")
    assert place_of(tmp_path / "model") == tmp_path / "model"
    assert [info.name for info in list_checkpoints(tmp_path)] == ["model"]


def test_recovery_gives_the_name_back_and_clears_up(tmp_path: Path, dead: int) -> None:
    killed(tmp_path, dead)
    (tmp_path / ".training").mkdir()
    (tmp_path / f".tmp-{10**30}-{MACHINE}-other").mkdir()
    recover(tmp_path)
    assert content(tmp_path) == {"model", ".training"} and load("model", tmp_path).name == "model"
    recover(tmp_path / "nowhere")


def test_recovery_removes_an_old_one_whose_replacement_is_there(tmp_path: Path) -> None:
    write(tmp_path / "model", "vamp")
    (tmp_path / OLD).mkdir()
    recover(tmp_path)
    assert content(tmp_path) == {"model"} and load("model", tmp_path).config.model.prior.kind == "vamp"


def test_recovery_leaves_a_living_writer_alone(tmp_path: Path) -> None:
    killed(tmp_path, os.getpid())
    before = content(tmp_path)
    recover(tmp_path)
    assert content(tmp_path) == before


def test_recovery_leaves_what_another_machine_writes_alone(tmp_path: Path, dead: int) -> None:
    """A folder may be shared: that no process has this number here says nothing of there."""
    killed(tmp_path, dead, machine="0" * 8)
    for folder in (tmp_path, tmp_path / OLD):
        (folder / f".tmp-{dead}-{'0' * 8}-1-metrics.json").write_text("half")
    before = {path.relative_to(tmp_path) for path in tmp_path.rglob("*")}
    recover(tmp_path)
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*")} == before
    assert load("model", tmp_path).name == "model", "it is read where it is meanwhile"


def test_recovery_uses_the_root_of_the_environment(tmp_path: Path, monkeypatch, dead: int) -> None:
    killed(tmp_path, dead)
    monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(tmp_path))
    recover()
    assert content(tmp_path) == {"model"}


def test_saving_recovers_its_own_name_only(tmp_path: Path, dead: int) -> None:
    killed(tmp_path, dead)
    for name in (f".tmp-{dead}-{MACHINE}-other", ".tmp-old-other"):
        (tmp_path / name).mkdir()
    with pytest.raises(CheckpointError, match="already there"):
        write(tmp_path / "model", "vamp")
    assert content(tmp_path) == {"model", f".tmp-{dead}-{MACHINE}-other", ".tmp-old-other"}
    write(tmp_path / "model", "vamp", replace=True)
    assert load("model", tmp_path).config.model.prior.kind == "vamp"


def test_listing_while_a_checkpoint_is_replaced_disturbs_nobody(tmp_path: Path, monkeypatch) -> None:
    write(tmp_path / "model", "mog")
    rename, seen = Path.rename, []

    def rename_and_list(self: Path, target: Path) -> Path:
        done = rename(self, target)
        seen.append([(info.name, info.error, info.prior) for info in list_checkpoints(tmp_path)])
        recover(tmp_path)  # as `python -m core list` does in another process
        return done

    monkeypatch.setattr(Path, "rename", rename_and_list)
    write(tmp_path / "model", "vamp", replace=True)
    assert seen == [[("model", None, "mog")], [("model", None, "vamp")]]
    assert content(tmp_path) == {"model"}


@pytest.mark.parametrize("module", ["core.checkpoint_list", "core.checkpoint"])
def test_a_folder_that_moves_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch, module: str) -> None:
    """Between its two renames a replaced folder has another name: before its files are looked at, or after."""
    write(tmp_path / "model", "mog")
    moved = []

    def place_then_move(path: Path) -> Path:
        place = place_of(path)
        if not moved:
            moved.append(path.rename(tmp_path / OLD))
        return place

    monkeypatch.setattr(f"{module}.place_of", place_then_move)
    assert [(info.name, info.error) for info in list_checkpoints(tmp_path)] == [("model", None)] and moved


def test_what_is_read_while_another_takes_its_place_does_not_count(tmp_path: Path, monkeypatch) -> None:
    """It may be whole, and is yet what is not there any more, or a bit of both."""
    write(tmp_path / "model", "mog")
    write(tmp_path / "other", "vamp")

    def load_then_replace(path: Path) -> object:
        found = load(path)
        if (tmp_path / "other").exists() and path.name == "model":
            shutil.rmtree(tmp_path / "model")
            (tmp_path / "other").rename(tmp_path / "model")
        return found

    monkeypatch.setattr("core.checkpoint_list.load", load_then_replace)
    found = {info.name: info.prior for info in list_checkpoints(tmp_path)}
    assert found["model"] == "vamp"
