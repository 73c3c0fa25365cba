"""Weights in half precision, measured as they are stored."""

from __future__ import annotations

from core.vae import VAE


def round_to_half(vae: VAE) -> None:
    """Round every number of a model to half precision, in place, so that storing it in half precision changes nothing.

    Two rounds: a prior that keeps components of the encoder's making recomputes them from the rounded weights first.
    """
    for _ in range(2):
        state = vae.eval().state_dict()
        vae.load_state_dict({name: value.half().to(value.dtype) for name, value in state.items()})
