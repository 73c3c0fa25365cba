"""Figures go to the browser without plotly's checks (core.figures.drawing): the tests make them, for every figure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import plotly.graph_objects as go
import pytest

from core.figures import drawing


@pytest.fixture(autouse=True, scope="session")
def figures_are_what_plotly_makes() -> Iterator[None]:
    """Every figure that a test makes is checked by plotly, and sent as plotly would send it."""

    def look(made: drawing.Drawing, traces: Any, layout: Any, frames: Any) -> None:
        checked = go.Figure(list(traces), dict(layout), frames=list(frames) or None)
        assert not differences(json.loads(str(made.to_json())), json.loads(str(checked.to_json())))

    drawing.inspectors.append(look)
    yield
    drawing.inspectors.remove(look)


def differences(ours: Any, theirs: Any, place: str = "") -> list[str]:
    """Where two figures differ, as JSON has them; what is empty may as well be left out."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted(ours.keys() | theirs.keys())
        return [line for key in keys for line in differences(ours.get(key), theirs.get(key), f"{place}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [line for k, (one, other) in pairs for line in differences(one, other, f"{place}[{k}]")]
    if isinstance(ours, dict) and theirs is None:
        return [line for key in ours for line in differences(ours[key], None, f"{place}.{key}")]
    return (
        []
        if ours == theirs or (ours == [] and theirs is None)
        else [f"{place}: {str(ours)[:80]} instead of {str(theirs)[:80]}"]
    )
