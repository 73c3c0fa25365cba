"""What the dimensions of a code tell of the images, and what they cost, in words."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from core.records import DimensionInformation

if TYPE_CHECKING:
    from core.metrics.per_dimension import PerDimension


def dimensions_sentence(
    name: str, used: DimensionInformation, split: PerDimension | None, threshold: float, *, no_split: str
) -> str:
    """How many dimensions are active, what the most telling one tells, and where it can be said what they cost.

    Args:
        name: of the model.
        used: information and activity of each dimension.
        split: of the KL by dimension, where the prior is a product over them.
        threshold: of activity.
        no_split: what is said where there is none.
    """
    active, count = sum(value > threshold for value in used.activity), len(used.activity)
    most = max(used.information, key=lambda each: each.value)
    middle = statistics.median(each.value for each in used.information)
    told = f"The most telling one alone holds {most} nats of information, the median one {middle:z.2f}"
    if count == 1:
        told = f"It holds {most} nats of information"
    lead = (
        f"{name}: {active} of {count} dimension{'' if count == 1 else 's'} {'is' if active == 1 else 'are'} active. "
        f"{told}; 0 is nothing, and log n = {math.log(used.n):.2f} tells every image."
    )
    if count == 1:
        return lead
    if split is None:
        return f"{lead} {no_split}"
    null = "far from 0 with independent ones too: so few posteriors in so many dimensions are never a product"
    if split.total_correlation_null is not None:
        null = f"about {split.total_correlation_null} with independent ones and as many images"
    return (
        f"{lead} The marginal KL of {split.total} nats is {split.total_correlation} of dependence between dimensions "
        f"({null}) and the rest the marginals' own ({split.draws:,} draws)."
    )
