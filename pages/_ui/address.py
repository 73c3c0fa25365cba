"""What the address asks for and the page cannot give: it falls back, and says so.

Streamlit checks every value of a bound widget when the widget is first drawn. A value out of range or of another kind
is replaced by a possible one, or by the default, and taken out of the address, silently. So the address is read before
any widget is drawn and compared with it after all have been.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.datasets.titles import DATASET_TITLES
from core.figures import flow_timing_words
from core.figures.latent_canvas.view import COLOURS
from core.posteriors import POSTERIORS
from core.priors import PRIORS
from pages._ui import browser, components, controls, layout, links

_KEY, _ASKED = "_address", "_asked"
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "points": controls.POINT_KINDS, "view": controls.VIEW_KINDS, "sort": components.SORTS, "tiles": components.TILES,
    "pixels": components.PIXELS, "click": components.CLICKS, "panels": flow_timing_words.SHORT, "colour": COLOURS,
    "sets": browser.CLICKS,
    "timed_flows": flow_timing_words.FLOWS, "waiting": flow_timing_words.FLOWS,
    "inversions": flow_timing_words.METHODS, "t_dataset": DATASET_TITLES, "tour_data": DATASET_TITLES,
    **{key: {name: kind.title for name, kind in PRIORS.items()} for key in ("t_prior", "l_prior")},
    "t_posterior": {name: kind.title for name, kind in POSTERIORS.items()},
}  # fmt: skip
"""By parameter, options whose labels, not their keys, stand in the address."""
MOST_TOLD = 12
"""Values of a parameter that are repeated to the reader."""
LONGEST = 40
"""Characters of a value that are repeated to the reader."""


@dataclass(frozen=True)
class Fallback:
    """One value that could not be used.

    Attributes:
        name: of the parameter.
        asked: what stood in the address.
        shown: what the widget holds instead.
    """

    name: str
    asked: list[str]
    shown: Any


@contextmanager
def watched(page: str, *, followed: bool = False) -> Iterator[None]:
    """Around everything that draws widgets: says above it what the address asked for in vain.

    Args:
        page: name of the page, "" for the first one.
        followed: whether a link chose the model, so that the models in the address are those from before.
    """
    place = st.container()
    last_page, said = st.session_state.get(_KEY, (None, []))
    arrived = last_page != page
    asked = _asked() if arrived else {}
    if followed:
        asked["models"] = list(st.session_state["models"])
    try:
        yield
    finally:
        if links.waiting():  # the page is drawn in the next run, which still has to know
            st.session_state[_ASKED] = asked
            arrived, page = False, last_page
        found = _fallen_back(asked) if arrived else _still_true(said)
        st.session_state[_KEY] = (page, found)
        if found:
            with place:
                st.warning("  \n".join(_sentence(one) for one in found), icon=":material/link_off:")


def _asked() -> dict[str, list[str]]:
    """What stood in the address when the page was opened, without what Streamlit cannot read.

    A number that is infinite as a float stops a widget for whole numbers with an OverflowError, so it is taken out.
    """
    asked = {name: st.query_params.get_all(name) for name in st.query_params} | st.session_state.pop(_ASKED, {})
    endless = [name for name in st.query_params if any(_endless(text) for text in st.query_params.get_all(name))]
    if endless:
        st.session_state[_ASKED] = asked
        for name in endless:
            del st.query_params[name]
        st.rerun()  # a widget's first value is that of the address at the start of a run
    return asked


def _endless(text: str) -> bool:
    try:
        return math.isinf(float(text))
    except ValueError:
        return False


def _fallen_back(asked: Mapping[str, list[str]]) -> list[Fallback]:
    """Parameters whose widgets were drawn and hold something else."""
    found = []
    for name, values in asked.items():
        if name in st.session_state and st.query_params.get_all(name) != values:
            value = st.session_state[name]
            if not same(values, value, _labels(name)):
                found.append(Fallback(name, values, value))
    return found


def _labels(name: str) -> Mapping[str, str]:
    """Of a parameter's options what stands in the address, where that is not the option."""
    return OPTIONS.get(name) or st.session_state.get(controls.TITLES, {}).get(name, {})


def _still_true(found: list[Fallback]) -> list[Fallback]:
    """Until the widget is changed, or gone."""
    return [one for one in found if one.name in st.session_state and st.session_state[one.name] == one.shown]


def same(asked: list[str], value: Any, labels: Mapping[str, str] | None = None) -> bool:
    """Whether the texts of an address mean a widget's value.

    Args:
        asked: values of one parameter.
        value: of the widget.
        labels: of its options, where the address holds these.

    Example:
        >>> same(["5.0"], 5), same(["true"], True), same(["Means"], "means", {"means": "Means"}), same(["-3"], 0)
        (True, True, True, False)
    """
    if isinstance(value, (list, tuple)):
        asked = [text for text in asked if text]  # "panels=" asks for none of them
        return len(asked) == len(value) and all(same([a], v, labels) for a, v in zip(asked, value, strict=True))
    text = asked[-1] if asked else ""
    if value is None or value == "":
        return text == ""
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, (int, float)):
        try:
            return math.isclose(float(text), float(value), rel_tol=1e-9)
        except ValueError:
            return False
    return text == (labels or {}).get(value, str(value))


def _sentence(one: Fallback) -> str:
    asked = ", ".join(value[:LONGEST] + ("…" if len(value) > LONGEST else "") for value in one.asked[:MOST_TOLD])
    return f"The address asks for {layout.code(f'{one.name}={asked}')}: not possible here. Used instead: {_shown(one)}."


def _shown(one: Fallback) -> str:
    """What is used, as its widget calls it."""
    values = list(one.shown) if isinstance(one.shown, (list, tuple)) else [one.shown]
    labels = _labels(one.name)
    told = [layout.code(labels.get(value, f"{value}")) for value in values if value is not None and value != ""]
    return ", ".join(told) or "nothing chosen"
