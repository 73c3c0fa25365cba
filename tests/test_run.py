"""The run itself: what holds in one process holds in several, and a skip is a failure where none is wanted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from jaxtyping import TypeCheckError

from core.priors.standard import StandardOptions, StandardPrior
from tests.conftest import pytest_collection_modifyitems, together

HERE = Path(__file__).resolve().parent


def test_shapes_are_checked_in_this_process() -> None:
    with pytest.raises(TypeCheckError):
        StandardPrior(2, StandardOptions()).log_prob(torch.zeros(3))


def test_this_process_takes_one_core() -> None:
    assert torch.get_num_threads() == int(os.environ["OMP_NUM_THREADS"])


def test_a_file_stays_in_one_process_and_the_functions_of_a_page_need_not() -> None:
    assert together("tests/core/test_a.py::test_b[1]") == together("tests/core/test_a.py::test_c")
    assert together("tests/e2e/test_a.py::test_b") == together("tests/e2e/test_c.py::test_d[x]")
    assert together("tests/pages/test_a.py::test_b[1]") == together("tests/pages/test_a.py::test_b[2::x]")
    assert together("tests/pages/test_a.py::test_b[1]") != together("tests/pages/test_a.py::test_c[1]")


def test_what_takes_longest_comes_first_in_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        "core/a.py",
        "tests/core/test_a.py",
        "tests/pages/test_a.py",
        "tests/pages/test_pages.py",
        "tests/e2e/test_a.py",
    ]
    for variable, expected in (("gw0", [4, 3, 2, 0, 1]), ("", [0, 1, 2, 3, 4])):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", variable)
        items = [SimpleNamespace(nodeid=f"{file}::test_b") for file in files]
        pytest_collection_modifyitems(items)  # type: ignore[arg-type]
        assert [files.index(item.nodeid.partition("::")[0]) for item in items] == expected


@pytest.mark.parametrize("processes", ["0", "2"])
@pytest.mark.parametrize(("no_skip", "status"), [("", 0), ("1", 1)])
def test_a_skip_is_a_failure_where_none_is_wanted(tmp_path: Path, processes: str, no_skip: str, status: int) -> None:
    (tmp_path / "conftest.py").write_text((HERE / "conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_one(): pass\ndef test_two(): pytest.skip('no such file')\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", processes, "-p", "no:cacheprovider", "-c", os.devnull, "."],
        cwd=tmp_path, env={**os.environ, "PRIORSCOPE_NO_SKIP": no_skip}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == status, run.stdout + run.stderr
    assert "1 passed, 1 skipped" in run.stdout
    assert ("no such file" in run.stdout) == bool(no_skip)
