"""A training as text that a spreadsheet reads: one line a snapshot."""

from __future__ import annotations

from core.history_records import Course
from core.tables import write_csv


def course_csv(course: Course) -> str:
    """Epoch, weight of the KL, whether it was kept, marginal KL, its null and validation ELBO with their errors."""
    header = ["epoch", "beta", "kept", "marginal KL, nats", "its standard error", "null, nats", "its standard error"]
    header += ["validation ELBO, nats per image", "its standard error"]
    lines = []
    for moment in course.moments:
        null = moment.marginal_kl_null
        line = [moment.epoch, moment.beta, int(moment.epoch == course.kept)]
        line += [moment.marginal_kl.value, moment.marginal_kl.se]
        line += ["", ""] if null is None else [null.value, null.se]
        lines.append([*line, moment.validation_elbo.value, moment.validation_elbo.se])
    return write_csv(header, lines)
