"""Pages about imported latents of unusual size: what was standardised, what was left out, and what points mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from core import checkpoint
from core.config import RunConfig
from core.imported import LatentsFile, make
from core.ladder_file import write_ladder
from core.ladder_latents import climb_latents
from core.metrics.evaluate_latents import evaluate_latents
from tests.pages.flow_timing_page import words

Open = Callable[..., AppTest]


def stored(root: Path, name: str, mean: np.ndarray, log_var: float) -> checkpoint.Checkpoint:
    file = LatentsFile(
        name, mean.astype(np.float32), np.full(mean.shape, log_var, np.float32), None, (), None, (1, 1, 1)
    )
    made = make(file)
    metrics = {"evaluations": {"test": evaluate_latents(made.cloud, made.vae.prior)}}
    checkpoint.save(made.vae, RunConfig(data=made.data, model=made.model), root / name, metrics=metrics,
                    latents=made.cloud)  # fmt: skip
    return checkpoint.load(name, root)


def test_a_ladder_says_what_was_standardised_and_what_was_left_out(open_page: Open, tmp_path: Path) -> None:
    mean = 20 * np.random.default_rng(0).normal(size=(60, 2))
    mean = np.concatenate([mean, mean[:, :1]], 1)
    loaded = stored(tmp_path, "twice", mean, -30.0)
    ladder = climb_latents(loaded, rungs=(("standard", None), ("gaussian", None), ("mog", 2)), steps=5)
    write_ladder(tmp_path / "twice" / "ladder.json", ladder)
    app = open_page("optimal_prior", root=tmp_path, models="twice")
    assert not app.exception and "codes of mean 0 and deviation 1" in words(app)
    left_out = next(box.value for box in app.warning)
    assert left_out.startswith("Gaussian, full covariance is left out: covariance has")


def test_points_are_named_where_their_surgery_stands(open_page: Open, tmp_path: Path) -> None:
    mean = 5 + np.random.default_rng(0).normal(size=(60, 16))
    for name, log_var, expected in (("points", -30.0, 1), ("wide", -2.0, 0)):
        stored(tmp_path, name, mean, log_var)
        app = open_page("elbo_surgery", root=tmp_path, models=name)
        told = [box.value for box in app.warning if box.value.startswith("The posteriors are points")]
        assert not app.exception and len(told) == expected
        assert "Do not trust" not in words(app)


def test_images_that_are_there_more_than_once_are_told_of(open_page: Open, tmp_path: Path) -> None:
    once = np.random.default_rng(0).normal(size=(240, 2))
    for name, mean in (("once", once), ("twice", np.repeat(once[:120], 2, axis=0))):
        stored(tmp_path, name, mean, -2.0)
        app = open_page("prior_vs_posterior", root=tmp_path, models=name)
        assert not app.exception
        assert ("120 of the 240 images repeat another one exactly" in words(app)) is (name == "twice")
    assert "repeat another one" in checkpoint.load("twice", tmp_path).config.data.source
    assert "repeat another one" not in checkpoint.load("once", tmp_path).config.data.source
