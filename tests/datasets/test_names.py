"""Names, roots and seeds of data sets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.datasets import DATASETS, DataError, Request, data_root, load


def test_registry_order_and_laziness() -> None:
    names = ["digits", "mnist", "fashion_mnist", "omniglot", "caltech101_silhouettes", "freyfaces"]
    assert list(DATASETS)[: len(names)] == names, "smallest first; new ones come behind"
    assert DATASETS["digits"](Request(root=Path())).name == "digits"
    code = "import sys, core.datasets; print([m for m in ('torchvision', 'sklearn', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", "importing the package must not import what single loaders need"


@pytest.mark.parametrize("name", ["minst", "", "MNIST", "npz", "NPZ:a.npz"])
def test_unknown_name_lists_the_known(name: str) -> None:
    with pytest.raises(DataError) as caught:
        load(name)
    assert all(known in str(caught.value) for known in (*DATASETS, "npz:PATH", repr(name)))


@pytest.mark.parametrize("seed", [-1, 2**63, True])
def test_bad_seeds(seed: int) -> None:
    with pytest.raises(DataError, match="seed is"):
        load("digits", seed=seed)


def test_data_root_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("PRIORSCOPE_DATA", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert data_root() == Path("/home/someone/.cache/priorscope")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert data_root() == Path("/home/someone/.cache/priorscope"), "the specification has it ignored"
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert data_root() == Path("/cache/priorscope")
    monkeypatch.setenv("PRIORSCOPE_DATA", "~/data")
    assert data_root() == Path("/home/someone/data")
    assert data_root("given") == Path("given")
    monkeypatch.setenv("PRIORSCOPE_DATA", "")
    assert data_root() == Path("/cache/priorscope"), "empty is unset"
    for bad in ("a\0b", "~no-such-user-here/data"):
        with pytest.raises(DataError):
            data_root(bad)
