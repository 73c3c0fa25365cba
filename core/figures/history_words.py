"""What is said of a training: one epoch in numbers, and where it led."""

from __future__ import annotations

from core.history_records import Course, Moment
from core.intervals import Z_95
from core.records import Estimate


def moment_sentence(course: Course, index: int) -> str:
    """One epoch: weight of the KL, marginal KL beside its null, validation ELBO."""
    moment = course.moments[index]
    head = f"Epoch {moment.epoch:,}" + (" (the initialisation)" if moment.epoch == 0 else f", β = {moment.beta:.3g}")
    head += " (the model that was kept)" if moment.epoch == course.kept else ""
    return (
        f"{head}: marginal KL {_interval(moment.marginal_kl)} nats, {_null(moment)}; validation ELBO "
        f"{_interval(moment.validation_elbo)} nats per image."
    )


def course_sentence(course: Course) -> str:
    """From which marginal KL to which, and from which epoch on it is no more than a perfect prior's."""
    first, last = course.moments[0], course.moments[-1]
    kept = next((moment for moment in course.moments if moment.epoch == course.kept), last)
    worst = max(course.moments, key=lambda moment: moment.marginal_kl.value)
    words = (
        f"The marginal KL is {first.marginal_kl} nats at epoch {first.epoch:,}, at most {worst.marginal_kl} at epoch "
        f"{worst.epoch:,} and {kept.marginal_kl} at epoch {kept.epoch:,}, the model that was kept"
    )
    reached = _reached(course, kept)
    return f"{words}; {reached}." if reached else f"{words}."


def _reached(course: Course, kept: Moment) -> str:
    """Whether, and since when, the prior cannot be told from a perfect one; "" where that is not known."""
    if kept.marginal_kl_null is None:
        return ""
    if not _as_perfect(kept):
        return f"a perfect prior would have about {kept.marginal_kl_null} there"
    since = kept
    for moment in reversed([moment for moment in course.moments if moment.epoch <= kept.epoch]):
        if not _as_perfect(moment):
            break
        since = moment
    return f"from epoch {since.epoch:,} on that is no more than a perfect prior would have with these images"


def _as_perfect(moment: Moment) -> bool:
    """Whether the 95 % interval of the marginal KL reaches down to its null."""
    null = moment.marginal_kl_null
    return null is not None and moment.marginal_kl.value - Z_95 * moment.marginal_kl.se <= null.value


def _null(moment: Moment) -> str:
    if moment.marginal_kl_null is None:
        return "what a perfect prior would give is not known"
    return f"a perfect prior would give about {moment.marginal_kl_null.value:.3f}".replace("-", "−")


def _interval(value: Estimate) -> str:
    """The value with its 95 % interval."""
    digits = 3 if value.se < 0.01 else 2
    low, high = value.value - Z_95 * value.se, value.value + Z_95 * value.se
    return f"{value.value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]".replace("-", "−")
