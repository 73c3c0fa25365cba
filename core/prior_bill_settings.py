"""What a prior's bill can be measured for: refusals, no torch."""

from __future__ import annotations

from core.flow_timing_settings import MAX_CORES, MAX_DIMS, MAX_REPEATS, require_within
from core.prior_bill_records import BILLED_PRIORS, BilledPrior, BillSettings

KNOWN: tuple[BilledPrior, ...] = ("standard", *BILLED_PRIORS)
MAX_DIM = 256
"""Largest d: the textbook inversion keeps the activations of d passes a layer for the gradients."""
MAX_ACTIVATIONS = 2**29
"""Numbers that these may be, at most: 2 GiB."""

COUPLING_ALONE = "realnvp at d = 1: a coupling needs two coordinates, one of them to be kept"


def check_bill_settings(settings: BillSettings, *, cores: int = MAX_CORES) -> None:
    """Refuse what cannot be measured.

    Args:
        settings: of a run.
        cores: of the machine, the most threads that make sense.

    Raises:
        ValueError: naming the setting, what came, what was expected and what to do.
    """
    s = settings
    if not 1 <= len(s.dims) <= MAX_DIMS or list(s.dims) != sorted(set(s.dims)):
        raise ValueError(f"dims is {str(s.dims)[:60]}, expected 1 to {MAX_DIMS} different dimensions, ascending")
    if not s.priors or len(set(s.priors)) < len(s.priors) or set(s.priors) - set(KNOWN):
        raise ValueError(f"priors is {str(s.priors)[:60]}, expected some of {', '.join(KNOWN)}, each once")
    if s.dims == (1,) and s.priors == ("realnvp",):
        raise ValueError(f"nothing is left to measure: {COUPLING_ALONE}; ask for more dims")
    if not 1 <= len(s.hidden) <= 8:
        raise ValueError(f"hidden is {str(s.hidden)[:60]}, expected the widths of 1 to 8 layers")
    for limit in (
        ("dims", s.dims, MAX_DIM),
        ("batch", (s.batch,), 10_000),
        ("samples", (s.samples,), 100_000),
        ("pixels", (s.pixels,), 10_000),
        ("hidden", s.hidden, 4096),
        ("layers", (s.layers,), 32),
        ("width", (s.width,), 2048),
        ("repeats", (s.repeats,), MAX_REPEATS),
        ("threads", (s.threads,), cores),
    ):
        require_within(*limit)
    if not 0 <= s.seed < 2**31:
        raise ValueError(f"seed is {s.seed}, expected 0 to {2**31 - 1}")
    dim = max(s.dims)
    if (numbers := s.batch * dim * s.layers * (4 * s.width + 8 * dim)) > MAX_ACTIVATIONS:
        raise ValueError(
            f"the textbook inversion would keep {numbers:,} numbers for the gradients, at most {MAX_ACTIVATIONS:,} "
            "are allowed: lower batch, layers or width, or leave out the largest dims"
        )
