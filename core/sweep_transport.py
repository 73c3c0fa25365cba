"""A finished checkpoint as bytes: read where it was trained, written whole where it belongs."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.checkpoint import read_config
from core.checkpoint_content import require_files, require_same_content
from core.config import RunConfig
from core.errors import CheckpointError
from core.metrics_file import read_metrics
from core.replacing import deleted_on_failure, fresh_name, sync

CONFIG = "config.json"
FILE = re.compile(r"[a-z0-9_]+(-[a-z0-9_]+)?\.(safetensors|json)")
"""Names that files of a checkpoint have: nothing else is taken over."""


def files_of(folder: Path) -> dict[str, bytes]:
    """The files of a checkpoint in the order of writing: without its configuration, which comes last, it is none."""
    names = sorted(path.name for path in folder.iterdir() if FILE.fullmatch(path.name))
    return {name: (folder / name).read_bytes() for name in sorted(names, key=lambda name: name == CONFIG)}


def land(files: dict[str, bytes], path: Path) -> None:
    """Write a checkpoint folder, whole or not at all; what came is compared with the hashes in its configuration.

    Args:
        files: as ``files_of`` gives them.
        path: the folder, which must not be there.

    Raises:
        CheckpointError: what came is damaged or no checkpoint.
        OSError: it cannot be written, or a checkpoint of that name is there by now.
    """
    if odd := next((name for name in files if not FILE.fullmatch(name)), None):
        raise CheckpointError(f"{odd[:80]!r} is no file of a checkpoint")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.parent / fresh_name(path.name)
    shutil.rmtree(fresh, ignore_errors=True)
    with deleted_on_failure(fresh):
        fresh.mkdir()
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        require_files(fresh)
        require_same_content(fresh, read_config(fresh))
        read_metrics(fresh)
        for file in fresh.iterdir():
            sync(file)
        if path.exists():  # renaming would replace an empty folder
            raise OSError(f"checkpoint {path.name!r} is there by now; what came is not put in its place")
        fresh.rename(path)


class Store:
    """Checkpoints in an object store, or in whatever else fsspec writes to.

    Files are written one by one, so a checkpoint whose writing was cut short has no configuration yet: it is not there
    for ``config`` and ``read``, and is written again.

    Args:
        url: such as ``s3://bucket/folder``.

    Raises:
        ValueError: fsspec, or what it needs for this kind of address, is not installed; or it is no address.
    """

    def __init__(self, url: str) -> None:
        if "://" not in url:
            raise ValueError(
                f"the store is {url!r}, expected an address such as s3://bucket/folder; a folder is --root"
            )
        try:
            from fsspec.core import url_to_fs

            self._files, self._base = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise ValueError(f"{url} cannot be used: {error}. pip install -r requirements-sweep.txt") from error
        self.url = url

    def require_writable(self) -> None:
        """Write a small file and delete it again: better now than after the first training.

        Raises:
            OSError: with the reason.
        """
        probe = f"{self._base}/.priorscope-{os.getpid()}"
        with self._told("cannot be written"):
            self._files.makedirs(self._base, exist_ok=True)
            self._files.pipe_file(probe, b"writable")
            self._files.rm_file(probe)

    def put(self, name: str, files: dict[str, bytes]) -> None:
        """Write a checkpoint, its configuration last.

        Args:
            name: of the checkpoint.
            files: as ``files_of`` gives them.

        Raises:
            OSError: with the reason.
        """
        with self._told(f"cannot take {name}"):
            self._files.makedirs(f"{self._base}/{name}", exist_ok=True)
            if self._files.exists(f"{self._base}/{name}/{CONFIG}"):
                self._files.rm_file(f"{self._base}/{name}/{CONFIG}")
            for file, content in sorted(files.items(), key=lambda item: item[0] == CONFIG):
                self._files.pipe_file(f"{self._base}/{name}/{file}", content)

    def read(self, name: str) -> dict[str, bytes]:
        """The files of a checkpoint that is there, as ``files_of`` gives them.

        Raises:
            OSError: with the reason.
        """
        with self._told(f"cannot give {name}"):
            self._files.invalidate_cache()
            paths = self._files.ls(f"{self._base}/{name}", detail=False)
            names = [file for path in paths if FILE.fullmatch(file := str(path).rpartition("/")[2])]
            names.sort(key=lambda file: file == CONFIG)
            return {file: self._files.cat_file(f"{self._base}/{name}/{file}") for file in names}

    def config(self, name: str) -> RunConfig | None:
        """The configuration of a checkpoint; None where it is not there, or not whole.

        Raises:
            CheckpointError: there is one that this program cannot read.
            OSError: with the reason.
        """
        with self._told(f"cannot give {name}"):
            try:
                content = self._files.cat_file(f"{self._base}/{name}/{CONFIG}")
            except FileNotFoundError:
                return None
        try:
            json.loads(content)
        except ValueError:  # cut short
            return None
        try:
            return RunConfig.model_validate_json(content)
        except ValueError as error:
            raise CheckpointError(f"{self.url}/{name}/{CONFIG} is not of this program's schema") from error

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Whatever a store's own library raises, and these raise anything, becomes an OSError with the address."""
        try:
            yield
        except Exception as error:
            raise OSError(f"{self.url} {what}: {type(error).__name__}: {error}") from error
