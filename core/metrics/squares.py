"""Equal squares of one lattice over the latent plane, any of which can be cut into quarters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

RING = torch.cartesian_prod(torch.arange(-1, 2), torch.arange(-1, 2))
"""A square and its eight neighbours."""
QUARTERS = torch.cartesian_prod(torch.arange(2), torch.arange(2))
STRIDE = 2**31
"""Rows of a lattice further apart than any lattice is wide."""


@dataclass(frozen=True)
class Squares:
    """Some squares of a lattice.

    Attributes:
        low: (2,) float64, the corner that places are counted from.
        side: of a square, in latent units.
        place: (n, 2) int64, how many sides each square's lower corner lies from ``low``; ascending, none twice.
    """

    low: Tensor
    side: float
    place: Tensor

    def __len__(self) -> int:
        return len(self.place)

    def centres(self) -> Tensor:
        """(n, 2) float64."""
        return self.low + (self.place.double() + 0.5) * self.side

    def holding(self, z: Tensor) -> Tensor:
        """Which squares points (m, 2) lie in, (n,) bool."""
        return torch.isin(_key(self.place), _key(self._place_of(z)))

    def spread(self, chosen: Tensor) -> Tensor:
        """``chosen`` (n,) bool with the neighbours of what is chosen, as far as they are here."""
        around = (self.place[chosen][:, None] + RING).flatten(0, 1)
        return torch.isin(_key(self.place), _key(around))

    def quarters(self, chosen: Tensor) -> Squares:
        """The four quarters of each chosen square."""
        place = (2 * self.place[chosen][:, None] + QUARTERS).flatten(0, 1)
        return Squares(self.low, self.side / 2, place[_key(place).argsort()])

    def find(self, place: Tensor) -> Tensor:
        """The number of the square at each place (m, 2), (m,); -1 where there is none."""
        known, asked = _key(self.place), _key(place)
        at = torch.searchsorted(known, asked).clamp(max=len(known) - 1)
        return torch.where(known[at] == asked, at, -1)

    def parity(self) -> Tensor:
        """Which of the four lattices of twice the side each centre belongs to, (n,) 0 to 3."""
        return 2 * (self.place[:, 0] % 2) + self.place[:, 1] % 2

    def _place_of(self, z: Tensor) -> Tensor:
        return ((z.double().cpu() - self.low) / self.side).floor().long()


def whole(low: Tensor, side: float, counts: tuple[int, int]) -> Squares:
    """All squares of a lattice, ``counts`` along the two axes."""
    return Squares(low, side, torch.cartesian_prod(*[torch.arange(n) for n in counts]))


def _key(place: Tensor) -> Tensor:
    """One whole number for each place (n, 2), ascending as places do; also of places outside."""
    return place[:, 0] * STRIDE + place[:, 1]
