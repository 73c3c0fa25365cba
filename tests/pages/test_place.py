"""What is said of a place that is denser than every draw: in many dimensions none of them comes there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.browser_records import Place, Reference
from core.typicality import place, reference
from pages._ui.place import _beyond
from tests.oracle import standard_prior


@pytest.mark.parametrize(("dim", "told"), [(1, False), (2, False), (3, False), (40, True)])
def test_the_mode_of_a_gaussian_is_no_place_of_its_draws_in_many_dimensions(dim: int, told: bool) -> None:
    prior = standard_prior(dim)
    drawn = reference(None, prior)
    at_mode = _beyond(place((0.0,) * dim, None, prior, drawn), drawn)
    assert ("No draw comes here" in at_mode and "the prior's draws by" in at_mode) is told
    on_the_shell = place((1.0,) * dim, None, prior, drawn)
    assert _beyond(on_the_shell, drawn) == ""


def test_both_distributions_are_told_where_it_is_both() -> None:
    draws = Reference(np.array([-50.0, -40.0]), np.array([-60.0, -55.0]), 2, 0)
    here = Place(z=(0.0,), log_q=-38.0, log_p=-52.0, percentile_q=1.0, percentile_p=1.0, draws=2)
    assert "any of the data's codes by 2.0 and any of the prior's draws by 3.0 nats" in _beyond(here, draws)
    unknown = Place(z=(0.0,), log_q=math.nan, log_p=-60.0, percentile_q=math.nan, percentile_p=0.5, draws=2)
    assert _beyond(unknown, Reference(None, draws.log_p, 2, 0)) == ""
