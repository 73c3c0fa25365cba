"""The benchmarks run, and what they time is right. No time is asserted: a busy machine must not fail a build."""

import pytest
import torch

from benchmarks import gradient, mixture, statistics
from benchmarks.harness import Case, Timing, interleave, ratio
from benchmarks.textbook import from_ours
from core.build import build
from core.config import ModelConfig, PriorConfig


def test_interleaving_takes_turns_and_scales() -> None:
    turns: list[str] = []
    cases = {name: Case(lambda name=name: turns.append(name), 0.5) for name in "ab"}
    timings = interleave(cases, repeats=3)
    assert turns[:4] == ["a", "b", "a", "b"]
    assert all(len(timing.wall) == 3 for timing in timings.values())


def test_ratios_come_from_pairs_of_one_round() -> None:
    slow = Timing((2.0, 40.0, 6.0), (2.0, 2.0, 2.0), (0.0,) * 3)
    fast = Timing((1.0, 10.0, 2.0), (1.0, 1.0, 1.0), (0.0,) * 3)
    assert ratio(slow, fast).wall == 3.0
    assert ratio(slow, fast).cpu == 2.0


def test_quick_mixture_is_right_and_prints() -> None:
    report = mixture.run(quick=True)
    assert report.values["error_single_nats"] < 1e-3
    assert report.values["error_double_nats"] < 1e-9
    assert "times faster" in report.markdown()


def test_quick_statistics_run() -> None:
    report = statistics.run(quick=True)
    assert {row.what for row in report.rows} > {"all of them"} and all(row.timing.median > 0 for row in report.rows)


def test_quick_gradient_is_right() -> None:
    values = gradient.run(quick=True).values
    assert values["error_100_ours_nats"] < 1e-3
    assert values["error_100_ours_gradient"] < 1e-4


def test_the_textbook_model_is_the_same_model() -> None:
    config = ModelConfig(
        image_shape=(1, 4, 4),
        likelihood="bernoulli",
        latent_dim=3,
        hidden=(8, 8),
        prior=PriorConfig(kind="vamp", options={"components": 5}),
    )
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(40, 16, generator=generator).round()
    vae = build(config, images=images, generator=generator)
    with torch.no_grad():
        vae.posterior.head.weight[3:] *= 0.01  # near the middle of the bounds, where soft and hard agree
        vae.posterior.head.bias[3:] = -2.0
        textbook = from_ours(vae)
        ours = vae.elbo(images, generator=torch.Generator().manual_seed(1))
        reconstruction, kl = textbook.elbo(images, torch.Generator().manual_seed(1))
    assert reconstruction == pytest.approx(ours.reconstruction, abs=2e-2)
    assert kl == pytest.approx(ours.kl, abs=2e-2)
