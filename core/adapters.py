"""Models that were trained elsewhere: their latents as a file, or the whole model behind this project's protocols.

Nothing here reads a foreign checkpoint: its owner loads it, with the code that belongs to it, and hands over callables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.distributions import Bernoulli, DiagonalNormal
from core.posteriors.base import Posterior
from core.posteriors.gaussian import GaussianOptions
from core.priors import Prior
from core.shapes import Images, Latents
from core.vae import VAE

Encode = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Images, as their owner's loader gives them, to mean (n, d) and log-variance (n, d) of q(z|x)."""


@torch.no_grad()
def export_latents(
    encode: Encode, batches: Iterable[Tensor | Sequence[Any]], file: Path | str, *, keep_images: bool = False
) -> int:
    """Write what ``python -m core import-latents`` reads: mean, log_var, labels where there are any, images if asked.

    Args:
        encode: the encoder; put it into evaluation mode first. A deterministic one has no log-variance: give a
            constant, which docs/how-to/bring-your-own-model.md helps to choose.
        batches: images (n, ...), or pairs of images and labels (n,), as a ``DataLoader`` gives them. Images that are to
            be kept are (n, height, width), (n, c, height, width) or (n, height, width, c), floats from 0 to 1 or uint8.
        file: to write, ending in .npz.
        keep_images: whether the images are stored beside their codes, so that pages can show them.

    Returns:
        The number of images.

    Raises:
        ValueError: without a batch, for another ending, or where the encoder does not give two equal (n, d).
    """
    if Path(file).suffix != ".npz":
        raise ValueError(f"file is {str(file)!r}, expected a name that ends in .npz")
    columns: dict[str, list[np.ndarray]] = {}
    for batch in batches:
        images, labels = (
            (batch, None) if isinstance(batch, Tensor) else (batch[0], batch[1] if len(batch) > 1 else None)
        )
        mean, log_var = encode(images)
        _require_pair(mean, log_var, len(images))
        found = {"mean": mean.float(), "log_var": log_var.float(), "labels": labels}
        found["images"] = images if keep_images else None
        for name, values in found.items():
            if values is not None:
                columns.setdefault(name, []).append(np.asarray(torch.as_tensor(values).cpu()))
    if not columns:
        raise ValueError("batches is empty, expected one batch of images or more")
    arrays = {name: np.concatenate(parts) for name, parts in columns.items()}
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # the stub takes allow_pickle for an array
    return len(arrays["mean"])


def adapt(encode: Encode, decode: Callable[[Tensor], Tensor], prior: Prior) -> VAE:
    """A foreign encoder and decoder behind the protocols of ``core.vae``: everything in ``core.metrics`` takes it.

    It is no checkpoint: a checkpoint is built again from its configuration, and these networks have none.

    Args:
        encode: flat images (n, pixels) in [0, 1] to mean and log-variance of q(z|x), (n, d) each.
        decode: codes (n, d) to the log-odds of every pixel, (n, pixels).
        prior: p(z), such as ``PRIORS["standard"].from_config({}, context)``.

    Returns:
        The model, in evaluation mode.
    """
    return VAE(_Encoder(encode), prior, _Decoder(decode)).eval()


class _Encoder(Posterior):
    """A callable as a posterior; a module keeps its parameters."""

    def __init__(self, encode: Encode) -> None:
        super().__init__(GaussianOptions())
        self.encode = encode
        self.place = nn.Parameter(torch.empty(0), requires_grad=False)  # tells where the model is: a callable cannot

    def forward(self, x: Images) -> DiagonalNormal:
        """(n, pixels) -> n Gaussians over (d,)."""
        mean, log_var = self.encode(x)
        _require_pair(mean, log_var, len(x))
        return DiagonalNormal(mean, log_var)


class _Decoder(nn.Module):
    """A callable as the decoder of binary images."""

    def __init__(self, decode: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.decode = decode

    def forward(self, z: Latents) -> Bernoulli:
        """(n, d) -> n distributions over (pixels,)."""
        return Bernoulli(self.decode(z))


def _require_pair(mean: Tensor, log_var: Tensor, n: int) -> None:
    if mean.ndim != 2 or mean.shape != log_var.shape or len(mean) != n:
        raise ValueError(
            f"the encoder gave mean {tuple(mean.shape)} and log_var {tuple(log_var.shape)} for {n} images, expected "
            f"({n}, d) for both"
        )
