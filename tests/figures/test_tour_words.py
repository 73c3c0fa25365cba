"""The tour's answers: a verdict never says more than its numbers, and every null stands beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.comparison import Difference
from core.figures import tour_model_words as models
from core.figures import tour_words as priors
from core.figures.prior_gains import GainBlock
from core.records import ClassifierTest, Distance, Estimate, KernelTest, Mismatch, Share
from core.results_records import ResultRow
from core.training_cost import TrainingCost
from tests.figures.flow_runs import run
from tests.figures.test_figure_ladder import ladder, rung

SAME, HOLES = Share(0.01, 0.004, 0.03, 300, 0.01), Share(0.05, 0.03, 0.08, 300, 0.01)


def distance(*, holes: Share = SAME, leaks: Share = SAME, accuracy: float = 0.5) -> Distance:
    half = Share(accuracy, accuracy - 0.03, accuracy + 0.03, 1000, 0.5)
    tests = (ClassifierTest("logistic regression", half, 500, 0), ClassifierTest("neural network", half, 500, 0))
    return Distance(Mismatch(holes, leaks, 0), tests, KernelTest(0.0, -1e-4, 1e-4, 0.5, 200, 500, 0))


def gap(value: float, se: float = 0.1, *, paired: bool = True) -> Difference:
    return Difference(Estimate(value, se), paired)


def test_samples_fall_into_holes_only_where_holes_are_sure():
    sure, not_sure = priors.samples_answer(distance(holes=HOLES)), priors.samples_answer(distance())
    assert "some of its draws" in sure.verdict and "5.0 % [3.0, 8.0]" in sure.numbers
    assert "not found" in not_sure.verdict and "a perfect match would give 1 %" in not_sure.numbers
    assert "50 % would be a perfect match" in str(not_sure)


@pytest.mark.parametrize(
    ("marginal", "null", "costs"),
    [(0.163, 0.076, True), (0.10, 0.09, False), (0.05, 0.09, False)],
)
def test_a_fixed_prior_costs_what_is_more_than_noise_above_a_perfect_one(marginal, null, costs):
    found = priors.standard_answer(Estimate(marginal, 0.02), Estimate(null, 0.005), distance())
    assert ("costs nats" in found.verdict) is costs and ("no more than noise" in found.numbers) is not costs
    assert f"{null:.3f} ± 0.005" in found.numbers and "a match has 1 % of each" in found.numbers


@pytest.mark.parametrize(
    ("found", "differs"),
    [
        (distance(), False),
        (distance(holes=HOLES), True),
        (distance(leaks=HOLES), True),
        (distance(accuracy=0.6), True),
        (distance(accuracy=0.51), False),
    ],
)
def test_where_the_null_is_not_known_holes_leaks_and_classifiers_decide(found, differs):
    answer = priors.standard_answer(Estimate(17.0, 0.06), None, found)
    assert ("is not where the codes are" in answer.verdict) is differs and "is not known" in answer.numbers


def optimal(train: float, test: float):
    rungs = rung("standard", 1, 1.0, 1.0), rung("aggregated", 500, 1.0 - train, 1.0 - test)
    return priors.optimal_answer(ladder(*rungs))


def test_the_optimal_prior_is_told_with_what_it_learned_by_heart():
    fair, greedy, useless = optimal(0.5, 0.49), optimal(0.9, 0.3), optimal(0.9, -5.0)
    assert "price" in fair.verdict and "no over-fitting" in fair.numbers
    assert "by heart" in greedy.verdict and "0.60" in greedy.numbers
    assert "of no use for others" in useless.verdict and "−5.00" in useless.numbers
    assert "500 Gaussians" in useless.numbers
    assert priors.optimal_answer(ladder(rung("standard", 1, 1.0, 1.0))) is None


def test_modes_and_coupling_are_the_ladder_s_answers():
    rungs = [rung("standard", 1, 1.0, 1.0), rung("gaussian", 1, 0.9, 0.9), rung("mog", 5, 0.2, 0.3)]
    assert priors.modes_answer(ladder(*rungs, noise=0.1)).verdict == "Yes, one Gaussian is not enough."
    assert "no difference" in priors.modes_answer(ladder(*rungs, noise=50.0)).verdict
    assert priors.coupled_answer(ladder(*rungs)) is None and priors.modes_answer(ladder(rungs[0])) is None
    coupled = priors.coupled_answer(ladder(*rungs, rung("vamp", 5, 0.1, 0.1), noise=0.1))
    assert coupled.verdict == "Fitted afterwards to one encoder, coupling helps."


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.5, "The VampPrior, here."), (-0.5, "The mixture"), (0.19, "do not tell them apart")]
)
def test_a_pair_is_told_apart_beyond_two_standard_errors(value, verdict):
    answer = models.pair_answer(gap(value))
    assert verdict in answer.verdict and "image by image" in answer.numbers and "would be 0" in answer.numbers
    assert "errors of both added" in models.pair_answer(gap(value, paired=False)).numbers


def test_the_direction_is_read_off_the_times():
    slow = models.direction_answer(run(), 64)
    assert "pays" in slow.verdict and "mirror image" in slow.numbers and "incremental" in slow.numbers
    swapped = {("iaf", "density", "naive"): 1e-6, ("iaf", "density", "incremental"): 1e-6}
    timings = tuple(
        replace(one, seconds=(swapped[key],) * 3) if (key := (one.flow, one.task, one.method)) in swapped else one
        for one in run().timings
    )
    assert "quicker" in models.direction_answer(replace(run(), timings=timings), 64).verdict
    equal = tuple(replace(one, seconds=(0.9, 1.0, 1.1)) for one in run().timings)
    same = models.direction_answer(replace(run(), timings=equal), 64)
    assert "no direction is found" in same.verdict and "mirror" not in same.numbers
    assert models.direction_answer(run(), 63) is None


@pytest.mark.parametrize(("value", "word"), [(0.5, "better"), (-0.5, "worse"), (0.1, "not told")])
def test_a_flow_prior_is_better_only_where_its_bound_surely_is(value, word):
    answer = models.flow_gain_answer("RealNVP", gap(value))
    assert word in answer.verdict and "would be 0" in answer.numbers


def test_a_posterior_is_poor_only_where_its_gap_is_sure_and_a_flow_helps_only_where_that_is():
    loose, large = Estimate(0.5, 0.05), Estimate(0.6, 0.1)
    nearer, farther = (Estimate(0.3, 0.05), gap(-0.2, 0.05)), (large, gap(0.1))
    assert "IAF comes nearer" in models.gap_answer(loose, {"IAF": nearer}).verdict
    both = models.gap_answer(loose, {"IAF": nearer, "RealNVP": nearer}).verdict
    assert "IAF and RealNVP come nearer" in both
    assert "no flow" in models.gap_answer(loose, {"IAF": farther}).verdict
    assert models.gap_answer(loose, {}).verdict == "A Gaussian is not."
    tight = models.gap_answer(Estimate(0.05, 0.04), {"IAF": nearer})
    assert "Rich enough" in tight.verdict and "would have 0" in tight.numbers
    assert "is not" in models.gap_at_least_answer(Estimate(3.4, 0.03), 5000).verdict
    assert "Rich enough" in models.gap_at_least_answer(Estimate(0.01, 0.03), 5000).verdict


def row(title: str, gains: dict[str, Difference]) -> ResultRow:
    return ResultRow(title, title, "vamp", True, "", {}, None, TrainingCost(), 1, 1, 64, (), gains)


PARTS = {"reconstruction": gap(4.6), "mutual_information": gap(-0.01, 0.001), "marginal_kl": gap(-0.8, 0.03)}


def test_a_gain_is_told_with_its_source_and_what_it_cost():
    block = GainBlock("MNIST", [row("RealNVP", {"elbo": gap(3.8), **PARTS})])
    answer = models.gained_answer(block)
    assert answer.verdict == (
        "A better bound, most of it from better reconstruction; a larger marginal KL cost some of it."
    )
    assert "the best of" not in answer.numbers and "−0.800 ± 0.030 from the marginal KL" in answer.numbers


def test_most_of_a_gain_is_more_than_half_of_it():
    unsure = {"reconstruction": gap(0.12, 0.12), "mutual_information": gap(0.04, 0.03), "marginal_kl": gap(0.10, 0.03)}
    answer = models.gained_answer(GainBlock("Digits", [row("VampPrior", {"elbo": gap(0.26), **unsure})]))
    assert answer.verdict == "A better bound, part of it from a smaller marginal KL."


def test_at_the_ceiling_information_and_marginal_kl_are_not_told_apart():
    parts = {"reconstruction": gap(4.6), "average_kl": gap(-0.81, 0.03)}
    answer = models.gained_answer(GainBlock("MNIST", [row("RealNVP", {"elbo": gap(3.8), **parts})]))
    assert "a larger KL cost some of it" in answer.verdict and "−0.810 ± 0.030 from the KL" in answer.numbers
    assert "marginal KL" not in str(answer)


def test_the_best_of_many_must_beat_the_luck_of_the_best_of_many():
    alone = GainBlock("Digits", [row("VampPrior", {"elbo": gap(0.25)})])
    assert models.gained_answer(alone).verdict == "A better bound."
    seven = GainBlock("Digits", [*alone.rows, *(row(f"p{k}", {"elbo": gap(0.0)}) for k in range(6))])
    answer = models.gained_answer(seven)
    assert answer.verdict == "No prior is found to gain over N(0, I)." and "With 7 priors" in answer.numbers
    assert "VampPrior, the best of 7," in answer.numbers
    worse = models.gained_answer(GainBlock("Digits", [row("p", {"elbo": gap(-0.5)})]))
    assert "No prior" in worse.verdict and "chance" not in worse.numbers


def test_no_source_is_named_where_no_part_is_sure():
    parts = {"reconstruction": gap(0.2, 0.2), "mutual_information": gap(0.1), "marginal_kl": gap(0.1)}
    assert models.gained_answer(GainBlock("D", [row("p", {"elbo": gap(0.5), **parts})])).verdict == "A better bound."
