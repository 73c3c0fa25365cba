"""What can be timed, and about how long that takes: refusals and estimates, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from core.flow_timing_records import FlowTimingSettings

MAX_DIMS, MAX_DIM = 16, 1024
MAX_BATCH, MAX_WIDTH, MAX_LAYERS, MAX_REPEATS, MAX_CORES = 100_000, 4096, 32, 1000, 4096
MEMORY_LIMIT = 2 * 1024**3
"""Bytes that a run may need by the estimate below."""
MAX_SHARPNESS = 0.2
TIME_LIMIT_S = 3600.0
"""Seconds that a run may take by the estimate below."""

SLOW_S = 1.0
"""A case that takes longer than this gets fewer repeats."""

COUPLING_ALONE = "realnvp and nice at d = 1: a coupling needs two coordinates, one of them to be kept"

_PASSES = {"naive": None, "incremental": 3.0, "fixed_point": 12.0}  # in times of one pass, roughly; None: d
_FLOPS, _OP_S = {"cpu": 3e10, "cuda": 3e12}, 1e-4  # rates of a slow one, and what a layer costs however small it is


def check_settings(settings: FlowTimingSettings, *, cores: int = MAX_CORES) -> None:
    """Refuse what cannot be timed.

    Args:
        settings: of a run.
        cores: of the machine, the most threads that make sense.

    Raises:
        ValueError: naming the setting, what came, what was expected and what to do.
    """
    s = settings
    if not 1 <= len(s.dims) <= MAX_DIMS or list(s.dims) != sorted(set(s.dims)):
        raise ValueError(f"dims is {_short(s.dims)}, expected 1 to {MAX_DIMS} different dimensions, ascending")
    if not 1 <= len(s.hidden) <= 4:
        raise ValueError(f"hidden is {_short(s.hidden)}, expected the widths of 1 to 4 layers")
    for limit in (
        ("dims", s.dims, MAX_DIM),
        ("hidden", s.hidden, MAX_WIDTH),
        ("batch", (s.batch,), MAX_BATCH),
        ("layers", (s.layers,), MAX_LAYERS),
        ("repeats", (s.repeats,), MAX_REPEATS),
        ("threads", (s.threads,), cores),
    ):
        require_within(*limit)
    if not s.methods or set(s.methods) - set(_PASSES) or len(set(s.methods)) < len(s.methods):
        raise ValueError(f"methods is {_short(s.methods)}, expected some of {', '.join(_PASSES)}, each once")
    if s.dtype not in ("float32", "float64"):
        raise ValueError(
            f"dtype is {_short(s.dtype)}, expected float32 or float64: with fewer digits an inversion is no inversion"
        )
    if s.device not in ("cpu", "cuda"):
        raise ValueError(f"device is {_short(s.device)}, expected cpu or cuda")
    if not 0 <= s.seed < 2**31:
        raise ValueError(f"seed is {s.seed}, expected 0 to {2**31 - 1}")
    if not 0 < s.sharpness <= MAX_SHARPNESS:
        raise ValueError(
            f"sharpness is {s.sharpness}, expected over 0 and at most {MAX_SHARPNESS}: the samples of sharper random "
            "flows run away"
        )


def estimate_seconds(settings: FlowTimingSettings) -> float:
    """About how long a run takes on one core of an ordinary computer, within a factor of three, in seconds."""
    total = 0.0
    for dim in settings.dims:
        one = _pass_seconds(settings, dim)
        single = 9 * [one] if dim > 1 else 3 * [one]  # couplings three times each, MAF one task, IAF two
        passes = [dim if _PASSES[method] is None else min(_PASSES[method] or 0, dim + 2) for method in settings.methods]
        for seconds in (*single, *(3 * count * one for count in passes)):
            repeats = settings.repeats if seconds <= SLOW_S else max(3.0, settings.repeats * SLOW_S / seconds)
            total += (min(repeats, settings.repeats) + 2) * max(seconds, 2e-3)
    return total


def estimate_bytes(settings: FlowTimingSettings) -> int:
    """Memory of all flows with the copies that the inversions keep, and of the activations of the largest batch."""
    size = 8 if settings.dtype == "float64" else 4
    weights = sum(4 * 3 * settings.layers * _weights(settings, dim) for dim in settings.dims)
    widest = max(*settings.hidden, 4 * max(settings.dims))
    return size * (weights + 6 * settings.batch * widest)


def require_within(name: str, values: Sequence[int], most: int) -> None:
    """Refuse a setting any of whose values is not between 1 and ``most``.

    Raises:
        ValueError: naming the setting, what came and what was expected.
    """
    if wrong := [value for value in values if not 1 <= value <= most]:
        reason = ", one for each core" if name == "threads" else ""
        raise ValueError(f"{name} is {wrong[0]}, expected 1 to {most}{reason}")


def check_budget(settings: FlowTimingSettings) -> None:
    """Refuse a run that needs too much memory or time.

    Raises:
        ValueError: saying how much, and what to lower.
    """
    if (needed := estimate_bytes(settings)) > MEMORY_LIMIT:
        raise ValueError(
            f"this run needs about {needed / 1024**3:.1f} GiB, at most {MEMORY_LIMIT / 1024**3:.0f} are allowed: "
            "lower batch, hidden or layers, or leave out the largest dims"
        )
    if (seconds := estimate_seconds(settings)) > TIME_LIMIT_S:
        raise ValueError(
            f"this run takes about {seconds / 60:.0f} minutes, at most {TIME_LIMIT_S / 60:.0f} are allowed: "
            "leave out the method naive or the largest dims, or lower batch or repeats"
        )


def _weights(settings: FlowTimingSettings, dim: int) -> int:
    """Of one layer's network."""
    widths = (dim, *settings.hidden, 2 * dim)
    return sum(before * after for before, after in pairwise(widths))


def _pass_seconds(settings: FlowTimingSettings, dim: int) -> float:
    slower = 2 if settings.dtype == "float64" else 1
    work = 2 * settings.batch * (_weights(settings, dim) + 20 * (dim + sum(settings.hidden)))
    return settings.layers * (_OP_S + slower * work / _FLOPS[settings.device])


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
