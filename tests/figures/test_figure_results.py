"""The figures of the results and of what priors gain: every number in its place, and said in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.comparison import Difference
from core.figures.prior_gains import GainBlock, gain_block_sentence, prior_gains_figure
from core.figures.results import HERE, SEEDS, THERE, labels, results_figure, results_sentence
from core.intervals import Z_95
from core.published import published_for
from core.records import Estimate
from core.results_records import ResultGroup, ResultRow
from core.seed_spread import SeedSpread
from core.training_cost import TrainingCost


def row(name: str, prior: str, nll: float, *, seeds: tuple[float, ...] = (), gain: float | None = None) -> ResultRow:
    test = {"nll": {"value": nll, "se": 0.2}, "n": 100, "samples": 500, "seed": 0}
    gained = {}
    if gain is not None:
        parts = {"elbo": gain, "reconstruction": 0.75 * gain, "mutual_information": 0.0, "marginal_kl": 0.25 * gain}
        gained = {key: Difference(Estimate(value, 0.1), True) for key, value in parts.items()}
        gained["log_likelihood"] = Difference(Estimate(gain, 0.05), True)
    spread = SeedSpread(dict(enumerate((nll, *seeds))))
    return ResultRow(
        name, prior, prior, True, "", test, spread, TrainingCost(), 10, 5, 784, (), gained, {1: 1.5} if gain else {}
    )


def group(*rows: ResultRow, likelihood: str = "bernoulli") -> ResultGroup:
    return ResultGroup("mnist", "dynamic", likelihood, 40, 100, 0, rows, published_for("mnist", "dynamic", 40))


def traces(found: ResultGroup) -> dict[str, Any]:
    return {trace.name: trace for trace in results_figure(found).data}


def test_ours_seeds_and_published_stand_in_the_same_line() -> None:
    found = traces(group(row("a", "standard", 84.0, seeds=(85.0,)), row("b", "realnvp", 81.0)))
    assert np.allclose(found[HERE]["x"], [84.0, 81.0]) and list(found[HERE]["y"]) == [0, 1]
    assert np.allclose(found[HERE]["error_x"]["array"], Z_95 * 0.2)
    assert list(found[SEEDS]["x"]) == [85.0] and 0 < found[SEEDS]["y"][0] < 0.5
    assert found[THERE]["marker"]["symbol"].endswith("-open"), "published numbers are hollow"
    assert np.allclose(found[THERE]["x"], [84.45, 82.43, 82.09]), "with a model here, then those without"
    assert list(found[THERE]["y"]) == [0, 2, 3]


def test_grey_images_are_drawn_in_bits_per_dimension() -> None:
    figure = results_figure(
        replace(group(row("a", "standard", 784 * np.log(2) * 4.0), likelihood="logistic"), published=())
    )
    assert np.isclose(figure.data[0].x[0], 4.0) and "bits per dimension" in figure.layout.xaxis.title.text


def test_two_models_of_one_prior_are_told_apart_and_no_model_is_refused() -> None:
    assert labels([row("a", "vamp", 1.0), row("b", "vamp", 2.0)]) == ["vamp (a)", "vamp (b)"]
    with pytest.raises(ValueError, match="measured model"):
        results_figure(group())


def test_the_sentence_takes_the_difference_image_by_image_where_it_is_known() -> None:
    told = results_sentence(group(row("a", "standard", 84.0), row("b", "realnvp", 82.0, gain=2.0)))
    assert "82.00 ± 0.20 nats per image, 2.00 ± 0.05 less than standard with 84.00" in told
    assert "image by image" in told
    assert "± 0.28 if the two shared no images" in results_sentence(
        group(row("a", "standard", 84.0), row("b", "mog", 82.0))
    )


def test_the_panels_of_gains_share_an_axis_and_the_first_is_the_sum_of_the_others() -> None:
    block = GainBlock("MNIST", [row("b", "vamp", 82.0, gain=2.0), row("c", "maf", 84.0, gain=0.01)])
    figure = prior_gains_figure([block, GainBlock("Digits", [row("d", "mog", 1.0, gain=-1.0)])])
    by_axis = {trace.xaxis: trace for trace in figure.data if trace.error_x.array is not None}
    assert list(by_axis) == ["x", "x2", "x3", "x4"]
    assert np.allclose(by_axis["x"].x, by_axis["x2"].x + by_axis["x3"].x + by_axis["x4"].x, atol=1e-6)
    assert len({figure.layout[axis].range for axis in ("xaxis", "xaxis2", "xaxis3", "xaxis4")}) == 1
    assert list(figure.layout.yaxis.ticktext) == ["<b>MNIST</b>", "vamp", "maf", "<b>Digits</b>", "mog"]
    assert list(by_axis["x"].y) == [1, 2, 4]
    assert [symbol.endswith("-open") for symbol in by_axis["x"].marker.symbol] == [False, True, False]
    dots = [trace for trace in figure.data if trace.name == "another training seed"]
    assert len(dots) == 1 and list(dots[0].x) == [1.5] * 3


def test_a_kl_that_is_not_taken_apart_is_an_hourglass_beside_a_word() -> None:
    parts = row("b", "vamp", 82.0, gain=2.0)
    gains = dict(parts.gains)
    whole = gains.pop("marginal_kl"), gains.pop("mutual_information")
    block = GainBlock(
        "MNIST", [replace(parts, gains=gains | {"average_kl": whole[0]}), row("c", "maf", 84.0, gain=1.0)]
    )
    figure = prior_gains_figure([block])
    last = {trace.marker.symbol[0]: trace for trace in figure.data if trace.xaxis == "x4"}
    assert set(last) == {"hourglass", "triangle-down"}
    assert list(last["hourglass"].y) == [1] and list(last["triangle-down"].y) == [2]
    word = next(trace for trace in figure.data if trace.mode == "text")
    assert word.xaxis == "x3" and list(word.y) == [1] and "KL" in word.text[0]


def test_gains_in_words_and_nothing_to_draw() -> None:
    told = gain_block_sentence(GainBlock("MNIST", [row("b", "vamp", 82.0, gain=2.0), row("c", "maf", 84.0, gain=1.0)]))
    assert told.startswith("MNIST: vamp gains most, 2.00 ± 0.10 nats: 1.50 ± 0.10 from reconstruction")
    assert "no prior is found to gain" in gain_block_sentence(GainBlock("MNIST", [row("b", "vamp", 82.0, gain=0.05)]))
    many = [row(f"b{k}", "vamp", 82.0, gain=0.25 - 0.001 * k) for k in range(7)]
    told = gain_block_sentence(GainBlock("Digits", many))  # 2.5 standard errors, the best of seven
    assert told.endswith("the best, vamp, 0.25 ± 0.10 nats, which the best of 7 can reach by chance.")
    assert "gains most" in gain_block_sentence(GainBlock("Digits", many[:1]))
    with pytest.raises(ValueError, match="got none"):
        prior_gains_figure([])
