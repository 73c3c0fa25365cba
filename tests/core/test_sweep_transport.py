"""A finished checkpoint on its way: whole or not at all in a folder, and never half of one in a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.checkpoint import digest, load, save
from core.checkpoint_list import list_checkpoints
from core.errors import CheckpointError
from core.sweep_transport import Store, files_of, land
from tests.core.test_checkpoint import METRICS, trained


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "model"
    vae, config = trained("mog")
    save(vae, config, folder, metrics=METRICS)
    return folder


@pytest.fixture
def store() -> Store:
    from fsspec.implementations.memory import MemoryFileSystem

    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    return Store("memory://bucket/models")


def test_files_come_with_the_configuration_last(made: Path) -> None:
    names = list(files_of(made))
    assert names[-1] == "config.json" and set(names) == {path.name for path in made.iterdir()}


def test_a_checkpoint_lands_as_it_was(made: Path, tmp_path: Path) -> None:
    land(files_of(made), tmp_path / "root" / "model")
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["model"]
    assert digest(tmp_path / "root" / "model") == digest(made)
    assert load("model", tmp_path / "root").metrics == load(made).metrics


def damaged(files: dict[str, bytes], what: str) -> dict[str, bytes]:
    files = dict(files)
    if what == "flipped":
        files["model.safetensors"] = files["model.safetensors"][:-1] + bytes([files["model.safetensors"][-1] ^ 1])
    elif what == "cut":
        files["config.json"] = files["config.json"][:-5]
    elif what == "foreign":
        files["../config.json"] = b"{}"
    elif what == "measures":
        files["metrics.json"] = b'{"evaluations": 3}'
    else:
        del files[what]
    return files


@pytest.mark.parametrize("what", ["flipped", "cut", "foreign", "measures", "model.safetensors", "config.json"])
def test_what_comes_damaged_leaves_nothing(what: str, made: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        land(damaged(files_of(made), what), tmp_path / "root" / "model")
    assert list((tmp_path / "root").glob("*")) == [] and not (tmp_path / "config.json").exists()


def test_a_checkpoint_that_is_there_is_not_replaced(made: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(OSError, match="'model' is there by now"):
        land(files_of(made), tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"] and not list((tmp_path / "model").iterdir())


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_store_gives_back_what_it_took(kind: str, made: Path, tmp_path: Path, store: Store) -> None:
    store = store if kind == "memory" else Store(f"file://{tmp_path / 'kept'}")
    store.require_writable()
    assert store.config("model") is None
    store.put("model", files_of(made))
    assert store.read("model") == files_of(made)
    config = store.config("model")
    assert config is not None and config.model.prior.kind == "mog"
    land(store.read("model"), tmp_path / "root" / "model")
    assert load("model", tmp_path / "root").digest == digest(made)


def test_a_folder_as_a_store_is_a_folder_of_checkpoints(made: Path, tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path / 'kept'}")
    store.require_writable()
    store.put("model", files_of(made))
    assert [(info.name, info.error) for info in list_checkpoints(tmp_path / "kept")] == [("model", None)]


@pytest.mark.parametrize("cut", range(3))
def test_a_writing_that_was_cut_short_is_no_checkpoint(cut: int, made: Path, store: Store, monkeypatch) -> None:
    store.put("model", files_of(made))  # of a checkpoint that is replaced, too
    files, pipe, written = type(store._files), store._files.pipe_file, []

    def failing(path: str, content: bytes) -> None:
        if len(written) == cut:
            raise ConnectionResetError("gone")
        written.append(path)
        pipe(path, content)

    monkeypatch.setattr(files, "pipe_file", lambda _, path, content: failing(path, content))
    with pytest.raises(OSError, match=r"memory://bucket/models cannot take model: ConnectionResetError: gone"):
        store.put("model", files_of(made))
    assert len(written) == cut and store.config("model") is None
    monkeypatch.undo()
    store.put("model", files_of(made))
    assert store.config("model") is not None


def test_a_configuration_that_was_cut_short_is_none_and_a_foreign_one_is_refused(made: Path, store: Store) -> None:
    store.put("model", damaged(files_of(made), "cut"))
    assert store.config("model") is None
    store.put("model", {**files_of(made), "config.json": b'{"schema_version": 99}'})
    with pytest.raises(CheckpointError, match="is not of this program's schema"):
        store.config("model")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("bucket/models", "the store is 'bucket/models', expected an address such as s3://bucket/folder"),
        ("nothing://bucket", "nothing://bucket cannot be used: Protocol not known: nothing"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError) as told:
        Store(url)
    assert reason in str(told.value)


def test_a_store_that_cannot_be_written_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot be written"):
        Store(f"file://{tmp_path / 'file' / 'folder'}").require_writable()
