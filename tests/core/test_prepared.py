"""A mixture prepared for a few places, and which of its components a place is a draw of."""

from __future__ import annotations

import inspect
import math

import pytest
import torch
from scipy.stats import chi2

from core import mixture
from core.prepared import REACH, Prepared, reach
from tests.contracts import seeded
from tests.core.test_mixture import latents, points, weights


def test_a_prepared_mixture_is_the_same_mixture() -> None:
    mean, log_var = latents(1001, 40)
    z = torch.cat([points(501, 40), 1e3 * points(2, 40)])
    for log_weight in (None, weights(1001)):
        found = Prepared(mean, log_var, log_weight).log_prob(z)
        assert found.dtype == torch.float64 and not found.requires_grad
        assert torch.equal(found, mixture.log_prob(z, mean, log_var, log_weight, double=True))
    assert Prepared(mean, log_var).log_prob(z[:0]).shape == (0,)


def test_a_prepared_mixture_refuses_what_does_not_fit() -> None:
    made, log_prob = inspect.unwrap(Prepared.__init__), inspect.unwrap(Prepared.log_prob)
    with pytest.raises(ValueError, match="mean and log_var"):
        made(object.__new__(Prepared), torch.zeros(5, 3), torch.zeros(5, 2))
    with pytest.raises(ValueError, match=r"log_weight must be \(5,\)"):
        made(object.__new__(Prepared), torch.zeros(5, 3), torch.zeros(5, 3), torch.zeros(4))
    with pytest.raises(ValueError, match=r"z must be \(n, 3\)"):
        log_prob(Prepared(torch.zeros(5, 3), torch.zeros(5, 3)), torch.zeros(2, 4))


@pytest.mark.parametrize("weighted", [False, True])
def test_one_component_is_left_out_and_the_others_weigh_one(weighted: bool) -> None:
    mean, log_var = latents(1001, 3)
    log_weight = weights(1001) if weighted else torch.full((1001,), -math.log(1001), dtype=torch.float64)
    z, exclude = points(40, 3), torch.arange(40) * 25
    joint = mixture.component_log_prob(z.double(), mean.double(), log_var.double(), log_weight.double())
    joint[torch.arange(40), exclude] = -torch.inf
    expected = joint.logsumexp(1) - torch.log1p(-log_weight.double().exp()[exclude])
    q = Prepared(mean, log_var, log_weight if weighted else None)
    assert (q.log_prob(z, exclude=exclude) - expected).abs().max() < 1e-9
    none = torch.full((40,), -1)
    assert torch.equal(q.log_prob(z, exclude=none), q.log_prob(z))


def test_where_components_lie_apart_their_draws_are_theirs_and_nothing_else_is() -> None:
    mean = 100 * torch.eye(40)
    q = Prepared(mean, torch.zeros(40, 40))
    draws = mean.repeat(250, 1) + torch.randn((10_000, 40), generator=seeded(1))
    owners = q.own(draws)
    whose = torch.arange(40).repeat(250)
    assert ((owners == whose) | (owners == -1)).all()
    assert (owners == -1).double().mean() <= 3e-4  # REACH of them, 1e-4, as many as chance allows
    assert (q.own(mean) == torch.arange(40)).all()
    assert (q.own(mean + 10) == -1).all()  # likelier than all others together, and as far as no draw is
    assert reach(40) == pytest.approx(chi2.isf(REACH, 40))


def test_where_components_overlap_nothing_is_theirs_and_none_adds_more_than_log_2() -> None:
    mean = torch.randn((500, 2), generator=seeded(2))
    q = Prepared(mean, torch.zeros(500, 2))
    z = torch.cat([mean, 3 * torch.randn((500, 2), generator=seeded(3))])
    owners = q.own(z)
    assert (owners[:500] == -1).all()
    each = torch.arange(500).repeat(2)
    added = q.log_prob(z) - q.log_prob(z, exclude=each)
    assert (added[owners == -1] <= math.log(2) + 1e-9).all()


def test_one_component_alone_has_no_others() -> None:
    assert Prepared(torch.zeros(1, 2), torch.zeros(1, 2)).own(torch.zeros(3, 2)).tolist() == [-1, -1, -1]
