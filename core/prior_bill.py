"""What a flow prior costs a VAE: a training step asks for log p(z) of the encoder's z, generating asks for draws.

MAF pays for the draws, IAF for every single training step; couplings pay for neither.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Generator

from core.build import build
from core.config import ModelConfig, PriorConfig
from core.flow_timing_models import matching_widths, sharpen
from core.flow_timing_records import FlowTimingSettings
from core.flow_timing_settings import SLOW_S
from core.flows.inversion import set_inversion
from core.ladder_fit import fitted_numbers
from core.prior_bill_records import BilledPrior, BillMethod, BillRun, BillSettings, Cost, PriorBill
from core.prior_bill_settings import COUPLING_ALONE, KNOWN, check_bill_settings
from core.priors.flow import FlowPrior
from core.progress import OnProgress
from core.timing import Case, as_progress, interleave, machine, now, threads
from core.vae import VAE

RATE = 1e-9
"""Learning rate: so small that a thousand steps change nothing, while Adam does all of its work."""

_CASES = ("step", "density", "sampling", "generating")
"""In the order of the fields of ``PriorBill``."""


def measure_bill(settings: BillSettings, on_progress: OnProgress | None = None) -> BillRun:
    """Time a training step and 1,000 generated samples for every prior, method and dimension, in turns.

    The images are noise: what they show changes no time. The flows have random weights like those of ``flow_timing``.

    Args:
        settings: what to measure.
        on_progress: told the milliseconds of measuring that are done and are to do.

    Raises:
        ValueError: for settings that cannot be timed, saying what to do.
    """
    check_bill_settings(settings, cores=os.cpu_count() or 1)
    report = on_progress or (lambda *_: None)
    report(0, 0, "making the models")
    stamp, where = now(), machine()
    with threads(settings.threads):
        made = _models(settings)
        cases = {
            f"{place} {name}": Case(run)
            for place, (_, _, _, vae) in enumerate(made)
            for name, run in _runs(vae, settings).items()
        }
        report(0, 0, "warm-up")
        found = interleave(
            cases,
            repeats=settings.repeats,
            warmup=2,
            slow_s=SLOW_S,
            grad=True,
            on_time=as_progress(report),
        )
    bills = tuple(
        _bill(prior, method, dim, vae, [found[f"{place} {name}"].wall for name in _CASES])
        for place, (prior, method, dim, vae) in enumerate(made)
    )
    left_out = (COUPLING_ALONE,) if 1 in settings.dims and "realnvp" in settings.priors else ()
    return BillRun(stamp, settings, where, bills, left_out)


def _models(settings: BillSettings) -> list[tuple[BilledPrior, BillMethod, int, VAE]]:
    """Every prior, method and d with its model."""
    return [
        (prior, method, dim, vae)
        for dim in settings.dims
        for prior in KNOWN
        if prior in settings.priors and (prior != "realnvp" or dim > 1)
        for method, vae in _with_methods(prior, make_vae(settings, prior, dim))
    ]


def make_vae(settings: BillSettings, prior: BilledPrior, dim: int) -> VAE:
    """A new VAE with a bent flow as its prior."""
    options: dict[str, str | int | float | bool] = {}
    if prior != "standard":
        options = {"layers": settings.layers, "hidden": _width(settings, prior, dim)}
    config = ModelConfig(
        image_shape=(1, 1, settings.pixels),
        likelihood="bernoulli",
        latent_dim=dim,
        hidden=settings.hidden,
        prior=PriorConfig(kind=prior, options=options),
    )
    generator = Generator().manual_seed(settings.seed)
    vae = build(config, generator=generator)
    if isinstance(vae.prior, FlowPrior):
        sharpen(vae.prior.flow, FlowTimingSettings().sharpness, generator)
    return vae


def _bill(prior: BilledPrior, method: BillMethod, dim: int, vae: VAE, walls: Sequence[Sequence[float]]) -> PriorBill:
    """From the seconds of ``_CASES``, in their order."""
    step, density, sampling, generating = (Cost(tuple(float(f"{second:.3g}") for second in wall)) for wall in walls)
    one = 0 if prior == "standard" else 1
    passes = (dim if prior == "iaf" else one, dim if prior == "maf" else one)
    return PriorBill(prior, method, dim, fitted_numbers(vae.prior), step, density, sampling, generating, *passes)


def _width(settings: BillSettings, prior: BilledPrior, dim: int) -> int:
    """Of the two hidden layers of each of the flow's networks."""
    if prior != "realnvp":
        return settings.width
    shape = FlowTimingSettings(hidden=(settings.width, settings.width), layers=settings.layers)
    return matching_widths("realnvp", dim, shape)[0]


def _with_methods(prior: BilledPrior, vae: VAE) -> list[tuple[BillMethod, VAE]]:
    """The model with the textbook's inversion and with the default one; once where there is nothing to choose."""
    if prior not in ("maf", "iaf"):
        return [("", vae)]
    naive = copy.deepcopy(vae)
    set_inversion(naive, "naive")
    return [("naive", naive), ("default", vae)]


def _runs(vae: VAE, settings: BillSettings) -> dict[str, Callable[[], object]]:
    generator = Generator().manual_seed(settings.seed + 1)
    x = torch.bernoulli(torch.full((settings.batch, settings.pixels), 0.5), generator=generator)
    optimizer = torch.optim.Adam(vae.parameters(), lr=RATE, fused=True)
    with torch.no_grad():
        z = vae.posterior(x).sample(1, generator=generator)[0]

    def step() -> None:
        loss = -vae.elbo(x, generator=generator).elbo.mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def density() -> None:
        leaf = z.detach().requires_grad_()
        wanted = [leaf, *vae.prior.parameters()]
        torch.autograd.grad(vae.prior.log_prob(leaf).sum(), wanted)

    return {
        "step": step,
        "density": density,
        "sampling": partial(vae.prior.sample, settings.samples, generator=generator),
        "generating": partial(vae.generate, settings.samples, generator=generator),
    }
