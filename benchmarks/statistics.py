"""Every statistic of a page for a model with 40 latent dimensions and 10,000 images: what a first visitor waits for."""

from __future__ import annotations

import torch

from benchmarks.harness import Case, interleave
from benchmarks.latents import make_problem
from benchmarks.report import Report, Row
from core.latents import LatentCloud
from core.metrics.coverage import mismatch
from core.metrics.latent import active_units
from core.metrics.surgery import elbo_surgery
from core.metrics.two_sample import classifier_tests, kernel_test
from core.priors import PRIORS, PriorContext
from core.views import cloud_grid, view, window

DIM = 40


def run(*, quick: bool = False) -> Report:
    """Time each measure, and all of them in one go; ``quick`` shrinks the problem to seconds."""
    n = 400 if quick else 10_000
    problem = make_problem(n, 2, DIM)
    cloud = LatentCloud(problem.mean.numpy(), problem.log_var.numpy(), None, "test", n)
    prior = PRIORS["standard"].from_config({}, PriorContext(DIM, 1, torch.nn.Identity()))
    plane = view("pca", cloud, prior)
    part = window(plane, prior)

    def surgery() -> object:
        generator = torch.Generator().manual_seed(0)
        return elbo_surgery(problem.mean, problem.log_var, prior, n_samples=4, generator=generator)

    def everything() -> object:
        measures = (mismatch, classifier_tests, kernel_test)
        return surgery(), [measure(cloud, prior) for measure in measures], active_units(problem.mean)

    cases = {
        "all of them": Case(everything),
        "ELBO surgery, 4 draws an image": Case(surgery),
        "holes and leaks, 5,000 draws": Case(lambda: mismatch(cloud, prior)),
        "two classifiers and their nulls, 5,000 draws": Case(lambda: classifier_tests(cloud, prior)),
        "MMD, 2,000 draws, 500 permutations": Case(lambda: kernel_test(cloud, prior)),
        "exact q(z) in the principal plane, 200 x 200 cells": Case(lambda: cloud_grid(cloud, plane.plane, part)),
    }
    timings = interleave(cases, repeats=3 if quick else 5)
    rows = [
        Row(name, timing, None if name == "all of them" else timings["all of them"]) for name, timing in timings.items()
    ]
    return Report(
        "statistics",
        f"Statistics of a model: {n:,} images, {DIM} dimensions",
        rows,
        ["All of them: surgery, holes and leaks, classifiers, MMD, active units. Pages keep the results."],
        {"images": n},
    )
