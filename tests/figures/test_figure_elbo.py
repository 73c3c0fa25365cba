"""The split of the ELBO: values, intervals, the ceiling, and rows in order."""

from __future__ import annotations

import numpy as np
import pytest

from core.figures import elbo_split


def metrics(reconstruction=-82.0, information=7.0, marginal=1.2, ceiling=9.21):
    """Metrics of one model with known standard errors."""
    return {
        "reconstruction": {"value": reconstruction, "se": 0.5},
        "mutual_information": {"value": information, "se": 0.1},
        "marginal_kl": {"value": marginal, "se": 0.05},
        "log_n": {"value": ceiling, "se": 0.0},
    }


@pytest.fixture
def figure():
    """Two models."""
    return elbo_split([("standard", metrics()), ("vamp", metrics(information=8.0, marginal=-0.03))])


def test_bars_hold_the_values_with_95_percent_whiskers(figure):
    bars = {t.name: t for t in figure.data if t.type == "bar"}
    for name, value, se in (
        ("reconstruction", [-82, -82], 0.5),
        ("mutual information I(n; z)", [7, 8], 0.1),
        ("marginal KL(q(z) ‖ p(z))", [1.2, -0.03], 0.05),
    ):
        np.testing.assert_allclose(bars[name].x, value, rtol=1e-6)
        np.testing.assert_allclose(bars[name].error_x.array, 1.96 * se, rtol=1e-6)
        assert bars[name].x.dtype == np.float32
        assert bars[name].orientation == "h"
    assert (
        bars["marginal KL(q(z) ‖ p(z))"].text[1].strip() == "−0.03 ± 0.05"
    )  # one standard error, as everywhere; the whisker is 95 %


def test_reconstruction_has_its_own_panel(figure):
    assert {t.name: t.xaxis for t in figure.data if t.xaxis != "x2"} == {"reconstruction": "x"}


def test_the_ceiling_stands_beside_the_information_bar(figure):
    (mark,) = [t for t in figure.data if t.type == "scatter"]
    (bar,) = [t for t in figure.data if t.name.startswith("mutual")]
    np.testing.assert_allclose(mark.x, 9.21, rtol=1e-6)
    np.testing.assert_allclose(mark.y, np.asarray(bar.y) + bar.offset + bar.width / 2, atol=1e-6)


def test_the_first_model_is_on_top_and_everything_is_in_range(figure):
    assert figure.layout.yaxis.range == (1.5, -0.5)
    assert list(figure.layout.yaxis.ticktext) == ["standard", "vamp"]
    low, high = figure.layout.xaxis2.range
    assert low < -0.13
    assert high > 9.21
    assert elbo_split([("a", metrics())]).layout.xaxis2.range[0] == 0


def test_wrong_rows_are_refused():
    with pytest.raises(ValueError, match="one or more"):
        elbo_split([])
    with pytest.raises(ValueError, match="each name once"):
        elbo_split([("a", metrics()), ("a", metrics())])
    with pytest.raises(ValueError, match="'a' lack 'log_n'"):
        elbo_split([("a", {k: v for k, v in metrics().items() if k != "log_n"})])
