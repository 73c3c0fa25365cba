"""Configurations refuse what is wrong by name; building from them is a function of them and of one seed."""

from __future__ import annotations

import json
import math
import resource

import pytest
import torch
from pydantic import ValidationError

from core.budget import SLACK, AllocationBudget, OverBudget
from core.build import build, resolved
from core.config import DataConfig, ModelConfig, PriorConfig, RunConfig, TrainConfig
from core.priors import PRIORS
from tests.contracts import seeded, small_options

IMAGES = torch.rand(12, 12, generator=seeded(1))


def model_config(kind: str = "standard", **changes) -> ModelConfig:
    settings = {
        "image_shape": (1, 3, 4),
        "likelihood": "bernoulli",
        "latent_dim": 2,
        "hidden": (8, 6),
        "prior": PriorConfig(kind=kind, options=small_options(kind) if kind in PRIORS else {}),
    }
    return ModelConfig(**{**settings, **changes})


@pytest.mark.parametrize("kind", PRIORS)
def test_config_build_config_is_the_identity(kind: str) -> None:
    config = model_config(kind)
    full = resolved(config, build(config, images=IMAGES, generator=seeded(2)))
    assert full.prior.kind == kind and small_options(kind).items() <= full.prior.options.items()
    assert resolved(full, build(full)) == full, "and without the images, as when loading"
    assert ModelConfig.model_validate(json.loads(full.model_dump_json())) == full


@pytest.mark.parametrize("kind", PRIORS)
def test_a_seed_names_a_model(kind: str) -> None:
    before = torch.random.get_rng_state()
    first, again, other = (
        build(model_config(kind), images=IMAGES, generator=seeded(seed)).state_dict() for seed in (3, 3, 4)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
    assert torch.equal(before, torch.random.get_rng_state()), "the process-wide random state was touched"


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("generator", [None, 5])
def test_building_leaves_the_process_wide_random_state_alone(kind: str, generator: int | None) -> None:
    config = resolved(model_config(kind), build(model_config(kind), images=IMAGES))
    torch.manual_seed(8)
    before = torch.random.get_rng_state()
    build(config, generator=None if generator is None else seeded(generator))
    assert torch.equal(before, torch.random.get_rng_state())


def numbers(module: torch.nn.Module) -> int:
    return sum(value.numel() for value in module.state_dict().values())


@pytest.mark.parametrize("kind", PRIORS)
def test_every_prior_is_built_within_the_budget_of_its_own_numbers(kind: str, monkeypatch) -> None:
    """Without the slack, which would hide what a small model takes."""
    monkeypatch.setattr("core.budget.SLACK", 0)
    config = resolved(model_config(kind), build(model_config(kind), images=IMAGES))
    with AllocationBudget(numbers(build(config))) as budget:
        vae = build(config)
    assert 0 <= budget.left < 4 * numbers(vae), "counted, and within"


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": (16_384, 16_384)},
        {"image_shape": (16_384, 16_384, 1)},
        {"prior": PriorConfig(kind="mog", options={"components": 20_000}), "latent_dim": 4096},
        {"prior": PriorConfig(kind="aggregated", options={"size": 1_000_000}), "latent_dim": 4096},
    ],
)
def test_a_model_far_over_the_budget_is_refused_before_memory_is_taken(changes: dict) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(OverBudget, match="larger than its weights"), AllocationBudget(200):
        build(model_config(**changes))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kilobytes"
    assert len(torch.zeros(4 * 200 + SLACK + 1)), "the limit ends with its block"


def test_the_budget_ends_with_its_block() -> None:
    with AllocationBudget(0) as budget:
        torch.zeros(3, 4)
        torch.full((2, 3), 7.0)
        torch.randn((5,))
        torch.empty(size=(2, 2))
    assert budget.left == SLACK - 12 - 6 - 5 - 4
    torch.zeros(1000)
    assert budget.left == SLACK - 27


@pytest.mark.parametrize("kind", PRIORS)
def test_the_optimiser_sees_every_parameter_once(kind: str) -> None:
    vae = build(model_config(kind), images=IMAGES)
    names = [name for name, _ in vae.named_parameters(remove_duplicate=False)]
    assert len(names) == len(list(vae.parameters()))
    assert not any("images" in name for name in vae.state_dict()), "a checkpoint never holds the data"


def test_build_is_what_the_config_says() -> None:
    vae = build(model_config("mog", latent_dim=3, likelihood="logistic"))
    assert vae.prior.event_shape == (3,) and vae.posterior(IMAGES).mean.shape == (12, 3)
    assert vae.decoder(torch.zeros(5, 3)).event_shape == (12,)
    assert [layer.pair.out_features for layer in vae.posterior.body] == [16, 12]
    assert vae.training


def test_an_unknown_prior_is_named_with_those_known() -> None:
    with pytest.raises(ValueError, match=r"unknown prior 'magic'.*standard, gaussian, mog, vamp"):
        build(model_config("magic"))


@pytest.mark.parametrize("kind", PRIORS)
def test_an_unknown_setting_is_named_in_one_line(kind: str) -> None:
    config = model_config(prior=PriorConfig(kind=kind, options={"colour": 1}))
    with pytest.raises(ValueError, match="colour") as caught:
        build(config, images=IMAGES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: model_config(latent_dim=0), "latent_dim"),
        (lambda: model_config(latent_dim=5000), "latent_dim"),
        (lambda: model_config(hidden=()), "hidden"),
        (lambda: model_config(hidden=(8, 20_000)), "hidden"),
        (lambda: model_config(hidden=(8, 0)), "hidden"),
        (lambda: model_config(image_shape=(1, 0, 4)), "image_shape"),
        (lambda: model_config(image_shape=(3, 4)), "image_shape"),
        (lambda: model_config(likelihood="gaussian"), "likelihood"),
        (lambda: model_config(colour="red"), "colour"),
        (lambda: TrainConfig(epochs=0), "epochs"),
        (lambda: TrainConfig(learning_rate=math.nan), "learning_rate"),
        (lambda: TrainConfig(learning_rate=-1), "learning_rate"),
        (lambda: TrainConfig(clip_norm=math.inf), "clip_norm"),
        (lambda: TrainConfig(device="tpu"), "device"),
        (lambda: TrainConfig(seed=-1), "seed"),
        (lambda: DataConfig(name="x", binarisation="maybe", train=1, validation=1, test=1), "binarisation"),
        (lambda: DataConfig(name="x", binarisation="none", train=0, validation=1, test=1), "train"),
        (lambda: PriorConfig(kind="mog", options={"components": [1, 2]}), "options"),
    ],
)
def test_a_wrong_field_is_named(make, field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        make()


def test_configs_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        model_config().latent_dim = 3


def test_a_run_goes_through_json_unchanged() -> None:
    run = RunConfig(
        data=DataConfig(name="tiny", binarisation="fixed", train=50, validation=20, test=20, class_names=("a", "b")),
        model=model_config("vamp"),
        train=TrainConfig(epochs=3, bf16=True),
        versions={"torch": "2"},
    )
    assert RunConfig.model_validate_json(run.model_dump_json()) == run
    assert run.model.pixels == 12
