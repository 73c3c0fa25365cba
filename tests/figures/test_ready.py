"""Figures that are kept: the same message as a figure that was just built, found by content, forgotten when many."""

from __future__ import annotations

import dataclasses
import json
from functools import partial

import numpy as np
import plotly.io
import pytest
from plotly.io.json import to_json_plotly

from core.figures import density_panels, layers
from core.figures import ready as module
from core.figures.drawing import Drawing, drawing
from core.figures.kept import Kept
from core.figures.ready import ready

BUILT: list[str] = []


@dataclasses.dataclass(frozen=True)
class Pair:
    x: np.ndarray
    name: str


def line(pair: Pair, *, width: int = 1, words: tuple[str, ...] = ()) -> Drawing:
    BUILT.append(pair.name)
    return drawing([{"type": "scatter", "x": pair.x, "y": pair.x, "name": pair.name, "line": {"width": width},
                     "text": words}])  # fmt: skip


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    BUILT.clear()
    monkeypatch.setattr(module, "_kept", Kept(module._kept.most_bytes))


def test_what_is_sent_is_what_the_builder_makes(two_hills, standard) -> None:
    made, kept = density_panels(two_hills, standard, lattice=5), ready(density_panels, two_hills, standard, lattice=5)
    for _ in range(2):
        assert json.loads(plotly.io.to_json(kept)) == json.loads(made.to_json())
        kept = ready(density_panels, two_hills, standard, lattice=5)
    marks = layers.marks((0.5, -1.0), [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)], 3)
    over = ready(density_panels, two_hills, standard, lattice=5, over=marks)
    more = drawing(marks).to_dict()["data"]
    assert over.to_dict() == made.to_dict() | {"data": [*made.to_dict()["data"], *more]} and len(more) == len(marks)
    assert kept.to_dict() == made.to_dict() != over.to_dict()  # the kept one has no marks


def test_another_layout_leaves_the_kept_figure_as_it_is(two_hills, standard) -> None:
    kept, plain = ready(density_panels, two_hills, standard), density_panels(two_hills, standard)
    before = json.loads(plotly.io.to_json(kept))
    for figure in (kept, plain):
        changed = json.loads(plotly.io.to_json(module.with_layout(figure, dragmode=False)))
        assert changed["layout"].pop("dragmode") is False
        assert changed == before | {"layout": {k: v for k, v in before["layout"].items() if k != "dragmode"}}
    assert json.loads(plotly.io.to_json(kept)) == before == json.loads(plain.to_json())


def test_it_is_found_by_content() -> None:
    first = ready(line, Pair(np.arange(3.0), "a"))
    assert ready(line, Pair(np.arange(3.0), "a")).to_dict() is first.to_dict() and BUILT == ["a"]
    assert (
        ready(partial(line, width=2), Pair(np.arange(3.0), "a")).to_dict()
        is ready(line, Pair(np.arange(3.0), "a"), width=2).to_dict()
    )


@pytest.mark.parametrize(
    "other",
    [
        lambda: ready(line, Pair(np.arange(4.0), "a")),
        lambda: ready(line, Pair(np.arange(3.0, dtype=np.float32), "a")),
        lambda: ready(line, Pair(np.arange(3.0)[::-1], "a")),
        lambda: ready(line, Pair(np.arange(3.0), "b")),
        lambda: ready(line, Pair(np.arange(3.0), "a"), width=2),
        lambda: ready(line, Pair(np.arange(3.0), "a"), words=("u", "v")),
        lambda: ready(partial(line, width=3), Pair(np.arange(3.0), "a")),
    ],
)
def test_other_content_is_another_figure(other) -> None:
    first = ready(line, Pair(np.arange(3.0), "a"))
    assert other().to_dict() is not first.to_dict() and len(BUILT) == 2


def test_values_that_look_alike_are_told_apart() -> None:
    found = {
        module._key(line, (value,), {})
        for value in (1, 1.0, True, "1", b"1".decode(), (1,), [1], ((1,),), ("1", ""), ("", "1"), None, "None",
                      np.float32(1), np.array([1]), {"1": 1}, {"1": "1"})
    }  # fmt: skip
    assert len(found) == 15  # "1" is there twice


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(TypeError, match="of type object"):
        ready(line, object())
    with pytest.raises(TypeError, match="ndarray"):
        ready(line, Pair(np.array([object()]), "a"))


def test_many_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_kept", Kept(400_000))
    for number in range(20):
        ready(line, Pair(np.arange(1000.0) + number, str(number)))
    assert 3 < len(module._kept) < 18 and len(BUILT) == 20
    ready(line, Pair(np.arange(1000.0) + 19, "19"))
    assert len(BUILT) == 20


def test_it_is_written_as_plotly_writes_it(two_hills, standard) -> None:
    """Parts that are written once and put together again, with what could end a script escaped."""
    traces = [{"type": "scatter", "x": np.arange(3.0), "y": [1, 2, 3], "name": "</script>\u2028 & ü"}]
    for plain in (density_panels(two_hills, standard), drawing([]), drawing(traces), drawing(traces, {}, [])):
        changed = module.with_layout(plain, title={"text": "<b>"}).to_dict()
        marked = Drawing(plain.to_dict().with_traces(drawing(traces).to_dict()["data"]))
        for sent in (plain.to_dict(), changed, marked.to_dict()):
            written = plotly.io.to_json(Drawing(sent), validate=False)
            assert written == to_json_plotly(dict(sent)) and "</" not in written
            assert json.loads(written) == json.loads(plotly.io.to_json(Drawing(sent), engine="json"))
