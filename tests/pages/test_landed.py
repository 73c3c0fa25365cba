"""A model that a sweep brings while a page is shown can be chosen when the page is drawn again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.sweep_transport import files_of, land


def offered(app: AppTest) -> list[str]:
    assert not app.exception
    return app.multiselect(key="models").options


def test_what_lands_can_be_chosen_without_a_new_start(
    zoo: Path, tmp_path: Path, open_page: Callable[..., AppTest]
) -> None:
    root = tmp_path / "root"
    shutil.copytree(zoo / "vamp", root / "vamp")
    app = open_page("model_card", root)
    assert offered(app) == ["vamp"]
    land(files_of(zoo / "iaf"), root / "iaf")
    assert offered(app.run()) == ["iaf", "vamp"]
