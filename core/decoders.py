"""p(x|z): a decoder network and the likelihood it parameterises. The likelihood belongs here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from core.distributions import Bernoulli, DiscretizedLogistic, Distribution
from core.nn import full_precision, gated_mlp, he_init, soft_bound

LOG_SCALE_LOW, LOG_SCALE_HIGH = -4.5, 0.0
"""Range of the logistic's log-scale, as in the VampPrior reference code, with a soft bound."""


class BernoulliDecoder(nn.Module):
    """Binary pixels: gated dense layers to the log-odds of each pixel."""

    def __init__(self, dim: int, pixels: int, hidden: Sequence[int] = (300, 300)) -> None:
        super().__init__()
        self.body = gated_mlp(dim, hidden)
        self.head = nn.Linear(hidden[-1], pixels)
        he_init(self)

    def forward(self, z: Tensor) -> Bernoulli:
        """(n, d) -> n distributions over (pixels,)."""
        return self.from_body(self.body(z))

    def from_body(self, features: Tensor) -> Bernoulli:
        """(n, hidden[-1]), what ``body`` gives, -> n distributions over (pixels,)."""
        return Bernoulli(full_precision(self.head(features)))


class LogisticDecoder(nn.Module):
    """256 grey levels: gated dense layers to location and scale of a discretised logistic for each pixel."""

    def __init__(self, dim: int, pixels: int, hidden: Sequence[int] = (300, 300)) -> None:
        super().__init__()
        self.body = gated_mlp(dim, hidden)
        self.head = nn.Linear(hidden[-1], 2 * pixels)
        he_init(self)

    def forward(self, z: Tensor) -> DiscretizedLogistic:
        """(n, d) -> n distributions over (pixels,)."""
        location, raw = full_precision(self.head(self.body(z))).chunk(2, dim=-1)
        return DiscretizedLogistic(location.sigmoid(), soft_bound(raw, LOG_SCALE_LOW, LOG_SCALE_HIGH))


DECODERS: dict[str, type[nn.Module]] = {"bernoulli": BernoulliDecoder, "logistic": LogisticDecoder}
"""By likelihood. A decoder maps (n, d) to a Distribution over (pixels,)."""

__all__ = ["DECODERS", "BernoulliDecoder", "Distribution", "LogisticDecoder"]
