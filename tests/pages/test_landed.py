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


def test_the_first_model_that_lands_is_chosen_where_nothing_could_be(
    zoo: Path, tmp_path: Path, open_page: Callable[..., AppTest]
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    app = open_page("model_card", root)
    assert offered(app) == [] and "no trained models yet" in app.info[0].value
    land(files_of(zoo / "iaf"), root / "iaf")
    assert offered(app.run()) == ["iaf"] and app.multiselect(key="models").value == ["iaf"]
    app.multiselect(key="models").set_value([]).run()
    assert "Choose a model" in app.info[0].value, "whoever chooses none has none"


def watching() -> None:
    import streamlit as st

    from pages._ui import changes, drawn, layout

    drawn.start("Results")
    names = [info.name for info in layout.listed()]
    st.markdown(", ".join(names))
    st.session_state["between"](names)
    changes.watch()


def test_a_page_that_watches_is_drawn_again_when_something_lands(
    zoo: Path, tmp_path: Path, open_page: Callable[..., AppTest]
) -> None:
    root, seen = tmp_path / "root", []
    shutil.copytree(zoo / "vamp", root / "vamp")
    open_page("results", root)  # sets the folder

    def between(names: list[str]) -> None:
        seen.append(names)
        if len(seen) == 2:
            land(files_of(zoo / "iaf"), root / "iaf")

    app = AppTest.from_function(watching, default_timeout=60)
    app.session_state["between"] = between
    assert app.run().markdown[0].value == "vamp" and len(seen) == 1, "nothing came, so nothing was drawn again"
    assert app.run().markdown[0].value == "iaf, vamp" and seen[1:] == [["vamp"], ["iaf", "vamp"]]
