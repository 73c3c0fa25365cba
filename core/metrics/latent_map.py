"""What a decoder makes of the whole latent plane, coarsely, kept to be asked for one image after another.

Where an image's posterior lies is found by looking everywhere, modes that the encoder does not know of among them. With
gated layers and Bernoulli pixels most of that is the same for all images: log p(x|z) is the product of the last hidden
layer at z with the image mapped back to it, minus a normaliser that no image changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from core.decoders import BernoulliDecoder
from core.metrics.quadrature import NODES, log_joint
from core.metrics.squares import Squares, whole
from core.shapes import Images
from core.vae import VAE

MOST = 2**14
"""Squares of a map, at most, but for its margin."""
REACH = 6.0
"""Standard deviations around the mean of a posterior's draws that the map includes."""
DRAWS, PRIOR_DRAWS = 16, 5000
"""Draws of each posterior, and of the prior, that tell how far the plane reaches."""
ENOUGH = 2000
"""Images, spread evenly over those that are to be covered, whose posteriors are looked at for that, or more. One of
the others that lies beyond is noticed when it is asked for."""
NARROW = 0.5
"""Side of a square, in standard deviations of the narrowest posterior, where that needs fewer than ``MOST``."""
MARGIN = 2
"""Rings of squares added around."""


class LatentMap:
    """log p(x, z) of any image at the centres of squares that cover the prior and some posteriors.

    Args:
        vae: in evaluation mode, with two latent dimensions.
        x: (n, pixels), images whose posteriors the map has to cover.
        rings: of further squares around.
        seed: of the draws that tell how far it reaches.
    """

    @torch.inference_mode()
    def __init__(self, vae: VAE, x: Images, *, rings: int = MARGIN, seed: int = 0) -> None:
        self.vae = vae
        self.squares = _cover(vae, x, rings, seed)
        self.centres = self.squares.centres()
        place = self.squares.place
        self.border = ((place == place.amin(0)) | (place == place.amax(0))).any(1)
        self._dense = _Dense(vae, vae.decoder, self._parts()) if isinstance(vae.decoder, BernoulliDecoder) else None

    def log_joint(self, x: Images) -> Tensor:
        """log p(x, z) of one image (1, pixels) at the centre of every square, (m,) float64.

        Hidden layers are kept in half precision: these values tell where to look, and count where next to nothing is.
        """
        if self._dense is not None:
            return self._dense.log_joint(x[0])
        return log_joint(self.vae, x, self.centres)

    def holds(self, z: Tensor) -> bool:
        """Whether all of some places (n, 2) lie in it, none of them at its border."""
        place = ((z.double().cpu() - self.squares.low) / self.squares.side).floor()
        return bool(((place > 0) & (place < self.squares.place.amax(0))).all())

    def _parts(self) -> Sequence[Tensor]:
        return self.centres.to(next(self.vae.parameters())).split(NODES)


class _Dense:
    """The last hidden layer at some places, and what of log p(x, z) there no image changes."""

    def __init__(self, vae: VAE, decoder: BernoulliDecoder, parts: Sequence[Tensor]) -> None:
        self.head = decoder.head
        features = [decoder.body(part) for part in parts]
        self.features = torch.cat([one.half() for one in features])
        self.constant = torch.cat(
            [vae.prior.log_prob(part) - decoder.from_body(one).log_normaliser()
             for part, one in zip(parts, features, strict=True)]
        )  # fmt: skip

    def log_joint(self, x: Tensor) -> Tensor:
        """(m,) float64 of one image (pixels,)."""
        back, shift = x @ self.head.weight, x @ self.head.bias
        rows = [part.to(back) @ back for part in self.features.split(NODES)]
        return (torch.cat(rows) + shift + self.constant).double().cpu()


def _cover(vae: VAE, x: Images, rings: int, seed: int) -> Squares:
    generator = torch.Generator().manual_seed(seed)
    points = vae.prior.sample(PRIOR_DRAWS, generator=generator).cpu().double()
    some = x[:: max(1, len(x) // ENOUGH)].to(next(vae.parameters()))
    z = vae.posterior(some).sample(DRAWS, generator=generator).cpu().double()  # (S, n, 2)
    mean, scale = z.mean(0), z.std(0)
    around = torch.cat([mean - REACH * scale, mean + REACH * scale, points])
    low, extent = around.amin(0), around.amax(0) - around.amin(0)
    side = max(NARROW * float(scale.min()), math.sqrt(float(extent.prod()) / MOST))
    counts = (extent / side).ceil().long() + 2 * rings
    low = low - (counts * side - extent) / 2  # what is added is added on both sides
    return whole(low, side, (int(counts[0]), int(counts[1])))
