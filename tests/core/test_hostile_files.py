"""Real malicious files, handed to everything that reads files: refused, and nothing in them is ever run."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import uploads
from core.checkpoint import load
from core.checkpoint_list import list_checkpoints
from core.datasets import DataError
from core.datasets import load as load_data
from core.embedding_file import read_embedding
from core.errors import CheckpointError
from core.imported import read_latents_file
from core.ladder_file import read_ladder_file
from core.plain_text import is_plain
from core.tensor_file import read_arrays, read_tensors
from tests.core.test_checkpoint import write


class Bomb:
    """Whoever unpickles it makes a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.trace),)


def npz(**members: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return memory.getvalue()


def hostile(trace: Path) -> dict[str, bytes]:
    """Files that run code, where they are read carelessly, by kind."""
    pickled, saved, objects = pickle.dumps(Bomb(trace)), io.BytesIO(), io.BytesIO()
    torch.save(Bomb(trace), saved)
    np.save(objects, np.array([Bomb(trace)] * 40, dtype=object), allow_pickle=True)
    header = json.dumps({"weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return {
        "pickle": pickled,
        "torch.save": saved.getvalue(),
        "npz of objects": npz(images=objects.getvalue(), mean=objects.getvalue(), log_var=objects.getvalue()),
        "npz of a bare pickle": npz(images=pickled, mean=pickled, log_var=pickled),
        "npz with folders in its names": npz(**{"../../images": pickled, "/etc/mean": pickled}),
        "safetensors with a pickle behind": len(header).to_bytes(8, "little") + header + b"\0" * 4 + pickled,
        "safetensors whose header is a pickle": len(pickled).to_bytes(8, "little") + pickled,
    }


KINDS = tuple(hostile(Path("nowhere")))


@pytest.mark.parametrize("kind", KINDS)
def test_no_reader_runs_what_a_file_holds(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIORSCOPE_UPLOADS", str(tmp_path / "uploads"))
    trace = tmp_path / "it-ran"
    content = hostile(trace)[kind]
    file = tmp_path / "hostile.npz"
    file.write_bytes(content)
    for kept in ("images", "latents"):
        with pytest.raises(DataError, match=r"hostile\.npz"):
            uploads.keep("hostile.npz", content, kept)
    with pytest.raises(DataError):
        load_data(f"npz:{file}", root=tmp_path)
    with pytest.raises(DataError):
        read_latents_file(file)
    for read in (read_tensors, read_arrays, read_ladder_file):
        with pytest.raises(CheckpointError):
            read(file)
    with pytest.raises(ValueError, match="cannot be used"):
        read_embedding(file)
    assert not trace.exists() and not list((tmp_path / "uploads").rglob("*.npz"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["model.safetensors", "latents.safetensors", "config.json", "metrics.json"])
def test_no_file_of_a_checkpoint_is_run(kind: str, name: str, tmp_path: Path) -> None:
    trace = tmp_path / "it-ran"
    write(tmp_path / "root" / "model")
    (tmp_path / "root" / "model" / name).write_bytes(hostile(trace)[kind])
    (info,) = list_checkpoints(tmp_path / "root")
    assert info.error and is_plain(info.error.replace("'", "")) and not trace.exists()


def test_the_bomb_goes_off_where_it_is_unpickled(tmp_path: Path) -> None:
    """Else the tests above would show nothing."""
    pickle.loads(hostile(tmp_path / "it-ran")["pickle"])
    assert (tmp_path / "it-ran").exists()


@pytest.mark.parametrize("name", ["../model", "..", "/etc", "root/../model", ".training", "model/../../x", "a\0b", "~"])
def test_no_name_of_a_model_leads_out(name: str, tmp_path: Path) -> None:
    write(tmp_path / "model")
    shutil.copytree(tmp_path / "model", tmp_path / "root" / "inside")
    with pytest.raises(CheckpointError, match="not a checkpoint name"):
        load(name, tmp_path / "root")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../etc/passwd", "/dev/zero", "/dev/random", "/proc/self/mem", "\0"]
)
def test_a_data_set_by_path_is_an_archive_or_nothing(path: str) -> None:
    with pytest.raises(DataError) as refused:
        load_data(f"npz:{path}")
    assert "root:" not in str(refused.value)
