"""Measures are told as they are stored by now, whatever was looked at before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.checkpoint_list import list_checkpoints
from core.metrics_file import read_metrics, write_metrics
from pages._ui import cache, cache_measures, cache_store
from tests.pages.test_pages import words

Open = Callable[..., AppTest]


@pytest.fixture
def alone(zoo: Path, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A folder of checkpoints with one that is not evaluated, and the measures that it is going to have."""
    shutil.copytree(zoo / "standard", tmp_path / "standard")
    found = read_metrics(tmp_path / "standard")
    write_metrics(tmp_path / "standard", {**found, "evaluations": {}})
    (tmp_path / "standard" / "per_image-test.safetensors").unlink()
    return tmp_path, found


@pytest.mark.parametrize("page", ["elbo_surgery", "variational_posterior"])
def test_what_is_measured_while_a_model_is_shown_is_seen(
    open_page: Open, page: str, alone: tuple[Path, dict[str, Any]]
) -> None:
    root, measures = alone
    before = words(open_page(page, root, models="standard"))
    assert "evaluate standard" in before
    write_metrics(root / "standard", measures)
    app = open_page(page, root, warm=True, models="standard")
    assert not app.exception
    assert "evaluate standard" not in words(app) and "ties dimensions together" not in words(app)


def test_the_distance_of_a_new_evaluation_is_taken(
    alone: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, measures = alone
    monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(root))
    cache_store.clear()
    (info,) = list_checkpoints(root)
    counted = cache_measures.distance(info.name, info.digest, 0)
    stored = measures["evaluations"]["test"]["distance"]
    stored["mismatch"]["holes"]["high"] = 0.987
    write_metrics(root / "standard", measures)
    found = cache_measures.distance(info.name, info.digest, 0)
    assert counted is not None and counted.mismatch.holes.high != 0.987 == found.mismatch.holes.high  # type: ignore[union-attr]


def test_another_version_of_a_data_set_is_other_images(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        shutil.copytree(zoo / "standard", tmp_path / name)
    file = tmp_path / "b" / "config.json"
    config = json.loads(file.read_text())
    config["data"]["source"] = "drawn again"
    file.write_text(json.dumps(config))
    monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr("core.gallery.split_images", lambda config, split: (config.data.source, split))
    cache_store.clear()
    found = [cache.split_images(info.name, info.digest) for info in list_checkpoints(tmp_path)]
    cache_store.clear()
    assert found == [("", "test"), ("drawn again", "test")]
