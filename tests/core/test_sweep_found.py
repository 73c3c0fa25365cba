"""Whether a checkpoint is what a recipe asks for, setting by setting."""

from __future__ import annotations

import shlex

import pytest

from core.checkpoint import load
from core.sweep_found import difference
from core.zoo_recipes import recipe_of

WORDS = ["--dataset", "digits", "--latent-dim", "2", "--hidden", "8", "--epochs", "3"]


@pytest.mark.parametrize(
    ("asked", "made", "told"),
    [
        (["--samples", "50"], ["--samples", "50"], None),
        (["--samples=50"], ["--samples", "50"], None),
        ([], [], None),
        (["--samples", "5000"], ["--samples", "50"], "samples is '50', expected '5000'"),
        (["--samples=5000"], [], "samples is None, expected '5000'"),
    ],
)
def test_the_samples_of_the_likelihood_belong_to_the_settings(
    asked: list[str], made: list[str], told: str | None
) -> None:
    recipe, config = recipe_of("m", [*WORDS, *asked]), load("digits-2d-standard").config
    settings = {**config.train.model_dump(), **dict(recipe.request.settings)}
    config = config.model_copy(
        update={
            "command": shlex.join(["python", "-m", "core", "train", *WORDS, *made]),
            "train": type(config.train).model_validate(settings),
            "model": config.model.model_copy(update={"hidden": recipe.request.hidden}),
        }
    )
    assert difference(recipe, config) == told
