"""Which models may stand in one figure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.records import CheckpointInfo
from pages._ui import cards

TEST: dict[str, Any] = {term: {"value": 1.0, "se": 0.1} for term in cards.TERMS} | {"n": 9, "seed": 0}
ONE = CheckpointInfo(
    "a", dataset="mnist", latent_dim=2, metrics={"test": TEST}, binarisation="dynamic", likelihood="bernoulli",
    data_seed=777, image_shape=(1, 28, 28),
)  # fmt: skip


def test_at_the_ceiling_the_marginal_kl_ranks_nothing() -> None:
    low, high = ({"marginal_kl": {"value": value, "se": 0.1}} for value in (16.3, 17.9))
    below = {"mutual_information": {"value": 5.0, "se": 0.1}, "log_n": {"value": 9.2, "se": 0.0}}
    full = below | {"mutual_information": {"value": 9.19, "se": 0.01}}
    assert "smallest for a" in cards.split_sentence([("a", low | below), ("b", high | below)])
    told = cards.split_sentence([("a", low | full), ("b", high | full)])
    assert "smallest" not in told and "says nothing of which prior is better" in told


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "fashion_mnist"},
        {"binarisation": "fixed"},
        {"data_seed": 1},
        {"latent_dim": 3},
        {"likelihood": "logistic"},
        {"image_shape": (1, 14, 56)},
        {"metrics": {"test": TEST | {"n": 8}}},
    ],
)
def test_what_was_measured_on_other_images_is_another_group(change: dict[str, Any]) -> None:
    assert len(cards.comparable([ONE, replace(ONE, name="b")])) == 1
    assert len(cards.comparable([ONE, replace(ONE, name="b", **change)])) == 2
