"""AppTest on the shell, over a folder of small checkpoints of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import jobs
from core.priors import PRIORS
from tests.pages.zoo import climbed, imported, tiny_data, trained

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One checkpoint of each prior and of each unusual kind, and two broken ones."""
    root = tmp_path_factory.mktemp("checkpoints")
    data = tiny_data()
    for prior in PRIORS:
        trained(root, prior, prior, data)
    trained(root, "grey", "vamp", tiny_data("freyfaces", "logistic"))
    trained(root, "unlabelled", "standard", tiny_data("npz:own.npz", labels=False))
    trained(root, "unevaluated", "mog", data, evaluated=False)
    trained(root, "no-latents", "standard", data, latents=False)
    trained(root, "three-d", "standard", data, dim=3)
    trained(root, "three-d-maf", "maf", data, dim=3)
    trained(root, "three-d-gaussian", "gaussian", data, dim=3)
    trained(root, "one-d", "standard", data, dim=1)
    trained(root, "recorded", "vamp", data, snapshots=20)
    trained(root, "recorded-maf", "maf", data, snapshots=20)
    trained(root, "posterior-iaf", "standard", data, posterior="iaf")
    trained(root, "posterior-realnvp", "mog", data, posterior="realnvp")
    trained(root, "posterior-three-d", "standard", data, dim=3, posterior="iaf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.metrics.flow_surgery.MOST", 39)
        trained(root, "posterior-many", "standard", data, posterior="iaf")
    imported(root, "latents", "standard")
    imported(root, "latents-mog", "mog")
    imported(root, "latents-three-d", "gaussian", dim=3)
    imported(root, "latents-pictures", "mog", pictures=True)
    climbed(root, "standard", data)
    (trained(root, "broken-config", "standard", data) / "config.json").write_text("{}")
    weights = trained(root, "broken-weights", "standard", data) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    return root


@pytest.fixture
def open_page(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open a page by name, with query parameters, as a deep link would; ``root`` is another folder of checkpoints."""

    def opened(page: str, root: Path | None = None, **query: str) -> AppTest:
        monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(root or zoo))
        monkeypatch.setenv("PRIORSCOPE_JOBS", str(zoo / ".jobs"))
        st.cache_data.clear()
        app = AppTest.from_file(str(ROOT / "pages" / "_shell.py"), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        if page != "home":
            app.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
        return app

    return opened


@pytest.fixture
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No model, no job, no upload."""
    for name in ("CHECKPOINTS", "JOBS", "UPLOADS"):
        monkeypatch.setenv(f"PRIORSCOPE_{name}", str(tmp_path / name.lower()))
    return tmp_path


@pytest.fixture
def open_own(own_place: Path) -> Callable[..., AppTest]:
    def opened(page: str = "train", **query: str) -> AppTest:
        st.cache_data.clear()
        app = AppTest.from_file(str(ROOT / "pages" / "_shell.py"), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        return app.switch_page(str(ROOT / "pages" / f"{page}.py")).run()

    return opened


@pytest.fixture
def submitted_jobs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been started."""
    found: list[list[str]] = []

    def submit(arguments: list[str]) -> str:
        found.append(list(arguments))
        return jobs.job_id(arguments)

    monkeypatch.setattr("core.jobs.submit", submit)
    return found
