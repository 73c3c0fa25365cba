"""How numbers are written."""

import pytest

from core.records import Estimate


@pytest.mark.parametrize(
    ("value", "se", "text"),
    [(-132.387, 0.481, "−132.39 ± 0.48"), (0.1358, 0.0038, "0.136 ± 0.004"), (9.2103, 0.0, "9.21 ± 0.00")],
)
def test_an_error_is_never_rounded_to_nothing(value: float, se: float, text: str) -> None:
    assert str(Estimate(value, se)) == text
