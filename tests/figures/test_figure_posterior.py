"""The panels of one image's posteriors, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.comparison import Measured
from core.figures import theme
from core.figures.posterior import RADIUS, posterior_panels
from core.figures.posterior_words import (
    absorption_sentence,
    agreement_sentence,
    gap_place_sentence,
    image_sentence,
    image_table,
    means_sentence,
    means_table,
)
from core.per_image import PerImage
from core.posterior_records import Absorption, ImagePosterior
from core.records import DensityGrid, Estimate


@pytest.fixture
def found(standard: DensityGrid, two_hills: DensityGrid) -> ImagePosterior:
    return ImagePosterior(
        true=two_hills, approximate=standard, log_likelihood=-100.0, error=1e-4, elbo=Estimate(-103.0, 0.02), kl=3.01,
        mass=1.0, family=Estimate(1.0, 0.01), best=((0.5, -0.5), (1.0, 2.0)), draws=4096, seed=0,
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_panel_for_each_model_with_all_three_distributions(found: ImagePosterior, count: int) -> None:
    figure = posterior_panels([(f"model {k}", found) for k in range(count)])
    for k in range(count):
        axis = "x" if k == 0 else f"x{k + 1}"
        mine = [trace for trace in figure.data if (trace.xaxis or "x") == axis]
        assert {"q(z|x) fill", "q(z|x)", "p(z|x)", "best Gaussian"} <= {trace.name for trace in mine}
        fills = [trace for trace in mine if trace.name == "q(z|x) fill"]
        assert len(fills) == 3 and all(trace.fill == "toself" for trace in fills)
        assert all(trace.line.dash for trace in mine if trace.name == "p(z|x)")
        across, up = figure.layout[f"xaxis{k + 1 if k else ''}"], figure.layout[f"yaxis{k + 1 if k else ''}"]
        assert up.scaleanchor == axis and 0 <= across.domain[0] < across.domain[1] <= 1.0001
    assert [trace.name for trace in figure.data if trace.showlegend is None] == [
        "q(z|x), the encoder's: 50, 80, 95 %", "p(z|x), the true one: 50, 80, 95 %", "best Gaussian: 95 %"
    ]  # fmt: skip


def test_the_outline_is_where_the_best_gaussian_holds_95_percent(found: ImagePosterior) -> None:
    outline = next(trace for trace in posterior_panels([("a", found)]).data if trace.name == "best Gaussian")
    assert outline.line.color == theme.NEUTRAL
    assert np.isclose(np.max(outline.x), 0.5 + RADIUS) and np.isclose(np.max(outline.y), -0.5 + 2 * RADIUS, atol=0.01)
    draws = np.random.default_rng(0).normal(size=(200_000, 2))
    assert abs((np.square(draws).sum(1) < RADIUS**2).mean() - 0.95) < 0.002


def test_a_panel_keeps_its_place_while_others_are_to_come(found: ImagePosterior) -> None:
    alone, first = posterior_panels([("a", found)]), posterior_panels([("a", found)], 3)
    last = posterior_panels([("a", found)] * 3)
    assert first.layout.xaxis.domain == last.layout.xaxis.domain != alone.layout.xaxis.domain
    assert first.layout.height == last.layout.height


def test_how_usual_a_gap_is() -> None:
    told = gap_place_sentence(np.arange(1000.0), Estimate(900.0, 0.5))
    assert "half have a gap under 499.5 nats and 90 % one under 899.1; 900.00 ± 0.50 is more than in 90.0 %" in told


def test_no_panel_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        posterior_panels([])


def test_the_words_tell_whose_fault_the_gap_is(found: ImagePosterior) -> None:
    assert "2.01 nats, 67 % of the gap" in image_sentence("A", found)
    assert "3.00 ± 0.02" in image_sentence("A", found) and "the amortisation gap" in image_sentence("A", found)
    flow = image_sentence("A", replace(found, kl=0.5), gaussian=False)
    assert "nearer than the best single Gaussian" in flow and "is not known" in flow and "nothing is lost" not in flow
    assert "no nearer than" in image_sentence("A", found, gaussian=False)
    assert "at least as near" in image_sentence("A", replace(found, kl=0.9))
    assert "all but the true posterior" in image_sentence("A", replace(found, kl=0.01))
    assert "3.00 ± 0.02 nats below log p(x) = −100.0000 ± 0.0001" in image_sentence("A", found)


def test_the_words_tell_when_draws_and_quadrature_do_not_agree(found: ImagePosterior) -> None:
    assert "0 within its noise" in agreement_sentence(found)
    odd = agreement_sentence(replace(found, kl=2.0, mass=0.9))
    assert "50 standard errors from 0" in odd and "0.9000 of q(z|x)" in odd
    assert list(image_table([("A", found)]).rows[0])[3:6] == ["3.00 ± 0.02", "3.010", "−0.01 ± 0.02"]


def metrics(gap: float, elbo: float) -> dict[str, object]:
    values = {"bound_gap": gap, "elbo": elbo, "log_likelihood": elbo + gap, "quadrature_error": 0.01}
    return {key: {"value": value, "se": 0.1} for key, value in values.items()} | {"n": 300, "seed": 0}


def model(name: str, gap: float, elbo: float, per_image: PerImage | None = None) -> Measured:
    return Measured(name, name, metrics(gap, elbo), per_image)


def test_a_tighter_bound_need_not_be_a_better_one() -> None:
    rows = [model("A", 5.0, -100.0), model("B", 4.0, -102.0)]
    text = means_sentence(rows)
    assert "Smallest gap on the test images: B, 4.00 ± 0.10 nats. Best bound: A, −100.00 ± 0.10 nats." in text
    assert "need not be a better one" in text
    assert "need not" not in means_sentence([rows[1], model("C", 6.0, -103.0)])
    assert "the bound of the A lies 5.00 ± 0.10" in means_sentence(rows[:1])


def test_models_that_are_within_noise_are_named_together() -> None:
    rows = [model("A", 4.1, -102.1), model("B", 4.0, -102.0), model("C", 4.4, -105.0)]
    text = means_sentence(rows)
    assert "B, 4.00 ± 0.10 nats and A, 4.10 ± 0.10 nats (not told apart by these images)" in text
    assert "C" not in text


def test_the_difficulty_of_the_images_does_not_hide_a_difference() -> None:
    rng = np.random.default_rng(0)
    hard, noise = rng.normal(0, 5, 300), rng.normal(0, 0.2, 300)

    def measured(name: str, better: np.ndarray | float) -> Measured:
        values = {"reconstruction": hard - 100 + better, "average_kl": np.full(300, 2.0), "log_likelihood": hard - 98}
        stored = PerImage({key: each.astype(np.float32) for key, each in values.items()}, "test", 0, 10, "these")
        bound = values["reconstruction"] - values["average_kl"]
        told = {"elbo": bound, "bound_gap": values["log_likelihood"] - bound}
        found = {key: {"value": float(each.mean()), "se": float(each.std() / 300**0.5)} for key, each in told.items()}
        return Measured(name, name, found | {"n": 300, "seed": 0}, stored)

    close = means_sentence([measured("A", 0.0), measured("B", 0.4 + noise)])
    assert "not told apart" not in close and close.count("A,") == 0, "0.4 of 0.3 nats apart, but image by image"
    assert "not told apart" in means_sentence([measured("A", 0.0), measured("B", noise)])


def test_the_table_of_the_test_images() -> None:
    table = means_table([model("A", 5.0, -100.0), model("B", 4.0, -102.0)])
    assert table.rows[1][1:4] == ("−102.00 ± 0.10", "−98.00 ± 0.10", "4.00 ± 0.10") and "n = 300" in table.caption


def test_the_theorem_in_words() -> None:
    found = Absorption(
        Estimate(-23.0, 0.2), Estimate(-23.0, 0.2), Estimate(-35.0, 0.6), 1.4e-14, 3.8e-6, 300, 300, 4, 0
    )
    text = absorption_sentence("A", found)
    assert "None of the 300 bounds differs by more than 2e-14" in text, "rounded up: nothing is larger"
    assert "4e-06" in text and "−35.00 ± 0.60: then it is another model" in text
