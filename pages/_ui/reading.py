"""Links from a page's formulas to what its numbers mean: the page ``reading`` shows the guide of the documentation."""

from __future__ import annotations

import streamlit as st

from core.reading import DIFFERENCES, guide

__all__ = ["DIFFERENCES", "guide", "link"]


def link(*anchors: str) -> None:
    """A line of links, one to the section of each number; a link opens a tab of its own and changes nothing here.

    Args:
        anchors: of numbers in the guide, or ``DIFFERENCES``.

    Raises:
        KeyError: if the guide has no such number.
    """
    try:
        names = {number.anchor: number.name for number in guide().numbers} | {DIFFERENCES: "differences between models"}
    except ValueError as error:
        st.caption(str(error))
        return
    st.markdown("How to read " + ", ".join(f"[{names[anchor]}](reading#{anchor})" for anchor in anchors) + ".")
