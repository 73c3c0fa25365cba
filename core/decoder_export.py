"""A decoder as numbers and a description of how to use them, so that it can run where there is no torch.

    h_0 = z;  a = W_l h_{l-1} + b_l;  h_l = a[:w] * sigmoid(a[w:])  for each gated layer of width w
    o = W h_L + b

bernoulli  o holds the log-odds of the pixels; the mean of p(x|z) is sigmoid(o), a draw is u < mean.
logistic   o holds locations and scales of the pixels: location m = sigmoid(o[:p]), log-scale s = soft bound of o[p:]
           within ``log_scale``; the mean is (1/2 + sum_{k=1}^{255} sigmoid((m - k/256) / exp(s))) / 256, a draw is
           (floor(256 (m + exp(s) logit(u))) + 1/2) / 256 with the floor kept within 0 to 255.

The uniform numbers u, one a pixel, come along: draws at two places differ by the places and not by their noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from core.decoders import LOG_SCALE_HIGH, LOG_SCALE_LOW, BernoulliDecoder, LogisticDecoder
from core.nn import GatedDense

SMALLEST_NOISE = 1e-6
"""Uniform numbers keep this distance from 0 and 1, as the likelihood's own draws do."""


def why_not(decoder: nn.Module) -> str | None:
    """Why a decoder cannot be exported, None where it can."""
    if not isinstance(decoder, (BernoulliDecoder, LogisticDecoder)):
        return "its decoder is not a stack of gated dense layers"
    if not all(isinstance(layer, GatedDense) for layer in decoder.body):
        return "its decoder has layers that are not gated dense layers"
    return None


@torch.no_grad()
def export(
    decoder: nn.Module, image_shape: tuple[int, int, int], *, seed: int = 0
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The layout and the arrays of a decoder, in the order in which they are used.

    Args:
        decoder: z (n, d) to a distribution over (pixels,).
        image_shape: (channels, height, width).
        seed: of the uniform numbers.

    Returns:
        ``{"likelihood", "image_shape", "widths", "log_scale"}``, the widths from d to the last gated layer's, and
        float32 arrays ``weight0``, ``bias0``, ... of the gated layers (2 w, inputs), ``head_weight``, ``head_bias``,
        ``noise`` (pixels,).

    Raises:
        ValueError: where it cannot be exported.
    """
    if (reason := why_not(decoder)) or not isinstance(decoder, (BernoulliDecoder, LogisticDecoder)):
        raise ValueError(f"decoder {type(decoder).__name__} cannot be exported: {reason}")
    arrays: dict[str, np.ndarray] = {}
    widths = []
    for k, layer in enumerate(decoder.body):
        assert isinstance(layer, GatedDense)  # as ``why_not`` found
        pair = layer.pair
        arrays[f"weight{k}"], arrays[f"bias{k}"] = _float32(pair.weight), _float32(pair.bias)
        widths.append(pair.in_features)
    arrays["head_weight"], arrays["head_bias"] = _float32(decoder.head.weight), _float32(decoder.head.bias)
    widths.append(decoder.head.in_features)
    pixels = int(np.prod(image_shape))
    noise = torch.rand(pixels, generator=torch.Generator().manual_seed(seed))
    arrays["noise"] = noise.clamp(SMALLEST_NOISE, 1 - SMALLEST_NOISE).numpy()
    meta = {
        "likelihood": "bernoulli" if isinstance(decoder, BernoulliDecoder) else "logistic",
        "image_shape": list(image_shape),
        "widths": widths,
        "log_scale": [LOG_SCALE_LOW, LOG_SCALE_HIGH],
    }
    return meta, arrays


def _float32(parameter: torch.Tensor) -> np.ndarray:
    return parameter.detach().float().cpu().numpy().copy()
