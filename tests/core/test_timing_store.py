"""Runs that were read once are not read again, until their file is another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core import timing_store
from core.errors import CheckpointError
from core.flow_timing_file import STORE, read_run, save_run
from tests.figures.flow_runs import run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRIORSCOPE_TIMINGS", str(tmp_path))
    return tmp_path


def test_a_file_is_read_once_and_again_when_it_changes() -> None:
    file = save_run(run())
    first = read_run(file)
    assert first == run() and read_run(file) is first
    STORE.write(file, run((2, 8)))
    assert read_run(file) == run((2, 8))
    told = file.stat()
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns + 1))
    assert read_run(file) == run((2, 8))
    file.write_text(file.read_text()[:-40])
    with pytest.raises(CheckpointError):
        read_run(file)


def test_a_file_that_is_gone_is_a_reason() -> None:
    file = save_run(run())
    read_run(file)
    file.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_run(file)


def test_what_is_kept_in_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing_store, "MAX_KNOWN", 2)
    monkeypatch.setattr(STORE, "_known", {})
    files = [save_run(run((dim,))) for dim in (2, 3, 4, 5)]
    assert [read_run(file).settings.dims for file in files] == [(2,), (3,), (4,), (5,)]
    assert len(STORE._known) <= 2
