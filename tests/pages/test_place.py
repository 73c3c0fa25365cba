"""What is said of a place that is denser than every draw: in many dimensions none of them comes there."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import checkpoint
from core.browser_records import Place, Reference
from core.prepared import Prepared
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
    here = Place(
        z=(0.0,), log_q=-38.0, log_p=-52.0, log_q_others=-38.0, own=None, percentile_q=1.0, percentile_p=1.0, draws=2
    )
    assert "any of the data's codes by 2.0 and any of the prior's draws by 3.0 nats" in _beyond(here, draws)
    unknown = replace(here, log_q=math.nan, log_q_others=math.nan, percentile_q=math.nan, log_p=-60.0)
    assert _beyond(unknown, Reference(None, draws.log_p, 2, 0)) == ""


@pytest.mark.parametrize("name", ["mnist-40d-vamp", "frey-40d-standard", "digits-2d-vamp"])
def test_codes_of_stored_images_are_as_usual_as_codes_are(name: str) -> None:
    """Compared with the posterior of the image itself in q, nearly all of them were denser than every code."""
    loaded = checkpoint.load(name)
    assert loaded.latents is not None
    prior, q = loaded.vae.prior, Prepared(*loaded.latents.components())
    compared = reference(loaded.latents, prior)
    z, _ = loaded.latents.sample(200, generator=torch.Generator().manual_seed(9))
    found = [place(tuple(one), q, prior, compared) for one in z.tolist()]
    shares = np.array([one.percentile_q for one in found])
    assert abs(shares.mean() - 0.5) < 0.12  # uniform: five standard errors are 0.1, and a draw in 2-D may stay in q
    assert not any("the data's codes" in _beyond(one, compared) for one in found)
    assert all(one.own is not None for one in found) or name.startswith("digits")
    assert all(one.log_q - one.log_q_others <= math.log(2) + 1e-9 for one in found if one.own is None)
