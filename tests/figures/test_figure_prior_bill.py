"""The bills of flow priors: drawn where they are paid."""

from __future__ import annotations

import numpy as np
import pytest

from core import figures
from tests.figures.flow_runs import bill


def test_bills_are_drawn_where_they_are_paid():
    figure = figures.bill_figure(bill())
    (step,) = [t for t in figure.data if t.meta == "step" and t.name == "d = 40"]
    found = dict(zip(step.y, step.x, strict=True))
    assert found["IAF textbook"] == pytest.approx(200) and found["MAF textbook"] == pytest.approx(10)
    (use,) = [t for t in figure.data if t.meta == "generating" and t.name == "d = 40"]
    assert dict(zip(use.y, use.x, strict=True))["MAF textbook"] == pytest.approx(200)
    np.testing.assert_allclose(use.error_x.array, 0.1 * use.x, rtol=1e-5)
    np.testing.assert_allclose(use.error_x.arrayminus, 0.05 * use.x, rtol=1e-5)
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range and next(iter(use.text)).strip() == "200 ms"
    assert list(figure.layout.yaxis.ticktext) == [
        "MAF textbook",
        "MAF as here",
        "IAF textbook",
        "IAF as here",
        "RealNVP",
    ]
    assert all("open" in symbol for t in figure.data if t.name == "d = 2" for symbol in t.marker.symbol)


def test_the_sentence_of_the_bills():
    says = figures.bill_sentence(bill())
    assert "IAF pays in every training step: 200 ms [190, 220], 20.0 times as long as MAF [17.3, 23.2]" in says
    assert "MAF pays when it generates: 200 ms" in says and "RealNVP pays neither bill: 10.0 ms" in says
    assert "float32, torch 2.15.0, load 0.10" in figures.bill_caption(bill())
    rows = figures.bill_table(bill())
    assert len(rows) == 10 and rows[2]["Passes, log p(z)"] == 2 and rows[0]["1,000 z"].startswith("5.00 ms")
