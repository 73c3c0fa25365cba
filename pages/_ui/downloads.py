"""Keeping a figure: its numbers as CSV, the picture as PNG or SVG."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import streamlit as st

from pages._ui import drawn

IMAGE_FORMATS = ("png", "svg")


def chart_config(name: str, *, selecting: bool = False) -> dict[str, Any]:
    """Settings of a chart's tool bar; the camera saves in the format chosen in the sidebar.

    Args:
        name: of the saved file, without ending.
        selecting: whether box and lasso are offered.
    """
    unused = ["zoomIn2d", "zoomOut2d", "autoScale2d"] + ([] if selecting else ["select2d", "lasso2d"])
    image = {"format": st.session_state.get("image_format") or IMAGE_FORMATS[0], "filename": name, "scale": 2}
    return {"displaylogo": False, "modeBarButtonsToRemove": unused, "toImageButtonOptions": image}


def keep(tables: dict[str, Callable[[], str]], name: str) -> None:
    """A button for each table, which is written only when it is asked for.

    Args:
        tables: what to call each, and what writes it.
        name: of the files, without ending.
    """
    drawn.keep_tables(tables)
    with st.container(horizontal=True) if len(tables) > 1 else nullcontext():
        for label, write in tables.items():
            file = f"{name}-{label.lower().replace(' ', '-')}.csv"
            st.download_button(
                f"{label} (CSV)", write, file, "text/csv", key=f"csv-{file}", on_click="ignore",
                icon=":material/download:", type="tertiary",
            )  # fmt: skip


def image_format() -> None:
    """The format in which the camera above a chart saves it; one for all charts."""
    st.segmented_control(
        "Camera saves", IMAGE_FORMATS, default=IMAGE_FORMATS[0], format_func=str.upper, required=True,
        key="image_format", help="The camera in the tool bar of a chart saves the picture as it is shown.",
    )  # fmt: skip
