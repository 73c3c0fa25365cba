"""The diagram of who waits for whom in a flow."""

from __future__ import annotations

import numpy as np
import pytest

from core.figures.dependency import DROPPED, EMPTY, KEPT, NEEDED, cells, dependency_figure
from tests.figures.drawn_lines import texts


@pytest.mark.parametrize("dim", [2, 6, 12])
def test_cells_count_what_each_method_calculates(dim):
    triangle, textbook, incremental, single = cells(dim, dim)
    assert np.array_equal(triangle == NEEDED, np.tril(np.ones((dim, dim), bool), -1))
    assert np.array_equal(triangle == KEPT, np.eye(dim, dtype=bool))
    assert (textbook == DROPPED).sum() == dim * dim - dim and np.array_equal(textbook == KEPT, np.eye(dim, dtype=bool))
    assert np.array_equal(incremental != EMPTY, np.eye(dim, dtype=bool))
    assert (single[0] == KEPT).all() and (single[1:] == EMPTY).all()


def test_the_diagram_shows_everything_at_rest_and_has_a_frame_for_each_pass():
    figure = dependency_figure(5)
    assert [frame.name for frame in figure.frames] == ["1", "2", "3", "4", "5"]
    for step, frame in enumerate(figure.frames, 1):
        assert all(np.array_equal(panel.z, wanted) for panel, wanted in zip(frame.data, cells(5, step), strict=True))
    for panel, wanted in zip(figure.data, cells(5, 5), strict=False):
        assert np.array_equal(panel.z, wanted), "right as a picture that does not move"
    assert figure.layout.sliders[0].active == 4 and len(figure.layout.sliders[0].steps) == 5
    play = figure.layout.updatemenus[0].buttons[0]
    assert play.method == "animate" and list(play.args[0]) == ["1", "2", "3", "4", "5"]
    assert "5 passes: 25 outputs, 5 kept" in texts(figure) and "1 pass: 5 outputs, all kept" in texts(figure)


def test_the_diagram_of_iaf_waits_in_the_density():
    assert "<b>Sampling, textbook</b>" in texts(dependency_figure(4)) and "<b>Density</b>" in texts(
        dependency_figure(4)
    )
    figure = dependency_figure(4, "iaf")
    assert "<b>Density, textbook</b>" in texts(figure) and "<b>Sampling</b>" in texts(figure)
    assert figure.layout.xaxis.ticktext[0] == "u<sub>1</sub>"
    for dim in (1, 13):
        with pytest.raises(ValueError, match="expected 2 to 12"):
            dependency_figure(dim)
