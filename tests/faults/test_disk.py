"""Disks that are full or read-only: what was there stays whole, nothing unfinished is left, and the reason is said."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from core.checkpoint import load, recover, write_metrics
from core.checkpoint_list import list_checkpoints
from core.embedding_file import write_embedding
from core.ladder_file import read_ladder_file, write_ladder
from core.progress import write_json
from core.records import Embedding
from core.replacing import MACHINE, delete_orphans, replacing
from tests.core.commands import answer, train_arguments, write_images
from tests.core.runs import assert_same, make_run, stop_after
from tests.core.test_checkpoint import write

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def room(size: int) -> Iterator[None]:
    """No file may become larger than this: the system refuses the write that would make it so, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("size", [0, 1, 100, 700, 1500])
def test_a_checkpoint_that_does_not_fit_leaves_the_old_one_and_no_litter(size: int, tmp_path: Path) -> None:
    write(tmp_path / "model", "mog")
    before = content(tmp_path)
    with room(size), pytest.raises(OSError, match=r"written|large"):
        write(tmp_path / "model", "vamp", replace=True)
    assert content(tmp_path) == before and [path.name for path in tmp_path.iterdir()] == ["model"]
    assert [(info.name, info.error, info.prior) for info in list_checkpoints(tmp_path)] == [("model", None, "mog")]


@pytest.mark.parametrize("step", ["mkdir", "rename"])
def test_a_folder_that_cannot_be_made_or_renamed_leaves_the_old_one(step: str, tmp_path: Path, monkeypatch) -> None:
    write(tmp_path / "model", "mog")
    real = getattr(Path, step)

    def refuse(self: Path, *arguments: object, **options: object) -> object:
        if self.name.startswith(f".tmp-{os.getpid()}"):
            raise OSError(28, "No space left on device")
        return real(self, *arguments, **options)

    monkeypatch.setattr(Path, step, refuse)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "model", "vamp", replace=True)
    monkeypatch.undo()
    assert load("model", tmp_path).config.model.prior.kind == "mog"
    recover(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_disk_that_fails_at_the_last_moment(tmp_path: Path, monkeypatch) -> None:
    """The bytes are accepted and cannot be stored: fsync is what tells."""
    write(tmp_path / "model", "mog")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "model", "vamp", replace=True)
    assert load("model", tmp_path).config.model.prior.kind == "mog"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("size", [0, 500])
def test_a_state_that_does_not_fit_leaves_the_last_one_and_the_run_goes_on_from_it(size: int, tmp_path: Path) -> None:
    whole = make_run(tmp_path / "whole")
    whole.train()
    stopped = make_run(tmp_path / "state")
    stopped.train(stop_after(stopped, 2))
    before = content(tmp_path)
    full = make_run(tmp_path / "state")
    with room(size), pytest.raises(OSError, match="cannot be written"):
        full.train()
    assert content(tmp_path) == before
    again = make_run(tmp_path / "state")
    again.train()
    assert_same(again, whole)


def test_the_command_line_says_it_in_a_line(tmp_path: Path, capsys) -> None:
    images = write_images(tmp_path)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000));"
        "from core.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, *train_arguments(images, tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    last = ended.stderr.splitlines()[-1]
    assert ended.returncode == 1 and last.startswith("error: ") and "cannot be written" in last, ended.stderr
    assert "Traceback" not in ended.stderr and not (tmp_path / "model").exists()
    assert not list(tmp_path.rglob(".tmp-*"))
    answer(capsys, *train_arguments(images, tmp_path))
    assert load("model", tmp_path).name == "model"


@pytest.mark.parametrize("kind", ["metrics", "ladder", "json"])
def test_small_files_are_replaced_whole_or_not_at_all(kind: str, whole: Path, tmp_path: Path) -> None:
    ladder = read_ladder_file(whole / "vamp" / "ladder.json")
    writers: dict[str, Callable[[], None]] = {
        "metrics": lambda: write_metrics(tmp_path, {"x": "y" * 20_000}),
        "ladder": lambda: write_ladder(tmp_path / "ladder.json", ladder),
        "json": lambda: write_json(tmp_path / "job.json", {"x": "y" * 20_000}),
    }
    name = {"metrics": "metrics.json", "ladder": "ladder.json", "json": "job.json"}[kind]
    (tmp_path / name).write_text("before")
    with room(300), pytest.raises(OSError, match="large"):
        writers[kind]()
    assert content(tmp_path) == {name: b"before"}
    writers[kind]()
    assert len(content(tmp_path)[name]) > 300 and len(list(tmp_path.iterdir())) == 1


def test_a_map_that_does_not_fit_is_an_error_of_the_system(tmp_path: Path) -> None:
    places = np.zeros((20, 2), np.float32)
    made = Embedding(places, places, places, places, np.arange(20), 5.0, 5.0, 0, 0.1, 0.9, "a method", 1.0)
    with room(100), pytest.raises(OSError, match="cannot be written"):
        write_embedding(made, tmp_path / "map")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_was_writing_is_cleared_away_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    write(tmp_path / "model")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    states = tmp_path / ".training"
    states.mkdir()
    for folder in (states, tmp_path / "model"):
        for pid in (process.pid, os.getpid()):
            (folder / f".tmp-{pid}-{MACHINE}-1-metrics.json").write_text("half")
    (states / "model.safetensors").write_text("kept")
    recover(tmp_path)
    left = [name for name in content(tmp_path) if ".tmp-" in name]
    mine = f".tmp-{os.getpid()}-{MACHINE}-1-metrics.json"
    assert sorted(left) == [f".training/{mine}", f"model/{mine}"]
    assert (states / "model.safetensors").exists() and load("model", tmp_path).name == "model"
    delete_orphans(tmp_path / "nowhere")


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("before")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "file") as fresh:
        fresh.write_text("half")
        raise KeyboardInterrupt
    assert content(tmp_path) == {"file": b"before"}


def test_a_read_only_folder_is_said_in_a_line(tmp_path: Path, monkeypatch, capsys) -> None:
    images = write_images(tmp_path)
    write(tmp_path / "there")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "mkdir", refuse)
    from core.cli import main

    assert main(train_arguments(images, tmp_path)) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1].startswith("error: ") and "Read-only file system" in said.err
    assert "Traceback" not in said.err and [info.error for info in list_checkpoints(tmp_path)] == [None]


def test_a_file_that_is_cut_short_while_it_is_used_does_not_end_the_process(whole: Path, tmp_path: Path) -> None:
    """``cp other model.safetensors`` writes in place: what was mapped into memory would be gone under our feet."""
    shutil.copytree(whole / "vamp", tmp_path / "vamp")
    code = (
        "import os, sys; from pathlib import Path; from core.checkpoint import load; import core.snapshots_file as s\n"
        "folder = Path(sys.argv[1]); loaded = load(folder)\n"
        "taken = s.read_snapshots(folder, loaded.vae.prior, 16, loaded.config.data.class_names).taken\n"
        "for file in folder.iterdir(): os.truncate(file, 1)\n"
        "print(sum(float(v.sum()) for one in taken for v in one.numbers.values()) + loaded.vae.prior.sample(9).sum())\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "vamp")], cwd=ROOT, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()
