"""Turning an autoregressive layer round: from u to the z whose parameters depend on z itself."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Conditioner = Callable[[Tensor], tuple[Tensor, Tensor]]
"""z (n, d) -> shift and log-scale, (n, d) each; entry i depends on z before i only."""


def naive(u: Tensor, conditioner: Conditioner) -> tuple[Tensor, Tensor]:
    """The textbook algorithm: d passes of the whole network, z_i being right after pass i.

    Exact, and so are its gradients: the conditioner's Jacobian is strictly triangular, so d steps of the fixed-point
    map leave no error. Nothing is written in place, so autograd runs through.

    Args:
        u: (n, d).
        conditioner: the masked network.

    Returns:
        z (n, d) with z_i = u_i exp(log_scale_i(z)) + shift_i(z), and the log-scale at z, (n, d).
    """
    z = torch.zeros_like(u)
    log_scale = torch.zeros_like(u)
    for _ in range(u.shape[1]):
        shift, log_scale = conditioner(z)
        z = u * torch.exp(log_scale) + shift
    return z, log_scale
