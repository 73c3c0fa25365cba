"""The tour's models are found by what they are; what is missing is named with the command that makes it."""

from __future__ import annotations

import shlex

import pytest

from core import tour
from core.cli import _parser
from core.records import CheckpointInfo, Estimate
from core.tour import MOG, PARTS, STANDARD, VAMP, WITH_IAF, Cast, Part, cast

ELBO = {"test": {"elbo": {"value": -20.0, "se": 0.2}, "n": 300, "seed": 0}}


def info(name: str, prior: str = "standard", posterior: str = "gaussian", **changes) -> CheckpointInfo:
    given = {"dataset": "digits", "latent_dim": 2, "images": 300, "metrics": ELBO, "image_shape": (1, 8, 8)}
    return CheckpointInfo(name, prior=prior, posterior=posterior, **{**given, **changes})


def test_every_part_is_found_by_what_it_is():
    infos = [info(f"any-{k}", part.prior, part.posterior) for k, part in enumerate(PARTS)]
    others = [info("far", latent_dim=40), info("other", dataset="mnist"), info("broken", error="damaged")]
    found = cast([*others, *infos], "digits", 2)
    assert [model.name for model in found.find(*PARTS)] == [one.name for one in infos]
    assert found.title == "Digits, d = 2"
    assert cast(others, "digits", 2).models == {}


def test_of_several_the_one_that_tells_most_comes_first():
    many = [
        info("a", metrics={}),
        info("b", images=0),
        info("digits-2d-standard", metrics={}),
        info("z"),
        info("c"),
    ]
    assert cast(many, "digits", 2).models[STANDARD].name == "c"
    assert cast([*many, info("digits-2d-standard")], "digits", 2).models[STANDARD].name == "digits-2d-standard"
    assert (
        cast([info("x", "standard", "iaf"), info("digits-2d-standard-iaf", "standard", "iaf")], "digits", 2)
        .models[WITH_IAF]
        .name
        == "digits-2d-standard-iaf"
    )


@pytest.mark.parametrize("change", [{"binarisation": "dynamic"}, {"image_shape": (1, 4, 4)}, {"data_seed": 5}])
def test_what_cannot_be_compared_with_the_first_is_no_part(change):
    found = cast([info("base"), info("m", "mog", **change), info("v", "vamp")], "digits", 2)
    assert [one.name for one in found.find(STANDARD, MOG, VAMP)] == ["base", "v"]


def test_latents_without_a_decoder_are_no_part():
    assert cast([info("imported", likelihood="none")], "digits", 2).models == {}


@pytest.mark.parametrize("part", PARTS)
def test_the_command_for_a_missing_model_trains_that_part(part: Part):
    told = tour.missing_model(Cast("digits", 2, {}), part)
    options = _parser().parse_args(shlex.split(told.split("`")[1])[3:])
    posterior = options.posterior or "gaussian"
    assert (options.dataset, options.prior, posterior, options.latent_dim) == ("digits", part.prior, part.posterior, 2)


def test_the_commands_for_missing_measures_are_commands():
    for told in (tour.missing_measure(info("m"), "ELBO"), tour.missing_ladder(info("m"))):
        options = _parser().parse_args(shlex.split(told.split("`")[1])[3:])
        assert "m" in vars(options).values() or ["m"] in vars(options).values()


def test_stored_measures_are_read_without_weights():
    curve = [{"at": 1, "value": -20.0, "se": 0.2, "ess": None}]
    test = ELBO["test"] | {"likelihood_curve": [{"at": 1, "estimate": {"value": -20.0, "se": 0.2}, "ess": None}]}
    found = info("m", metrics={"test": test})
    assert tour.estimate(found, "elbo") == Estimate(-20.0, 0.2)
    assert tour.estimate(found, "nll") is None and tour.stored(found, "distance") is None
    assert tour.stored(found, "likelihood_curve")[0].at == curve[0]["at"]


def test_the_tour_is_offered_on_what_has_an_evaluated_base():
    assert tour.offered([]) == ["digits"]
    mnist, own = info("m", dataset="mnist"), info("o", dataset="npz:own.npz")
    assert tour.offered([mnist]) == ["mnist"]
    assert tour.offered([own, mnist, info("d")]) == ["digits", "mnist"]
    assert tour.offered([mnist, info("d", metrics={}), info("v", "vamp"), info("far", latent_dim=3)]) == ["mnist"]
