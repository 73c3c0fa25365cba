"""The exported decoder once more, in plain numpy, from what is said of it in core.decoder_export."""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(value: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-value)), without overflow."""
    return 0.5 * (1 + np.tanh(value / 2))


def decode(meta: dict[str, Any], arrays: dict[str, np.ndarray], z: np.ndarray, *, drawn: bool = False) -> np.ndarray:
    """(n, d) codes to (n, pixels) means of p(x|z), or draws of it from the noise that came along."""
    hidden, pixels = z.astype(np.float64), int(np.prod(meta["image_shape"]))
    for k, width in enumerate(meta["widths"][1:]):
        pair = hidden @ arrays[f"weight{k}"].astype(np.float64).T + arrays[f"bias{k}"]
        hidden = pair[:, :width] * sigmoid(pair[:, width:])
    output = hidden @ arrays["head_weight"].astype(np.float64).T + arrays["head_bias"]
    noise = arrays["noise"].astype(np.float64)
    if meta["likelihood"] == "bernoulli":
        mean = sigmoid(output)
        return (noise < mean).astype(np.float64) if drawn else mean
    low, high = meta["log_scale"]
    middle, half = (low + high) / 2, (high - low) / 2
    location = sigmoid(output[:, :pixels])
    scale = np.exp(middle + half * np.tanh((output[:, pixels:] - middle) / half))
    if drawn:
        level = np.floor(256 * (location + scale * np.log(noise / (1 - noise)))).clip(0, 255)
        return (level + 0.5) / 256
    above = sum(sigmoid((location - k / 256) / scale) for k in range(1, 256))
    return (0.5 + above) / 256
