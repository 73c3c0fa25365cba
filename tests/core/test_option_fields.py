"""Forms are read off the options classes: every registry entry's settings, with ranges that the class enforces."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.config import TrainConfig
from core.option_fields import OptionField, fields_of
from core.posteriors import POSTERIORS
from core.priors import PRIORS

# In one order in every process: a set has another one in each.
CLASSES = [TrainConfig, *dict.fromkeys(kind.options for kind in (*PRIORS.values(), *POSTERIORS.values()))]


@pytest.mark.parametrize("options", CLASSES, ids=lambda options: options.__name__)
def test_every_setting_is_there_with_its_default_and_its_meaning(options) -> None:
    fields = fields_of(options)
    assert [field.name for field in fields] == list(options.model_fields)
    assert {field.name: field.default for field in fields} == options.model_validate({}).model_dump()
    assert all(field.about for field in fields), "the docstring says what each one means"


def ends(field: OptionField) -> list[tuple[float, float]]:
    """An allowed value at each end of the range, and one beyond it."""
    tiny = 1 if field.kind == "whole" else 1e-9
    found = []
    if field.low is not None:
        found.append((field.low + tiny, field.low) if field.above else (field.low, field.low - tiny))
    if field.high is not None:
        found.append((field.high, field.high + max(tiny, field.high * 1e-9)))
    return found


@pytest.mark.parametrize("options", CLASSES, ids=lambda options: options.__name__)
def test_the_ranges_are_those_that_the_class_enforces(options) -> None:
    for field in fields_of(options):
        for inside, outside in ends(field):
            convert = int if field.kind == "whole" else float
            options.model_validate({field.name: convert(inside)})
            with pytest.raises(ValidationError):
                options.model_validate({field.name: convert(outside)})
        for choice in field.choices:
            options.model_validate({field.name: choice})


def test_kinds() -> None:
    kinds = {field.name: field.kind for field in fields_of(TrainConfig)}
    assert (kinds["epochs"], kinds["learning_rate"], kinds["bf16"], kinds["device"]) == (
        "whole", "number", "switch", "text",
    )  # fmt: skip
    init = next(field for field in fields_of(PRIORS["vamp"].options) if field.name == "init")
    assert init.kind == "choice" and init.choices == ("mean", "data")
