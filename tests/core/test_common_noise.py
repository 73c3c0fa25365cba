"""Equal seeds give priors of one dimension the same Gaussian noise, so that their draws can be compared."""

from __future__ import annotations

import pytest
from torch.overrides import TorchFunctionMode

from core.priors import PRIORS
from tests.contracts import registered_prior, seeded


class RandomCalls(TorchFunctionMode):
    """Remembers every call that takes from a generator: its name and the size of what it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[str, tuple[int, ...]]] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        if (kwargs or {}).get("generator") is not None:
            self.made.append((func.__name__, tuple(found.shape)))
        return found


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("dim", [2, 5])
def test_what_is_made_of_gaussian_noise_takes_it_first(kind: str, dim: int) -> None:
    prior = registered_prior(kind)(dim)
    with RandomCalls() as calls:
        prior.sample(7, generator=seeded(9))
    assert calls.made[0] == ("randn", (7, dim)), calls.made
