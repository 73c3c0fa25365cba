"""The benchmarks run, and what they time is right. No time is asserted: a busy machine must not fail a build."""

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import zuko.flows

from benchmarks import flow_peers, flows, gradient, load, mixture, statistics
from benchmarks.harness import Case, Timing, interleave, ratio
from benchmarks.textbook import from_ours
from core.build import build
from core.config import ModelConfig, PriorConfig
from core.flows import FLOWS


def test_interleaving_takes_turns_and_scales() -> None:
    turns: list[str] = []

    def run(name: str) -> None:
        turns.append(name)
        time.sleep(0.06)  # one call is a sample, and needs none before it

    timings = interleave({name: Case(lambda name=name: run(name), 0.5) for name in "ab"}, repeats=3)
    assert turns[:4] == ["a", "b", "a", "b"]
    assert all(len(timing.wall) == 3 and timing.median > 0.015 for timing in timings.values())


def test_a_case_may_record_gradients() -> None:
    seen: list[bool] = []
    case = Case(lambda: seen.append(torch.is_grad_enabled()))
    interleave({"a": case}, repeats=1)
    with torch.no_grad():
        interleave({"a": case}, repeats=1)
    assert seen[0] and not seen[-1]


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


def test_quick_flows_are_right_and_name_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "installed", lambda: ["zuko"])
    report = flows.run(quick=True)
    text = report.markdown()
    assert "Not installed, so not measured: nflows, normflows" in text
    errors = {key: value for key, value in report.values.items() if key.startswith(("round_trip", "log_det"))}
    assert {"round_trip_maf_8_zuko", "log_det_maf_8_ours", "log_det_realnvp_8_zuko"} <= set(errors)
    assert all(value < 1e-4 for value in errors.values()), errors
    assert {"times_faster_maf_8_sample", "times_faster_realnvp_8_density", "sample_over_density_maf_2"} <= set(
        report.values
    )
    assert "maf, d = 8, sample, ours" in text and "times its own density" in text


def test_without_peers_ours_is_timed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "installed", list)
    rows, values = flows._compare("maf", 2, 2, True)
    assert [row.what for row in rows] == ["maf, d = 2, density, ours", "maf, d = 2, sample, ours"]
    assert not any(key.startswith("times_faster") for key in values)


@pytest.mark.parametrize("kind", ["maf", "realnvp"])
def test_peers_are_as_large_as_ours(kind: str) -> None:
    """Same layers and widths: the matrix products of a library's flow are those of ours."""
    theirs = {"maf": zuko.flows.MAF, "realnvp": zuko.flows.RealNVP}[kind](8, transforms=5, hidden_features=(128, 128))
    ours = FLOWS[kind](8, (128, 128), 5)
    sizes = [sorted(p.numel() for p in flow.parameters() if p.ndim == 2) for flow in (ours, theirs)]
    assert sizes[0] == sizes[1]


def test_a_wrong_log_determinant_is_told() -> None:
    good = flow_peers.make("ours", "maf", flows.JACOBIAN_DIM, 2)
    bad = dataclasses.replace(good, to_noise=lambda z: (good.to_noise(z)[0], good.to_noise(z)[1] + 0.01))
    there_and_back, log_det = flows._errors(bad, flows.JACOBIAN_DIM)
    assert there_and_back < 1e-4 and log_det == pytest.approx(0.01, rel=0.05)


@pytest.mark.slow
def test_a_visitor_without_a_browser_opens_a_page_and_clicks() -> None:
    with ThreadPoolExecutor(1) as thread:  # the browser tests leave an event loop in the one that all tests share
        report = thread.submit(load.run, quick=True).result()
    (name, row) = report.rows[0]
    assert (name, row.what, row.visitors, row.errors) == ("one", "home", 1, [])
    assert len(row.first) == 1 and row.clicks and all(0 < seconds < 60 for seconds in row.clicks)
    assert row.kilobytes > 5 and row.resident_mib[-1] > 50
    assert "Visitors at once" in report.markdown() and "under" not in report.markdown().split("Times are")[0]


def test_the_pages_under_load_are_those_of_the_navigation() -> None:
    assert {"home", "train"} <= set(load.listed_pages()) and set(load.CLICKS) | set(load.MODELS) <= set(
        load.listed_pages()
    )


@pytest.mark.parametrize(("at", "value"), [(0.5, 5.0), (0.95, 10.0), (1.0, 10.0)])
def test_a_percentile_is_one_of_the_values(at: float, value: float) -> None:
    assert load.share([float(n) for n in range(10, 0, -1)], at) == value
    assert load.share([], at) != load.share([], at), "NaN of none"
